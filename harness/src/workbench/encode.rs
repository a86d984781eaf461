//! Writes the codes of all rows to a file.

use std::path::Path;

use kernels::Exec;
use kernels::MatRef;
use kernels::sae::{self, Parameters, Workspace};

use crate::activations::Rows;
use crate::error::Result;
use crate::interchange::codes::Codes;
use crate::sae::reading;
use crate::session::progress::Progress;

/// Writes the codes of a model for all rows, in their order, to the file `out`; returns the number of their entries.
/// Each row is a unit of progress.
///
/// # Errors
/// If a row cannot be read or holds a value that is not finite, or the file cannot be written; then there is no file.
pub fn encode(
    exec: Exec,
    parameters: &Parameters,
    rows: &Rows,
    out: &Path,
    progress: &Progress,
) -> Result<u64> {
    let (width, shape) = (rows.width(), parameters.shape());
    let mut file = Codes::create(out, shape.dictionary)?;
    let mut workspace = Workspace::new(parameters.task(), parameters.variant(), reading::CHUNK);
    let mut values = Vec::new();
    for first in (0..rows.len()).step_by(reading::CHUNK) {
        let count = (rows.len() - first).min(reading::CHUNK as u64);
        values.resize(count as usize * width, 0f32);
        rows.read(first, &mut values)?;
        for (row, number) in values.chunks_exact(width).zip(first..) {
            rows.check(number, row)?;
        }
        let x = MatRef::from_rows(&values, width);
        file.add(sae::encode(exec, parameters, x, &mut workspace))?;
        progress.advance(count)?;
    }
    file.finish()
}
