//! Functions of a non-negative number as polynomials on intervals of equal length.
//!
//! Interval k is centred at `k * step`; there the function is a polynomial in `d = a - k * step`,
//! whose coefficients come from tables by one register permutation each: no branch, no gather, and
//! the same work for every value. `kernels/fit/fit.py` made the tables and explains how.

use crate::machine::simd::Simd;

/// A function on `[0, end]`, with a polynomial of `N` coefficients on each of `I` intervals, 8 or 16.
pub(crate) struct Piecewise<const I: usize, const N: usize> {
    pub step: f32,
    /// The inverse `1 / step`, rounded down so that `end` still falls in the last interval.
    pub per_step: f32,
    pub end: f32,
    /// The coefficients, as `coefficients[power][interval]`.
    pub coefficients: [[f32; I]; N],
}

/// Returns the number of operations of a function with so many `coefficients` on each interval: those that find the
/// interval, and Horner's scheme.
pub(crate) const fn flops(coefficients: usize) -> usize {
    5 + 2 * (coefficients - 1)
}

impl<const I: usize, const N: usize> Piecewise<I, N> {
    /// Returns the lesser of `a` and the end of the last interval; NaN stays NaN.
    #[inline(always)]
    pub fn clamp<S: Simd>(&self, s: S, a: S::F32) -> S::F32 {
        s.min(s.splat(self.end), a)
    }

    /// Returns the function at `a`, which lies in `[0, end]` or is NaN.
    #[inline(always)]
    pub fn eval<S: Simd>(&self, s: S, a: S::F32) -> S::F32 {
        // At 2²³ one ulp is 1: the sum rounds to an integer and holds it in its lowest bits.
        let magic = s.splat(8_388_608.0);
        let shifted = s.mul_add(a, s.splat(self.per_step), magic);
        let interval = s.f32_to_bits(shifted);
        let d = s.neg_mul_add(s.sub(shifted, magic), s.splat(self.step), a);
        let mut p = lookup(s, &self.coefficients[N - 1], interval);
        for power in (0..N - 1).rev() {
            p = s.mul_add(p, d, lookup(s, &self.coefficients[power], interval));
        }
        p
    }
}

/// Returns `table[index & (I - 1)]`, lane by lane.
#[inline(always)]
fn lookup<S: Simd, const I: usize>(s: S, table: &[f32; I], index: S::I32) -> S::F32 {
    const { assert!(I == 8 || I == 16) };
    match table.first_chunk::<16>() {
        Some(table) => s.lookup16(table, index),
        None => s.lookup8(table.first_chunk().unwrap(), index),
    }
}
