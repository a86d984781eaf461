//! What all methods share: the shapes of their operands, and which atoms a code has on.

use crate::matrix::view::{MatMut, MatRef};

/// Samples of a chunk: enough of them to share the loads of a product with the dictionary.
pub(super) const CHUNK: usize = 64;

/// Panics, naming the shapes, if samples, codes and dictionary do not fit each other.
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
}

/// The places of the positive values.
pub(super) fn support(code: &[f32]) -> impl Iterator<Item = usize> {
    let places = code.iter().enumerate();
    places.filter(|&(_, &c)| c > 0.0).map(|(j, _)| j)
}
