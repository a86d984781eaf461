//! Activation functions with their error: the error of the argument and that of the kernel itself.

use kernels::Activation;

use super::{gelu, gelu_derivative, gelu_tanh, gelu_tanh_derivative};
use crate::bounded::{Bounded, U};

/// The largest second derivative of either GELU, 2φ(0) = 0.798 at 0.
const CURVATURE: f64 = 0.8;

/// The error that the kernels keep to at every f32: 2 ulp, or 1e-7 absolute where a function has a tail
/// (`function/math.rs` of the tests).
const ULPS: f64 = 4.0 * U;
const ABSOLUTE: f64 = 1e-7;

/// Returns act(z).
pub fn activate(activation: Activation, z: Bounded) -> Bounded {
    let (f, derivative) = functions(activation);
    let value = f(z.value);
    if activation == Activation::Relu {
        let passes = z.value + z.error > 0.0;
        let error = if passes { z.error } else { 0.0 };
        return Bounded { value, error };
    }
    // By Taylor's theorem, with the largest curvature.
    let argument = z.error * (derivative(z.value).abs() + CURVATURE / 2.0 * z.error);
    let tail = z.value - z.error < -1.0;
    let kernel = ULPS * (value.abs() + argument) + if tail { ABSOLUTE } else { 0.0 };
    Bounded {
        value,
        error: argument + kernel,
    }
}

/// Returns act′(z); where rounding may carry z across the kink of ReLU, the error is 1.
pub fn slope(activation: Activation, z: Bounded) -> Bounded {
    let (_, derivative) = functions(activation);
    let value = derivative(z.value);
    if activation == Activation::Relu {
        let crosses = z.error > 0.0 && z.value.abs() <= z.error;
        let error = if crosses { 1.0 } else { 0.0 };
        return Bounded { value, error };
    }
    let argument = CURVATURE * z.error;
    let tail = z.value - z.error < 0.0;
    let kernel = ULPS * (value.abs() + argument) + if tail { ABSOLUTE } else { 0.0 };
    Bounded {
        value,
        error: argument + kernel,
    }
}

type Function = fn(f64) -> f64;

/// Returns an activation function and its derivative.
fn functions(activation: Activation) -> (Function, Function) {
    match activation {
        Activation::Gelu => (gelu, gelu_derivative),
        Activation::GeluTanh => (gelu_tanh, gelu_tanh_derivative),
        Activation::Relu => (super::relu, |x| if x > 0.0 { 1.0 } else { 0.0 }),
        other => panic!("{other:?} has no reference: write one here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No difference quotient of a derivative exceeds the curvature.
    #[test]
    fn curvature_is_the_largest() {
        for derivative in [gelu_derivative, gelu_tanh_derivative] {
            let steepest = (-8000..8000)
                .map(|i| f64::from(i) / 1000.0)
                .map(|x| (derivative(x + 1e-3) - derivative(x)).abs() / 1e-3)
                .fold(0.0, f64::max);
            assert!(0.79 < steepest && steepest < CURVATURE, "{steepest}");
        }
    }
}
