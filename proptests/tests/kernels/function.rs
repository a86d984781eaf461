//! exp, tanh, erf, both GELUs and ReLU against f64.

mod elementwise;
mod gelu;
mod math;
mod relu;

use kernels::{Exec, Isa};
use proptests::reference;

type Kernel = fn(Exec, &[f32], &mut [f32]);
type Backward = fn(Exec, &[f32], &[f32], &mut [f32]);

/// A function of one value, with its kernel, its reference and where its error is counted in ulps.
struct Function {
    name: &'static str,
    kernel: Kernel,
    reference: fn(f64) -> f64,
    /// The argument from which on the error is counted in ulps; below it, it is absolute.
    relative_from: f32,
}

const ULPS: f64 = 2.0;
const ABSOLUTE: f64 = 1e-7;

const FUNCTIONS: [Function; 7] = [
    Function {
        name: "exp",
        kernel: kernels::math::exp,
        reference: reference::exp,
        relative_from: f32::NEG_INFINITY,
    },
    Function {
        name: "tanh",
        kernel: kernels::math::tanh,
        reference: reference::tanh,
        relative_from: f32::NEG_INFINITY,
    },
    Function {
        name: "erf",
        kernel: kernels::math::erf,
        reference: reference::erf,
        relative_from: f32::NEG_INFINITY,
    },
    Function {
        name: "gelu",
        kernel: kernels::gelu::forward,
        reference: reference::gelu,
        relative_from: -1.0,
    },
    Function {
        name: "gelu_derivative",
        kernel: kernels::gelu::derivative,
        reference: reference::gelu_derivative,
        relative_from: 0.0,
    },
    Function {
        name: "gelu_tanh",
        kernel: kernels::gelu_tanh::forward,
        reference: reference::gelu_tanh,
        relative_from: -1.0,
    },
    Function {
        name: "gelu_tanh_derivative",
        kernel: kernels::gelu_tanh::derivative,
        reference: reference::gelu_tanh_derivative,
        relative_from: 0.0,
    },
];

impl Function {
    fn references(&self, x: &[f32]) -> Vec<f64> {
        x.iter().map(|&x| (self.reference)(f64::from(x))).collect()
    }
}

/// Returns `f` of these values on `isa`.
fn apply(f: Kernel, isa: Isa, x: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; x.len()];
    f(Exec::serial(isa), x, &mut y);
    y
}
