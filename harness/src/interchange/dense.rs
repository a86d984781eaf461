//! Files of rows of single precision, written row by row.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::codes::{New, npy, safetensors_header};
use crate::error::{Error, Result};

/// A file of rows that is being written, whose number of rows is known from the start.
#[derive(Debug)]
pub struct Dense {
    file: New,
    /// The number of values that are still to come.
    left: u64,
}

impl Dense {
    /// Begins a file of `rows` rows of `width` values, whose name ends in `.npy` or `.safetensors`; in the latter, the
    /// rows are the tensor `name`.
    ///
    /// # Errors
    /// If the name ends in something else, the file is already there, or it cannot be written.
    pub fn create(path: &Path, name: &str, rows: u64, width: usize) -> Result<Dense> {
        let shape = [rows, width as u64];
        let left = rows * width as u64;
        let header = match path.extension().and_then(|e| e.to_str()) {
            Some("npy") => npy("<f4", &shape, b""),
            Some("safetensors") => safetensors_header(
                json!({name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * left]}}),
            ),
            _ => {
                return Err(Error::input(format!(
                    "rows are written as .npy or .safetensors, and {} ends in neither",
                    path.display()
                )));
            }
        };
        let mut file = New::create(path)?;
        file.write(|to| to.write_all(&header))?;
        Ok(Dense { file, left })
    }

    /// Adds some rows to the file.
    ///
    /// # Panics
    /// If there are more rows than were announced.
    pub fn add(&mut self, rows: &[f32]) -> Result<()> {
        self.left = self
            .left
            .checked_sub(rows.len() as u64)
            .expect("as many rows as announced");
        self.file.write(|to| {
            rows.iter()
                .try_for_each(|value| to.write_all(&value.to_le_bytes()))
        })
    }

    /// Gives the file its name.
    ///
    /// # Panics
    /// If rows are missing.
    pub fn finish(self) -> Result<()> {
        assert_eq!(self.left, 0, "rows are missing");
        self.file.finish()
    }
}
