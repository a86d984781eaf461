//! Conventions of SAELens that differ from ours, folded into parameters.

use kernels::sae::Parameters;

use crate::interchange::fold::shift_bias;

/// Turns an encoder of x into one of x − b_dec: W x + b = W(x − b_dec) + (b + W b_dec).
pub fn centre(parameters: &mut Parameters) {
    for j in 0..parameters.shape().dictionary {
        let row = parameters.tensor("w_enc").row(j).iter();
        let products = row.zip(parameters.b_dec());
        let shift: f64 = products.map(|(&w, &b)| f64::from(w) * f64::from(b)).sum();
        shift_bias(parameters, "b_enc", j, shift);
    }
}

/// Scales the rows of the decoder to norm 1, and multiplies the rows and biases of the encoder by the former norms. An
/// element without a direction is never active.
pub fn fold_norms(parameters: &mut Parameters) {
    let [mut w_enc, mut b_enc, mut w_dec] = parameters.tensors_mut(["w_enc", "b_enc", "w_dec"]);
    for j in 0..w_dec.rows() {
        let row = w_dec.row_mut(j);
        let squares = row.iter().map(|&v| f64::from(v) * f64::from(v));
        let norm = squares.sum::<f64>().sqrt();
        let scaled = |v: f32, by: f64| (f64::from(v) * by) as f32;
        if norm > 0.0 {
            row.iter_mut().for_each(|v| *v = scaled(*v, 1.0 / norm));
        }
        w_enc
            .row_mut(j)
            .iter_mut()
            .for_each(|v| *v = scaled(*v, norm));
        let bias = &mut b_enc.row_mut(0)[j];
        *bias = scaled(*bias, norm);
    }
}
