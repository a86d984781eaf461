//! AuxK: an auxiliary loss by which dead elements learn what the others leave over (Gao et al., arXiv
//! 2406.04093, appendix A.2).

use std::ops::Range;

use crate::matrix::matmul::Accumulate;
use crate::matrix::view::{MatMut, MatRef};
use crate::sae::batch::Decoder;
use crate::sae::model::Own;
use crate::sae::pass::Pass;
use crate::sae::select::Largest;
use crate::sae::task::Sizes;
use crate::sae::tensors::{B_ENC, Tensors, W_DEC, W_ENC};

/// The auxiliary loss α·‖W_decᵀ z − (x − x̂)‖², where z holds the k largest codes of dead elements alone. The error x −
/// x̂ (y − ŷ in a transcoder) counts as a constant, as in the authors' code: gradients reach the dead elements in
/// encoder and dictionary, and `b_dec` through the encoder alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AuxK {
    /// The largest number of dead elements that are active for a sample.
    pub k: usize,
    /// The coefficient α of the auxiliary loss.
    pub coefficient: f32,
    /// The number of steps without firing after which an element counts as dead.
    pub dead_after: u32,
}

/// Returns the number of values of the buffer for the weights of dead elements, of which there may be as many as there
/// are elements, for the gradient with respect to these weights, and for what is to be reconstructed.
pub(super) fn own_len(sizes: Sizes, capacity: usize) -> usize {
    sizes.dictionary * (2 * (sizes.input + sizes.width) + 2) + capacity * sizes.width
}

/// Adds the gradient with respect to `w_enc`, `b_enc` and `w_dec` to `out`, after the main pass, and returns the loss.
///
/// The pass here is that of a small autoencoder, which consists of the dead elements.
pub(super) fn add_gradient(aux: AuxK, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> f64 {
    let dead = &own.dead;
    if dead.is_empty() {
        return 0.0;
    }
    let (exec, tensors, main) = (pass.exec, pass.tensors, &*pass.batch);
    let (input, width) = (pass.input.cols(), pass.target.cols());
    let (samples, m) = (pass.target.rows(), dead.len());
    let values = &mut own.values[..];
    let (w_enc, values) = values.split_at_mut(m * input);
    let (w_dec, values) = values.split_at_mut(m * width);
    let (d_w_enc, values) = values.split_at_mut(m * input);
    let (d_w_dec, values) = values.split_at_mut(m * width);
    let (b_enc, values) = values.split_at_mut(m);
    let (d_b_enc, values) = values.split_at_mut(m);
    let left_over = &mut values[..samples * width];

    for (i, &j) in dead.iter().enumerate() {
        let j = j as usize;
        w_enc[row(i, input)].copy_from_slice(tensors.get(W_ENC).row(j));
        w_dec[row(i, width)].copy_from_slice(tensors.get(W_DEC).row(j));
        b_enc[i] = tensors.get(B_ENC)[j];
    }
    // The gradient with respect to the reconstructions is 2(x̂ − x)/B.
    let to_error = -0.5 * samples as f32;
    for (left_over, d) in left_over.iter_mut().zip(main.d_output().data()) {
        *left_over = to_error * d;
    }

    let small = own.of_dead.as_mut().expect("a batch for dead elements");
    let largest = Largest(aux.k.min(m));
    let entries = &mut small.codes.entries;
    let weights = MatRef::first(w_enc, m, input);
    entries.fill(exec, pass.input, weights, b_enc, largest);
    let decoder = Decoder {
        dictionary: MatRef::first(w_dec, m, width),
        b_dec: tensors.no_bias(),
        weight: aux.coefficient,
    };
    let losses = small.reconstruct(exec, decoder, MatRef::first(left_over, samples, width));
    small.dictionary_gradient(exec, MatMut::first(d_w_dec, m, width));
    let to_enc = (MatMut::first(d_w_enc, m, input), Accumulate::Replace);
    let codes = &mut small.codes;
    codes.layer_gradient(exec, pass.input, to_enc, d_b_enc);

    let (mut w_enc, b_enc, mut w_dec) = out.get_mut((W_ENC, B_ENC, W_DEC));
    for (i, &j) in dead.iter().enumerate() {
        let j = j as usize;
        add(&d_w_enc[row(i, input)], w_enc.row_mut(j));
        add(&d_w_dec[row(i, width)], w_dec.row_mut(j));
        b_enc[j] += d_b_enc[i];
    }
    f64::from(aux.coefficient) * losses.reconstruction
}

/// Returns the range of row i among rows of length `len`.
fn row(i: usize, len: usize) -> Range<usize> {
    i * len..(i + 1) * len
}

/// Computes to ← to + from.
fn add(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
