//! AuxK: an auxiliary loss by which dead elements learn what the others leave over (Gao et al., arXiv
//! 2406.04093, appendix A.2).

use crate::matrix::matmul::Accumulate;
use crate::matrix::view::{MatMut, MatRef};
use crate::sae::batch::Decoder;
use crate::sae::model::Own;
use crate::sae::pass::Pass;
use crate::sae::select::Largest;
use crate::sae::tensors::{B_ENC, Shape, Tensors, W_DEC, W_ENC};

/// α·‖W_decᵀ z − (x − x̂)‖², for z the k largest codes of dead elements alone. The error x − x̂ counts as given,
/// as in the authors' code: gradients reach the dead elements in encoder and dictionary, and `b_dec` through the
/// encoder alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AuxK {
    /// Dead elements that are active for a sample, at most.
    pub k: usize,
    /// α.
    pub coefficient: f32,
    /// Steps without firing after which an element counts as dead.
    pub dead_after: u32,
}

/// Room for the weights of as many dead elements as there are elements, their gradient, and what is to be
/// reconstructed.
pub(super) fn own_len(shape: Shape, capacity: usize) -> usize {
    shape.dictionary * (4 * shape.width + 2) + capacity * shape.width
}

/// Adds the gradient with respect to `w_enc`, `b_enc` and `w_dec`, after the main pass, and returns the loss.
///
/// It is the pass of a small autoencoder: the dead elements, gathered.
pub(super) fn add_gradient(aux: AuxK, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> f64 {
    let dead = &own.dead;
    if dead.is_empty() {
        return 0.0;
    }
    let (exec, tensors, main) = (pass.exec, pass.tensors, &*pass.batch);
    let (samples, width, m) = (pass.x.rows(), tensors.shape().width, dead.len());
    let values = &mut own.values[..];
    let (w_enc, values) = values.split_at_mut(m * width);
    let (w_dec, values) = values.split_at_mut(m * width);
    let (d_w_enc, values) = values.split_at_mut(m * width);
    let (d_w_dec, values) = values.split_at_mut(m * width);
    let (b_enc, values) = values.split_at_mut(m);
    let (d_b_enc, values) = values.split_at_mut(m);
    let left_over = &mut values[..samples * width];

    for (i, &j) in dead.iter().enumerate() {
        let (place, j) = (i * width..(i + 1) * width, j as usize);
        w_enc[place.clone()].copy_from_slice(tensors.get(W_ENC).row(j));
        w_dec[place].copy_from_slice(tensors.get(W_DEC).row(j));
        b_enc[i] = tensors.get(B_ENC)[j];
    }
    // The gradient with respect to the reconstructions is 2(x̂ − x)/B.
    let to_error = -0.5 * samples as f32;
    for (left_over, d) in left_over.iter_mut().zip(main.d_output().data()) {
        *left_over = to_error * d;
    }

    let small = own.of_dead.as_mut().expect("a batch for dead elements");
    let view = |values, rows| MatRef::first(values, rows, width);
    let largest = Largest(aux.k.min(m));
    let entries = &mut small.codes.entries;
    entries.fill(exec, main.centred(), view(w_enc, m), b_enc, largest);
    let decoder = Decoder {
        dictionary: view(w_dec, m),
        b_dec: tensors.no_bias(),
        weight: aux.coefficient,
    };
    let losses = small.reconstruct(exec, decoder, view(left_over, samples));
    small.dictionary_gradient(exec, MatMut::first(d_w_dec, m, width));
    let to_enc = (MatMut::first(d_w_enc, m, width), Accumulate::Replace);
    let codes = &mut small.codes;
    codes.layer_gradient(exec, main.centred(), to_enc, d_b_enc);

    let (mut w_enc, b_enc, mut w_dec) = out.get_mut((W_ENC, B_ENC, W_DEC));
    for (i, &j) in dead.iter().enumerate() {
        let (place, j) = (i * width..(i + 1) * width, j as usize);
        add(&d_w_enc[place.clone()], w_enc.row_mut(j));
        add(&d_w_dec[place], w_dec.row_mut(j));
        b_enc[j] += d_b_enc[i];
    }
    f64::from(aux.coefficient) * losses.reconstruction
}

/// to ← to + from
fn add(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
