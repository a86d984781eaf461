//! The entries of a sparse matrix by columns, and the product of its transpose with a dense matrix, which is the
//! gradient with respect to a weight matrix.

use std::ops::Range;

use crate::machine::exec::Exec;
use crate::machine::par::{self, RowOp};
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::Simd;
use crate::matrix::matmul::Accumulate;
use crate::matrix::sparse::{EntriesMut, SparseRef, add_row_product};
use crate::matrix::view::{MatMut, MatRef};

/// The number of columns of the matrix that is worth another thread.
const LEAF: usize = 32;

/// The entries of a sparse matrix sorted by columns, for products with any values at these entries.
#[derive(Clone, Debug)]
pub(super) struct Transposed {
    /// The number of columns of the matrix.
    width: usize,
    starts: Vec<usize>,
    /// The row of each entry.
    rows: Vec<u32>,
    /// The place of each entry among the entries of the matrix.
    order: Vec<u32>,
    /// Room for the value of each entry.
    values: Vec<f32>,
}

impl Transposed {
    pub(super) fn new(capacity: usize, cols: usize) -> Transposed {
        let entries = capacity * cols;
        Transposed {
            width: 0,
            starts: vec![0; cols + 1],
            rows: vec![0; entries],
            order: vec![0; entries],
            values: vec![0.0; entries],
        }
    }

    pub(super) fn bytes(capacity: usize, cols: usize) -> usize {
        size_of::<usize>() * (cols + 1) + 3 * size_of::<f32>() * capacity * cols
    }

    /// Sorts the entries of a matrix by columns, and by rows within them, by a counting sort.
    ///
    /// # Panics
    /// If there are more entries than u32 counts.
    pub(super) fn sort(&mut self, of: SparseRef) {
        let _span = profile::timed(Part::Sorting, || Work::new(0, 3 * of.entries()));
        assert!(
            u32::try_from(of.entries()).is_ok(),
            "{} active codes in a batch, of which u32 counts at most {}",
            of.entries(),
            u32::MAX
        );
        self.width = of.cols();
        let starts = &mut self.starts[..=of.cols()];
        starts.fill(0);
        for b in 0..of.rows() {
            for &j in of.row(b).0 {
                starts[j as usize + 1] += 1;
            }
        }
        // Each start moves to its column's end as that fills, so it begins one column early.
        let mut next = 0;
        for start in &mut starts[1..] {
            let count = *start;
            *start = next;
            next += count;
        }
        let mut entry = 0;
        for b in 0..of.rows() {
            for &j in of.row(b).0 {
                let at = &mut starts[j as usize + 1];
                self.rows[*at] = b as u32;
                self.order[*at] = entry;
                *at += 1;
                entry += 1;
            }
        }
    }

    /// Computes `out` ← Vᵀ·M, or adds that to `out`, for a range of columns of the sorted matrix V, whose values in its
    /// own order are `source`.
    pub(super) fn products(
        &mut self,
        exec: Exec,
        columns: Range<usize>,
        source: &[f32],
        matrix: MatRef,
        (out, accumulate): (MatMut, Accumulate),
    ) {
        let starts = &self.starts[columns.start..=columns.end];
        let places = starts[0]..starts[columns.len()];
        let entries = places.len();
        let (samples, d) = (matrix.rows(), matrix.cols());
        let traffic = 3 * entries + (samples + columns.len()) * d;
        let pattern = Pattern {
            starts,
            rows: &self.rows[..places.end],
            order: &self.order[..places.end],
        };
        let values = EntriesMut::beside(starts, &mut self.values[places]);
        let op = Products {
            source,
            matrix,
            accumulate,
        };
        let work = || Work::new(2 * entries * d, traffic);
        par::run(exec, op, (pattern, values, out), LEAF, work);
    }
}

struct Pattern<'a> {
    starts: &'a [usize],
    rows: &'a [u32],
    order: &'a [u32],
}

impl par::Rows for Pattern<'_> {
    fn rows(&self) -> usize {
        self.starts.len() - 1
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let (upper, lower) = (&self.starts[..=at], &self.starts[at..]);
        (
            Pattern {
                starts: upper,
                ..self
            },
            Pattern {
                starts: lower,
                ..self
            },
        )
    }
}

#[derive(Clone, Copy)]
struct Products<'a> {
    source: &'a [f32],
    matrix: MatRef<'a>,
    accumulate: Accumulate,
}

impl<'a> RowOp<(Pattern<'a>, EntriesMut<'a>, MatMut<'a>)> for Products<'_> {
    const PART: Part = Part::OuterProducts;

    #[inline(always)]
    fn run<S: Simd>(self, s: S, (pattern, mut values, mut out): (Pattern, EntriesMut, MatMut)) {
        let Pattern {
            starts,
            rows,
            order,
        } = pattern;
        for j in 0..starts.len() - 1 {
            let entries = starts[j]..starts[j + 1];
            let values = values.row(j);
            for (to, &from) in values.iter_mut().zip(&order[entries.clone()]) {
                *to = self.source[from as usize];
            }
            let out = out.row_mut(j);
            if self.accumulate == Accumulate::Replace {
                out.fill(0.0);
            }
            add_row_product(s, (&rows[entries], values), self.matrix, out);
        }
    }
}
