//! What a variant has to bring.

use super::batch::{self, Batch, Decoder, Losses};
use super::layers;
use super::pass::Pass;
use super::task::Sizes;
use super::tensors::{B_DEC, B_ENC, Shape, Tensor, Tensors, W_DEC, W_ENC};
use crate::machine::exec::Exec;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

/// Room that a variant asks for beside a batch, and which elements count as dead.
#[derive(Clone, Debug)]
pub(super) struct Own {
    /// [`Model::own_len`] values, which keep nothing from one pass to the next.
    pub(super) values: Vec<f32>,
    /// The elements that count as dead in an auxiliary loss, in rising order.
    pub(super) dead: Vec<u32>,
    /// A batch for the pass over dead elements alone, where [`Model::dead_after`] says that there is one.
    pub(super) of_dead: Option<Batch>,
}

/// A kind of sparse autoencoder: what its parameters are, and how a batch passes through it.
///
/// Shapes have been checked when these are called, and batches are not empty but for `encode`, `encode_batch` and `decode`.
pub(super) trait Model {
    /// Settings that make sense for the shape, of every kind that goes another way through the code, with a penalty of
    /// `lambda` where there is one.
    fn examples(shape: Shape, lambda: f32) -> Vec<Self>
    where
        Self: Sized;

    /// The coefficient λ of the penalty, where there is one.
    fn lambda_mut(&mut self) -> Option<&mut f32> {
        None
    }

    /// Panics where the settings make no sense for the shape.
    #[track_caller]
    fn check(&self, shape: Shape) {
        let _ = shape;
    }

    /// Whether what is reconstructed may be something else than what is read.
    fn transcodes(&self) -> bool {
        true
    }

    /// The parameters, but for a skip connection: by default, those of a linear encoder and decoder.
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

    /// Sets what training starts from, beside the dictionary, and where tensors have a start: the linear encoder with
    /// these rows, which have norm 1.
    fn initialise(&self, tensors: &mut Tensors, rows: MatRef, normals: &mut dyn FnMut() -> f32) {
        let _ = normals;
        layers::copy(rows, tensors.get_mut(W_ENC));
    }

    /// Values of [`Own`] for batches of up to `capacity`.
    fn own_len(&self, sizes: Sizes, capacity: usize) -> usize {
        let _ = (sizes, capacity);
        0
    }

    /// After how many steps without a code an element counts as dead, where the loss has a part for dead elements.
    fn dead_after(&self) -> Option<u32> {
        None
    }

    /// Whether rows of the dictionary are held at norm 1: at most at that, in a transcoder, whose rows start at 0.
    fn unit_rows(&self) -> bool {
        true
    }

    /// Brings parameters to what they are after a step of the optimiser, counted from 1, on a batch of these codes,
    /// where more is to be done than to hold rows at norm 1.
    fn after_step(&self, tensors: &mut Tensors, codes: SparseRef, step: u64) {
        let _ = (tensors, codes, step);
    }

    /// Finds the codes of a batch, each of its sample alone.
    fn encode(&self, pass: &mut Pass, own: &mut Own);

    /// Finds the codes of a batch as [`gradient`](Self::gradient) has them.
    fn encode_batch(&self, pass: &mut Pass, own: &mut Own) {
        self.encode(pass, own);
    }

    /// What the last layer of the encoder has read in the last pass, B rows, where the first has read `input`.
    fn encoder_input<'a>(&self, input: MatRef<'a>, own: &'a Own) -> MatRef<'a> {
        let _ = own;
        input
    }

    /// The way from codes to reconstructions.
    fn decode(&self, exec: Exec, tensors: &Tensors, codes: SparseRef, x_hat: MatMut) {
        let decoder = Decoder::new(tensors.dictionary(), tensors.b_dec());
        batch::decode(exec, decoder, codes, x_hat);
    }

    /// The way from the codes that [`encode`](Self::encode) found to the errors of their reconstructions.
    fn reconstruct(&self, pass: &mut Pass, own: &Own) -> Losses {
        let _ = own;
        pass.reconstruct()
    }

    /// The losses of a batch and their gradient, which overwrites `out`.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses;
}
