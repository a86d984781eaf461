//! Hand-written f32 SIMD kernels for residual MLPs and sparse autoencoders on a CPU.
#![warn(missing_docs)]

mod activation;
pub mod adam;
mod elementwise;
pub mod embedding;
mod exec;
pub mod gelu;
pub mod gelu_tanh;
mod isa;
pub mod loss;
pub mod math;
mod matmul;
mod max_product;
pub mod mlp;
mod par;
mod piecewise;
pub mod reduce;
pub mod relu;
mod scratch;
pub mod simd;
mod sparse;
mod view;

pub use activation::Activation;
pub use exec::Exec;
pub use isa::{Isa, IsaError};
pub use matmul::{
    Accumulate, ActivationBackward, Bias, BiasActivation, Epilogue, Residual, matmul, matmul_with,
};
pub use max_product::max_product;
pub use sparse::SparseRef;
pub use view::{MatMut, MatRef, ShapeError};
