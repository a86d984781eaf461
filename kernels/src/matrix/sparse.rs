//! Sparse matrices in compressed rows, and their products with dense ones.

use crate::machine::par;
use crate::machine::profile::Work;
use crate::machine::simd::Simd;
use crate::matrix::view::{MatRef, ShapeError};

/// A view of a sparse matrix for reading, `rows × cols`: the entries of row i are `values[starts[i]..starts[i + 1]]`,
/// in the columns that `columns` names at the same places, in any order. The entries of a column that is named twice in
/// a row add up.
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
    /// Returns the matrix of `starts.len() − 1` rows with these entries.
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

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns the number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Returns a matrix with entries at the same places that have other values.
    ///
    /// # Panics
    /// If there are not as many values as before.
    pub(crate) fn with_values(self, values: &'a [f32]) -> Self {
        assert_eq!(values.len(), self.values.len(), "values of other entries");
        SparseRef { values, ..self }
    }

    /// Returns the values of all entries, row after row.
    pub(crate) fn values(self) -> &'a [f32] {
        self.values
    }

    /// Returns the number of entries.
    pub fn entries(&self) -> usize {
        self.starts[self.rows()] - self.starts[0]
    }

    /// Returns the work of the product with a dense matrix of `width` columns, of which no more rows are read than
    /// there are entries.
    pub(crate) fn work(&self, width: usize) -> Work {
        let entries = self.entries();
        let values = 2 * entries + (entries.min(self.cols) + self.rows()) * width;
        Work::new(2 * entries * width, values)
    }

    /// Returns the work of the products of each row in `range` with all rows before it.
    pub(crate) fn work_of_pairs(&self, range: std::ops::Range<usize>) -> Work {
        let entries = |row: usize| self.starts[row] - self.starts[0];
        let flops = 2 * range.clone().map(entries).sum::<usize>();
        Work::new(flops, 2 * entries(range.end) + range.end)
    }

    /// Returns the number of entries divided by `rows × cols`; 0 for a matrix of no places.
    pub fn density(&self) -> f64 {
        let places = self.rows() as f64 * self.cols as f64;
        if places > 0.0 {
            self.entries() as f64 / places
        } else {
            0.0
        }
    }

    /// Returns the columns of the entries of row `i`, and their values.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub fn row(&self, i: usize) -> (&'a [u32], &'a [f32]) {
        let (from, to) = (self.starts[i], self.starts[i + 1]);
        (&self.columns[from..to], &self.values[from..to])
    }
}

impl par::Rows for SparseRef<'_> {
    fn rows(&self) -> usize {
        SparseRef::rows(self)
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let starts = &self.starts[..=at];
        let rest = &self.starts[at..];
        (
            SparseRef { starts, ..self },
            SparseRef {
                starts: rest,
                ..self
            },
        )
    }
}

/// A view for writing of one value for each entry of a sparse matrix.
pub(crate) struct EntriesMut<'a> {
    starts: &'a [usize],
    values: &'a mut [f32],
}

impl<'a> EntriesMut<'a> {
    /// Returns a view of `values`, one for each entry of `of`.
    ///
    /// # Panics
    /// If there are not as many values as entries.
    pub(crate) fn new(of: SparseRef<'a>, values: &'a mut [f32]) -> Self {
        assert_eq!(values.len(), of.entries(), "values of other entries");
        EntriesMut {
            starts: of.starts,
            values,
        }
    }

    /// Returns a view of `values`, one for each entry of a matrix whose rows start at `starts`.
    ///
    /// # Panics
    /// If there are not as many values as entries.
    pub(crate) fn beside(starts: &'a [usize], values: &'a mut [f32]) -> Self {
        let entries = starts[starts.len() - 1] - starts[0];
        assert_eq!(values.len(), entries, "values of other entries");
        EntriesMut { starts, values }
    }

    /// Returns the values for the entries of row `i`.
    #[inline(always)]
    pub(crate) fn row(&mut self, i: usize) -> &mut [f32] {
        let first = self.starts[0];
        &mut self.values[self.starts[i] - first..self.starts[i + 1] - first]
    }
}

impl par::Rows for EntriesMut<'_> {
    fn rows(&self) -> usize {
        self.starts.len() - 1
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let EntriesMut { starts, values } = self;
        let (upper, lower) = values.split_at_mut(starts[at] - starts[0]);
        (
            EntriesMut {
                starts: &starts[..=at],
                values: upper,
            },
            EntriesMut {
                starts: &starts[at..],
                values: lower,
            },
        )
    }
}

