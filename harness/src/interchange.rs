//! Sparse autoencoders in folders: ours, and those of other tools.

mod native;
pub mod saelens;
mod tensors;

use kernels::sae::Parameters;

pub use native::{read, write};

/// Puts a model of normalised activations (x − m)/s into the coordinates of the raw ones: its codes grow by the factor s,
/// and it takes and gives raw activations.
///
/// Rows of its dictionary stay as they are.
pub fn fold(parameters: &mut Parameters, mean: &[f32], scale: f32) {
    let names: Vec<&str> = parameters.tensors().map(|(name, _)| name).collect();
    for name in ["b_enc", "threshold", "b_gate", "b_mag"] {
        if names.contains(&name) {
            let [mut tensor] = parameters.tensors_mut([name]);
            tensor.row_mut(0).iter_mut().for_each(|v| *v *= scale);
        }
    }
    let [mut bias] = parameters.tensors_mut(["b_dec"]);
    for (bias, mean) in bias.row_mut(0).iter_mut().zip(mean) {
        *bias = mean + scale * *bias;
    }
}
