//! What stands for the converter in a program that was built without it.

use crate::error::{Error, Result};

/// There is none.
#[derive(Debug, Clone)]
pub enum Converter {}

/// There is none.
pub enum Converted {}

impl Converter {
    pub fn new() -> Result<Self> {
        Err(Error::input(
            "--figures: this program was built without PNG and PDF; build it with `cargo build --release --features \
             figures`, or leave --figures out for SVG",
        ))
    }

    pub fn read(&self, _: &str, _: &str) -> Result<Converted> {
        match *self {}
    }
}

impl Converted {
    pub fn png(&self) -> Result<Vec<u8>> {
        match *self {}
    }

    pub fn pdf(&self) -> Result<Vec<u8>> {
        match *self {}
    }
}
