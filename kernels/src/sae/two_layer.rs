//! ReLU codes from an encoder with a hidden layer.

use super::encoder::Relu;
use super::parameters::Tensor;
use super::{Losses, Parameters, Shape, Workspace, backward, dense};
use crate::machine::exec::Exec;
use crate::matrix::matmul::{Accumulate, Bias, matmul, matmul_with};
use crate::matrix::reduce;
use crate::matrix::view::{MatMut, MatRef};

/// h = ReLU(W_hidden(x − b_dec) + b_hidden), f = ReLU(W_enc h + b_enc), L = ‖e‖² + λ Σⱼ fⱼ. Rows of the dictionary
/// are held at norm 1. Training starts from the linear encoder, which sees all d values where h has at least 2d, else as many
/// as h has pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoLayer {
    /// Width of the hidden layer.
    pub hidden: usize,
    /// λ, for an error that is summed over the d values.
    pub lambda: f32,
}

impl super::variant::Model for TwoLayer {
    fn tensors(&self, Shape { width, dictionary }: Shape) -> Vec<Tensor> {
        vec![
            ("w_hidden", self.hidden, width),
            ("b_hidden", 1, self.hidden),
            ("w_enc", dictionary, self.hidden),
            ("b_enc", 1, dictionary),
            ("w_dec", dictionary, width),
            ("b_dec", 1, width),
        ]
    }

    /// The linear encoder: hidden units 2k and 2k + 1 carry value k with either sign, x = ReLU(x) − ReLU(−x). Units beyond
    /// 2d have normal weights of variance 2/d, which keep that of the values, and nothing reads them yet.
    fn initialise(&self, parameters: &mut Parameters, normals: &mut dyn FnMut() -> f32) {
        let Shape { width, dictionary } = parameters.shape();
        let scale = (2.0 / width as f32).sqrt();
        let [mut w_hidden, mut w_enc, w_dec] =
            parameters.tensors_mut(["w_hidden", "w_enc", "w_dec"]);
        for unit in 0..self.hidden {
            let (k, sign) = (unit / 2, if unit % 2 == 0 { 1.0 } else { -1.0 });
            if k < width {
                w_hidden.row(unit)[k] = sign;
                for j in 0..dictionary {
                    w_enc.row(j)[unit] = sign * w_dec.as_ref().row(j)[k];
                }
            } else {
                w_hidden.row(unit).fill_with(|| scale * normals());
            }
        }
    }

    fn own_len(&self, _: Shape, capacity: usize) -> usize {
        // The hidden layer, and the gradient with respect to it.
        2 * capacity * self.hidden
    }

    fn encoder_input<'a>(&self, workspace: &'a Workspace) -> MatRef<'a> {
        let rows = workspace.batch;
        let values = &workspace.own[..rows * self.hidden];
        MatRef::new(values, rows, self.hidden).expect("cut to size")
    }

    fn encode(&self, exec: Exec, parameters: &Parameters, x: MatRef, workspace: &mut Workspace) {
        workspace.centre(exec, x, parameters.b_dec());
        let len = x.rows() * self.hidden;
        let mut own = std::mem::take(&mut workspace.own);
        let mut hidden = MatMut::new(&mut own[..len], x.rows(), self.hidden).expect("cut to size");
        matmul_with(
            exec,
            hidden.reborrow(),
            Accumulate::Overwrite,
            workspace.centred(),
            parameters.tensor("w_hidden").t(),
            Bias(parameters.vector("b_hidden")),
        );
        dense::relu(exec, hidden.reborrow());
        let (weights, bias) = (parameters.tensor("w_enc"), parameters.vector("b_enc"));
        let hidden = hidden.as_ref();
        workspace.codes.fill(exec, hidden, weights, bias, Relu);
        workspace.own = own;
    }

    /// δa = 2/B·(W_dec e) + λ/B on the active entries, ∂W_enc = Δᵀh; δh = (W_encᵀ δa)·1[h > 0].
    fn gradient(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &mut Workspace,
        gradient: &mut Parameters,
    ) -> Losses {
        self.encode(exec, parameters, x, workspace);
        let (rows, b_dec) = (parameters.dictionary(), parameters.b_dec());
        let mut losses = workspace.reconstruct(exec, rows, b_dec, x);
        losses.sparsity = workspace.add_l1(self.lambda);

        let len = x.rows() * self.hidden;
        let mut own = std::mem::take(&mut workspace.own);
        let (hidden, d_hidden) = own.split_at_mut(len);
        let hidden = MatRef::new(hidden, x.rows(), self.hidden).expect("cut to size");
        let d_hidden = &mut d_hidden[..len];
        let mut d_hidden = MatMut::new(d_hidden, x.rows(), self.hidden).expect("cut to size");
        let w_enc = parameters.tensor("w_enc");
        workspace.back_through(exec, w_enc, d_hidden.reborrow());
        dense::relu_backward(exec, hidden, d_hidden.reborrow());

        let names = ["w_hidden", "b_hidden", "w_enc", "b_enc", "w_dec", "b_dec"];
        let [w_hidden, mut b_hidden, w_enc, mut b_enc, w_dec, mut b_dec] =
            gradient.tensors_mut(names);
        workspace.dictionary_gradient(exec, w_dec);
        let out = (w_enc, Accumulate::Overwrite);
        workspace.layer_gradient(exec, hidden, out, b_enc.row(0));
        let d_hidden = d_hidden.as_ref();
        let centred = workspace.centred();
        matmul(exec, w_hidden, Accumulate::Overwrite, d_hidden.t(), centred);
        reduce::column_sums(exec, d_hidden, b_hidden.row(0));
        let d_output = workspace.d_output();
        let (weights, d_bias) = (parameters.tensor("w_hidden"), b_hidden.as_ref().row(0));
        backward::decoder_bias(exec, d_output, weights, d_bias, b_dec.row(0));
        workspace.own = own;
        losses
    }
}
