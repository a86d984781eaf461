//! ReLU codes from an encoder with a hidden layer.

use crate::matrix::matmul::{Accumulate, Bias, matmul, matmul_with};
use crate::matrix::reduce;
use crate::matrix::view::{MatMut, MatRef};
use crate::sae::batch::Losses;
use crate::sae::layers;
use crate::sae::model::{Model, Own};
use crate::sae::pass::Pass;
use crate::sae::select::RELU;
use crate::sae::task::Sizes;
use crate::sae::tensors::{B_DEC, B_ENC, Matrix, Shape, Tensor, Tensors, Vector, W_DEC, W_ENC};

/// The weights W_hidden, one row for each hidden unit.
const W_HIDDEN: Matrix = Matrix("w_hidden");
/// The bias b_hidden, one value for each hidden unit.
const B_HIDDEN: Vector = Vector("b_hidden");

/// The variant with a hidden layer in its encoder: h = ReLU(W_hidden(x − b_dec) + b_hidden), f = ReLU(W_enc h + b_enc),
/// L = ‖e‖² + λ Σⱼ fⱼ. Rows of the dictionary are held at norm 1. Training starts from a linear encoder: hidden units
/// 2i and 2i + 1 are the positive and the negative part of value i of what is read, so that a hidden layer narrower
/// than twice the width of what is read takes in the first values alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoLayer {
    /// The width of the hidden layer.
    pub hidden: usize,
    /// The coefficient λ of the penalty, for an error that is summed over the d values.
    pub lambda: f32,
}

impl Model for TwoLayer {
    fn examples(shape: Shape, lambda: f32) -> Vec<TwoLayer> {
        let hidden = shape.dictionary / 2 + 1;
        vec![TwoLayer { hidden, lambda }]
    }

    fn lambda_mut(&mut self) -> Option<&mut f32> {
        Some(&mut self.lambda)
    }

    fn tensors(&self, sizes: Sizes) -> Vec<Tensor> {
        let Sizes {
            input,
            width,
            dictionary,
        } = sizes;
        vec![
            W_HIDDEN.of(self.hidden, input),
            B_HIDDEN.of(self.hidden),
            W_ENC.of(dictionary, self.hidden).by_element(),
            B_ENC.of(dictionary).by_element(),
            W_DEC.of(dictionary, width).by_element(),
            B_DEC.of(width),
        ]
    }

    /// Sets the weights to those of a linear encoder: hidden units 2k and 2k + 1 carry value k with either sign, x =
    /// ReLU(x) − ReLU(−x). Units beyond 2d, for d values of input, have normal weights of variance 2/d, which keep the
    /// variance of the values, and no code depends on them yet.
    fn initialise(&self, tensors: &mut Tensors, rows: MatRef, normals: &mut dyn FnMut() -> f32) {
        let width = rows.cols();
        let scale = (2.0 / width as f32).sqrt();
        let (mut w_hidden, mut w_enc) = tensors.get_mut((W_HIDDEN, W_ENC));
        for unit in 0..self.hidden {
            let (k, sign) = (unit / 2, if unit % 2 == 0 { 1.0 } else { -1.0 });
            if k < width {
                w_hidden.row_mut(unit)[k] = sign;
                for j in 0..rows.rows() {
                    w_enc.row_mut(j)[unit] = sign * rows.row(j)[k];
                }
            } else {
                w_hidden.row_mut(unit).fill_with(|| scale * normals());
            }
        }
    }

    fn own_len(&self, _: Sizes, capacity: usize) -> usize {
        // The hidden layer, and the gradient with respect to it.
        2 * capacity * self.hidden
    }

    fn encoder_input<'a>(&self, input: MatRef<'a>, own: &'a Own) -> MatRef<'a> {
        MatRef::first(&own.values, input.rows(), self.hidden)
    }

    fn encode(&self, pass: &mut Pass, own: &mut Own) {
        let (exec, tensors) = (pass.exec, pass.tensors);
        let mut hidden = MatMut::first(&mut own.values, pass.input.rows(), self.hidden);
        matmul_with(
            exec,
            pass.input,
            tensors.get(W_HIDDEN).t(),
            Bias(tensors.get(B_HIDDEN)),
            Accumulate::Replace,
            hidden.reborrow(),
        );
        layers::relu(exec, hidden.reborrow());
        let (weights, bias) = (tensors.get(W_ENC), tensors.get(B_ENC));
        let entries = &mut pass.batch.codes.entries;
        entries.fill(exec, hidden.as_ref(), weights, bias, RELU);
    }

    /// Computes the losses and their gradient: δa = 2/B·(W_dec e) + λ/B on the active entries, ∂W_enc = Δᵀh; δh =
    /// (W_encᵀ δa)·1[h > 0].
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses {
        self.encode(pass, own);
        let mut losses = pass.reconstruct();
        let (exec, tensors, samples) = (pass.exec, pass.tensors, pass.input.rows());
        let codes = &mut pass.batch.codes;
        losses.sparsity = codes.add_l1(self.lambda);

        let (hidden, d_hidden) = own.values.split_at_mut(samples * self.hidden);
        let hidden = MatRef::first(hidden, samples, self.hidden);
        let mut d_hidden = MatMut::first(d_hidden, samples, self.hidden);
        codes.back_through(exec, tensors.get(W_ENC), d_hidden.reborrow());
        layers::relu_backward(exec, hidden, d_hidden.reborrow());

        pass.batch.dictionary_gradient(exec, out.get_mut(W_DEC));
        let (w_enc, b_enc) = out.get_mut((W_ENC, B_ENC));
        let w_enc = (w_enc, Accumulate::Replace);
        let codes = &mut pass.batch.codes;
        codes.layer_gradient(exec, hidden, w_enc, b_enc);
        let (w_hidden, b_hidden, b_dec) = out.get_mut((W_HIDDEN, B_HIDDEN, B_DEC));
        let d_hidden = d_hidden.as_ref();
        matmul(
            exec,
            d_hidden.t(),
            pass.input,
            Accumulate::Replace,
            w_hidden,
        );
        reduce::column_sums(exec, d_hidden, b_hidden);
        pass.decoder_bias_gradient_by(tensors.get(W_HIDDEN), b_hidden, b_dec);
        losses
    }
}
