//! The functions exp, tanh and erf over slices: one branch-free body each, for every instruction set.
//!
//! Errors are the largest at any f32, against f64, in units in the last place of the result
//! (`proptests/tests/kernels/function/math.rs` repeats the measurement). Portable stands for the instruction set
//! without fused products.
//!
//! ```
//! use kernels::{Exec, math};
//!
//! let mut y = [0.0; 3];
//! math::exp(Exec::default(), &[0.0, 1.0, -200.0], &mut y);
//! assert!(y[0] == 1.0 && (y[1] - std::f32::consts::E).abs() < 1e-6 && y[2] == 0.0);
//! math::erf(Exec::default(), &[0.0, 1.0, 9.0], &mut y);
//! assert!(y[0] == 0.0 && (y[1] - 0.842701).abs() < 1e-6 && y[2] == 1.0);
//! ```

use crate::function::elementwise::{Unary, unary};
use crate::function::piecewise::{self, Piecewise};
use crate::machine::exec::Exec;
use crate::machine::simd::Simd;

/// Computes `y = eˣ`: 0 below −104, infinite above 88.73, subnormal where the result is; NaN stays NaN.
///
/// The error is at most 1.1 ulp.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn exp(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, Exp, x, y)
}

/// Computes `y = tanh x`; odd to the bit, NaN stays NaN.
///
/// The error is at most 1.1 ulp.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn tanh(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, Tanh, x, y)
}

/// Computes `y = erf x`, the error function 2/√π ∫₀ˣ exp(−t²) dt; odd to the bit, NaN stays NaN.
///
/// The error is at most 1.04 ulp (portable 1.51 ulp).
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn erf(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, Erf, x, y)
}

#[derive(Clone, Copy)]
pub(crate) struct Exp;

impl Unary for Exp {
    const FLOPS: usize = 5 + 2 * (EXP.len() - 1) + 6;

    /// Returns eˣ = 2ⁿ eʳ with n = round(x / ln 2) and |r| ≤ ln(2)/2.
    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        // The bounds lie just beyond the first argument whose result is infinite, and the last whose result rounds to
        // 0.
        let x = s.max(s.splat(-104.0), s.min(s.splat(89.0), x));
        let n = s.round_to_i32(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
        let r = {
            // ln 2 in two parts (Cody & Waite). The first has so few bits that its product with n
            // is exact, fused or not.
            let n = s.i32_to_f32(n);
            let r = s.neg_mul_add(n, s.splat(355.0 / 512.0), x);
            s.neg_mul_add(n, s.splat(-2.121_944_4e-4), r)
        };
        let rest = s.mul_add(s.mul(r, r), horner(s, &EXP, r), r);
        let e_r = s.add(s.splat(1.0), rest);
        // 2ⁿ can be out of range where the result is not; the product of its two halves is not. Only
        // the last product rounds, and only where the result is subnormal.
        let half = s.shr_i32::<1>(n);
        let other = s.sub_i32(n, half);
        s.mul(s.mul(e_r, power_of_2(s, half)), power_of_2(s, other))
    }
}

/// Returns 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
fn power_of_2<S: Simd>(s: S, n: S::I32) -> S::F32 {
    s.bits_to_f32(s.shl_i32::<23>(s.add_i32(n, s.splat_i32(127))))
}

#[derive(Clone, Copy)]
pub(crate) struct Tanh;

impl Unary for Tanh {
    const FLOPS: usize = 4 + 2 * (TANH.len() - 1) + Exp::FLOPS + 4;

    /// Returns a + a³P(a²) for a = |x| near 0, elsewhere 1 − 2/(e²ᵃ + 1), both with the sign of x.
    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        let a = s.abs(x);
        let square = s.mul(a, a);
        let near = s.mul_add(s.mul(horner(s, &TANH, square), square), a, a);
        let e = Exp.eval(s, s.add(a, a));
        let one = s.splat(1.0);
        let far = s.sub(one, s.div(s.splat(2.0), s.add(e, one)));
        s.copysign(s.select(s.lt(a, s.splat(0.7)), near, far), x)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Erf;

impl Unary for Erf {
    const FLOPS: usize = 3 + piecewise::flops(8);

    /// Returns x/2 + x(erf(a)/a − 1/2) with a = |x|, and ±1 from where erf rounds to it. The term x/2 is apart
    /// because erf(a)/a is 2/√π at 0, which lies midway between two f32 values.
    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        let a = s.abs(x);
        let y = s.mul_add(x, ERF.eval(s, ERF.clamp(s, a)), s.mul(x, s.splat(0.5)));
        let one = s.copysign(s.splat(1.0), x);
        s.select(s.lt(s.splat(3.92), a), one, y)
    }
}

/// Returns the polynomial in `x` with these coefficients, lowest power first, by Horner's scheme.
#[inline(always)]
fn horner<S: Simd, const N: usize>(s: S, coefficients: &[f32; N], x: S::F32) -> S::F32 {
    let mut p = s.splat(coefficients[N - 1]);
    for power in (0..N - 1).rev() {
        p = s.mul_add(p, x, s.splat(coefficients[power]));
    }
    p
}

// The tables were made by `kernels/fit/fit.py`.

/// The polynomial (eʳ − 1 − r)/r² for |r| ≤ ln(2)/2.
const EXP: [f32; 5] = [0.5, 0.16666576, 0.041666463, 0.008363258, 0.0013935328];

/// The polynomial (tanh(x) − x)/x³ for |x| < 0.7, in powers of x².
const TANH: [f32; 6] = [
    -0.3333333,
    0.13333195,
    -0.05394217,
    0.021662274,
    -0.008059474,
    0.0020213067,
];

/// The function erf(a)/a − 1/2.
#[rustfmt::skip]
static ERF: Piecewise<8, 8> = Piecewise {
    step: 0.52358437,
    per_step: 1.9099118,
    end: 3.9268827,
    coefficients: [
        [0.62837917, 0.5332225, 0.32257247, 0.11987768, -0.023982188, -0.118099235, -0.18168418, -0.2271555],
        [1.3929497e-7, -0.33499897, -0.42559928, -0.33370778, -0.2205817, -0.14542432, -0.10130727, -0.07444368],
        [-0.3761322, -0.21800424, 0.029529821, 0.11674576, 0.091277644, 0.054358125, 0.03218966, 0.020310046],
        [1.0697681e-4, 0.16967325, 0.11494385, 0.0055854474, -0.026208105, -0.01883598, -0.010130414, -0.005537561],
        [0.111817844, 0.026480073, -0.059057433, -0.034420896, -0.0010016037, 0.0050737597, 0.0030601993, 0.0015000124],
        [0.0052830265, -0.04990066, -0.007768259, 0.017311368, 0.006586486, -3.0079467e-4, -8.0568454e-4, -4.017822e-4],
        [-0.04127352, 0.001491544, 0.015881661, -2.168721e-4, -0.0037524425, -8.143969e-4, 1.3088387e-4, 1.3702351e-4],
        [0.017677033, 0.00996406, -0.002723397, -0.003317915, 7.1679254e-4, 6.438051e-4, 5.0777915e-5, -2.1768383e-5],
    ],
};
