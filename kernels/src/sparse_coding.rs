//! Sparse coding: for a sample x and a dictionary D (n×d, rows are atoms), a code c ≥ 0 of few non-zeros with
//! x ≈ Dᵀc.
//!
//! | | |
//! | --- | --- |
//! | [`Lasso`] | ‖x − Dᵀc‖² + λ Σ wⱼcⱼ by ISTA or FISTA, with a duality gap |
//! | [`omp`] | orthogonal matching pursuit: atom by atom, all magnitudes refitted |
//! | [`gradient_pursuit`] | the same, with a gradient step in place of the refit |
//! | [`gradient_step`] | one such step on the support that a code has |
//! | [`nnls`] | the best magnitudes on the support that a code has |
//!
//! The squared error is summed over dimensions, without ½ and without a mean: one unit atom of
//! strength g then has the code max(0, g − λ/2).
//!
//! Samples are the rows of x (B×d), and their codes those of a dense B×n matrix. They are independent of
//! each other: threads take them in chunks of 64 rows, and neither chunks nor threads show in a result.
//!
//! Every method is right for atoms whose norms lie between 10⁻³⁰ and 10³⁰ and samples of any size, as far as f32 holds
//! the code; [`nnls`] for any atoms, and a [`Lasso`] in the range that it states. The code of a sample that holds a NaN
//! or an infinity is NaN, on its support where that is given, and so are all codes by a dictionary that holds one.
//! Without samples there are no codes, and nothing is done.
//!
//! Memory beyond the operands is some 64·(n + d) values a thread, and n² for a [`Lasso`].

mod gradient_pursuit;
mod ista;
mod lasso;
mod nnls;
mod pursuit;

pub use gradient_pursuit::{gradient_pursuit, gradient_step};
pub use lasso::{Certificate, Lasso, Stop};
pub use nnls::nnls;
pub use pursuit::{Pursuit, omp};

use crate::{MatMut, MatRef};

/// Samples of a chunk: enough of them to share the loads of a product with the dictionary.
const CHUNK: usize = 64;

#[track_caller]
fn check(dictionary: MatRef, x: MatRef, codes: &MatMut) {
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

/// The places of the positive values, and of NaN.
fn support(code: &[f32]) -> impl Iterator<Item = usize> {
    let places = code.iter().enumerate();
    places
        .filter(|&(_, &c)| c > 0.0 || c.is_nan())
        .map(|(j, _)| j)
}

/// The power of two below the largest size of some values, divided by which they lie in the middle of the range of f32:
/// without another rounding, if they are not too far from each other. 1 where all are 0, NaN where one is NaN or
/// infinite.
#[inline(always)]
fn unit(values: &[f32]) -> f64 {
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
fn divide(values: &mut [f32], unit: f64) {
    for v in values {
        *v = (f64::from(*v) / unit) as f32;
    }
}
