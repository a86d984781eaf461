//! The converter of a program that was built without PNG and PDF: making one is an error.

use crate::error::{Error, Result};

/// A converter that cannot be made.
#[derive(Debug, Clone)]
pub enum Converter {}

impl Converter {
    pub fn new() -> Result<Self> {
        Err(Error::input(
            "--figures: this program was built without PNG and PDF; build it with `cargo build --release --features \
             figures`, or leave --figures out for SVG",
        ))
    }

    pub fn png(&self, _: &str, _: &str) -> Result<Vec<u8>> {
        match *self {}
    }

    pub fn pdf(&self, _: &str, _: &str) -> Result<Vec<u8>> {
        match *self {}
    }
}
