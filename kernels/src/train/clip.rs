//! Clipping of a gradient by its norm (Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural
//! networks*, arXiv 1211.5063, algorithm 1).
//!
//! ```
//! use kernels::{Exec, clip};
//!
//! let mut gradient = [3.0, 0.0, -4.0];
//! assert_eq!(clip::to_norm(Exec::default(), 10.0, &mut gradient), 5.0);
//! assert_eq!(gradient, [3.0, 0.0, -4.0]);
//! clip::to_norm(Exec::default(), 2.5, &mut gradient);
//! assert_eq!(gradient, [1.5, 0.0, -2.0]);
//! ```

use crate::function::vector::{scale_wide, square};
use crate::machine::exec::Exec;
use crate::machine::par::{self, LEAF, RowOp};
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};

/// The number of values whose squares are summed in f32; these sums are added up in f64.
const SUM: usize = 1 << 10;

/// Scales a gradient to the norm `most` where its norm is larger: g ← g·most/‖g‖. Returns ‖g‖ as it was before.
///
/// A gradient of any finite values is scaled, also where ‖g‖² is beyond the range of f32. One that holds a NaN or an
/// infinity stays as it is. The norm does not depend on the number of threads; its relative error is at most γ₁₀₂₄ =
/// 1024·u / (1 − 1024·u), u = 2⁻²⁴, since no more squares than that are added up in f32.
///
/// # Panics
/// If `most` is not above 0.
#[track_caller]
pub fn to_norm(exec: Exec, most: f32, gradient: &mut [f32]) -> f64 {
    assert!(most > 0.0, "a gradient clipped to the norm {most}");
    let n = gradient.len();
    profile::call(Part::Adam, || Work::new(2 * n, n));
    let norm = square_of_all(exec, gradient).sqrt();
    if norm > f64::from(most) && norm.is_finite() {
        let factor = f64::from(most) / norm;
        par::run(exec, Scale(factor), gradient, LEAF, || Work::new(n, 2 * n));
    }
    norm
}

/// Returns Σ g² over `values`, summed piece by piece; where the pieces lie depends on the number of values alone.
fn square_of_all(exec: Exec, values: &[f32]) -> f64 {
    struct Square<'a>(&'a [f32]);
    impl Op for Square<'_> {
        type Output = f64;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> f64 {
            self.0.chunks(SUM).map(|x| square(s, x)).sum()
        }
    }
    if values.len() <= LEAF {
        let _span = profile::span(Part::Adam);
        return exec.isa().dispatch(Square(values));
    }
    let pieces = values.len().div_ceil(LEAF);
    let (first, rest) = values.split_at(pieces / 2 * LEAF);
    let (first, rest) = par::join(
        exec,
        || square_of_all(exec, first),
        || square_of_all(exec, rest),
    );
    first + rest
}

#[derive(Clone, Copy)]
struct Scale(f64);

impl RowOp<&mut [f32]> for Scale {
    const PART: Part = Part::Adam;

    #[inline(always)]
    fn run<S: Simd>(self, s: S, gradient: &mut [f32]) {
        scale_wide(s, self.0, gradient);
    }
}
