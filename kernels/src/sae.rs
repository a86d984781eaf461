//! Sparse autoencoders: codes, reconstructions, gradients, training.
//!
//! A code f (n values, most of them 0) stands for an activation x (d values) by the rows of a dictionary:
//! `x̂ = W_decᵀ f + b_dec`. Variants differ in how they find f, and in the loss beside ‖x̂ − x‖²: one file each,
//! a payload of [`Variant`], behind the crate's `Model`.
//!
//! Codes are sparse, so only the encoder's product is dense. A step runs
//!
//! 1. the product, a few rows at a time, of which only the active entries are kept (`encoder`, `codes`);
//! 2. for each sample, on its active entries: the reconstruction, its error e, and the dot products of e with the
//!    active elements, from which the gradient with respect to the codes follows (`decoder`);
//! 3. for each dictionary element, on the samples where it is active: both weight gradients (`backward`).
//!
//! Where more than a share of [`DENSE`] of the entries is active, 2 and 3 are dense products instead.
//! Results do not depend on the number of threads, but for one [`Isa`](crate::Isa) are the same bits.
//!
//! ```
//! use kernels::adam::Adam;
//! use kernels::sae::{L1, Parameters, Rows, Shape, Trainer, Variant};
//! use kernels::{Exec, Isa, MatRef};
//!
//! let exec = Exec::serial(Isa::detect());
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

mod auxk;
mod backward;
mod codes;
mod decoder;
mod dense;
mod encoder;
mod gated;
mod jumprelu;
mod l1;
mod lista;
mod parameters;
mod passes;
mod resample;
mod tied;
mod topk;
mod trainer;
mod transposed;
mod two_layer;
mod variant;
mod workspace;

use crate::machine::exec::Exec;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

pub use auxk::AuxK;
pub use gated::Gated;
pub use jumprelu::JumpRelu;
pub use l1::{L1, Rows};
pub use lista::Lista;
pub use parameters::Parameters;
pub use tied::TiedL1;
pub use topk::TopK;
pub use trainer::Trainer;
pub use two_layer::TwoLayer;
pub use variant::Variant;
pub use workspace::{DENSE, Workspace};

/// How large a sparse autoencoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Width d of the activations.
    pub width: usize,
    /// Elements n of the dictionary.
    pub dictionary: usize,
}

/// The terms of a loss, each a mean over the batch, weighted as it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// ‖x̂ − x‖², summed over the d values.
    pub reconstruction: f64,
    /// The penalty on the codes, its coefficient included.
    pub sparsity: f64,
    /// What a variant adds, its coefficient included.
    pub auxiliary: f64,
    /// Share of the codes' entries that are active; no part of the loss.
    pub density: f64,
}

impl Losses {
    /// Means over no samples.
    const OF_NOTHING: Losses = Losses {
        reconstruction: f64::NAN,
        sparsity: f64::NAN,
        auxiliary: f64::NAN,
        density: f64::NAN,
    };

    /// The loss whose gradient training follows.
    pub fn total(&self) -> f64 {
        self.reconstruction + self.sparsity + self.auxiliary
    }
}

/// The codes of a batch `x`, B×d with contiguous rows: B×n, columns rising in each row.
///
/// A NaN among the pre-activations is kept in the codes, so that it reaches the loss.
///
/// # Panics
/// If the workspace is another model's, or has no room for as many samples, or rows are not d long.
#[track_caller]
pub fn encode<'a>(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    workspace: &'a mut Workspace,
) -> SparseRef<'a> {
    workspace.begin(parameters, x);
    let model = parameters.variant();
    model.model().encode(exec, parameters, x, workspace);
    workspace.codes()
}

/// `x_hat` ← `W_decᵀ f + b_dec` for the codes of a batch.
///
/// # Panics
/// If the shapes do not match.
#[track_caller]
pub fn decode(exec: Exec, parameters: &Parameters, codes: SparseRef, x_hat: MatMut) {
    let Shape { width, dictionary } = parameters.shape();
    assert!(
        codes.cols() == dictionary && (x_hat.rows(), x_hat.cols()) == (codes.rows(), width),
        "codes of {}×{} into {}×{} by a dictionary of {dictionary}×{width}",
        codes.rows(),
        codes.cols(),
        x_hat.rows(),
        x_hat.cols()
    );
    let variant = parameters.variant();
    variant.model().decode(exec, parameters, codes, x_hat);
}

/// The losses of a batch, and the gradient of their sum with respect to all parameters, which
/// overwrites `gradient`. Unit rows are not projected here, but by [`Trainer::step`]. The codes stay in the
/// workspace: see [`Workspace::codes`]. Of no samples, the gradient is 0 and the losses are NaN.
///
/// ‖e‖² is right for any error that f32 holds; the gradient where e times an element of the dictionary is as well.
///
/// # Panics
/// As [`encode`], and if `gradient` is another model's.
#[track_caller]
pub fn gradient(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    workspace: &mut Workspace,
    gradient: &mut Parameters,
) -> Losses {
    workspace.begin(parameters, x);
    assert!(
        (gradient.shape(), gradient.variant()) == (parameters.shape(), parameters.variant()),
        "the gradient of another model"
    );
    let variant = parameters.variant();
    let model = variant.model();
    if x.rows() == 0 {
        // There are no codes either.
        model.encode(exec, parameters, x, workspace);
        gradient.values_mut().fill(0.0);
        return Losses::OF_NOTHING;
    }
    model.gradient(exec, parameters, x, workspace, gradient)
}
