//! Reconstructions by the first elements of a dictionary alone, and the gradients of their errors.
//!
//! The elements between one prefix and the next are in every longer prefix too, so that the gradient with respect to
//! these elements needs only the sum of the errors of the longer prefixes.

use std::ops::Range;

use super::decoder::Decoder;
use crate::function::elementwise::{Sub, zip};
use crate::function::vector::{axpy, dot, scale, square};
use crate::machine::exec::Exec;
use crate::machine::par::{self, RowOp};
use crate::machine::profile::{Part, Work};
use crate::machine::simd::Simd;
use crate::matrix::sparse::{EntriesMut, SparseRef, add_row_product};
use crate::matrix::view::{MatMut, MatRef};

/// Returns the elements of each prefix that are not in the one before.
pub(super) fn levels(prefixes: &[usize]) -> impl Iterator<Item = Range<usize>> {
    let firsts = [0].into_iter().chain(prefixes.iter().copied());
    firsts.zip(prefixes).map(|(first, &end)| first..end)
}

/// Computes the error e = x̂ − x of the reconstruction of each sample by each prefix. Writes the sum of ‖e‖² over
/// prefixes to `errors`, and to `sums`, for each prefix in turn, the sum of weight·2e/B over it and the longer
/// prefixes. Adds the gradient with respect to the codes to `deltas`.
pub(super) fn reconstruct(
    exec: Exec,
    decoder: Decoder,
    prefixes: &[usize],
    codes: SparseRef,
    x: MatRef,
    (deltas, sums, errors): (&mut [f32], MatMut, &mut [f64]),
) {
    /// The number of samples that is worth another thread.
    const LEAF: usize = 16;
    let op = Prefixes {
        decoder,
        prefixes,
        factor: 2.0 * decoder.weight / x.rows() as f32,
    };
    let places = EntriesMut::new(codes, deltas);
    let n = sums.rows() * sums.cols();
    let work = || {
        let sparse = codes.work(x.cols());
        Work {
            flops: 2 * sparse.flops + 5 * n as u64,
            bytes: sparse.bytes + 8 * n as u64,
        }
    };
    par::run(exec, op, (codes, places, x, sums, errors), LEAF, work);
}

#[derive(Clone, Copy)]
struct Prefixes<'a> {
    decoder: Decoder<'a>,
    prefixes: &'a [usize],
    /// The factor weight·2/B by which errors become gradients.
    factor: f32,
}

/// The operands of [`Prefixes`]: codes, the gradient with respect to them, samples, sums of errors, and sums of the
/// squares of the errors' norms.
type Samples<'a> = (
    SparseRef<'a>,
    EntriesMut<'a>,
    MatRef<'a>,
    MatMut<'a>,
    &'a mut [f64],
);

impl<'a> RowOp<Samples<'a>> for Prefixes<'_> {
    const PART: Part = Part::Decoding;

    #[inline(always)]
    fn run<S: Simd>(self, s: S, (codes, mut deltas, x, mut sums, errors): Samples) {
        let Decoder {
            dictionary, b_dec, ..
        } = self.decoder;
        for (b, error) in errors.iter_mut().enumerate() {
            let (columns, values) = codes.row(b);
            let (x, sums, deltas) = (x.row(b), sums.row_mut(b), deltas.row(b));
            let d = x.len();
            let upto = |m: usize| columns.partition_point(|&j| (j as usize) < m);
            *error = 0.0;
            let mut from = 0;
            for (i, &m) in self.prefixes.iter().enumerate() {
                let (before, e) = sums.split_at_mut(i * d);
                let e = &mut e[..d];
                match i {
                    0 => zip(s, Sub, b_dec, x, e),
                    _ => e.copy_from_slice(&before[(i - 1) * d..]),
                }
                let to = upto(m);
                let level = (&columns[from..to], &values[from..to]);
                add_row_product(s, level, dictionary, e);
                *error += square(s, e);
                from = to;
            }
            let mut to = from;
            for i in (0..self.prefixes.len()).rev() {
                let (sum, longer) = sums[i * d..].split_at_mut(d);
                scale(s, self.factor, sum);
                if i + 1 < self.prefixes.len() {
                    axpy(s, 1.0, &longer[..d], sum);
                }
                let from = if i == 0 {
                    0
                } else {
                    upto(self.prefixes[i - 1])
                };
                let level = deltas[from..to].iter_mut().zip(&columns[from..to]);
                for (delta, &j) in level {
                    *delta += dot(s, sum, dictionary.row(j as usize));
                }
                to = from;
            }
        }
    }
}
