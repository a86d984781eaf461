//! Sparse matrices in compressed rows, and their product with a dense panel.

use crate::ShapeError;
use crate::simd::Simd;

/// A sparse matrix to read, `rows × cols`: the entries of row i are `values[starts[i]..starts[i + 1]]`,
/// in the columns that `columns` names at the same places, in any order. A column named twice in a
/// row counts twice.
///
/// ```
/// use kernels::SparseRef;
///
/// // (0 7 0)
/// // (1 0 2)
/// let m = SparseRef::new(&[0, 1, 3], &[1, 0, 2], &[7.0, 1.0, 2.0], 3)?;
/// assert_eq!((m.rows(), m.cols()), (2, 3));
/// assert_eq!(m.row(1), ([0, 2].as_slice(), [1.0, 2.0].as_slice()));
/// # Ok::<(), kernels::ShapeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct SparseRef<'a> {
    starts: &'a [usize],
    columns: &'a [u32],
    values: &'a [f32],
    cols: usize,
}

impl<'a> SparseRef<'a> {
    /// A matrix of `starts.len() − 1` rows.
    ///
    /// # Errors
    /// If `starts` does not rise from 0 to the number of values, there are not as many columns as
    /// values, or a column is not below `cols`.
    pub fn new(
        starts: &'a [usize],
        columns: &'a [u32],
        values: &'a [f32],
        cols: usize,
    ) -> Result<Self, ShapeError> {
        let wrong = |what: String| Err(ShapeError { what });
        if columns.len() != values.len() {
            return wrong(format!(
                "{} columns for {} values",
                columns.len(),
                values.len()
            ));
        }
        let ends = (starts.first(), starts.last());
        if ends != (Some(&0), Some(&values.len())) || !starts.is_sorted() {
            return wrong(format!(
                "row starts that do not rise from 0 to {}",
                values.len()
            ));
        }
        if let Some(column) = columns.iter().find(|&&c| c as usize >= cols) {
            return wrong(format!("column {column} in a matrix of {cols} columns"));
        }
        Ok(SparseRef {
            starts,
            columns,
            values,
            cols,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Share of the places that have an entry; 0 if there are none.
    pub fn density(&self) -> f64 {
        let places = self.rows() as f64 * self.cols as f64;
        if places > 0.0 {
            self.values.len() as f64 / places
        } else {
            0.0
        }
    }

    /// The columns of the entries of row `i`, and the entries.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub fn row(&self, i: usize) -> (&'a [u32], &'a [f32]) {
        let (from, to) = (self.starts[i], self.starts[i + 1]);
        (&self.columns[from..to], &self.values[from..to])
    }
}

/// A sparse row times a dense panel of `N` vectors a row: one axpy an entry, the sums in registers.
///
/// # Panics
/// If the panel has too few rows.
#[inline(always)]
pub(crate) fn row_times_panel<S: Simd, const N: usize>(
    s: S,
    (columns, values): (&[u32], &[f32]),
    panel: &[f32],
) -> [S::F32; N] {
    let mut sums = [s.splat(0.0); N];
    for (&column, &value) in columns.iter().zip(values) {
        let b = &panel[column as usize * (N * S::LANES)..][..N * S::LANES];
        let value = s.splat(value);
        for v in 0..N {
            sums[v] = s.mul_add(value, s.load(&b[v * S::LANES..]), sums[v]);
        }
    }
    sums
}
