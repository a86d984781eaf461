//! Helpers that all methods share: checks of shapes, the scale of values, and the support of a code.

use crate::matrix::view::{MatMut, MatRef};

/// The number of samples of a chunk: enough of them to share the loads of a product with the dictionary.
pub(super) const CHUNK: usize = 64;

/// Checks the shapes of samples, codes and dictionary.
///
/// # Panics
/// If the shapes do not match, with a message that names them, or rows of samples are not contiguous.
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

/// Returns the places of the positive values, and of NaNs.
pub(super) fn support(code: &[f32]) -> impl Iterator<Item = usize> {
    let places = code.iter().enumerate();
    places
        .filter(|&(_, &c)| c > 0.0 || c.is_nan())
        .map(|(j, _)| j)
}

/// Returns the largest power of two that is not above the largest magnitude of some values. Divided by it, values lie
/// in the middle of the range of f32, without another rounding if they are not too far from each other. Returns 1 where
/// all are 0, and NaN where one is NaN or infinite.
#[inline(always)]
pub(super) fn unit(values: &[f32]) -> f64 {
    const EXPONENT: u64 = 0x7ff << 52;
    // Magnitudes are in the order of their bits, with NaN behind infinity.
    let largest = values.iter().map(|v| v.abs().to_bits()).max();
    match f32::from_bits(largest.unwrap_or(0)) {
        0.0 => 1.0,
        largest if largest.is_finite() => f64::from_bits(f64::from(largest).to_bits() & EXPONENT),
        _ => f64::NAN,
    }
}

/// Divides values by `unit`, which is a power of two.
#[inline(always)]
pub(super) fn divide(values: &mut [f32], unit: f64) {
    for v in values {
        *v = (f64::from(*v) / unit) as f32;
    }
}
