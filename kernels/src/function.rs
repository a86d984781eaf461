//! Functions of single values, computed over slices: exp, tanh, erf, the activation functions and their derivatives;
//! and sums and products of whole vectors.

pub(crate) mod activation;
pub mod elementwise;
pub mod gelu;
pub mod gelu_tanh;
pub mod math;
pub(crate) mod piecewise;
pub mod relu;
pub(crate) mod vector;
