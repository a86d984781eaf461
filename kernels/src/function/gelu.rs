//! The exact Gaussian error linear unit, GELU(x) = xΦ(x) (Hendrycks & Gimpel, arXiv 1606.08415).
//!
//! With a = |x| and the upper tail of the normal distribution Q(a) = 1 − Φ(a) = erfc(a/√2)/2,
//! GELU(x) = max(0, x) − aQ(a): one formula for both signs that cancels nowhere, since Q ≤ 1/2.
//! The derivative Φ(x) + xφ(x) is R(a) = Q(a) − aφ(a) on the left of 0, and 1 − R(a) on the right.
//! Q and R are piecewise polynomials that end in an exact zero.
//!
//! ```
//! use kernels::{Exec, gelu};
//!
//! let x = [-1.0, 0.0, 2.0];
//! let mut y = [0.0; 3];
//! gelu::forward(Exec::default(), &x, &mut y);
//! assert!((y[0] + 0.158655).abs() < 1e-6 && y[1] == 0.0 && (y[2] - 1.954500).abs() < 1e-6);
//!
//! // The gradient of the sum of all y with respect to x.
//! let (d_y, mut d_x) = ([1.0; 3], [0.0; 3]);
//! gelu::backward(Exec::default(), &x, &d_y, &mut d_x);
//! assert_eq!(d_x[1], 0.5);
//! ```

use crate::function::elementwise::{TimesDerivative, Unary, binary, unary};
use crate::function::piecewise::{self, Piecewise};
use crate::machine::exec::Exec;
use crate::machine::simd::Simd;

/// Computes `y = x Φ(x)`; ±0 stays, NaN stays NaN, and left of −5.7 the result is 0.
///
/// The error, the largest at any f32 against f64, is 1.4 ulp for x ≥ −1 (AVX2 1.7 ulp, portable 1.9 ulp),
/// 7e-8 absolute left of −1. No result left of 0 is positive.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn forward(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, Gelu, x, y)
}

/// Computes `y = Φ(x) + x φ(x)`, the derivative of GELU at `x`; NaN stays NaN.
///
/// The error, the largest at any f32 against f64, is 1.5 ulp for x ≥ 0, 7e-8 absolute left of 0, where the
/// derivative falls from 1/2 through 0 at −0.75 to −0.13 and rises to 0, which it is left of −6.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn derivative(exec: Exec, x: &[f32], y: &mut [f32]) {
    unary(exec, GeluDerivative, x, y)
}

/// Computes `d_x = d_y · (Φ(x) + x φ(x))`, the gradient with respect to `x` from the gradient with respect to GELU(x).
///
/// The error is |d_y| times that of [`derivative`], plus the rounding of the product.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn backward(exec: Exec, x: &[f32], d_y: &[f32], d_x: &mut [f32]) {
    binary(exec, TimesDerivative(GeluDerivative), x, d_y, d_x)
}

/// The function GELU.
#[derive(Clone, Copy)]
pub(crate) struct Gelu;

impl Unary for Gelu {
    /// The number of operations with the polynomial of lower degree, as for all piecewise polynomials.
    const FLOPS: usize = 2 + piecewise::flops(6);

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        TAIL.rectifier_less_tail(s, x)
    }
}

/// The derivative of GELU.
#[derive(Clone, Copy)]
pub(crate) struct GeluDerivative;

impl Unary for GeluDerivative {
    const FLOPS: usize = 1 + piecewise::flops(6);

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        SLOPE.step_less_slope(s, x)
    }
}

/// A function of |x| as piecewise polynomials on two sets of intervals: 16 intervals and a low degree for instruction
/// sets that pick from 16 values as fast as from 8, else 8 intervals and a higher degree. Each ends in 0.
pub(crate) struct Tail<const N8: usize, const N16: usize> {
    pub by_8: Piecewise<8, N8>,
    pub by_16: Piecewise<16, N16>,
}

impl<const N8: usize, const N16: usize> Tail<N8, N16> {
    /// Returns `(b, f(b))`, where b is the lesser of |x| and the end of the last interval; NaN stays NaN.
    #[inline(always)]
    fn eval<S: Simd>(&self, s: S, x: S::F32) -> (S::F32, S::F32) {
        if S::LANES == 16 {
            let a = self.by_16.clamp(s, s.abs(x));
            (a, self.by_16.eval(s, a))
        } else {
            let a = self.by_8.clamp(s, s.abs(x));
            (a, self.by_8.eval(s, a))
        }
    }

