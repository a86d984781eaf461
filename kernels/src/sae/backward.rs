//! Sums over samples and over elements, from which gradients with respect to biases and dictionaries are computed.

use std::ops::Range;

use crate::function::vector::{axpy, norm, scale_wide};
use crate::machine::exec::Exec;
use crate::machine::par::{self, RowOp};
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::Simd;
use crate::matrix::reduce::add_rows;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

/// The number of elements that is worth another thread.
const LEAF: usize = 32;

/// Computes `sums[j]` ← Σ over samples of the values in column j, sample after sample.
pub(super) fn column_sums(entries: SparseRef, sums: &mut [f32]) {
    let n = entries.entries();
    let _span = profile::timed(Part::Sums, || Work::new(n, 2 * n + sums.len()));
    sums.fill(0.0);
    for b in 0..entries.rows() {
        let (columns, values) = entries.row(b);
        for (&j, &value) in columns.iter().zip(values) {
            sums[j as usize] += value;
        }
    }
}

/// Computes the gradient with respect to `b_dec`: Σ over samples of `d_output`, minus `W_encᵀ d_b_enc` where the
/// encoder reads x − b_dec. Where it does not, `w_enc` has no rows.
pub(super) fn decoder_bias(
    exec: Exec,
    d_output: MatRef,
    w_enc: MatRef,
    d_b_enc: &[f32],
    d_b_dec: &mut [f32],
) {
    /// The number of columns that is worth another thread: enough of a row to stream.
    const LEAF: usize = 256;
    #[derive(Clone, Copy)]
    struct Columns<'a> {
        d_output: MatRef<'a>,
        w_enc: MatRef<'a>,
        d_b_enc: &'a [f32],
    }
    impl RowOp<(Range<usize>, &mut [f32])> for Columns<'_> {
        const PART: Part = Part::Sums;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, (columns, out): (Range<usize>, &mut [f32])) {
            out.fill(0.0);
            add_rows(s, self.d_output.col_range(columns.clone()), out);
            let w_enc = self.w_enc.col_range(columns);
            for (j, &factor) in self.d_b_enc.iter().enumerate() {
                axpy(s, -factor, w_enc.row(j), out);
            }
        }
    }
    let (rows, n, d) = (d_output.rows(), w_enc.rows(), d_output.cols());
    let work = || Work::new((rows + 2 * n) * d, (rows + n + 1) * d);
    let op = Columns {
        d_output,
        w_enc,
        d_b_enc,
    };
    par::run(exec, op, (0..d_b_dec.len(), d_b_dec), LEAF, work);
}

/// Computes `out[j]` += `factors[j]` · row j of `rows`.
pub(super) fn add_scaled_rows(exec: Exec, factors: &[f32], rows: MatRef, out: MatMut) {
    #[derive(Clone, Copy)]
    struct AddScaled;
    impl<'a> RowOp<(&'a [f32], MatRef<'a>, MatMut<'a>)> for AddScaled {
        const PART: Part = Part::Elements;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, (factors, rows, mut out): (&[f32], MatRef, MatMut)) {
            for (j, &factor) in factors.iter().enumerate() {
                axpy(s, factor, rows.row(j), out.row_mut(j));
            }
        }
    }
    let n = rows.rows() * rows.cols();
    let work = || Work::new(2 * n, 3 * n);
    par::run(exec, AddScaled, (factors, rows, out), LEAF, work);
}

/// Divides each row of a gradient by the norm of the same row of `rows`; where the norm is 0, the gradient becomes 0.
pub(super) fn divide_by_norms(exec: Exec, rows: MatRef, gradient: MatMut) {
    #[derive(Clone, Copy)]
    struct Divide;
    impl<'a> RowOp<(MatRef<'a>, MatMut<'a>)> for Divide {
        const PART: Part = Part::Elements;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, (rows, mut gradient): (MatRef, MatMut)) {
            for j in 0..rows.rows() {
                let norm = norm(s, rows.row(j));
                let factor = if norm == 0.0 { 0.0 } else { 1.0 / norm };
                scale_wide(s, factor, gradient.row_mut(j));
            }
        }
    }
    let n = rows.rows() * rows.cols();
    let work = || Work::new(3 * n, 3 * n);
    par::run(exec, Divide, (rows, gradient), LEAF, work);
}
