//! What stands for the converter in a program that was built without it.

use crate::error::{Error, Result};

/// A converter, of which there is none.
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
