//! The exact Gaussian error linear unit, GELU(x) = xΦ(x) (Hendrycks & Gimpel, arXiv 1606.08415).
//!
//! With a = |x| and the upper tail of the normal distribution Q(a) = 1 − Φ(a) = erfc(a/√2)/2,
//! GELU(x) = max(0, x) − aQ(a): one formula for both signs that cancels nowhere, since Q ≤ 1/2.
//! The derivative Φ(x) + xφ(x) is R(a) = Q(a) − aφ(a) on the left of 0, and 1 − R(a) on the right.
//! Q and R are [piecewise polynomials](crate::piecewise) that end in an exact zero.

use crate::Exec;
use crate::elementwise::{Binary, Unary, binary, unary};
use crate::piecewise::Piecewise;
use crate::simd::Simd;

/// `y = x Φ(x)`; NaN stays NaN.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn forward(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, Gelu, x, y)
}

/// `y = Φ(x) + x φ(x)`, the derivative of GELU at `x`; NaN stays NaN.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn derivative(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, GeluDerivative, x, y)
}

/// `dx = dy · (Φ(x) + x φ(x))`: the gradient with respect to `x`, from that with respect to GELU(x).
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn backward(exec: Exec, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    binary(exec, GeluBackward, x, dy, dx)
}

#[derive(Clone, Copy)]
pub(crate) struct Gelu;

impl Unary for Gelu {
    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        rectifier_less_tail(s, &TAIL, x)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct GeluDerivative;

impl Unary for GeluDerivative {
    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        step_less_slope(s, &SLOPE, x)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct GeluBackward;

impl Binary for GeluBackward {
    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32, dy: S::F32) -> S::F32 {
        s.mul(dy, GeluDerivative.eval(s, x))
    }
}

/// max(0, x) − aQ(a) with a = |x|, for a Q that ends in 0.
#[inline(always)]
pub(crate) fn rectifier_less_tail<S: Simd, const N: usize>(
    s: S,
    q: &Piecewise<N>,
    x: S::F32,
) -> S::F32 {
    let a = q.clamp(s, s.abs(x));
    s.neg_mul_add(a, q.eval(s, a), s.max(s.splat(0.0), x))
}

/// R(a) for x < 0, 1 − R(a) for x ≥ 0, with a = |x|.
#[inline(always)]
pub(crate) fn step_less_slope<S: Simd, const N: usize>(
    s: S,
    r: &Piecewise<N>,
    x: S::F32,
) -> S::F32 {
    let left = r.eval(s, r.clamp(s, s.abs(x)));
    s.select(s.lt(x, s.splat(0.0)), left, s.sub(s.splat(1.0), left))
}

// Tables made by `kernels/fit/fit.py`.

/// Q(a) = erfc(a/√2)/2.
#[rustfmt::skip]
static TAIL: Piecewise<7> = Piecewise {
    step: 0.7435293,
    per_step: 1.3449367,
    end: 5.548455,
    coefficients: [
        [0.5, 0.22858064, 0.06849966, 0.012854218, 0.001469164, 1.0054366e-4, 4.0755385e-6, 9.554484e-8],
        [-0.3989423, -0.30259615, -0.13204546, -0.03315035, -0.0047880546, -3.9787785e-4, -1.9023795e-5, -4.8428774e-7],
        [8.545145e-7, 0.11249432, 0.098179676, 0.036972493, 0.0071201106, 7.3956774e-4, 4.2430653e-5, 1.4677644e-6],
        [0.06647291, 0.022556685, -0.026649227, -0.021969233, -0.006262304, -8.496841e-4, -5.9741567e-5, -3.0845404e-6],
        [1.5391504e-4, -0.022933397, -0.0064569903, 0.006085631, 0.003469747, 6.6693727e-4, 5.9658178e-5, 1.6316772e-6],
        [-0.010641504, -4.68194e-5, 0.005780014, 6.404299e-4, -0.0011010555, -3.754743e-4, -4.6931185e-5, 0.0],
        [0.0014153956, 0.0029701118, -5.569164e-4, -0.0010156176, 8.069197e-5, 1.3894567e-4, 2.60057e-5, 0.0],
    ],
};

/// R(a) = Q(a) − aφ(a).
#[rustfmt::skip]
static SLOPE: Piecewise<8> = Piecewise {
    step: 0.7899046,
    per_step: 1.2659756,
    end: 5.904332,
    coefficients: [
        [0.5, -0.015880758, -0.123875, -0.04814257, -0.007775032, -6.0684775e-4, -2.3991592e-5, -4.8557655e-7],
        [-0.7978846, -0.40184233, 0.05678827, 0.08703299, 0.021640364, 0.0022242677, 1.0820892e-4, 2.4409965e-6],
        [1.0601013e-6, 0.3893792, 0.13609461, -0.04607871, -0.025622815, -0.0037463282, -2.3136442e-4, -7.127528e-6],
        [0.26594335, 0.001056568, -0.13824138, -0.015143347, 0.015262527, 0.0037654564, 3.0963394e-4, 1.4621299e-5],
        [1.5358093e-4, -0.11072028, 0.024259781, 0.0291018, -0.0027988232, -0.0024175006, -2.8755004e-4, -1.00394245e-5],
        [-0.060543053, 0.019027904, 0.024032222, -0.011845139, -0.0024563763, 9.27658e-4, 1.9346988e-4, 0.0],
        [0.0017133295, 0.017516833, -0.010883899, -8.9936797e-4, 0.0019950855, -8.2408165e-5, -9.511206e-5, 0.0],
        [0.007631334, -0.004877214, -0.0012316442, 0.0021688733, -5.112169e-4, -1.1252032e-4, 2.983992e-5, 0.0],
    ],
};
