//! The rectifier max(0, x), its derivative and its gradient.
//!
//! ```
//! use kernels::{Exec, relu};
//!
//! let x = [-1.0, 0.0, 2.0];
//! let mut y = [0.0; 3];
//! relu::forward(Exec::default(), &x, &mut y);
//! assert_eq!(y, [0.0, 0.0, 2.0]);
//!
//! let mut d_x = [0.0; 3];
//! relu::backward(Exec::default(), &x, &[5.0; 3], &mut d_x);
//! assert_eq!(d_x, [0.0, 0.0, 5.0]);
//! ```

use crate::function::elementwise::{Binary, Unary, binary, unary};
use crate::machine::exec::Exec;
use crate::machine::simd::Simd;

/// Computes `y = max(0, x)`, exactly; NaN stays NaN.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn forward(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, Relu, x, y)
}

/// Computes `y = 1` where `x > 0`, else 0, so that the derivative at 0 is taken as 0; NaN where `x` is NaN.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn derivative(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, ReluDerivative, x, y)
}

/// Computes `d_x = d_y` where `x > 0`, else 0, so that the gradient at 0 is taken as 0; NaN where `x` is NaN. The
/// result is exact.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn backward(exec: Exec, x: &[f32], d_y: &[f32], d_x: &mut [f32]) {
    binary(exec, ReluBackward, x, d_y, d_x)
}

/// The rectifier.
#[derive(Clone, Copy)]
pub(crate) struct Relu;

impl Unary for Relu {
    const FLOPS: usize = 0;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        s.max(s.splat(0.0), x)
    }
}

/// The derivative of the rectifier.
#[derive(Clone, Copy)]
pub(crate) struct ReluDerivative;

impl Unary for ReluDerivative {
    const FLOPS: usize = 0;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        ReluBackward.eval(s, x, s.splat(1.0))
    }
}

/// The gradient through the rectifier: a selection, not a product, so that an infinite d_y gives 0 and not NaN where
/// x ≤ 0.
#[derive(Clone, Copy)]
pub(crate) struct ReluBackward;

impl Binary for ReluBackward {
    const FLOPS: usize = 0;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32, d_y: S::F32) -> S::F32 {
        let zero = s.splat(0.0);
        // d_y where x > 0, to the bit, and NaN where x is.
        let open = s.add(d_y, s.min(s.splat(-0.0), x));
        s.select(s.le(x, zero), zero, open)
    }
}
