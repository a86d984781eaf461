//! The view of a matrix for writing.

use std::fmt;
use std::ops::Range;

use super::read::MatRef;
use super::shape::{ShapeError, first_len, whole_rows};
use crate::machine::par::Rows;

/// A view of a matrix for writing: `rows × cols` values of a slice, each row contiguous, the rows a stride apart.
///
/// Values between the rows are never touched. To write a column-major matrix, compute its
/// transpose: (A·B)ᵀ = Bᵀ·Aᵀ, and [`MatRef::t`] is free.
///
/// ```
/// use kernels::MatMut;
///
/// let mut values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let mut right = MatMut::from_rows(&mut values, 3).col_range(1..3);
/// right.row_mut(1).fill(0.0);
/// assert_eq!(right.row(0), [2.0, 3.0]);
/// assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 0.0, 0.0]);
/// ```
pub struct MatMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

impl<'a> MatMut<'a> {
    /// Returns the row-major matrix that is all of `data`.
    ///
    /// # Errors
    /// If `data` does not hold exactly `rows × cols` values.
    pub fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        MatRef::new(data, rows, cols)?;
        Ok(Self::over(data, rows, cols))
    }

    /// Returns the row-major matrix of the first `rows × cols` values of `data`, which may hold more values.
    ///
    /// # Panics
    /// If `data` holds fewer than `rows × cols` values.
    #[track_caller]
    pub fn first(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        let len = first_len(data.len(), rows, cols);
        Self::over(&mut data[..len], rows, cols)
    }

    /// Returns the row-major matrix that is all of `data`, cut into rows of `cols` values.
    ///
    /// # Panics
    /// If the last row is not whole.
    #[track_caller]
    pub fn from_rows(data: &'a mut [f32], cols: usize) -> Self {
        let rows = whole_rows(data.len(), cols);
        Self::over(data, rows, cols)
    }

    /// Returns the row-major matrix of a shape that fits the data, which is not checked.
    fn over(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        let row_stride = MatRef::of(data, rows, cols, cols, 1).row_stride;
        Self {
            data,
            rows,
            cols,
            row_stride,
        }
    }

    /// Returns the matrix whose row i is `data[i * row_stride..][..cols]`.
    ///
    /// # Errors
    /// If rows overlap (`row_stride < cols`), or the last of them reaches beyond `data`.
    pub fn with_stride(
        data: &'a mut [f32],
        rows: usize,
        cols: usize,
        row_stride: usize,
    ) -> Result<Self, ShapeError> {
        if row_stride < cols && rows > 1 {
            return Err(ShapeError {
                what: format!("rows of {cols} values overlap at a stride of {row_stride}"),
            });
        }
        let row_stride = MatRef::with_strides(data, rows, cols, row_stride, 1)?.row_stride;
        Ok(Self {
            data,
            rows,
            cols,
            row_stride,
        })
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

    /// Returns row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    #[track_caller]
    #[inline]
    pub fn row(&self, i: usize) -> &[f32] {
        self.as_ref().row(i)
    }

    /// Returns row `i`, for writing.
    ///
    /// # Panics
    /// If there is no such row.
    #[track_caller]
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        assert!(i < self.rows, "row {i} of a matrix of {}", self.rows);
        if self.cols == 0 {
            return &mut [];
        }
        &mut self.data[i * self.row_stride..][..self.cols]
    }

    /// Returns the block of rows `i..i + rows`, columns `j..j + cols`, as a pointer to its first value, valid for
    /// reading and writing the values of the block, and the stride from row to row.
    #[inline(always)]
    pub(crate) fn block(
        &mut self,
        i: usize,
        rows: usize,
        j: usize,
        cols: usize,
    ) -> (*mut f32, usize) {
        debug_assert!(rows > 0 && cols > 0 && j + cols <= self.cols);
        let span = (rows - 1) * self.row_stride + cols;
        (
            self.data[i * self.row_stride + j..][..span].as_mut_ptr(),
            self.row_stride,
        )
    }

    /// Returns a view of the same matrix for reading.
    pub fn as_ref(&self) -> MatRef<'_> {
        MatRef {
            data: self.data,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
            col_stride: 1,
        }
    }

    /// Turns the view into one for reading, with the same lifetime.
    pub fn into_ref(self) -> MatRef<'a> {
        MatRef {
            data: self.data,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
            col_stride: 1,
        }
    }

    /// Returns the slice from the matrix's first value on, for writing, with the values between its rows, and those
    /// that may follow its last row.
    pub fn data_mut(&mut self) -> &mut [f32] {
        self.data
    }

    /// Returns a view of the same matrix for writing, with a shorter lifetime.
    pub fn reborrow(&mut self) -> MatMut<'_> {
        MatMut {
            data: self.data,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
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
        // An empty view may start behind the end of the data.
        let start = range.start.min(self.data.len());
        Self {
            data: &mut self.data[start..],
            cols: range.len(),
            ..self
        }
    }

    /// Returns the rows before row `at`, and those from `at` on.
    ///
    /// # Panics
    /// If there are fewer than `at` rows.
    #[track_caller]
    pub fn split_rows(self, at: usize) -> (MatMut<'a>, MatMut<'a>) {
        assert!(
            at <= self.rows,
            "split at row {at} of a matrix of {}",
            self.rows
        );
        let Self {
            data,
            rows,
            cols,
            row_stride,
        } = self;
        // The lower part may be empty, and start behind the end of the data.
        let (upper, lower) = data.split_at_mut((at * row_stride).min(data.len()));
        (
            MatMut {
                data: upper,
                rows: at,
                cols,
                row_stride,
            },
            MatMut {
                data: lower,
                rows: rows - at,
                cols,
                row_stride,
            },
        )
    }
}

impl fmt::Debug for MatMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rows,
            cols,
            row_stride,
            ..
        } = self;
        write!(f, "MatMut {rows}×{cols} at row stride {row_stride}")
    }
}

impl Rows for MatMut<'_> {
    fn rows(&self) -> usize {
        MatMut::rows(self)
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        MatMut::split_rows(self, at)
    }
}
