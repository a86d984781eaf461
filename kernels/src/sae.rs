//! Sparse autoencoders: their codes, reconstructions and gradients, and their training.
//!
//! A code f (n values, most of them 0) stands for an activation x (d values) by the rows of a dictionary:
//! `x̂ = W_decᵀ f + b_dec`. Variants differ in how they find f, and in the terms of the loss beside ‖x̂ − x‖². Each
//! variant is one file, which holds its settings, its parameters and its passes, and one line in the list that makes
//! [`Variant`].
//!
//! Codes are sparse, so only the encoder's product is dense. A step of training computes
//!
//! 1. the product of the batch and the encoder's weights, a few rows at a time, of which only the active entries are
//!    kept (`batch/entries.rs`); or, where that is faster, upper bounds of the product from bytes, and then only those
//!    values that can be active (`screen.rs`);
//! 2. for each sample, on its active entries: the reconstruction, its error e, and the dot products of e with the
//!    active elements, from which the gradient with respect to the codes follows (`batch/decoder.rs`);
//! 3. for each dictionary element, on the samples where it is active: both weight gradients (`batch/transposed.rs`).
//!
//! Where the share of active entries is at least [`DENSE`], or the share that [`Workspace::set_dense_from`] sets, 2 and
//! 3 are dense products instead. Results do not depend on the number of threads, nor on whether the encoder was
//! screened: for one [`Isa`](crate::Isa) they are the same to the bit.
//!
//! # Transcoders
//!
//! A transcoder reads activations x (d_in values) and reconstructs other activations y (d values):
//! ŷ = `W_decᵀ f + b_dec`, with ‖ŷ − y‖² in the loss (Dunefsky, Chlenski and Nanda, *Transcoders find interpretable LLM
//! feature circuits*, arXiv 2406.11944). Every variant but [`TiedL1`] can be a transcoder, as [`Task::Transcoder`] asks
//! for. A transcoder differs from an autoencoder as follows:
//!
//! * Its encoder reads x itself, not x − b_dec, since b_dec has another width. The weights that x is multiplied by have
//!   d_in columns.
//! * Its dictionary starts at zero, as in sparsify, since the rows of the encoder have another width. A variant that
//!   holds the rows of the dictionary at norm 1 holds them at norms of at most 1 in a transcoder, as in Mairal et al.
//!   2009 (see [`shorten`](crate::dictionary::shorten)): rows grow from zero, and none becomes longer than 1, since
//!   longer rows would allow smaller codes, and so a smaller penalty, for the same reconstruction. Under a penalty on
//!   the codes, elements that are used end at norm 1.
//! * There may be a skip connection: `W_skip x`, which starts at 0, is added to ŷ (Paulo, Shabalin and Belrose,
//!   *Transcoders beat sparse autoencoders for interpretability*, arXiv 2501.18823).
//!
//! [`gradient_to`] and [`Trainer::step_to`] take the target y; [`reconstruct`] computes ŷ from x and its codes.
//!
//! The modules, each of which imports only from modules below it:
//!
//! ```text
//! trainer resample     training steps; resampling of dead elements
//! passes               encoding, decoding and gradients
//! workspace parameters the data that the caller owns, each for one variant
//! variants             the variants, one file each, and the list of them
//! model                the trait that each variant implements
//! pass layers          the steps that variants share
//! batch                codes, errors and gradients of a batch
//! backward             sums that make the gradients of biases and dictionaries
//! screen               the encoder that does without most of its product
//! task                 what a model reads and what it reconstructs
//! tensors select       named parameters; the choice of the active pre-activations
//! ```
//!
//! No module below `model` depends on a variant.
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
