//! ReLU codes and an L1 penalty, one matrix for encoder and decoder.

use super::encoder::{self, Relu};
use super::parameters::Tensor;
use super::{Losses, Parameters, Shape, Workspace, backward, decoder};
use crate::machine::exec::Exec;
use crate::machine::scratch::with_scratch;
use crate::matrix::dictionary;
use crate::matrix::matmul::Accumulate;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

/// f = ReLU(D x + b), x̂ = Dᵀf, L = ‖e‖² + λ Σⱼ fⱼ; the rows of D are those of `w_dec`, scaled to norm 1. There
/// is no decoder bias.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TiedL1 {
    /// λ, for an error that is summed over the d values.
    pub lambda: f32,
}

impl super::variant::Model for TiedL1 {
    fn tensors(&self, Shape { width, dictionary }: Shape) -> Vec<Tensor> {
        vec![("w_dec", dictionary, width), ("b_enc", 1, dictionary)]
    }

    fn initialise(&self, _: &mut Parameters, _: &mut dyn FnMut() -> f32) {}

    fn own_len(&self, shape: Shape, _capacity: usize) -> usize {
        // D.
        shape.dictionary * shape.width
    }

    fn of_elements(&self) -> &'static [&'static str] {
        &["w_dec", "b_enc"]
    }

    fn unit_rows(&self) -> bool {
        false
    }

    fn encode(&self, exec: Exec, parameters: &Parameters, x: MatRef, workspace: &mut Workspace) {
        let mut own = std::mem::take(&mut workspace.own);
        let unit = unit_rows(exec, parameters, &mut own);
        workspace.centre(exec, x, parameters.b_dec());
        encoder::encode_by(exec, unit, parameters.vector("b_enc"), workspace, Relu);
        workspace.own = own;
    }

    fn decode(&self, exec: Exec, parameters: &Parameters, codes: SparseRef, x_hat: MatMut) {
        with_scratch(parameters.dictionary().data().len(), |room| {
            let unit = unit_rows(exec, parameters, room);
            decoder::decode(exec, unit, parameters.b_dec(), codes, x_hat);
        })
    }

    fn errors<'a>(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &'a mut Workspace,
    ) -> &'a [f64] {
        let own = std::mem::take(&mut workspace.own);
        let Shape { width, dictionary } = parameters.shape();
        let unit = MatRef::new(&own, dictionary, width).expect("cut to size");
        workspace.reconstruct(exec, unit, parameters.b_dec(), x);
        workspace.own = own;
        &workspace.errors[..x.rows()]
    }

    /// ∂D sums what comes through encoder and decoder; ∂E = (I − D̂D̂ᵀ)∂D/‖E‖ row by row, for `w_dec` = E.
    fn gradient(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &mut Workspace,
        gradient: &mut Parameters,
    ) -> Losses {
        self.encode(exec, parameters, x, workspace);
        let own = std::mem::take(&mut workspace.own);
        let Shape { width, dictionary } = parameters.shape();
        let unit = MatRef::new(&own, dictionary, width).expect("cut to size");
        let mut losses = workspace.reconstruct(exec, unit, parameters.b_dec(), x);
        losses.sparsity = workspace.add_l1(self.lambda);
        let [mut d_rows, mut d_b_enc] = gradient.tensors_mut(["w_dec", "b_enc"]);
        workspace.dictionary_gradient(exec, d_rows.reborrow());
        let through_encoder = (d_rows.reborrow(), Accumulate::Add);
        workspace.linear_gradient(exec, through_encoder, d_b_enc.row(0));
        dictionary::project_gradient(exec, unit, d_rows.reborrow());
        backward::divide_by_norms(exec, parameters.dictionary(), d_rows);
        workspace.own = own;
        losses
    }
}

/// The rows of `w_dec` at norm 1.
fn unit_rows<'a>(exec: Exec, parameters: &Parameters, room: &'a mut [f32]) -> MatRef<'a> {
    let rows = parameters.dictionary();
    room.copy_from_slice(rows.data());
    let mut unit = MatMut::new(room, rows.rows(), rows.cols()).expect("as large");
    dictionary::normalise(exec, unit.reborrow());
    unit.into_ref()
}
