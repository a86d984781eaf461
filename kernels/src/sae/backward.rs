//! Gradients with respect to weights: sums over the samples where an element is active.

use super::decoder::{add_products, densify};
use crate::simd::{Op, Simd};
use crate::sparse::SparseRef;
use crate::{Accumulate, Exec, MatMut, MatRef, dictionary, matmul, par, reduce};

/// Elements that are worth another thread.
const LEAF: usize = 32;

/// The entries of a sparse matrix by columns, as a transpose has them, for any values beside them.
#[derive(Clone, Debug, Default)]
pub(super) struct Transposed {
    starts: Vec<usize>,
    /// The row of each entry.
    rows: Vec<u32>,
    /// Where each entry stands in the matrix.
    order: Vec<u32>,
    values: Vec<f32>,
    /// Rows and columns of the matrix.
    height: usize,
    width: usize,
}

impl Transposed {
    pub(super) fn new(capacity: usize, cols: usize) -> Transposed {
        let entries = capacity * cols;
        Transposed {
            starts: vec![0; cols + 1],
            rows: vec![0; entries],
            order: vec![0; entries],
            values: vec![0.0; entries],
            height: 0,
            width: 0,
        }
    }

    pub(super) fn bytes(capacity: usize, cols: usize) -> usize {
        size_of::<usize>() * (cols + 1) + 3 * size_of::<f32>() * capacity * cols
    }

    /// Sorts the entries by columns, and by rows within them: a counting sort.
    pub(super) fn sort(&mut self, of: SparseRef) {
        (self.height, self.width) = (of.rows(), of.cols());
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

    /// The transpose of the matrix with these values.
    fn with_values(&mut self, values: &[f32]) -> SparseRef<'_> {
        let entries = values.len();
        for (to, &from) in self.values.iter_mut().zip(&self.order[..entries]) {
            *to = values[from as usize];
        }
        SparseRef::new(
            &self.starts[..=self.width],
            &self.rows[..entries],
            &self.values[..entries],
            self.height,
        )
        .expect("sorted from a matrix")
    }
}

/// How to sum over samples.
pub(super) enum By<'a> {
    /// Element by element, on its entries.
    Entries(&'a mut Transposed),
    /// By a product of dense matrices, through B×n values of room.
    Dense(&'a mut [f32]),
}

/// `out` ← Vᵀ·M, or added to it: for each element, the sum over samples of its value times their row of M.
pub(super) fn outer_products(
    exec: Exec,
    by: By,
    values: SparseRef,
    matrix: MatRef,
    (mut out, accumulate): (MatMut, Accumulate),
) {
    match by {
        By::Dense(dense) => {
            densify(exec, values, dense);
            let dense = MatRef::new(dense, values.rows(), values.cols());
            let dense = dense.expect("as large as the pattern");
            matmul(exec, out, accumulate, dense.t(), matrix);
        }
        By::Entries(transposed) => {
            let transposed = transposed.with_values(values.values());
            if accumulate == Accumulate::Overwrite {
                for j in 0..out.rows() {
                    out.row(j).fill(0.0);
                }
            }
            add_products(exec, transposed, matrix, out);
        }
    }
}

/// `sums[j]` ← Σ over samples of the values in column j, sample after sample.
pub(super) fn column_sums(entries: SparseRef, sums: &mut [f32]) {
    sums.fill(0.0);
    for b in 0..entries.rows() {
        let (columns, values) = entries.row(b);
        for (&j, &value) in columns.iter().zip(values) {
            sums[j as usize] += value;
        }
    }
}

/// The gradient with respect to `b_dec`: Σ over samples of `d_output`, less `W_encᵀ d_b_enc`, since the encoder reads
/// x − b_dec.
pub(super) fn decoder_bias(
    exec: Exec,
    d_output: MatRef,
    w_enc: MatRef,
    d_b_enc: &[f32],
    d_b_dec: &mut [f32],
) {
    reduce::column_sums(exec, d_output, d_b_dec);
    for d in d_b_dec.iter_mut() {
        *d = -*d;
    }
    let d_b_enc = MatRef::new(d_b_enc, 1, d_b_enc.len()).expect("one row");
    let width = d_b_dec.len();
    let out = MatMut::new(d_b_dec, 1, width).expect("one row");
    matmul(exec, out, Accumulate::Add, d_b_enc, w_enc);
    for d in d_b_dec.iter_mut() {
        *d = -*d;
    }
}

/// `out[j]` += `factors[j]` · row j.
pub(super) fn add_scaled_rows(exec: Exec, factors: &[f32], rows: MatRef, out: MatMut) {
    struct Scaled<'a>(&'a [f32], MatRef<'a>, MatMut<'a>);
    impl Op for Scaled<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Scaled(factors, rows, mut out) = self;
            for (j, &factor) in factors.iter().enumerate() {
                let row = rows.row(j).chunks(S::LANES);
                for (out, row) in out.row(j).chunks_mut(S::LANES).zip(row) {
                    let (row, sum) = (s.load_partial(row), s.load_partial(out));
                    s.store_partial(s.mul_add(s.splat(factor), row, sum), out);
                }
            }
        }
    }
    let work = (0..rows.rows(), rows, out);
    par::share_rows(exec, LEAF, work, &|(range, rows, out)| {
        exec.isa().dispatch(Scaled(&factors[range], rows, out))
    });
}

/// Divides each row of a gradient by the norm of the row it belongs to; where that is 0, the gradient is 0.
pub(super) fn divide_by_norms(exec: Exec, rows: MatRef, gradient: MatMut) {
    struct Divide<'a>(MatRef<'a>, MatMut<'a>);
    impl Op for Divide<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Divide(rows, mut gradient) = self;
            for j in 0..rows.rows() {
                let norm = dictionary::norm(s, rows.row(j));
                let factor = if norm == 0.0 {
                    0.0
                } else {
                    (1.0 / norm) as f32
                };
                dictionary::scale(s, factor, gradient.row(j));
            }
        }
    }
    par::share_rows(exec, LEAF, (rows, gradient), &|(rows, gradient)| {
        exec.isa().dispatch(Divide(rows, gradient))
    });
}
