//! The pre-activations of a sample by their upper bounds, with the values that are computed where they are asked for.

use crate::machine::scratch::with_scratch;
use crate::machine::simd::Simd;
use crate::matrix::matmul::single_products;
use crate::matrix::sparse::{AtLeast, Sift, sift};
use crate::matrix::view::MatRef;
use crate::sae::select::{Row, kth_largest};
use wide::bytemuck::cast_slice_mut;

/// The pre-activations of a sample: upper bounds of all, and the operands from which single values are computed.
pub(super) struct Screened<'a> {
    bounds: &'a [f32],
    /// The operands of the product: what the encoder reads, the rows of the encoder, and its biases.
    product: (&'a [f32], MatRef<'a>, &'a [f32]),
    /// The columns, in ascending order, of the values that are known already, and these values.
    known: (&'a mut [u32], &'a mut [f32]),
    /// The number of values that are known.
    len: usize,
    /// Room for the columns and values that are computed next.
    fresh: (&'a mut [u32], &'a mut [f32]),
}

impl<'a> Screened<'a> {
    /// Returns a row of n pre-activations with these `bounds`, which are computed from `product`: what the encoder
    /// reads of the sample, the rows of the encoder, and its biases. `room` is for 4n values.
    pub(super) fn new(
        bounds: &'a [f32],
        product: (&'a [f32], MatRef<'a>, &'a [f32]),
        room: &'a mut [f32],
    ) -> Screened<'a> {
        let n = bounds.len();
        let (known, fresh) = room.split_at_mut(2 * n);
        let halves = |room: &'a mut [f32]| {
            let (columns, values) = room.split_at_mut(n);
            (cast_slice_mut(columns), &mut values[..n])
        };
        Screened {
            bounds,
            product,
            known: halves(known),
            len: 0,
            fresh: halves(fresh),
        }
    }
}

impl Row for Screened<'_> {
    #[inline(always)]
    fn bounds(&self) -> &[f32] {
        self.bounds
    }

    /// Computes the pre-activations whose bounds reach `least`, and returns the k-th largest of them, or
    /// [`AtLeast::ABOVE_ZERO`] where that is not above 0 or there are fewer than k.
    #[inline(always)]
    fn kth_at_least<S: Simd>(&mut self, s: S, k: usize, least: AtLeast) -> AtLeast {
        let (columns, values) = (&mut *self.known.0, &mut *self.known.1);
        let used = sift(s, least, self.bounds, columns, values);
        let values = &mut values[..used];
        single_products(s, self.product, &columns[..used], values);
        self.len = used;
        if used < k {
            return AtLeast::ABOVE_ZERO;
        }
        with_scratch(used, |positive| {
            for (to, &value) in positive.iter_mut().zip(&*values) {
                // A NaN stays NaN.
                *to = if value <= 0.0 { 0.0 } else { value };
            }
            // Where even the k-th largest is NaN, no finite value is among the k largest.
            let kth = kth_largest(positive, k).min(f32::INFINITY);
            let AtLeast(above_zero) = AtLeast::ABOVE_ZERO;
            AtLeast(kth.max(above_zero))
        })
    }

    #[inline(always)]
    fn sift<S: Simd>(
        &mut self,
        s: S,
        sieve: impl Sift,
        columns: &mut [u32],
        values: &mut [f32],
    ) -> usize {
        let used = sift(s, sieve, self.bounds, columns, values);
        let known = &self.known.0[..self.len];
        let (mut at, mut fresh) = (0, 0);
        for &column in &columns[..used] {
            while at < known.len() && known[at] < column {
                at += 1;
            }
            if known.get(at) != Some(&column) {
                self.fresh.0[fresh] = column;
                fresh += 1;
            }
        }
        let computed = (&self.fresh.0[..fresh], &mut self.fresh.1[..fresh]);
        single_products(s, self.product, computed.0, computed.1);
        let (mut at, mut next, mut kept) = (0, 0, 0);
        for i in 0..used {
            let column = columns[i];
            let value = if next < fresh && self.fresh.0[next] == column {
                next += 1;
                self.fresh.1[next - 1]
            } else {
                while known[at] < column {
                    at += 1;
                }
                self.known.1[at]
            };
            (columns[kept], values[kept]) = (column, value);
            kept += usize::from(!sieve.leaves_out(column as usize, value));
        }
        kept
    }
}
