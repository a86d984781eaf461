//! Hand-written f32 SIMD kernels for residual MLPs and sparse autoencoders on a CPU, with no
//! framework under them. The instruction set is chosen at run time: AVX-512, AVX2 with FMA, or a
//! portable one ([`wide`]: SSE2 on x86-64, NEON on aarch64).
//!
//! ```
//! use kernels::{Accumulate, Bias, Exec, Isa, MatMut, MatRef, gelu, matmul_with};
//!
//! let exec = Exec::serial(Isa::from_env()?); // or Exec::parallel, inside a rayon pool
//! let (x, w, b) = ([1.0, -2.0], [0.5, 0.25, 1.0, -1.0], [0.0, 1.0]);
//! let mut z = [0.0; 2];
//! // z = x·Wᵀ + b, the bias fused into the product's write-back
//! matmul_with(
//!     exec,
//!     MatMut::new(&mut z, 1, 2)?,
//!     Accumulate::Overwrite,
//!     MatRef::new(&x, 1, 2)?,
//!     MatRef::new(&w, 2, 2)?.t(),
//!     Bias(&b),
//! );
//! assert_eq!(z, [0.0, 4.0]);
//! let mut y = [0.0; 2];
//! gelu::forward(exec, &z, &mut y);
//! assert_eq!(y[0], 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How a call flows
//!
//! A public function checks shapes and wraps its operands into a struct that implements
//! [`simd::Op`]: one body, generic over [`simd::Simd`]. [`Isa::dispatch`], the one `match` over
//! instruction sets, runs that body inside a function compiled for the instruction set at hand. An [`Isa`] carries a
//! proof token that only a check of the CPU can make, so none of this can be misused, and no
//! `unsafe` stands outside the backends (`simd/`), the product's tile (`matmul/micro.rs`) and the clock of `profile.rs`.
//!
//! Threads are outside, instruction sets inside: work is cut into pieces first (`par.rs` alone knows
//! how), and each piece enters its instruction set. Where the cuts lie never changes a result: for
//! one [`Isa`], results are the same bits on any number of threads.
//!
//! # Where things go
//!
//! * A new **operation** is one file with forward and backward side by side, and a line here. If it maps
//!   values, it implements the crate's `Unary` or `Binary` and can then be fused into a product as an
//!   [`Epilogue`].
//! * A new **instruction set** is one file in `simd/`, and a variant of [`Isa`].
//! * A new **pass over a model** is a file like [`mlp`], composed of the operations, on a workspace that
//!   the caller owns.
//!
//! # Conventions
//!
//! Matrices are row-major; a batch is B×d, one sample a row; weights are outputs × inputs, as in PyTorch.
//! `forward` computes, `backward` takes the gradient of the output to that of the input, `d_x` is the gradient with
//! respect to x. Shapes are checked before anything is written, and a panic names them; no input, NaN
//! and infinity included, is undefined behaviour. Each function states its error.
//!
//! ## NaN
//!
//! NaN in an operand gives NaN in what depends on it, never a zero that looks like a result: NaN in a sample makes NaN
//! of its codes, losses and measures, and does not touch other samples. Operations on infinities follow IEEE 754, and
//! where a method has no answer to them, they give NaN too. The exceptions are what is chosen from many, and say so:
//! [`max_product`](max_product()) passes over products that are NaN, [`resample`](sae::Trainer::resample) never draws a
//! sample whose error is not finite, an [iteration](sparse_coding::Lasso::ista) starts from 0 where its start is NaN,
//! the entries of a code that a [`TopK`](sae::TopK) leaves out are 0, a sample of [weight 0](loss::Loss::backward) has
//! no gradient, and [`Matching`](metrics::Matching) refuses what is not finite.
//!
//! ## No samples
//!
//! A batch of no samples is a batch like any other, and does nothing: there are no codes, sums over it are 0, and with
//! them the gradients; means over it are NaN; a [training step](sae::Trainer::step) on it leaves the state of the
//! trainer as it is. [`adam::step`] knows no batches: under a gradient of zeros it goes on as the moments tell.
//!
//! ## Range
//!
//! Squares leave the range of f32 long before the values do. Norms, [cosines](metrics), [streams](metrics::Stream),
//! errors of reconstructions and norms of gradients are right for values of any size that f32 holds; where that is not
//! so, as for [sparse coding](sparse_coding), [`Loss`](loss::Loss), [`spectral_norm`](dictionary::spectral_norm),
//! [`project_gradient`](dictionary::project_gradient) and [Adam](adam::step), the function states its range.
#![warn(missing_docs)]

mod activation;
pub mod adam;
pub mod dictionary;
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
pub mod metrics;
pub mod mlp;
mod par;
mod piecewise;
pub mod profile;
pub mod reduce;
pub mod relu;
pub mod sae;
mod scratch;
pub mod simd;
mod sparse;
pub mod sparse_coding;
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