    /// Returns max(0, x) − aQ(a) with a = |x|, where `self` is the function Q.
    #[inline(always)]
    pub fn rectifier_less_tail<S: Simd>(&self, s: S, x: S::F32) -> S::F32 {
        let (a, q) = self.eval(s, x);
        s.neg_mul_add(a, q, s.max(s.splat(0.0), x))
    }

    /// Returns R(|x|) for x < 0 and 1 − R(|x|) for x ≥ 0, where `self` is the function R.
    #[inline(always)]
    pub fn step_less_slope<S: Simd>(&self, s: S, x: S::F32) -> S::F32 {
        let (_, r) = self.eval(s, x);
        s.select(s.lt(x, s.splat(0.0)), r, s.sub(s.splat(1.0), r))
    }
}

// The tables were made by `kernels/fit/fit.py`.

/// The function Q(a) = erfc(a/√2)/2.
#[rustfmt::skip]
static TAIL: Tail<7, 6> = Tail {
    by_8: Piecewise {
        step: 0.74770355,
        per_step: 1.3374283,
        end: 5.577675,
        coefficients: [
            [0.5, 0.2273195, 0.06740411, 0.01244484, 0.0013911738, 9.255421e-5, 3.6248532e-6, 8.212287e-8],
            [-0.3989423, -0.30165583, -0.13041176, -0.032234643, -0.004555458, -3.6809398e-4, -1.7007587e-5, -4.1676685e-7],
            [8.663291e-7, 0.112774335, 0.09750933, 0.036153045, 0.006812261, 6.880459e-4, 3.8146427e-5, 1.2628734e-6],
            [0.06647266, 0.022173934, -0.02686051, -0.021663595, -0.0060337153, -7.955737e-4, -5.4031963e-5, -2.6859343e-6],
            [1.5576818e-4, -0.022932008, -0.006210619, 0.006119588, 0.0033762464, 6.29382e-4, 5.4337976e-5, 1.5050173e-6],
            [-0.010647113, 2.6333899e-5, 0.005749765, 5.654901e-4, -0.0010922478, -3.584213e-4, -4.3186126e-5, 0.0],
            [0.0014214161, 0.0029604791, -5.897653e-4, -9.938065e-4, 9.173959e-5, 1.3471926e-4, 2.4165556e-5, 0.0],
        ],
    },
    by_16: Piecewise {
        step: 0.36590576,
        per_step: 2.7329438,
        end: 5.6604614,
        coefficients: [
            [0.5, 0.3572177, 0.23214181, 0.13616398, 0.071648486, 0.03366021, 0.014066218, 0.0052134576, 0.0017098909, 4.95355e-4, 1.2657238e-4, 2.8492183e-5, 5.64496e-6, 9.835629e-7, 1.5061411e-7, 1.9574511e-8],
            [-0.39894226, -0.37310997, -0.30522302, -0.21839933, -0.13669068, -0.074830756, -0.03583232, -0.0150080165, -0.0054982603, -0.0017618989, -4.9384474e-4, -1.2107478e-4, -2.5963964e-5, -4.870152e-6, -7.990402e-7, -9.2200935e-8],
            [-9.128956e-7, 0.06826018, 0.11168131, 0.11986964, 0.100032054, 0.06845356, 0.039334454, 0.01922055, 0.008047344, 0.0029009767, 9.0340816e-4, 2.4361112e-4, 5.6982528e-5, 1.1576879e-5, 2.044986e-6, 6.109476e-7],
            [0.066505976, 0.05385736, 0.023627764, -0.0074596982, -0.026020763, -0.029273031, -0.022813026, -0.013908907, -0.00693601, -0.00289095, -0.0010196408, -3.0669605e-4, -7.908525e-5, -1.7547913e-5, -3.359604e-6, -2.0861626e-6],
            [-1.1571435e-4, -0.016180277, -0.022791555, -0.017862331, -0.0071741464, 0.0019069578, 0.005910529, 0.005683071, 0.003737497, 0.0019063296, 7.8976725e-4, 2.7196243e-4, 7.887981e-5, 1.9434046e-5, 4.091071e-6, -1.2814999e-5],
            [-0.009634735, -0.0068195076, -2.1689893e-4, 0.004988243, 0.005964189, 0.0036537156, 8.1592717e-4, -8.188149e-4, -0.0011381893, -8.1501383e-4, -4.2146302e-4, -1.7141047e-4, -5.6890938e-5, -1.5709325e-5, -3.6521412e-6, 0.0],
        ],
    },
};

