//! Functions of single values, over slices: exp, tanh, erf, the activations and their derivatives.

pub(crate) mod activation;
pub mod elementwise;
pub mod gelu;
pub mod gelu_tanh;
pub mod math;
pub(crate) mod piecewise;
pub mod relu;
