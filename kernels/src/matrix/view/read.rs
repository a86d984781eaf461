//! The view of a matrix for reading.

use std::fmt;
use std::ops::Range;

use super::shape::{ShapeError, first_len, span, used_strides, whole_rows};
use crate::machine::par::Rows;

/// A view of a matrix for reading: `rows × cols` values of a slice, at general strides.
///
/// ```
/// use kernels::MatRef;
///
/// let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let m = MatRef::new(&values, 2, 3)?;
/// assert_eq!(m.row(1), [4.0, 5.0, 6.0]);
/// assert_eq!(m.t().at(0, 1), 4.0);
/// assert_eq!(m.col_range(1..3).row(1), [5.0, 6.0]);
/// // The same by a constructor that panics, for sizes that are known to fit.
/// assert_eq!(MatRef::from_rows(&values, 3).rows(), 2);
/// assert_eq!(MatRef::first(&values, 2, 2).row(1), [3.0, 4.0]);
/// # Ok::<(), kernels::ShapeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct MatRef<'a> {
    pub(super) data: &'a [f32],
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) row_stride: usize,
    pub(super) col_stride: usize,
}

impl<'a> MatRef<'a> {
    /// Returns the row-major matrix that is all of `data`.
    ///
    /// # Errors
    /// If `data` does not hold exactly `rows × cols` values.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        if rows.checked_mul(cols) != Some(data.len()) {
            return Err(ShapeError {
                what: format!("a {rows}×{cols} matrix does not fit {} values", data.len()),
            });
        }
        Ok(Self::of(data, rows, cols, cols, 1))
    }

    /// Returns the row-major matrix of the first `rows × cols` values of `data`, which may hold more values.
    ///
    /// # Panics
    /// If `data` holds fewer than `rows × cols` values.
    #[track_caller]
    pub fn first(data: &'a [f32], rows: usize, cols: usize) -> Self {
        let len = first_len(data.len(), rows, cols);
        Self::of(&data[..len], rows, cols, cols, 1)
    }

    /// Returns the row-major matrix that is all of `data`, cut into rows of `cols` values.
    ///
    /// # Panics
    /// If the last row is not whole.
    #[track_caller]
    pub fn from_rows(data: &'a [f32], cols: usize) -> Self {
        Self::of(data, whole_rows(data.len(), cols), cols, cols, 1)
    }

    /// Returns the matrix whose value at (i, j) is `data[i * row_stride + j * col_stride]`. A stride that is never
    /// used, since there is a single row or column or no value at all, may be any number.
    ///
    /// # Errors
    /// If the last value of the matrix lies outside `data`.
    pub fn with_strides(
        data: &'a [f32],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Result<Self, ShapeError> {
        match span(rows, cols, row_stride, col_stride) {
            Some(span) if span <= data.len() => {
                Ok(Self::of(data, rows, cols, row_stride, col_stride))
            }
            _ => Err(ShapeError {
                what: format!(
                    "a {rows}×{cols} matrix at strides ({row_stride}, {col_stride}) reaches beyond {} values",
                    data.len()
                ),
            }),
        }
    }

    /// Returns the matrix of a shape and strides that fit the data, which is not checked.
    pub(super) fn of(
        data: &'a [f32],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        let (row_stride, col_stride) = used_strides(rows, cols, row_stride, col_stride);
        Self {
            data,
            rows,
            cols,
            row_stride,
            col_stride,
        }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Returns the number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }
    /// Returns the distance from one row to the next, in values; where there is no next row, that of a contiguous
    /// matrix.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }
    /// Returns the distance from one column to the next, in values; where there is no next column, that of a contiguous
    /// matrix.
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }
    /// Returns the slice from the matrix's first value on, with the values between its rows, and those that may follow
    /// its last row.
    pub fn data(&self) -> &'a [f32] {
        self.data
    }

    /// Returns the transpose, without moving a value.
    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// Returns the value in row `i`, column `j`.
    ///
    /// # Panics
    /// If there is no such row or column.
    #[track_caller]
    pub fn at(&self, i: usize, j: usize) -> f32 {
        assert!(
            i < self.rows && j < self.cols,
            "({i}, {j}) lies outside a {}×{} matrix",
            self.rows,
            self.cols
        );
        self.data[i * self.row_stride + j * self.col_stride]
    }

    /// Returns row `i` of a matrix whose rows are contiguous.
    ///
    /// # Panics
    /// If there is no such row, or its values are not next to each other.
    #[track_caller]
    #[inline]
    pub fn row(&self, i: usize) -> &'a [f32] {
        assert!(i < self.rows, "row {i} of a matrix of {}", self.rows);
        self.assert_contiguous_rows();
        if self.cols == 0 {
            return &[];
        }
        &self.data[i * self.row_stride..][..self.cols]
    }

    /// Checks that rows are contiguous.
    ///
    /// # Panics
    /// If the values of a row are not next to each other.
    #[track_caller]
    #[inline]
    pub(crate) fn assert_contiguous_rows(&self) {
        assert!(
            self.col_stride == 1 || self.cols <= 1,
            "a row at a column stride of {}",
            self.col_stride
        );
    }

    /// Returns the matrix of the rows in `range`.
    ///
    /// # Panics
    /// If the range ends before it begins, or beyond the last row.
    #[track_caller]
    pub fn row_range(self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= self.rows,
            "rows {range:?} of a matrix of {}",
            self.rows
        );
        // An empty view may start behind the end of the data.
        let start = (range.start * self.row_stride).min(self.data.len());
        Self {
            data: &self.data[start..],
            rows: range.len(),
            ..self
        }
    }

    /// Returns the matrix of the columns in `range`.
    ///
    /// # Panics
    /// If the range ends before it begins, or beyond the last column.
    #[track_caller]
    pub fn col_range(self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= self.cols,
            "columns {range:?} of a matrix of {}",
            self.cols
        );
        self.t().row_range(range).t()
    }

    /// Returns the rows before row `at`, and those from `at` on.
    ///
    /// # Panics
    /// If there are fewer than `at` rows.
    #[track_caller]
    pub fn split_rows(self, at: usize) -> (Self, Self) {
        (self.row_range(0..at), self.row_range(at..self.rows))
    }
}

impl fmt::Debug for MatRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rows,
            cols,
            row_stride,
            col_stride,
            ..
        } = self;
        write!(
            f,
            "MatRef {rows}×{cols} at strides ({row_stride}, {col_stride})"
        )
    }
}

impl Rows for MatRef<'_> {
    fn rows(&self) -> usize {
        MatRef::rows(self)
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        MatRef::split_rows(self, at)
    }
}
