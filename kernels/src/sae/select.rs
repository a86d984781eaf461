//! The choice of the pre-activations of a sample that become entries of its code.

use std::cmp::Ordering;

use crate::machine::par;
use crate::machine::scratch::with_scratch;
use crate::machine::simd::Simd;
use crate::matrix::sparse::{AtLeast, Sift, sift};

/// A rule that chooses the pre-activations of a sample that become entries of its code, and the values of these
/// entries.
pub(super) trait Select: Copy + Send + Sync {
    /// Writes the entries of one row, in ascending order of columns, to `columns` and `values`, which have room for an
    /// entry for each pre-activation. Returns the number of entries.
    fn select<S: Simd>(self, s: S, pre: impl Row, columns: &mut [u32], values: &mut [f32])
    -> usize;
}

/// The pre-activations of a sample: all of them, or upper bounds of all, from which the values of some are computed on
/// demand.
pub(super) trait Row {
    /// Returns an upper bound of each pre-activation; NaN where nothing is known of it.
    fn bounds(&self) -> &[f32];

    /// Returns a lower bound of the k-th largest pre-activation, given a lower bound `least` of the k-th largest of
    /// [`bounds`](Self::bounds). Where fewer than k pre-activations are above 0, it is a lower bound of all that are.
    fn kth_at_least<S: Simd>(&mut self, s: S, k: usize, least: AtLeast) -> AtLeast;

    /// Writes the pre-activations that the rule `sieve` keeps, and their columns, in ascending order. Returns the
    /// number of values written.
    fn sift<S: Simd>(
        &mut self,
        s: S,
        sieve: impl Sift,
        columns: &mut [u32],
        values: &mut [f32],
    ) -> usize;
}

/// A consumer of the pre-activations of some samples, which keeps the entries of their codes. Samples come in order
/// from 0.
pub(super) trait Keep: par::Rows {
    /// Keeps the entries of the next sample, given its number and its pre-activations.
    fn keep<S: Simd>(&mut self, s: S, sample: usize, pre: impl Row);
}

impl Row for &[f32] {
    #[inline(always)]
    fn bounds(&self) -> &[f32] {
        self
    }
    #[inline(always)]
    fn kth_at_least<S: Simd>(&mut self, _: S, _: usize, least: AtLeast) -> AtLeast {
        least
    }
    #[inline(always)]
    fn sift<S: Simd>(
        &mut self,
        s: S,
        sieve: impl Sift,
        columns: &mut [u32],
        values: &mut [f32],
    ) -> usize {
        sift(s, sieve, self, columns, values)
    }
}

/// Every [`Sift`] rule chooses the values that it keeps.
impl<T: Sift + Send + Sync> Select for T {
    #[inline(always)]
    fn select<S: Simd>(
        self,
        s: S,
        mut pre: impl Row,
        columns: &mut [u32],
        values: &mut [f32],
    ) -> usize {
        pre.sift(s, self, columns, values)
    }
}

/// The ReLU, as the rule that keeps values above 0, or NaN.
pub(super) const RELU: AtLeast = AtLeast::ABOVE_ZERO;

/// The rule that keeps values above a threshold, one threshold for each column, or NaN.
#[derive(Clone, Copy)]
pub(super) struct Above<'a>(pub(super) &'a [f32]);

impl Sift for Above<'_> {
    #[inline(always)]
    fn left_out<S: Simd>(self, s: S, first: usize, len: usize, values: S::F32) -> S::Mask {
        let thresholds = &self.0[first..][..len];
        // A NaN compares as false.
        s.le(values, s.load_partial(thresholds))
    }

    #[inline(always)]
    fn leaves_out(self, column: usize, value: f32) -> bool {
        value <= self.0[column]
    }
}

/// The rule that keeps the largest of the values above 0, at most as many as this number. A NaN counts as largest, and
/// of equal values those of the first columns count as larger.
#[derive(Clone, Copy)]
pub(super) struct Largest(pub(super) usize);

impl Select for Largest {
    #[inline(always)]
    fn select<S: Simd>(
        self,
        s: S,
        mut pre: impl Row,
        columns: &mut [u32],
        values: &mut [f32],
    ) -> usize {
        let Largest(k) = self;
        let AtLeast(mut least) = AtLeast::ABOVE_ZERO;
        let bounds = pre.bounds();
        // The k-th largest of the maxima of groups is no larger than the k-th largest of all.
        let groups = (4 * k).next_multiple_of(S::LANES);
        if groups < bounds.len() {
            let maxima = &mut values[..groups];
            maxima.fill(0.0);
            for bounds in bounds.chunks(groups) {
                for (max, bounds) in maxima
                    .chunks_mut(S::LANES)
                    .zip(bounds.chunks_exact(S::LANES))
                {
                    s.store(s.max(s.load(bounds), s.load(max)), max);
                }
            }
            least = least.max(kth_largest(maxima, k));
        }
        let least = pre.kth_at_least(s, k, AtLeast(least));
        let used = pre.sift(s, least, columns, values);
        if used <= k {
            return used;
        }
        prune(k, &mut columns[..used], &mut values[..used])
    }
}

/// Returns the k-th largest value by magnitude, where a NaN counts as largest. Changes the order of the values.
pub(super) fn kth_largest(values: &mut [f32], k: usize) -> f32 {
    let (_, &mut kth, _) = values.select_nth_unstable_by(k - 1, descending);
    kth
}

/// Compares two values for an order from the largest magnitude to the smallest. All NaNs are equal, and largest: the
/// bits of a NaN depend on the order of operands, and with it on the instructions that a compiler chose.
fn descending(a: &f32, b: &f32) -> Ordering {
    let key = |value: &f32| match value.is_nan() {
        true => u32::MAX,
        // Magnitudes are in the order of their bits.
        false => value.abs().to_bits(),
    };
    key(b).cmp(&key(a))
}

/// Keeps the k largest of more than k entries, all of them positive or NaN, in their order. Returns k.
fn prune(k: usize, columns: &mut [u32], values: &mut [f32]) -> usize {
    let mut cut = Cut::new(k, values);
    let mut kept = 0;
    for i in 0..values.len() {
        if cut.keeps(values[i]) {
            (columns[kept], values[kept]) = (columns[i], values[i]);
            kept += 1;
        }
    }
    kept
}

/// The cut between the k largest of some values, all of them positive or NaN, and the others. A NaN counts as largest,
/// and of equal values the first count as larger.
pub(super) struct Cut {
    /// The k-th largest value.
    kth: f32,
    /// The number of values equal to the k-th largest that are still to be kept.
    equal: usize,
}

impl Cut {
    /// Returns the cut below the k largest of k or more values.
    pub(super) fn new(k: usize, values: &[f32]) -> Cut {
        with_scratch(values.len(), |candidates| {
            candidates.copy_from_slice(values);
            let kth = kth_largest(candidates, k);
            let above = candidates[..k]
                .iter()
                .filter(|value| descending(value, &kth).is_lt())
                .count();
            Cut {
                kth,
                equal: k - above,
            }
        })
    }

    /// Returns the smallest value that is kept, or infinity where only NaNs are kept.
    pub(super) fn least(&self) -> f32 {
        self.kth.min(f32::INFINITY)
    }

    /// Returns whether the next value is kept. The values have to be passed in their order.
    pub(super) fn keeps(&mut self, value: f32) -> bool {
        let order = descending(&value, &self.kth);
        let kept = order.is_lt() || (order.is_eq() && self.equal > 0);
        self.equal -= usize::from(kept && order.is_eq());
        kept
    }
}
