//! The trait that each variant of the sparse autoencoder implements.

use super::batch::{self, Batch, Decoder, Losses};
use super::layers;
use super::pass::Pass;
use super::task::Sizes;
use super::tensors::{B_DEC, B_ENC, Shape, Tensor, Tensors, W_DEC, W_ENC};
use crate::machine::exec::Exec;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

/// The buffers that a variant needs beside a batch, and the elements that count as dead.
#[derive(Clone, Debug)]
pub(super) struct Own {
    /// A buffer of [`Model::own_len`] values, which keeps nothing from one pass to the next.
    pub(super) values: Vec<f32>,
    /// The elements that count as dead in an auxiliary loss, in ascending order.
    pub(super) dead: Vec<u32>,
    /// The batch for the pass over dead elements alone; none where [`Model::dead_after`] is none.
    pub(super) of_dead: Option<Batch>,
}

/// A kind of sparse autoencoder: what its parameters are, and how a batch passes through it.
///
/// The callers of these methods have checked the shapes. Batches are not empty, except for `encode`, `encode_batch` and
/// `decode`.
pub(super) trait Model {
    /// Returns settings that are valid for the shape: examples of every kind that takes another path through the code,
    /// with a penalty of `lambda` where there is one.
    fn examples(shape: Shape, lambda: f32) -> Vec<Self>
    where
        Self: Sized;

    /// Returns the coefficient λ of the penalty, for writing, or `None` where there is no penalty.
    fn lambda_mut(&mut self) -> Option<&mut f32> {
        None
    }

    /// Checks the settings.
    ///
    /// # Panics
    /// If the settings are not valid for the shape.
    #[track_caller]
    fn check(&self, shape: Shape) {
        let _ = shape;
    }

    /// Returns whether the model can reconstruct something else than what it reads.
    fn transcodes(&self) -> bool {
        true
    }

    /// Returns the parameters, except a skip connection: by default, those of a linear encoder and decoder.
    fn tensors(&self, sizes: Sizes) -> Vec<Tensor> {
        let Sizes {
            input,
            width,
            dictionary,
        } = sizes;
        vec![
            W_ENC.of(dictionary, input).by_element(),
            B_ENC.of(dictionary).by_element(),
            W_DEC.of(dictionary, width).by_element(),
            B_DEC.of(width),
        ]
    }

    /// Sets the parameters that training starts from, except the dictionary; on entry, each tensor holds its start
    /// value. By default, these are a linear encoder with `rows`, which have norm 1. `normals` draws from a standard
    /// normal distribution.
    fn initialise(&self, tensors: &mut Tensors, rows: MatRef, normals: &mut dyn FnMut() -> f32) {
        let _ = normals;
        layers::copy(rows, tensors.get_mut(W_ENC));
    }

    /// Returns the length of the buffer [`Own::values`] for batches of up to `capacity` samples.
    fn own_len(&self, sizes: Sizes, capacity: usize) -> usize {
        let _ = (sizes, capacity);
        0
    }

    /// Returns the number of steps without firing after which an element counts as dead, or `None` where the loss has
    /// no term for dead elements.
    fn dead_after(&self) -> Option<u32> {
        None
    }

    /// Returns whether the rows of the dictionary are held at norm 1, or, in a transcoder, whose rows start at 0, at
    /// norms of at most 1.
    fn unit_rows(&self) -> bool {
        true
    }

    /// Changes the parameters after a step of the optimiser, where more is to be done than to hold rows at norm 1.
    /// `codes` are those of the step's batch, and `step` counts from 1.
    fn after_step(&self, tensors: &mut Tensors, codes: SparseRef, step: u64) {
        let _ = (tensors, codes, step);
    }

    /// Finds the codes of a batch. The code of a sample does not depend on the other samples.
    fn encode(&self, pass: &mut Pass, own: &mut Own);

    /// Finds the codes of a batch as [`gradient`](Self::gradient) does, where the code of a sample may depend on the
    /// other samples.
    fn encode_batch(&self, pass: &mut Pass, own: &mut Own) {
        self.encode(pass, own);
    }

    /// Returns what the last layer of the encoder read in the last pass, B rows, where `input` is what the first layer
    /// read.
    fn encoder_input<'a>(&self, input: MatRef<'a>, own: &'a Own) -> MatRef<'a> {
        let _ = own;
        input
    }

    /// Computes the reconstructions `x_hat` of codes, without a skip connection.
    fn decode(&self, exec: Exec, tensors: &Tensors, codes: SparseRef, x_hat: MatMut) {
        let decoder = Decoder::new(tensors.dictionary(), tensors.b_dec());
        batch::decode(exec, decoder, codes, x_hat);
    }

    /// Computes the errors of the reconstructions of the codes that [`encode`](Self::encode) found, and the gradients
    /// of their mean square with respect to reconstructions and codes.
    fn reconstruct(&self, pass: &mut Pass, own: &Own) -> Losses {
        let _ = own;
        pass.reconstruct()
    }

    /// Computes the losses of a batch, which it returns, and their gradient, which overwrites `out`.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses;
}
