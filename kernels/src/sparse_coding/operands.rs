//! What all methods share: the shapes of their operands, their scale, and which atoms a code has on.

use crate::matrix::view::{MatMut, MatRef};

/// Samples of a chunk: enough of them to share the loads of a product with the dictionary.
pub(super) const CHUNK: usize = 64;

/// Panics, naming the shapes, if samples, codes and dictionary do not fit each other, or rows of samples are not
/// contiguous.
#[track_caller]
pub(super) fn check(dictionary: MatRef, x: MatRef, codes: &MatMut) {
    assert!(
        x.cols() == dictionary.cols()
            && (codes.rows(), codes.cols()) == (x.rows(), dictionary.rows()),
        "samples of {}×{} and codes of {}×{} for a dictionary of {}×{}",
        x.rows(),
        x.cols(),
        codes.rows(),
        codes.cols(),
        dictionary.rows(),
        dictionary.cols()
    );
    x.assert_contiguous_rows();
}

/// The places of the positive values, and of NaN.
pub(super) fn support(code: &[f32]) -> impl Iterator<Item = usize> {
    let places = code.iter().enumerate();
    places
        .filter(|&(_, &c)| c > 0.0 || c.is_nan())
        .map(|(j, _)| j)
}

/// The power of two below the largest size of some values, divided by which they lie in the middle of the range of
/// f32: without another rounding, if they are not too far from each other. 1 where all are 0, NaN where one is NaN or
/// infinite.
#[inline(always)]
pub(super) fn unit(values: &[f32]) -> f64 {
    const EXPONENT: u64 = 0x7ff << 52;
    // Sizes are in the order of their bits, NaN behind infinity.
    let largest = values.iter().map(|v| v.abs().to_bits()).max();
    match f32::from_bits(largest.unwrap_or(0)) {
        0.0 => 1.0,
        largest if largest.is_finite() => f64::from_bits(f64::from(largest).to_bits() & EXPONENT),
        _ => f64::NAN,
    }
}

/// Divides values by a power of two.
#[inline(always)]
pub(super) fn divide(values: &mut [f32], unit: f64) {
    for v in values {
        *v = (f64::from(*v) / unit) as f32;
    }
}
