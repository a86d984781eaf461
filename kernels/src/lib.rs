#![doc = include_str!("../README.md")]
//!
//! # The map
//!
//! ```text
//! metrics        measures of codes, reconstructions and dictionaries
//! sparse_coding  codes for a given dictionary: lasso, pursuits, least squares
//! sae            sparse autoencoders, a variant a file
//! mlp            residual MLPs on pairs of one-hot vectors
//! train          losses, embedding, Adam, clipping
//! matrix         views, products, sparse rows, sums, dictionaries
//! function       exp, tanh, erf, activations, over slices; sums and products of vectors
//! machine        vectors and instruction sets, threads, scratch memory, the profile
//! ```
//!
//! Each folder imports only from folders below it; `metrics`, `sparse_coding`, `sae` and `mlp` do not import from each
//! other.
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
//! An [`Isa`] carries a proof token that only a check of the CPU can make, so no code can run instructions that the CPU
//! lacks. `unsafe` stands in the backends and the products of bytes (`machine/`), in the matrix product's tiles, its
//! copies of A and its transposition (`micro`, `quad`, `pack_a` and `transpose` in `matrix/matmul/`) and in the clock
//! of the profile, and nowhere else.
//!
//! Threads are outside, instruction sets inside: work is first cut into pieces, in `machine/par.rs` alone, and each
//! piece then enters its instruction set. An operation on rows that threads share implements `par::RowOp` in place of
//! `Op`, and `par::run` does both. Where the cuts lie never changes a result: for one [`Isa`], results are the same
//! bits on any number of threads.
//!
//! # Where things go
//!
//! * A new **operation** is one file with forward and backward side by side, and a line in its folder's file.
//! * A new **instruction set** is one file in `machine/`, which `machine.rs`, `simd.rs` and the list of
//!   `machine/isa.rs` name. Where a kernel has a way of its own for vectors of 16 lanes, it looks at
//!   [`Simd::LANES`](simd::Simd::LANES).
//! * A new **pass over a model** is a file like [`mlp`], composed of the operations, on a workspace that
//!   the caller owns.
//!
//! # Conventions
//!
//! Matrices are row-major; a batch is B×d, one sample a row; weights are outputs × inputs, as in PyTorch, but for a
//! decoder's, whose rows are dictionary elements.
//!
//! Arguments come in one order: how to execute, what is read, what is written. So a product is
//! [`matmul`]`(exec, a, b, accumulate, c)`.
//!
//! `forward` computes the output, and `backward` computes the gradient with respect to the input from the gradient with
//! respect to the output; `d_x` is the gradient with respect to x. A `backward` overwrites its destination. The name of
//! one that adds to its destination ends in `_add`, as [`Loss::backward_add`](loss::Loss::backward_add); and a product
//! takes an [`Accumulate`] that says which of the two it does.
//!
//! Shapes are checked before anything is written, and a panic names them. A function that needs contiguous rows also
//! panics on a matrix whose rows are not contiguous. No input, NaN and infinity included, is undefined behaviour.
//! Functions of single values, products, sums, norms, losses and cosines state their error; gradients and models, which
//! are made of these, do not.
//!
//! ## NaN
//!
//! NaN in an operand gives NaN in what depends on it, never a zero that looks like a result: NaN in a sample makes NaN
//! of its codes, losses and measures, and does not touch other samples. Operations on infinities follow IEEE 754, and
//! where a method has no answer to them, they give NaN too. The exceptions, each of which its function states, are:
//!
//! * [`max_product`](max_product()) passes over products that are NaN;
//! * [`resample`](sae::Trainer::resample) never draws a sample whose error is not finite;
//! * an [iteration](sparse_coding::Lasso::ista) starts from 0 where its start is NaN;
//! * the entries of a code that a [`TopK`](sae::TopK) leaves out are 0;
//! * in a batch whose codes are chosen together, as by [`BatchTopK`](sae::BatchTopK), entries that are NaN count as
//!   largest and take the places of other samples' entries;
//! * a sample of [weight 0](loss::Loss::backward_add) has no gradient;
//! * [`Matching`](metrics::Matching) refuses what is not finite.
//!
//! ## No samples
//!
//! A batch of no samples is a batch like any other, and does nothing: there are no codes, sums over it are 0, and with
//! them the gradients; means over it are NaN; a [training step](sae::Trainer::step) on it leaves the state of the
//! trainer as it is. [`adam::step`] knows no batches: under a gradient of zeros the weights still move as the moments
//! say.
//!
//! ## Range
//!
//! Squares leave the range of f32 long before the values do. Norms, [cosines](metrics), [streams](metrics::Stream),
//! errors of reconstructions and norms of gradients are right for values of any size that f32 holds; where that is not
//! so, as for [sparse coding](sparse_coding), [`Loss`](loss::Loss), [`spectral_norm`](dictionary::spectral_norm),
//! [`project_gradient`](dictionary::project_gradient) and [Adam](adam::step), the function states its range.
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
pub use train::{adam, clip, embedding, loss};