/// A rule that says which values of a dense row become entries of a sparse row, a vector of values at a time.
pub(crate) trait Sift: Copy {
    /// Returns the mask of the values that are left out. The first lane of `values` stands in column `first`, and the
    /// first `len` lanes count.
    fn left_out<S: Simd>(self, s: S, first: usize, len: usize, values: S::F32) -> S::Mask;

    /// Returns whether `value`, in a column, is left out.
    fn leaves_out(self, column: usize, value: f32) -> bool;
}

/// The rule that keeps values that are at least this value, or NaN.
#[derive(Clone, Copy)]
pub(crate) struct AtLeast(pub(crate) f32);

impl AtLeast {
    /// The rule that keeps values above 0, or NaN.
    pub(crate) const ABOVE_ZERO: AtLeast = AtLeast(f32::from_bits(1));
}

impl Sift for AtLeast {
    #[inline(always)]
    fn left_out<S: Simd>(self, s: S, _: usize, _: usize, values: S::F32) -> S::Mask {
        // A NaN compares as false.
        s.lt(values, s.splat(self.0))
    }

    #[inline(always)]
    fn leaves_out(self, _: usize, value: f32) -> bool {
        value < self.0
    }
}

/// Writes the values of a dense row that a rule keeps to `values`, and their columns, in ascending order, to `columns`.
/// Returns the number of values written.
///
/// # Panics
/// If there is no room for the values.
#[inline(always)]
pub(crate) fn sift<S: Simd>(
    s: S,
    sieve: impl Sift,
    row: &[f32],
    columns: &mut [u32],
    values: &mut [f32],
) -> usize {
    let mut used = 0;
    for (v, row) in row.chunks(S::LANES).enumerate() {
        let (first, len) = (v * S::LANES, row.len());
        let out = s.bits(sieve.left_out(s, first, len, s.load_partial(row)));
        let mut left = !out & ((1 << len) - 1);
        while left != 0 {
            let lane = left.trailing_zeros() as usize;
            columns[used] = (first + lane) as u32;
            values[used] = row[lane];
            used += 1;
            left &= left - 1;
        }
    }
    used
}

/// Adds to `out` the product of a sparse row and a dense matrix with contiguous rows: one axpy for each entry, in the
/// order of the entries, with a panel of columns of `out` at a time in registers.
///
/// # Panics
/// If the matrix has too few rows, or rows that are too short.
#[inline(always)]
pub(crate) fn add_row_product<S: Simd>(
    s: S,
    row: (&[u32], &[f32]),
    matrix: MatRef,
    out: &mut [f32],
) {
    let done = if S::LANES == 16 {
        panels::<S, 16>(s, row, matrix, out, 0)
    } else {
        panels::<S, 8>(s, row, matrix, out, 0)
    };
    let done = panels::<S, 4>(s, row, matrix, out, done);
    let done = panels::<S, 1>(s, row, matrix, out, done);
    let out = &mut out[done..];
    if !out.is_empty() {
        let mut sum = s.load_partial(out);
        for (&column, &value) in row.0.iter().zip(row.1) {
            let b = &matrix.row(column as usize)[done..][..out.len()];
            sum = s.mul_add(s.splat(value), s.load_partial(b), sum);
        }
        s.store_partial(sum, out);
    }
}

/// The number of entries by which rows of the dense matrix are fetched ahead of their use, since they are read in no
/// order that a prefetcher could follow.
const AHEAD: usize = 2;

/// Computes [`add_row_product`] for as many whole panels of `N` vectors as there are from place `done` of `out` on.
/// Returns the place at which they end.
#[inline(always)]
fn panels<S: Simd, const N: usize>(
    s: S,
    (columns, values): (&[u32], &[f32]),
    matrix: MatRef,
    out: &mut [f32],
    mut done: usize,
) -> usize {
    let width = N * S::LANES;
    while done + width <= out.len() {
        let out = &mut out[done..][..width];
        let mut sums = [s.splat(0.0); N];
        // Loops over indices, not iterators, keep the sums in registers.
        #[allow(clippy::needless_range_loop)]
        for v in 0..N {
            sums[v] = s.load(&out[v * S::LANES..]);
        }
        for (i, (&column, &value)) in columns.iter().zip(values).enumerate() {
            if let Some(&next) = columns.get(i + AHEAD) {
                s.prefetch(&matrix.row(next as usize)[done..][..width]);
            }
            let b = &matrix.row(column as usize)[done..][..width];
            let value = s.splat(value);
            for v in 0..N {
                sums[v] = s.mul_add(value, s.load(&b[v * S::LANES..]), sums[v]);
            }
        }
        for v in 0..N {
            s.store(sums[v], &mut out[v * S::LANES..]);
        }
        done += width;
    }
    done
}

/// Returns the product of a sparse row and a dense panel of `N` vectors a row: one axpy for each entry, with the sums
/// in registers.
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
