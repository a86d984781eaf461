//! One batch on its way through a model, and the steps of a linear encoder and decoder, which variants share.

use super::backward;
use super::batch::{Batch, Decoder, Losses};
use super::select::Select;
use super::tensors::{B_DEC, B_ENC, Tensors, W_DEC, W_ENC};
use crate::machine::exec::Exec;
use crate::matrix::matmul::Accumulate;
use crate::matrix::view::{MatMut, MatRef};

/// One batch on its way through a model: how it is executed, what it reads, and what it computes.
pub(super) struct Pass<'a> {
    pub(super) exec: Exec,
    /// The parameters.
    pub(super) tensors: &'a Tensors,
    /// What the encoder reads, B rows: x − b_dec, or x in a transcoder.
    pub(super) input: MatRef<'a>,
    /// Whether the decoder's bias has been subtracted from what the encoder reads.
    pub(super) centred: bool,
    /// What codes and decoder are to reconstruct, B×d; no rows where codes are all that is asked for.
    pub(super) target: MatRef<'a>,
    pub(super) batch: &'a mut Batch,
}

impl Pass<'_> {
    /// Fills the codes by a linear encoder: what `select` takes from `W_enc x + b_enc`, for what the encoder reads.
    pub(super) fn encode(&mut self, select: impl Select) {
        let (weights, bias) = (self.tensors.get(W_ENC), self.tensors.get(B_ENC));
        self.encode_by(weights, bias, select);
    }

    /// The same, with these weights and this bias.
    pub(super) fn encode_by(&mut self, weights: MatRef, bias: &[f32], select: impl Select) {
        let entries = &mut self.batch.codes.entries;
        entries.fill(self.exec, self.input, weights, bias, select);
    }

    /// Takes the codes to the errors of the reconstructions, and to the gradients of their mean square with respect to
    /// reconstructions and codes.
    pub(super) fn reconstruct(&mut self) -> Losses {
        let decoder = Decoder::new(self.tensors.dictionary(), self.tensors.b_dec());
        self.batch.reconstruct(self.exec, decoder, self.target)
    }

    /// Adds the errors of reconstructions by the shorter prefixes of the dictionary. See [`Batch::reconstruct_prefixes`].
    pub(super) fn reconstruct_prefixes(&mut self, prefixes: &[usize], sums: MatMut) -> f64 {
        let decoder = Decoder::new(self.tensors.dictionary(), self.tensors.b_dec());
        self.batch
            .reconstruct_prefixes(self.exec, decoder, prefixes, self.target, sums)
    }

    /// The gradients with respect to all four tensors of a linear encoder and decoder.
    pub(super) fn gradients(&mut self, out: &mut Tensors) {
        self.weight_gradients(out);
        self.decoder_bias_gradient(out);
    }

    /// The gradients with respect to `w_enc`, `b_enc` and `w_dec`.
    pub(super) fn weight_gradients(&mut self, out: &mut Tensors) {
        let (w_enc, b_enc, w_dec) = out.get_mut((W_ENC, B_ENC, W_DEC));
        self.batch.dictionary_gradient(self.exec, w_dec);
        self.linear_gradient((w_enc, Accumulate::Replace), b_enc);
    }

    /// The gradient with respect to the weights and the bias of a layer that reads what the encoder reads, and ends in
    /// the codes. That of the weights overwrites `out`, or is added to it.
    pub(super) fn linear_gradient(&mut self, out: (MatMut, Accumulate), d_bias: &mut [f32]) {
        let codes = &mut self.batch.codes;
        codes.layer_gradient(self.exec, self.input, out, d_bias);
    }

    /// The gradient with respect to `b_dec`, once that with respect to `b_enc` is complete.
    pub(super) fn decoder_bias_gradient(&self, out: &mut Tensors) {
        let (b_enc, b_dec) = out.get_mut((B_ENC, B_DEC));
        self.decoder_bias_gradient_by(self.tensors.get(W_ENC), b_enc, b_dec);
    }

    /// The gradient with respect to `b_dec` where the first layer of the encoder has these weights, and its bias would
    /// have this gradient.
    pub(super) fn decoder_bias_gradient_by(
        &self,
        weights: MatRef,
        d_bias: &[f32],
        d_b_dec: &mut [f32],
    ) {
        let d_output = self.batch.d_output();
        let (weights, d_bias) = match self.centred {
            true => (weights, d_bias),
            // The bias reaches the encoder by no weights.
            false => (MatRef::first(&[], 0, d_output.cols()), &[][..]),
        };
        backward::decoder_bias(self.exec, d_output, weights, d_bias, d_b_dec);
    }
}
