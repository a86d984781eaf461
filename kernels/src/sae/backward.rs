//! Sums over samples and over elements, of which gradients with respect to biases and dictionaries are made.

use std::ops::Range;

use crate::function::elementwise::axpy;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::dictionary;
use crate::matrix::reduce::add_rows;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

/// Elements that are worth another thread.
const LEAF: usize = 32;

/// `sums[j]` ← Σ over samples of the values in column j, sample after sample.
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

/// The gradient with respect to `b_dec`: Σ over samples of `d_output`, less `W_encᵀ d_b_enc`, since the encoder reads
/// x − b_dec.
pub(super) fn decoder_bias(
    exec: Exec,
    d_output: MatRef,
    w_enc: MatRef,
    d_b_enc: &[f32],
    d_b_dec: &mut [f32],
) {
    /// Columns that are worth another thread: enough of a row to stream.
    const LEAF: usize = 256;
    struct Columns<'a> {
        d_output: MatRef<'a>,
        w_enc: MatRef<'a>,
        d_b_enc: &'a [f32],
        columns: Range<usize>,
        out: &'a mut [f32],
    }
    impl Op for Columns<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            self.out.fill(0.0);
            add_rows(s, self.d_output, self.columns.clone(), self.out);
            for (j, &factor) in self.d_b_enc.iter().enumerate() {
                let row = &self.w_enc.row(j)[self.columns.clone()];
                axpy(s, -factor, row, self.out);
            }
        }
    }
    let (rows, n, d) = (d_output.rows(), w_enc.rows(), d_output.cols());
    let work = || Work::new((rows + 2 * n) * d, (rows + n + 1) * d);
    profile::call(Part::Sums, work);
    let work = (0..d_b_dec.len(), d_b_dec);
    par::share_timed(Part::Sums, exec, LEAF, work, &|(columns, out)| {
        exec.isa().dispatch(Columns {
            d_output,
            w_enc,
            d_b_enc,
            columns,
            out,
        })
    });
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
                axpy(s, factor, rows.row(j), out.row(j));
            }
        }
    }
    let n = rows.rows() * rows.cols();
    profile::call(Part::Elements, || Work::new(2 * n, 3 * n));
    let work = (0..rows.rows(), rows, out);
    par::share_timed(Part::Elements, exec, LEAF, work, &|(range, rows, out)| {
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
                let factor = if norm == 0.0 { 0.0 } else { 1.0 / norm };
                dictionary::scale_wide(s, factor, gradient.row(j));
            }
        }
    }
    let n = rows.rows() * rows.cols();
    profile::call(Part::Elements, || Work::new(3 * n, 3 * n));
    par::share_timed(Part::Elements, exec, LEAF, (rows, gradient), &|(
        rows,
        gradient,
    )| {
        exec.isa().dispatch(Divide(rows, gradient))
    });
}
