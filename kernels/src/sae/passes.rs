//! The passes over a batch: encoding, decoding and gradients.

use super::batch::Losses;
use super::parameters::Parameters;
use super::tensors::{Shape, W_SKIP};
use super::workspace::Workspace;
use crate::machine::exec::Exec;
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

/// Returns the codes of a batch `x`, B×d (B×d_in for a transcoder) with contiguous rows. They are B×n, with columns in
/// ascending order in each row.
///
/// The code of a sample does not depend on the samples beside it: here, [`BatchTopK`](super::BatchTopK) and
/// [`Matryoshka`](super::Matryoshka) take the entries above their threshold. They choose the largest entries of the
/// whole batch in [`gradient`] and [`encode_batch`] alone.
///
/// A NaN among the pre-activations is kept in the codes, so that it reaches the loss.
///
/// # Panics
/// If the workspace is for another model or for fewer samples, or rows are not d long (d_in for a transcoder) or not
/// contiguous.
#[track_caller]
pub fn encode<'a>(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    workspace: &'a mut Workspace,
) -> SparseRef<'a> {
    let (mut pass, own) = workspace.pass(exec, parameters, x, None);
    parameters.variant().model().encode(&mut pass, own);
    workspace.codes()
}

/// Returns the codes of a batch as [`gradient`] and a training step find them: those of [`encode`], except that
/// [`BatchTopK`](super::BatchTopK) and [`Matryoshka`](super::Matryoshka) choose the entries of the whole batch
/// together.
///
/// # Panics
/// If [`encode`] would panic.
#[track_caller]
pub fn encode_batch<'a>(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    workspace: &'a mut Workspace,
) -> SparseRef<'a> {
    let (mut pass, own) = workspace.pass(exec, parameters, x, None);
    parameters.variant().model().encode_batch(&mut pass, own);
    workspace.codes()
}

/// Computes `x_hat` ← `W_decᵀ f + b_dec` for the codes of a batch. Reconstructions by a model with a skip connection
/// are computed by [`reconstruct`].
///
/// # Panics
/// If the shapes do not match, or there is a skip connection.
#[track_caller]
pub fn decode(exec: Exec, parameters: &Parameters, codes: SparseRef, x_hat: MatMut) {
    check_decoding(parameters, codes, &x_hat);
    assert!(
        !parameters.task().has_skip(),
        "codes without the activations that a skip connection reads: they are reconstructed by `reconstruct`"
    );
    let variant = parameters.variant();
    variant
        .model()
        .decode(exec, &parameters.tensors, codes, x_hat);
}

/// Computes `y_hat` ← `W_decᵀ f + b_dec + W_skip x` for a batch `x`, B×d_in, and its codes: the reconstruction by
/// [`decode`], plus that by the skip connection where there is one.
///
/// # Panics
/// If the shapes do not match.
#[track_caller]
pub fn reconstruct(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    codes: SparseRef,
    mut y_hat: MatMut,
) {
    let task = parameters.task();
    assert!(
        (x.rows(), x.cols()) == (codes.rows(), task.input()),
        "codes of {}×{} for a batch of {}×{} of a model that reads {} values",
        codes.rows(),
        codes.cols(),
        x.rows(),
        x.cols(),
        task.input()
    );
    check_decoding(parameters, codes, &y_hat);
    let (model, tensors) = (parameters.variant(), &parameters.tensors);
    model.model().decode(exec, tensors, codes, y_hat.reborrow());
    if task.has_skip() {
        matmul(exec, x, tensors.get(W_SKIP).t(), Accumulate::Add, y_hat);
    }
}

/// Checks the shapes of codes and reconstructions.
///
/// # Panics
/// If the shapes are not those of the model.
#[track_caller]
fn check_decoding(parameters: &Parameters, codes: SparseRef, x_hat: &MatMut) {
    let Shape { width, dictionary } = parameters.shape();
    assert!(
        codes.cols() == dictionary && (x_hat.rows(), x_hat.cols()) == (codes.rows(), width),
        "codes of {}×{} into {}×{} by a dictionary of {dictionary}×{width}",
        codes.rows(),
        codes.cols(),
        x_hat.rows(),
        x_hat.cols()
    );
}

/// Computes the losses of a batch, which it returns, and the gradient of their sum with respect to all parameters,
/// which overwrites `gradient`. The gradient with respect to rows that are held at norm 1 is not projected here, but by
/// [`Trainer::step`](super::Trainer::step). The codes stay in the workspace: see [`Workspace::codes`]. For a batch of
/// no samples, the gradient is 0 and the losses are NaN.
///
/// ‖e‖² is accurate for any error e that f32 can hold; the gradient is where f32 can also hold the products of e and
/// the elements of the dictionary.
///
/// # Panics
/// If [`encode`] would panic, or `gradient` is for another model.
#[track_caller]
pub fn gradient(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    workspace: &mut Workspace,
    gradient: &mut Parameters,
) -> Losses {
    gradient_to(exec, parameters, x, x, workspace, gradient)
}

/// Computes losses and gradient as [`gradient`] does, where the model reads the batch `x`, B×d_in for a transcoder, and
/// is to reconstruct `target`, B×d with contiguous rows: e = ŷ − y.
///
/// # Panics
/// If [`gradient`] would panic, or the shape of `target` is not B×d, or its rows are not contiguous.
#[track_caller]
pub fn gradient_to(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    target: MatRef,
    workspace: &mut Workspace,
    gradient: &mut Parameters,
) -> Losses {
    let (mut pass, own) = workspace.pass(exec, parameters, x, Some(target));
    assert!(
        (gradient.task(), gradient.variant()) == (parameters.task(), parameters.variant()),
        "the gradient of another model"
    );
    let variant = parameters.variant();
    let model = variant.model();
    if x.rows() == 0 {
        // There are no codes either.
        model.encode(&mut pass, own);
        gradient.values_mut().fill(0.0);
        return Losses::OF_NOTHING;
    }
    let losses = model.gradient(&mut pass, own, &mut gradient.tensors);
    if parameters.task().has_skip() {
        // The skip connection reaches the loss through the reconstructions alone, as the decoder's bias does in a
        // transcoder.
        let (d_output, d_w_skip) = (pass.batch.d_output(), gradient.tensors.get_mut(W_SKIP));
        matmul(exec, d_output.t(), x, Accumulate::Replace, d_w_skip);
    }
    losses
}
