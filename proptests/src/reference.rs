//! References for [`kernels`] in f64: the functions here, from the textbook formula and `libm`, which is good to less
//! than one ulp of f64, some 2⁻²⁸ ulp of f32, so that a comparison with them measures the error of f32; the models in
//! the modules below.

pub mod activation;
pub mod adam;
pub mod loss;
pub mod mlp;
pub mod sae;
pub mod sparse_coding;

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

/// Returns eˣ.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Returns tanh x.
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// Returns erf x = 2/√π ∫₀ˣ exp(−t²) dt.
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// Returns max(0, x), or NaN for NaN.
pub fn relu(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}

/// Returns Φ(x) = erfc(−x/√2)/2, the normal distribution function.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// Returns φ(x) = exp(−x²/2)/√(2π), the normal density.
pub fn normal_pdf(x: f64) -> f64 {
    0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * libm::exp(-0.5 * x * x)
}

/// Returns GELU(x) = xΦ(x), and its limits at ±∞.
pub fn gelu(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    x * normal_cdf(x)
}

/// Returns the derivative of [`gelu`], Φ(x) + xφ(x), and its limits at ±∞.
pub fn gelu_derivative(x: f64) -> f64 {
    if x.is_infinite() {
        return normal_cdf(x);
    }
    normal_cdf(x) + x * normal_pdf(x)
}

/// Returns the logistic function of 2u, with u = √(2/π)(x + 0.044715x³): (1 + tanh u)/2 without cancellation.
fn logistic_2u(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-2.0 * (2.0 / PI).sqrt() * (x + 0.044715 * x * x * x)))
}

/// Returns the tanh approximation of GELU, x(1 + tanh u)/2 with u = √(2/π)(x + 0.044715x³), and its limits at ±∞.
pub fn gelu_tanh(x: f64) -> f64 {
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    x * logistic_2u(x)
}

/// Returns the derivative of [`gelu_tanh`], and its limits at ±∞.
pub fn gelu_tanh_derivative(x: f64) -> f64 {
    let (s, opposite) = (logistic_2u(x), logistic_2u(-x));
    if x.is_infinite() {
        return s;
    }
    let du = (2.0 / PI).sqrt() * (1.0 + 3.0 * 0.044715 * x * x);
    s + x * s * opposite * 2.0 * du
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The functions have the values of tables (Abramowitz & Stegun, 26.1 and 7.1).
    #[test]
    fn known_values() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-14, "{a} is not {b}");
        near(normal_cdf(1.0), 0.841_344_746_068_542_9);
        near(normal_pdf(0.0), 0.398_942_280_401_432_7);
        near(erf(0.5), 0.520_499_877_813_046_5);
        near(gelu(-1.0), -0.158_655_253_931_457_05);
        near(gelu_tanh(0.0), 0.0);
        near(gelu_derivative(0.0), 0.5);
    }

    /// The derivatives are the slopes of the functions, by central differences in f64.
    #[test]
    fn derivatives_are_slopes() {
        let h = 1e-5;
        for (f, slope) in [
            (gelu as fn(f64) -> f64, gelu_derivative as fn(f64) -> f64),
            (gelu_tanh, gelu_tanh_derivative),
        ] {
            for i in -800..=800 {
                let x = f64::from(i) / 100.0;
                let difference = (f(x + h) - f(x - h)) / (2.0 * h);
                // Truncation is h²/6 · |f‴| ≤ 2e-11; rounding is 2⁻⁵³ · |f| / h ≤ 1e-10.
                assert!((difference - slope(x)).abs() < 2e-10, "at {x}");
            }
        }
    }

    #[test]
    fn limits() {
        for f in [gelu, gelu_tanh] {
            assert_eq!(f(f64::INFINITY), f64::INFINITY);
            assert_eq!(f(f64::NEG_INFINITY), 0.0);
            assert!(f(f64::NAN).is_nan());
        }
        for f in [gelu_derivative, gelu_tanh_derivative] {
            assert_eq!(f(f64::INFINITY), 1.0);
            assert_eq!(f(f64::NEG_INFINITY), 0.0);
            assert!(f(f64::NAN).is_nan());
        }
        assert!(relu(f64::NAN).is_nan());
    }
}
