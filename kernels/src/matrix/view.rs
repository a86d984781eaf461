//! Views of matrices: borrowed data, a shape, and strides.

use std::fmt;

use crate::machine::par::Rows;

/// A matrix to read: `rows × cols` values of a slice, at general strides.
///
/// ```
/// use kernels::MatRef;
///
/// let m = MatRef::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3)?;
/// assert_eq!(m.at(1, 0), 4.0);
/// assert_eq!(m.t().at(0, 1), 4.0);
/// # Ok::<(), kernels::ShapeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct MatRef<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// A matrix to write: `rows × cols` values of a slice, each row contiguous, rows a stride apart.
///
/// Values between the rows are never touched. To write a column-major matrix, compute its
/// transpose: (A·B)ᵀ = Bᵀ·Aᵀ, and [`MatRef::t`] is free.
pub struct MatMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

/// A shape that the data at hand does not have.
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

/// How many values a matrix of this shape spans, or none if that overflows.
fn span(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Option<usize> {
    if rows == 0 || cols == 0 {
        return Some(0);
    }
    let down = (rows - 1).checked_mul(row_stride)?;
    let across = (cols - 1).checked_mul(col_stride)?;
    down.checked_add(across)?.checked_add(1)
}

/// The strides of a matrix that fits its data. One that is never used, since there is a single row or column or no
/// value at all, may have been given as any number: it becomes that of a contiguous matrix, so that no product of it
/// with an index overflows.
fn used_strides(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> (usize, usize) {
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

impl<'a> MatRef<'a> {
    /// A row-major matrix that is all of `data`.
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

    /// The row-major matrix at the beginning of `data`, which may go on behind it.
    ///
    /// # Panics
    /// If `data` holds fewer than `rows × cols` values.
    #[track_caller]
    pub(crate) fn first(data: &'a [f32], rows: usize, cols: usize) -> Self {
        MatRef::new(&data[..rows * cols], rows, cols).expect("cut to size")
    }

    /// The matrix whose value at (i, j) is `data[i * row_stride + j * col_stride]`. A stride that is never used, since
    /// there is a single row or column or no value at all, may be any number.
    ///
    /// # Errors
    /// If the last of these lies outside `data`.
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

    /// The matrix of a shape and strides that fit the data.
    fn of(data: &'a [f32], rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Self {
        let (row_stride, col_stride) = used_strides(rows, cols, row_stride, col_stride);
        Self {
            data,
            rows,
            cols,
            row_stride,
            col_stride,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }
    /// From one row to the next, in values; that of a contiguous matrix where there is no next row.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }
    /// From one column to the next, in values; that of a contiguous matrix where there is no next column.
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }
    /// The slice under the view.
    pub fn data(&self) -> &'a [f32] {
        self.data
    }

    /// The transpose, without moving a value.
    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// The value in row `i`, column `j`.
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

    /// Row `i`, of a matrix whose rows are contiguous.
    ///
    /// # Panics
    /// If there is no such row, or its values are not next to each other.
    #[track_caller]
    #[inline]
    pub fn row(&self, i: usize) -> &'a [f32] {
        assert!(i < self.rows, "row {i} of a matrix of {}", self.rows);
        assert!(
            self.col_stride == 1 || self.cols <= 1,
            "a row at a column stride of {}",
            self.col_stride
        );
        if self.cols == 0 {
            return &[];
        }
        &self.data[i * self.row_stride..][..self.cols]
    }

    /// Rows `from..to`.
    ///
    /// # Panics
    /// If the range is empty of sense: `from > to`, or `to` beyond the last row.
    #[track_caller]
    pub fn row_range(self, from: usize, to: usize) -> Self {
        assert!(
            from <= to && to <= self.rows,
            "rows {from}..{to} of a matrix of {}",
            self.rows
        );
        // An empty view may start behind the data.
        let start = (from * self.row_stride).min(self.data.len());
        Self {
            data: &self.data[start..],
            rows: to - from,
            ..self
        }
    }
}

impl<'a> MatMut<'a> {
    /// A row-major matrix that is all of `data`.
    ///
    /// # Errors
    /// If `data` does not hold exactly `rows × cols` values.
    pub fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        let MatRef {
            rows,
            cols,
            row_stride,
            ..
        } = MatRef::new(data, rows, cols)?;
        Ok(Self {
            data,
            rows,
            cols,
            row_stride,
        })
    }

    /// The row-major matrix at the beginning of `data`, which may go on behind it.
    ///
    /// # Panics
    /// If `data` holds fewer than `rows × cols` values.
    #[track_caller]
    pub(crate) fn first(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        MatMut::new(&mut data[..rows * cols], rows, cols).expect("cut to size")
    }

    /// The matrix whose row i is `data[i * row_stride..][..cols]`.
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
        let MatRef {
            rows,
            cols,
            row_stride,
            ..
        } = MatRef::with_strides(data, rows, cols, row_stride, 1)?;
        Ok(Self {
            data,
            rows,
            cols,
            row_stride,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }
    /// From one row to the next, in values; that of a contiguous matrix where there is no next row.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    #[track_caller]
    #[inline]
    pub fn row(&mut self, i: usize) -> &mut [f32] {
        assert!(i < self.rows, "row {i} of a matrix of {}", self.rows);
        if self.cols == 0 {
            return &mut [];
        }
        &mut self.data[i * self.row_stride..][..self.cols]
    }

    /// The block of rows `i..i + rows`, columns `j..j + cols`: a pointer and the stride from row to
    /// row, valid for writing these values.
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

    /// The same matrix, to read.
    pub fn as_ref(&self) -> MatRef<'_> {
        MatRef {
            data: self.data,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
            col_stride: 1,
        }
    }

    /// The same matrix, given up to be read.
    pub fn into_ref(self) -> MatRef<'a> {
        MatRef {
            data: self.data,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
            col_stride: 1,
        }
    }

    /// The same matrix, borrowed for less long.
    pub fn reborrow(&mut self) -> MatMut<'_> {
        MatMut {
            data: self.data,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
        }
    }

    /// The rows above `at`, and those from it on.
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
        // The lower part may be empty, and start behind the data.
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

