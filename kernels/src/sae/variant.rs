//! What a variant has to bring: the one `match` over variants.

use super::parameters::Tensor;
use super::{
    Gated, JumpRelu, L1, Lista, Losses, Parameters, Shape, TiedL1, TopK, TwoLayer, Workspace,
    decoder,
};
use crate::machine::exec::Exec;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

/// A kind of sparse autoencoder, with its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Variant {
    /// ReLU codes and an L1 penalty.
    L1(L1),
    /// The same with one matrix for encoder and decoder.
    TiedL1(TiedL1),
    /// The k largest pre-activations.
    TopK(TopK),
    /// Codes that are switched on by gates.
    Gated(Gated),
    /// Codes above a learnt threshold.
    JumpRelu(JumpRelu),
    /// ReLU codes from an encoder with a hidden layer.
    TwoLayer(TwoLayer),
    /// ReLU codes from a few unrolled steps of a learnt iteration.
    Lista(Lista),
}

impl Variant {
    pub(super) fn model(&self) -> &dyn Model {
        match self {
            Variant::L1(model) => model,
            Variant::TiedL1(model) => model,
            Variant::TopK(model) => model,
            Variant::Gated(model) => model,
            Variant::JumpRelu(model) => model,
            Variant::TwoLayer(model) => model,
            Variant::Lista(model) => model,
        }
    }
}

/// A variant's own part. Shapes have been checked when these are called, and batches are not empty
/// but for `encode` and `decode`.
pub(super) trait Model {
    /// Panics where the settings make no sense for the shape.
    #[track_caller]
    fn check(&self, shape: Shape) {
        let _ = shape;
    }

    /// The parameters: by default, those of a linear encoder.
    fn tensors(&self, Shape { width, dictionary }: Shape) -> Vec<Tensor> {
        vec![
            ("w_enc", dictionary, width),
            ("b_enc", 1, dictionary),
            ("w_dec", dictionary, width),
            ("b_dec", 1, width),
        ]
    }

    /// Sets what training starts from, all zero but for a dictionary of random unit rows.
    fn initialise(&self, parameters: &mut Parameters, _normals: &mut dyn FnMut() -> f32) {
        parameters.tie_encoder();
    }

    /// Values of [`Workspace::own`] for batches of up to `capacity`.
    fn own_len(&self, _shape: Shape, _capacity: usize) -> usize {
        0
    }

    /// The variant of the pass over the dead elements, where there is one.
    fn auxiliary(&self) -> Option<Variant> {
        None
    }

    /// After how many steps without a code an element counts as dead in the loss.
    fn dead_after(&self) -> Option<u32> {
        None
    }

    /// The tensors of which each element has a row, or a place in a vector.
    fn of_elements(&self) -> &'static [&'static str] {
        &["w_enc", "b_enc", "w_dec"]
    }

    /// Sets an element's part of such a tensor, matrices of weights aside, to what training starts from.
    fn reset(&self, _tensor: &str, part: &mut [f32]) {
        part.fill(0.0);
    }

    /// Brings parameters back to where they may be, after a step of the optimiser; rows of norm 1 aside.
    fn after_step(&self, _: &mut Parameters) {}

    /// ‖e‖² of each sample, after `encode`.
    fn errors<'a>(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &'a mut Workspace,
    ) -> &'a [f64] {
        workspace.reconstruct(exec, parameters.dictionary(), parameters.b_dec(), x);
        &workspace.errors[..x.rows()]
    }

    /// What the last layer of the encoder has read in the last pass, B rows.
    fn encoder_input<'a>(&self, workspace: &'a Workspace) -> MatRef<'a> {
        workspace.centred()
    }

    /// Whether rows of the dictionary are held at norm 1.
    fn unit_rows(&self) -> bool {
        true
    }

    /// Finds the codes of a batch.
    fn encode(&self, exec: Exec, parameters: &Parameters, x: MatRef, workspace: &mut Workspace);

    /// The way from codes to reconstructions.
    fn decode(&self, exec: Exec, parameters: &Parameters, codes: SparseRef, x_hat: MatMut) {
        let (dictionary, b_dec) = (parameters.dictionary(), parameters.b_dec());
        decoder::decode(exec, dictionary, b_dec, codes, x_hat);
    }

    /// The losses of a batch and their gradient.
    fn gradient(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &mut Workspace,
        gradient: &mut Parameters,
    ) -> Losses;
}
