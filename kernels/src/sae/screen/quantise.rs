//! The quantisation of rows of f32 to bytes, with bounds of what it leaves out.
//!
//! A row x becomes x̃ = s·q for whole numbers q and the scale s = max|x| / largest, so x = x̃ + δ with a small rest δ.
//! Bounds need no more of a row than s and the norms ‖x̃‖ and ‖δ‖. The norms are summed in units of s, where nothing
//! overflows or vanishes.

use crate::machine::simd::Simd;

/// The scale of a quantised row, and upper bounds of the norms of its two parts, in which the roundings of the norms
/// are included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantised {
    /// The scale s, by which bytes are multiplied.
    pub(super) scale: f32,
    /// The norm ‖x̃‖ of what the bytes represent.
    pub(super) norm: f32,
    /// The norm ‖δ‖ of the rest, which the bytes leave out.
    pub(super) rest: f32,
}

/// The smallest largest magnitude of a row that is quantised: a row whose magnitudes are all below it becomes zeros,
/// and is its own rest. From this magnitude on, s and 1/s have all of their digits.
const TINY: f32 = 1.0 / (1u64 << 60) as f32;

/// The number that is added to every bias: more than what products of small numbers lose below the range of f32. Scales
/// are at least 2⁻⁶⁷. So a product of two scales loses up to 2⁻¹⁵⁰, times a sum of bytes of up to 2³⁰; or up to 2⁻¹²⁶
/// times that sum, in a program that has told its CPU to take numbers below 2⁻¹²⁶ as 0.
pub(super) const VANISHED: f32 = 1.0 / ((1u64 << 47) as f32 * (1u64 << 47) as f32);

/// The number 1.5·2²³, near which neighbouring numbers of f32 are 1 apart: adding it rounds to whole numbers.
const WHOLE: f32 = 12_582_912.0;

/// Quantises a row to whole numbers of magnitude up to `largest`, which is at most 127, in two's complement. Zeros
/// follow up to the length of `bytes`. Every norm is NaN where a value is NaN or infinite.
///
/// Norms are sums of squares in f32, whose relative error is below d·2⁻²⁴; the factor [`slack`] makes up for it.
///
/// # Panics
/// If `bytes` is shorter than the row.
#[inline(always)]
pub(super) fn quantise<S: Simd>(s: S, x: &[f32], largest: f32, bytes: &mut [u8]) -> Quantised {
    let (mut most, mut zeros) = (s.splat(0.0), s.splat(0.0));
    for x in x.chunks(S::LANES) {
        let x = s.load_partial(x);
        most = s.max(s.abs(x), most);
        // NaN where x is no finite number.
        zeros = s.mul_add(x, s.splat(0.0), zeros);
    }
    let (most, zeros) = (s.reduce_max(most), s.reduce_sum(zeros));
    let (row, padding) = bytes.split_at_mut(x.len());
    padding.fill(0);
    let root = (x.len() as f32).sqrt() * slack(x.len());
    if zeros != 0.0 || most < TINY {
        row.fill(0);
        return Quantised {
            scale: 1.0,
            norm: zeros,
            rest: root * TINY + zeros,
        };
    }
    let scale = most / largest;
    let inverse = s.splat(1.0 / scale);
    let (mut norm, mut rest) = (s.splat(0.0), s.splat(0.0));
    let whole = s.splat(WHOLE);
    let mut numbers = [0.0; 16];
    for (x, bytes) in x.chunks(S::LANES).zip(row.chunks_mut(S::LANES)) {
        let x = s.mul(s.load_partial(x), inverse);
        let shifted = s.add(x, whole);
        let q = s.sub(shifted, whole);
        let left = s.sub(x, q);
        norm = s.mul_add(q, q, norm);
        rest = s.mul_add(left, left, rest);
        s.store(shifted, &mut numbers);
        for (byte, number) in bytes.iter_mut().zip(numbers) {
            *byte = number.to_bits() as u8;
        }
    }
    let (norm, rest) = (s.reduce_sum(norm).sqrt(), s.reduce_sum(rest).sqrt());
    let slack = slack(x.len());
    Quantised {
        scale,
        norm: scale * norm * slack,
        // x/s is not exact: each value of it may be 127·2⁻²³ off, so the rest is up to 2⁻¹⁵·√d longer.
        rest: scale * (rest + root / 32_768.0) * slack,
    }
}

/// Returns the factor by which a norm of d values that was summed in f32 becomes an upper bound of the norm.
pub(super) fn slack(d: usize) -> f32 {
    1.0 + (d + 64) as f32 / (1 << 22) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::isa::Isa;
    use crate::machine::simd::Op;

    struct Row<'a>(&'a [f32], f32, &'a mut [u8]);
    impl Op for Row<'_> {
        type Output = Quantised;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Quantised {
            quantise(s, self.0, self.1, self.2)
        }
    }

    #[test]
    fn bytes_and_norms_are_those_of_the_row() {
        for isa in Isa::available() {
            for d in [0, 1, 5, 16, 63, 512, 700] {
                for size in [1e-38f32, 1e-25, 1e-17, 1e-3, 1.0, 3e5, 3e38] {
                    let value = |i: usize| size * ((i * i + 3 * i) as f32).sin();
                    let x: Vec<f32> = (0..d).map(value).collect();
                    let mut bytes = vec![9; d.next_multiple_of(4)];
                    let q = isa.dispatch(Row(&x, 127.0, &mut bytes));
                    let (mut norm, mut rest) = (0f64, 0f64);
                    for (&x, &byte) in x.iter().zip(&bytes) {
                        let near = f64::from(q.scale) * f64::from(byte as i8);
                        norm += near * near;
                        rest += (f64::from(x) - near).powi(2);
                        assert!((byte as i8).unsigned_abs() <= 127);
                    }
                    assert!(bytes[d..].iter().all(|&byte| byte == 0));
                    let [norm, rest] = [norm, rest].map(f64::sqrt);
                    assert!(
                        f64::from(q.norm) >= norm,
                        "{isa}, {d}, {size}: {q:?}, {norm}"
                    );
                    assert!(
                        f64::from(q.rest) >= rest,
                        "{isa}, {d}, {size}: {q:?}, {rest}"
                    );
                    if (1e-17..1e38).contains(&size) && d > 15 {
                        assert!(
                            f64::from(q.norm) <= 1.001 * norm && f64::from(q.rest) <= 1.01 * rest
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_that_is_not_finite_has_no_norm() {
        for isa in Isa::available() {
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for place in [0, 7, 18] {
                    let mut x = [1.0; 19];
                    x[place] = wrong;
                    let q = isa.dispatch(Row(&x, 127.0, &mut [0; 20]));
                    assert!(q.norm.is_nan() && q.rest.is_nan());
                }
            }
        }
    }
}