impl Rows for MatRef<'_> {
    fn rows(&self) -> usize {
        MatRef::rows(self)
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let rows = self.rows();
        (self.row_range(0, at), self.row_range(at, rows))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let mut data = [0.0; 6];
        assert!(MatRef::new(&data, 2, 3).is_ok());
        assert!(MatRef::new(&data, 2, 2).is_err());
        assert!(MatRef::new(&data, usize::MAX, 2).is_err());
        assert!(MatRef::with_strides(&data, 2, 3, 3, 1).is_ok());
        assert!(MatRef::with_strides(&data, 2, 3, 4, 1).is_err());
        assert!(MatRef::with_strides(&data, 3, usize::MAX, 1, 2).is_err());
        assert!(MatRef::with_strides(&data, 0, 9, 99, 99).is_ok());
        assert!(MatMut::with_stride(&mut data, 2, 3, 2).is_err());
        assert!(MatMut::with_stride(&mut data, 2, 2, 4).is_ok());
    }

    #[test]
    fn strides_that_are_never_used_may_be_any_number() {
        for stride in [0, 1, usize::MAX] {
            let mut data = [1.0, 2.0, 3.0];
            let row = MatRef::with_strides(&data, 1, 3, stride, 1).unwrap();
            assert_eq!((row.at(0, 2), row.t().row_range(1, 3).at(1, 0)), (3.0, 3.0));
            assert_eq!(row.row_range(1, 1).rows(), 0);
            let column = MatRef::with_strides(&data, 3, 1, 1, stride).unwrap();
            assert_eq!((column.row(2)[0], column.t().row(0)[2]), (3.0, 3.0));
            for (rows, cols) in [(5, 0), (0, 5), (usize::MAX, 0)] {
                let nothing = MatRef::with_strides(&data, rows, cols, stride, stride).unwrap();
                for m in [nothing, nothing.t()] {
                    assert_eq!(m.row_range(m.rows() / 2, m.rows()).cols(), m.cols());
                }
                let nothing = MatMut::with_stride(&mut data, rows, cols, stride).unwrap();
                assert_eq!(nothing.split_rows(rows / 2).0.rows(), rows / 2);
            }
            let row = MatMut::with_stride(&mut data, 1, 3, stride).unwrap();
            let (mut upper, lower) = row.split_rows(1);
            assert_eq!((upper.row(0)[2], lower.rows()), (3.0, 0));
        }
    }

    #[test]
    fn transpose_and_ranges() {
        let data: Vec<f32> = (0..12).map(|v| v as f32).collect();
        let m = MatRef::with_strides(&data, 3, 2, 4, 2).unwrap();
        assert_eq!((m.at(2, 1), m.t().at(1, 2)), (10.0, 10.0));
        assert_eq!(m.row_range(1, 3).at(1, 0), 8.0);
        assert_eq!(m.row_range(3, 3).rows(), 0);
    }

    #[test]
    fn split_rows_covers_all_rows_once() {
        let mut data: Vec<f32> = (0..11).map(|v| v as f32).collect();
        for at in 0..=3 {
            let m = MatMut::with_stride(&mut data, 3, 3, 4).unwrap();
            let (mut upper, mut lower) = m.split_rows(at);
            assert_eq!((upper.rows(), lower.rows()), (at, 3 - at));
            for i in 0..3 {
                let row = if i < at {
                    upper.row(i)
                } else {
                    lower.row(i - at)
                };
                assert_eq!(row[0], (4 * i) as f32);
            }
        }
    }
}
