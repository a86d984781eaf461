//! ReLU codes and an L1 penalty, with one matrix for encoder and decoder.

use crate::machine::exec::Exec;
use crate::machine::scratch::with_scratch;
use crate::matrix::dictionary;
use crate::matrix::matmul::Accumulate;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};
use crate::sae::backward;
use crate::sae::batch::{self, Decoder, Losses};
use crate::sae::model::{Model, Own};
use crate::sae::pass::Pass;
use crate::sae::select::RELU;
use crate::sae::task::Sizes;
use crate::sae::tensors::{B_ENC, Shape, Tensor, Tensors, W_DEC};

/// The variant with one matrix for encoder and decoder: f = ReLU(D x + b), x̂ = Dᵀf, L = ‖e‖² + λ Σⱼ fⱼ. The rows of D
/// are those of `w_dec`, scaled to norm 1. There is no decoder bias.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TiedL1 {
    /// The coefficient λ of the penalty, for an error that is summed over the d values.
    pub lambda: f32,
}

impl Model for TiedL1 {
    fn examples(_: Shape, lambda: f32) -> Vec<TiedL1> {
        vec![TiedL1 { lambda }]
    }

    fn lambda_mut(&mut self) -> Option<&mut f32> {
        Some(&mut self.lambda)
    }

    fn transcodes(&self) -> bool {
        false
    }

    fn tensors(&self, sizes: Sizes) -> Vec<Tensor> {
        let Sizes {
            width, dictionary, ..
        } = sizes;
        vec![
            W_DEC.of(dictionary, width).by_element(),
            B_ENC.of(dictionary).by_element(),
        ]
    }

    fn initialise(&self, _: &mut Tensors, _: MatRef, _: &mut dyn FnMut() -> f32) {}

    fn own_len(&self, sizes: Sizes, _capacity: usize) -> usize {
        // The matrix D.
        sizes.dictionary * sizes.width
    }

    fn unit_rows(&self) -> bool {
        false
    }

    fn encode(&self, pass: &mut Pass, own: &mut Own) {
        let unit = unit_rows(pass.exec, pass.tensors.dictionary(), &mut own.values);
        let bias = pass.tensors.get(B_ENC);
        pass.encode_by(unit, bias, RELU);
    }

    fn decode(&self, exec: Exec, tensors: &Tensors, codes: SparseRef, x_hat: MatMut) {
        let rows = tensors.dictionary();
        with_scratch(rows.data().len(), |room| {
            let decoder = Decoder::new(unit_rows(exec, rows, room), tensors.b_dec());
            batch::decode(exec, decoder, codes, x_hat);
        })
    }

    fn reconstruct(&self, pass: &mut Pass, own: &Own) -> Losses {
        let decoder = Decoder::new(encoded_by(pass, own), pass.tensors.b_dec());
        pass.batch.reconstruct(pass.exec, decoder, pass.target)
    }

    /// Computes the losses and their gradient. ∂D sums what comes through encoder and decoder; ∂E = (I − D̂D̂ᵀ)∂D/‖E‖
    /// row by row, for `w_dec` = E.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses {
        self.encode(pass, own);
        let mut losses = self.reconstruct(pass, own);
        losses.sparsity = pass.batch.codes.add_l1(self.lambda);

        let (exec, unit) = (pass.exec, encoded_by(pass, own));
        let (mut d_rows, d_b_enc) = out.get_mut((W_DEC, B_ENC));
        pass.batch.dictionary_gradient(exec, d_rows.reborrow());
        let through_encoder = (d_rows.reborrow(), Accumulate::Add);
        pass.linear_gradient(through_encoder, d_b_enc);
        dictionary::project_gradient(exec, unit, d_rows.reborrow());
        backward::divide_by_norms(exec, pass.tensors.dictionary(), d_rows);
        losses
    }
}

/// Writes `rows`, scaled to norm 1, to `room`, and returns them.
fn unit_rows<'a>(exec: Exec, rows: MatRef, room: &'a mut [f32]) -> MatRef<'a> {
    room.copy_from_slice(rows.data());
    let mut unit = MatMut::first(room, rows.rows(), rows.cols());
    dictionary::normalise(exec, unit.reborrow());
    unit.into_ref()
}

/// Returns the matrix D, which the encoder has written to the variant's own buffer.
fn encoded_by<'a>(pass: &Pass, own: &'a Own) -> MatRef<'a> {
    let Shape { width, dictionary } = pass.tensors.shape();
    MatRef::first(&own.values, dictionary, width)
}