/// The function R(a) = Q(a) − aφ(a).
#[rustfmt::skip]
static SLOPE: Tail<8, 6> = Tail {
    by_8: Piecewise {
        step: 0.7893505,
        per_step: 1.2668642,
        end: 5.9004536,
        coefficients: [
            [0.5, -0.015657984, -0.12393776, -0.04828737, -0.007823121, -6.130387e-4, -2.4353902e-5, -4.9568746e-7],
            [-0.7978846, -0.40227383, 0.05648613, 0.08718605, 0.021754168, 0.0022451128, 1.0975755e-4, 2.4906476e-6],
            [1.0598844e-6, 0.38937727, 0.13655438, -0.04600271, -0.025724355, -0.003777737, -2.3447169e-4, -7.2694384e-6],
            [0.26594335, 0.0013024806, -0.13834877, -0.015337198, 0.015287181, 0.0037922948, 3.1348082e-4, 1.4885794e-5],
            [1.5360997e-4, -0.11077336, 0.024126496, 0.029200153, -0.0027717531, -0.0024303393, -2.9078207e-4, -1.0165852e-5],
            [-0.06054325, 0.018964028, 0.024107259, -0.011836211, -0.0024826298, 9.293635e-4, 1.9535e-4, 0.0],
            [0.001713815, 0.017537815, -0.010874784, -9.2435937e-4, 0.0020041214, -8.030259e-5, -9.580522e-5, 0.0],
            [0.007630922, -0.0048567317, -0.0012440727, 0.0021709274, -5.120354e-4, -1.14038354e-4, 2.9941817e-5, 0.0],
        ],
    },
    by_16: Piecewise {
        step: 0.38745117,
        per_step: 2.58097,
        end: 5.9836426,
        coefficients: [
            [0.5, 0.20581771, -0.00976457, -0.1134302, -0.12545264, -0.09198857, -0.052151483, -0.024006126, -0.009169248, -0.0029396336, -7.964403e-4, -1.8314799e-4, -3.5852547e-5, -5.987073e-6, -8.541874e-7, -1.01008204e-7],
            [-0.7978845, -0.6846304, -0.41352332, -0.13174398, 0.048245553, 0.10708713, 0.0910778, 0.05400606, 0.024882687, 0.009276078, 0.0028540972, 7.3305087e-4, 1.5829298e-4, 2.8876444e-5, 4.465456e-6, 4.5914203e-7],
            [-2.6433208e-6, 0.27600825, 0.38916868, 0.31254226, 0.14866972, 0.014625426, -0.043668196, -0.045889996, -0.02842692, -0.01298994, -0.004679234, -0.0013686892, -3.3037705e-4, -6.6465094e-5, -1.1218067e-5, -2.9206276e-6],
            [0.2660209, 0.18329564, 0.007752047, -0.12288497, -0.14093389, -0.08335045, -0.020621749, 0.011120181, 0.015838278, 0.010156558, 0.0045433515, 0.0015629913, 4.3026908e-4, 9.676906e-5, 1.8003244e-5, 1.13248825e-5],
            [-5.497713e-4, -0.09667525, -0.11110289, -0.048765194, 0.019938378, 0.044844966, 0.03164097, 0.010175434, -0.0018274578, -0.0042141527, -0.0027718842, -0.001203556, -3.9332418e-4, -1.0163505e-4, -2.1287171e-5, 5.8293343e-5],
            [-0.057893988, -0.032709956, 0.017047439, 0.040402845, 0.02593807, 6.4913323e-4, -0.011373017, -0.009254375, -0.0032568194, 2.265741e-4, 9.4844366e-4, 6.137516e-4, 2.518864e-4, 7.659649e-5, 1.8249053e-5, 0.0],
        ],
    },
};
