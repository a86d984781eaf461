#![doc = include_str!("../README.md")]
//!
//! # The map
//!
//! ```text
//! metrics        how good codes, reconstructions and dictionaries are
//! sparse_coding  codes for a given dictionary: lasso, pursuits, least squares
//! sae            sparse autoencoders, a variant a file
//! mlp            residual MLPs on pairs of one-hot vectors
//! train          losses, embedding, Adam
//! matrix         views, products, sparse rows, sums, dictionaries
//! function       exp, tanh, erf, activations, over slices
//! machine        vectors and instruction sets, threads, scratch memory, the profile
//! ```
//!
//! Each folder imports only from those below it, and its siblings above `train` not from each other.
//!
//! # How a call flows
//!
//! ```text
//! gelu::forward(exec, x, y)            checks shapes, wraps the operands into a struct
//!   └ the struct implements simd::Op   one body, generic over simd::Simd
//!       └ Isa::dispatch                picks the backend of the instruction set at hand
//!           └ Simd::run                a function compiled for these instructions, into which the body is inlined
//! ```
//!
//! An [`Isa`] carries a proof token that only a check of the CPU can make, so none of this can be misused. `unsafe`
//! stands in the backends (`machine/`), in the product's tile and its packing (`matrix/matmul/`) and in the clock of the
//! profile, and nowhere else.
//!
//! Threads are outside, instruction sets inside: work is cut into pieces first (`machine/par.rs` alone knows how), and
//! each piece enters its instruction set. Where the cuts lie never changes a result: for one [`Isa`], results are the
//! same bits on any number of threads.
//!
//! # Where things go
//!
//! * A new **operation** is one file with forward and backward side by side, and a line in its folder's file.
//! * A new **instruction set** is one file in `machine/`, and a line in the list of `machine/isa.rs`.
//! * A new **pass over a model** is a file like [`mlp`], composed of the operations, on a workspace that
//!   the caller owns.
//!
//! # Conventions
//!
//! Matrices are row-major; a batch is B×d, one sample a row; weights are outputs × inputs, as in PyTorch, but for a
//! decoder's, whose rows are dictionary elements.
//! `forward` computes, `backward` takes the gradient of the output to that of the input, `d_x` is the gradient with
//! respect to x. Shapes are checked before anything is written, and a panic names them; no input, NaN
//! and infinity included, is undefined behaviour. Each function states its error.
#![warn(missing_docs)]

mod function;
mod machine;
mod matrix;
pub mod metrics;
pub mod mlp;
pub mod sae;
pub mod simd;
pub mod sparse_coding;
mod train;

pub use function::activation::Activation;
pub use function::{elementwise, gelu, gelu_tanh, math, relu};
pub use machine::exec::Exec;
pub use machine::isa::{Isa, IsaError};
pub use machine::profile;
pub use matrix::matmul::{
    Accumulate, ActivationBackward, Bias, BiasActivation, Epilogue, Map, Residual, matmul,
    matmul_with,
};
pub use matrix::max_product::max_product;
pub use matrix::sparse::SparseRef;
pub use matrix::view::{MatMut, MatRef, ShapeError};
pub use matrix::{dictionary, reduce};
pub use train::{adam, embedding, loss};
