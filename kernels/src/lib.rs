//! Hand-written f32 SIMD kernels for residual MLPs and sparse autoencoders on a CPU.
#![warn(missing_docs)]

mod elementwise;
mod exec;
pub mod gelu;
pub mod gelu_tanh;
mod isa;
pub mod math;
mod matmul;
mod par;
mod piecewise;
pub mod relu;
mod scratch;
pub mod simd;
mod view;

pub use exec::Exec;
pub use isa::{Isa, IsaError};
pub use matmul::{Accumulate, Bias, Epilogue, matmul, matmul_with};
pub use view::{MatMut, MatRef, ShapeError};
