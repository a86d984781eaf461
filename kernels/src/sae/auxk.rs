//! AuxK: an auxiliary loss by which dead elements learn what the others leave over (Gao et al., arXiv
//! 2406.04093, appendix A.2).

use super::topk::Largest;
use super::{Parameters, Shape, Workspace, encoder};
use crate::machine::exec::Exec;
use crate::machine::simd::{Op, Simd};
use crate::matrix::dictionary::scale;
use crate::matrix::matmul::Accumulate;
use crate::matrix::view::{MatMut, MatRef};

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
pub(super) fn add_gradient(
    exec: Exec,
    aux: AuxK,
    parameters: &Parameters,
    workspace: &mut Workspace,
    gradient: &mut Parameters,
) -> f64 {
    let dead = &workspace.dead;
    if dead.is_empty() {
        return 0.0;
    }
    let (rows, width, m) = (workspace.batch, parameters.shape().width, dead.len());
    let own = &mut workspace.own[..];
    let (w_enc, own) = own.split_at_mut(m * width);
    let (w_dec, own) = own.split_at_mut(m * width);
    let (d_w_enc, own) = own.split_at_mut(m * width);
    let (d_w_dec, own) = own.split_at_mut(m * width);
    let (b_enc, own) = own.split_at_mut(m);
    let (d_b_enc, own) = own.split_at_mut(m);
    let left_over = &mut own[..rows * width];

    for (i, &j) in dead.iter().enumerate() {
        let place = i * width..(i + 1) * width;
        w_enc[place.clone()].copy_from_slice(parameters.tensor("w_enc").row(j as usize));
        w_dec[place].copy_from_slice(parameters.dictionary().row(j as usize));
        b_enc[i] = parameters.vector("b_enc")[j as usize];
    }
    // d_output is 2(x̂ − x)/B.
    let main = &workspace.d_output[..rows * width];
    left_over.copy_from_slice(main);
    struct Scale<'a>(f32, &'a mut [f32]);
    impl Op for Scale<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            scale(s, self.0, self.1)
        }
    }
    exec.isa().dispatch(Scale(-0.5 * rows as f32, left_over));

    let view = |values, rows| MatRef::new(values, rows, width).expect("cut to size");
    let inner = workspace
        .auxiliary
        .as_deref_mut()
        .expect("a workspace for an auxiliary loss");
    inner.batch = rows;
    inner.centred[..rows * width].copy_from_slice(&workspace.centred[..rows * width]);
    let largest = Largest(aux.k.min(m));
    encoder::encode_by(exec, view(w_enc, m), b_enc, inner, largest);
    let no_bias = parameters.zeros_of_width();
    let left_over = view(left_over, rows);
    let losses =
        inner.reconstruct_weighted(exec, view(w_dec, m), no_bias, left_over, aux.coefficient);
    let [to_dec, to_enc] =
        [&mut *d_w_dec, &mut *d_w_enc].map(|d| MatMut::new(d, m, width).expect("cut to size"));
    inner.dictionary_gradient(exec, to_dec);
    inner.linear_gradient(exec, (to_enc, Accumulate::Overwrite), d_b_enc);

    let [mut w_enc, mut b_enc, mut w_dec] = gradient.tensors_mut(["w_enc", "b_enc", "w_dec"]);
    for (i, &j) in dead.iter().enumerate() {
        let (i, j) = (i * width..(i + 1) * width, j as usize);
        for (to, from) in [
            (w_enc.row(j), &d_w_enc[i.clone()]),
            (w_dec.row(j), &d_w_dec[i]),
        ] {
            for (to, from) in to.iter_mut().zip(from) {
                *to += from;
            }
        }
    }
    for (&j, from) in dead.iter().zip(d_b_enc) {
        b_enc.row(0)[j as usize] += *from;
    }
    f64::from(aux.coefficient) * losses.reconstruction
}
