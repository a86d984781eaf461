//! Sparse autoencoders: codes, reconstructions, gradients, training.
//!
//! A code f (n values, most of them 0) stands for an activation x (d values) by the rows of a dictionary:
//! `x̂ = W_decᵀ f + b_dec`. Variants differ in how they find f, and in the loss beside ‖x̂ − x‖². Each of them is one
//! file, which holds its settings, its parameters and its passes, and one line in the list that makes [`Variant`].
//!
//! Codes are sparse, so only the encoder's product is dense. A step runs
//!
//! 1. the product, a few rows at a time, of which only the active entries are kept (`batch/entries.rs`); or, where that
//!    is faster, bounds of the product from bytes, and those values alone that can be active (`screen.rs`);
//! 2. for each sample, on its active entries: the reconstruction, its error e, and the dot products of e with the
//!    active elements, from which the gradient with respect to the codes follows (`batch/decoder.rs`);
//! 3. for each dictionary element, on the samples where it is active: both weight gradients (`batch/transposed.rs`).
//!
//! Where at least a share of [`DENSE`] of the entries is active, or of what [`Workspace::set_dense_from`] sets, 2 and 3
//! are dense products instead. Results do not depend on the number of threads, nor on whether an
//! encoder was screened: for one [`Isa`](crate::Isa) they are the same bits.
//!
//! # Transcoders
//!
//! A transcoder reads x (d_in values) and reconstructs others, y (d values): ŷ = `W_decᵀ f + b_dec`, with ‖ŷ − y‖² in
//! the loss (Dunefsky, Chlenski and Nanda, *Transcoders find interpretable LLM feature circuits*, arXiv 2406.11944).
//! Every variant but [`TiedL1`] can be one, as [`Task::Transcoder`] asks for it. It differs from an autoencoder in this:
//!
//! * Its encoder reads x itself, not x − b_dec, which has another width. Matrices that read x are n×d_in.
//! * It starts from a dictionary of zeros, as in sparsify: rows of the encoder have another width. A variant
//!   that holds rows of the dictionary at norm 1 holds them at most at that in a transcoder, as in Mairal et al. 2009
//!   (see [`shorten`](crate::dictionary::shorten)): rows grow from zero, and none is longer than 1, by which codes could
//!   be small for nothing. Under a penalty on the codes, elements that are used end at norm 1.
//! * There may be a skip connection: `W_skip x`, which starts at 0, is added to ŷ (Paulo, Shabalin and Belrose,
//!   *Transcoders beat sparse autoencoders for interpretability*, arXiv 2501.18823).
//!
//! [`gradient_to`] and [`Trainer::step_to`] take the target; [`reconstruct`] makes ŷ of the codes and x.
//!
//! ```text
//! trainer resample     steps of training
//! passes               encode, decode, gradient
//! workspace parameters what the caller owns: data, each with its variant
//! variants             a file each, and their list
//! model                what a variant has to bring
//! pass layers          the steps that variants share
//! batch                codes, errors and gradients of a batch
//! backward             sums that make the gradients of biases and dictionaries
//! screen               the entries of codes without most of the encoder's product
//! task                 what is read and what is reconstructed
//! tensors select       named parameters; which pre-activations are active
//! ```
//!
//! Each of these imports only from those below it. What is below `model` knows no variant.
//!
//! ```
//! use kernels::adam::Adam;
//! use kernels::sae::{L1, Parameters, Rows, Shape, Trainer, Variant};
//! use kernels::{Exec, MatRef};
//!
//! let exec = Exec::default();
//! let shape = Shape { width: 2, dictionary: 3 };
//! let variant = Variant::L1(L1 { lambda: 0.1, rows: Rows::Unit });
//! let mut seed = 0.0f32;
//! let parameters = Parameters::initial(shape, variant, || { seed += 1.0; seed.sin() });
//! let mut trainer = Trainer::new(parameters, Adam::default(), 4);
//! let x = [1.0, 0.0, 0.5, 0.5, 0.0, 2.0, -1.0, 1.0];
//! let x = MatRef::new(&x, 4, 2)?;
//! let first = trainer.step(exec, x).total();
//! let last = (0..100).map(|_| trainer.step(exec, x).total()).last();
//! assert!(last < Some(first));
//! # Ok::<(), kernels::ShapeError>(())
//! ```

mod backward;
mod batch;
mod layers;
mod model;
mod parameters;
mod pass;
mod passes;
mod resample;
mod screen;
mod select;
mod task;
mod tensors;
mod trainer;
mod variants;
mod workspace;

pub use batch::{DENSE, Losses};
pub use parameters::Parameters;
pub use passes::{decode, encode, encode_batch, gradient, gradient_to, reconstruct};
pub use screen::Screening;
pub use task::Task;
pub use tensors::Shape;
pub use trainer::Trainer;
pub use variants::*;
pub use workspace::Workspace;
