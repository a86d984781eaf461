//! Shapes of matrices, and the checks that they fit the data.

use std::fmt;

/// The error of a shape or of strides that do not fit the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    pub(crate) what: String,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for ShapeError {}

/// Returns the number of values in a matrix that lies at the beginning of `len` values.
///
/// # Panics
/// If it takes more than `len` values.
#[track_caller]
pub(super) fn first_len(len: usize, rows: usize, cols: usize) -> usize {
    match rows.checked_mul(cols) {
        Some(needed) if needed <= len => needed,
        _ => panic!("a {rows}×{cols} matrix takes more than the {len} values at hand"),
    }
}

/// Returns the number of rows of `cols` values in `len` values.
///
/// # Panics
/// If the last row is not whole.
#[track_caller]
pub(super) fn whole_rows(len: usize, cols: usize) -> usize {
    let rows = len.checked_div(cols).unwrap_or(0);
    assert!(
        rows * cols == len,
        "{len} values are no whole rows of {cols}"
    );
    rows
}

/// Returns the number of values from the first to the last of a matrix of this shape and these strides, or none if it
/// overflows.
pub(super) fn span(
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
) -> Option<usize> {
    if rows == 0 || cols == 0 {
        return Some(0);
    }
    let down = (rows - 1).checked_mul(row_stride)?;
    let across = (cols - 1).checked_mul(col_stride)?;
    down.checked_add(across)?.checked_add(1)
}

/// Returns the strides of a matrix that fits its data, as (row stride, column stride). A stride that is never used,
/// since there is a single row or column or no value at all, may have been given as any number: it becomes that of a
/// contiguous matrix, so that no product of a stride with an index overflows.
pub(super) fn used_strides(
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
) -> (usize, usize) {
    if rows == 0 || cols == 0 {
        return (1, 1);
    }
    let col_stride = if cols == 1 { 1 } else { col_stride };
    let row_stride = if rows == 1 {
        (cols - 1) * col_stride + 1
    } else {
        row_stride
    };
    (row_stride, col_stride)
}
