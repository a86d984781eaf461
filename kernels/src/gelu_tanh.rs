//! The tanh form of GELU: x(1 + tanh u)/2 with u = √(2/π)(x + 0.044715x³), as GPT-2 uses it
//! (Hendrycks & Gimpel, arXiv 1606.08415).
//!
//! Computed like the [exact form](crate::gelu), with Q(a) = (1 − tanh u(a))/2 = 1/(1 + exp 2u(a)) as
//! the tail and R(a) = Q(a) + aQ′(a) as its slope.

use crate::Exec;
use crate::elementwise::{Binary, Unary, binary, unary};
use crate::gelu::{rectifier_less_tail, step_less_slope};
use crate::piecewise::Piecewise;
use crate::simd::Simd;

/// `y = x (1 + tanh u) / 2`; NaN stays NaN.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn forward(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, GeluTanh, x, y)
}

/// `y` = the derivative of the tanh form at `x`; NaN stays NaN.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn derivative(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, GeluTanhDerivative, x, y)
}

/// `dx` = `dy` times the derivative of the tanh form at `x`.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn backward(exec: Exec, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    binary(exec, GeluTanhBackward, x, dy, dx)
}

#[derive(Clone, Copy)]
pub(crate) struct GeluTanh;

impl Unary for GeluTanh {
    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        rectifier_less_tail(s, &TAIL, x)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct GeluTanhDerivative;

impl Unary for GeluTanhDerivative {
    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        step_less_slope(s, &SLOPE, x)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct GeluTanhBackward;

impl Binary for GeluTanhBackward {
    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32, dy: S::F32) -> S::F32 {
        s.mul(dy, GeluTanhDerivative.eval(s, x))
    }
}

// Tables made by `kernels/fit/fit.py`.

/// Q(a) = 1/(1 + exp(2u(a))).
#[rustfmt::skip]
static TAIL: Piecewise<7> = Piecewise {
    step: 0.70236874,
    per_step: 1.4237535,
    end: 5.229081,
    coefficients: [
        [0.5, 0.24130423, 0.08021505, 0.017463867, 0.0023159664, 1.674611e-4, 5.7557954e-6, 8.108781e-8],
        [-0.3989423, -0.31148124, -0.14890264, -0.043689784, -0.007591252, -7.0922065e-4, -3.107091e-5, -5.0856033e-7],
        [7.725566e-7, 0.10956848, 0.10396437, 0.045939036, 0.011022837, 0.0013756858, 7.865016e-5, 1.7965795e-6],
        [0.0668037, 0.025965981, -0.023998072, -0.024556069, -0.009089714, -0.0015975434, -1.2294276e-4, -4.8121437e-6],
        [1.4266948e-4, -0.023082476, -0.008555525, 0.0052155927, 0.004415634, 0.001210748, 1.3235032e-4, 5.163718e-6],
        [-0.010844087, -5.9653836e-4, 0.005920532, 0.0013805593, -0.0010182206, -6.0286856e-4, -1.0640805e-4, 0.0],
        [0.0014197843, 0.0031561162, -3.5191895e-4, -0.0011006206, -9.709871e-5, 1.708415e-4, 5.734044e-5, 0.0],
    ],
};

/// R(a) = Q(a) + aQ′(a).
#[rustfmt::skip]
static SLOPE: Piecewise<8> = Piecewise {
    step: 0.7439413,
    per_step: 1.3441919,
    end: 5.551339,
    coefficients: [
        [0.5, 0.0036951855, -0.12805541, -0.061714333, -0.012374743, -0.0010715167, -3.5585595e-5, -3.86974e-7],
        [-0.7978846, -0.4369998, 0.026340522, 0.09965093, 0.033485122, 0.004178876, 1.8820669e-4, 2.451241e-6],
        [1.0601237e-6, 0.3870637, 0.17496137, -0.034073144, -0.03602506, -0.007223218, -4.6191624e-4, -8.7320805e-6],
        [0.2672597, 0.01967966, -0.14197513, -0.035307836, 0.016204817, 0.007048373, 6.905386e-4, 2.4050474e-5],
        [1.5458548e-4, -0.114573106, 0.0124642495, 0.03545597, 0.0018209327, -0.003939236, -6.904965e-4, -2.8699636e-5],
        [-0.06191866, 0.015568253, 0.028039712, -0.008873597, -0.005526165, 8.825716e-4, 4.708841e-4, 0.0],
        [0.0017394442, 0.019316483, -0.010052105, -0.0028728442, 0.0022090054, 3.928415e-4, -2.014377e-4, 0.0],
        [0.008041005, -0.0047839214, -0.0018051992, 0.002141376, -3.573911e-5, -3.4051054e-4, 3.469278e-5, 0.0],
    ],
};
