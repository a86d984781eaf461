//! The pass of a batch through a model, and the steps of a linear encoder and decoder, which variants share.

use super::backward;
use super::batch::{Batch, Decoder, Losses};
use super::select::Select;
use super::tensors::{B_DEC, B_ENC, Tensors, W_DEC, W_ENC};
use crate::machine::exec::Exec;
use crate::matrix::matmul::Accumulate;
use crate::matrix::view::{MatMut, MatRef};

/// The pass of a batch through a model: how it is executed, what the model reads, and what is computed.
pub(super) struct Pass<'a> {
    pub(super) exec: Exec,
    /// The parameters of the model.
    pub(super) tensors: &'a Tensors,
    /// The input of the encoder, B rows: x − b_dec, or x in a transcoder.
    pub(super) input: MatRef<'a>,
    /// Whether the decoder's bias has been subtracted from the input of the encoder.
    pub(super) centred: bool,
    /// The target that codes and decoder are to reconstruct, B×d; no rows where only the codes are asked for.
    pub(super) target: MatRef<'a>,
    /// The results of the pass.
    pub(super) batch: &'a mut Batch,
}

impl Pass<'_> {
    /// Fills the codes by a linear encoder: `select` chooses them from `W_enc x + b_enc`, where x is the encoder's
    /// input.
    pub(super) fn encode(&mut self, select: impl Select) {
        let (weights, bias) = (self.tensors.get(W_ENC), self.tensors.get(B_ENC));
        self.encode_by(weights, bias, select);
    }

    /// Fills the codes as [`encode`](Self::encode) does, by an encoder with these weights and this bias.
    pub(super) fn encode_by(&mut self, weights: MatRef, bias: &[f32], select: impl Select) {
        let entries = &mut self.batch.codes.entries;
        entries.fill(self.exec, self.input, weights, bias, select);
    }

    /// Computes, from the codes, the errors of the reconstructions, and the gradients of their mean square with respect
    /// to reconstructions and codes. See [`Batch::reconstruct`].
    pub(super) fn reconstruct(&mut self) -> Losses {
        let decoder = Decoder::new(self.tensors.dictionary(), self.tensors.b_dec());
        self.batch.reconstruct(self.exec, decoder, self.target)
    }

    /// Computes the loss of the reconstructions by shorter prefixes of the dictionary. See
    /// [`Batch::reconstruct_prefixes`].
    pub(super) fn reconstruct_prefixes(&mut self, prefixes: &[usize], sums: MatMut) -> f64 {
        let decoder = Decoder::new(self.tensors.dictionary(), self.tensors.b_dec());
        self.batch
            .reconstruct_prefixes(self.exec, decoder, prefixes, self.target, sums)
    }

    /// Writes the gradients with respect to all four tensors of a linear encoder and decoder to `out`.
    pub(super) fn gradients(&mut self, out: &mut Tensors) {
        self.weight_gradients(out);
        self.decoder_bias_gradient(out);
    }

    /// Writes the gradients with respect to `w_enc`, `b_enc` and `w_dec` to `out`.
    pub(super) fn weight_gradients(&mut self, out: &mut Tensors) {
        let (w_enc, b_enc, w_dec) = out.get_mut((W_ENC, B_ENC, W_DEC));
        self.batch.dictionary_gradient(self.exec, w_dec);
        self.linear_gradient((w_enc, Accumulate::Replace), b_enc);
    }

    /// Computes the gradients with respect to the weights and the bias of a layer that reads the encoder's input and
    /// ends in the codes. The gradient with respect to the weights overwrites `out`, or is added to it.
    pub(super) fn linear_gradient(&mut self, out: (MatMut, Accumulate), d_bias: &mut [f32]) {
        let codes = &mut self.batch.codes;
        codes.layer_gradient(self.exec, self.input, out, d_bias);
    }

    /// Writes the gradient with respect to `b_dec` to `out`, where the gradient with respect to `b_enc` is complete.
    pub(super) fn decoder_bias_gradient(&self, out: &mut Tensors) {
        let (b_enc, b_dec) = out.get_mut((B_ENC, B_DEC));
        self.decoder_bias_gradient_by(self.tensors.get(W_ENC), b_enc, b_dec);
    }

    /// Writes the gradient with respect to `b_dec` to `d_b_dec`, where the first layer of the encoder has these
    /// `weights`, and `d_bias` is the gradient with respect to a bias of that layer.
    pub(super) fn decoder_bias_gradient_by(
        &self,
        weights: MatRef,
        d_bias: &[f32],
        d_b_dec: &mut [f32],
    ) {
        let d_output = self.batch.d_output();
        let (weights, d_bias) = match self.centred {
            true => (weights, d_bias),
            // The encoder of a transcoder does not read the bias of the decoder.
            false => (MatRef::first(&[], 0, d_output.cols()), &[][..]),
        };
        backward::decoder_bias(self.exec, d_output, weights, d_bias, d_b_dec);
    }
}
