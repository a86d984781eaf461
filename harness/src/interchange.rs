//! Sparse autoencoders in folders: ours, and those of other tools.

mod native;
pub mod saelens;
mod tensors;

use kernels::Exec;
use kernels::sae::{L1, Parameters, Rows, TiedL1, Variant};

use crate::sae::reading;

pub use native::{decode, read, write};

/// The same model in the coordinates of raw activations, for a model of normalised ones (x − m)/s: its codes grow by the
/// factor s, and it takes and gives raw activations. A tied model has no bias to take up the mean, and becomes an untied
/// one with equal matrices.
///
/// Rows of its dictionary stay as they are.
pub fn fold(exec: Exec, parameters: Parameters, mean: &[f32], scale: f32) -> Parameters {
    let mut folded = match parameters.variant() {
        Variant::TiedL1(TiedL1 { lambda }) => untied(exec, &parameters, lambda),
        _ => parameters,
    };
    let names: Vec<&str> = folded.tensors().map(|(name, _)| name).collect();
    for name in ["b_enc", "threshold", "b_gate", "b_mag"] {
        if names.contains(&name) {
            let [mut tensor] = folded.tensors_mut([name]);
            tensor.row_mut(0).iter_mut().for_each(|v| *v *= scale);
        }
    }
    let [mut bias] = folded.tensors_mut(["b_dec"]);
    for (bias, mean) in bias.row_mut(0).iter_mut().zip(mean) {
        *bias = mean + scale * *bias;
    }
    folded
}

/// A tied model as an untied one: both matrices are its elements at norm 1, and the decoder's bias is 0.
fn untied(exec: Exec, tied: &Parameters, lambda: f32) -> Parameters {
    let elements = reading::elements(exec, tied);
    let variant = Variant::L1(L1 {
        lambda,
        rows: Rows::Unit,
    });
    let mut untied = Parameters::zeros(tied.shape(), variant);
    let [mut encoder, mut decoder, mut bias] = untied.tensors_mut(["w_enc", "w_dec", "b_enc"]);
    for (j, element) in elements.chunks_exact(tied.shape().width).enumerate() {
        encoder.row_mut(j).copy_from_slice(element);
        decoder.row_mut(j).copy_from_slice(element);
    }
    bias.row_mut(0).copy_from_slice(tied.tensor("b_enc").row(0));
    untied
}

#[cfg(test)]
mod tests {
    use kernels::sae::{Shape, Workspace, decode, encode};
    use kernels::{Isa, MatMut, MatRef};

    use super::*;

    /// Codes and reconstructions of a folded model of raw activations are those of the model, in their coordinates.
    #[test]
    fn a_folded_model_takes_and_gives_raw_activations() {
        let exec = Exec::serial(Isa::detect());
        let shape = Shape {
            width: 4,
            dictionary: 6,
        };
        let (mean, scale) = ([3.0, -1.0, 0.5, 8.0], 2.5f32);
        let normalised: Vec<f32> = (0..40).map(|i| (i as f32 * 0.7).sin()).collect();
        let to_raw = |(i, v): (usize, &f32)| v * scale + mean[i % 4];
        let raw: Vec<f32> = normalised.iter().enumerate().map(to_raw).collect();
        for variant in Variant::examples(shape, 0.1) {
            if matches!(variant, Variant::TwoLayer(_) | Variant::Lista(_)) {
                continue;
            }
            let mut next = 0f32;
            let model = Parameters::initial(shape, variant, || {
                next += 1.0;
                (1.3 * next).sin()
            });
            let folded = fold(exec, model.clone(), &mean, scale);
            let run = |model: &Parameters, x: &[f32]| {
                let x = MatRef::from_rows(x, 4);
                let mut workspace = Workspace::new(shape, model.variant(), 10);
                let codes = encode(exec, model, x, &mut workspace);
                let mut x_hat = vec![0f32; 40];
                decode(exec, model, codes, MatMut::from_rows(&mut x_hat, 4));
                x_hat
            };
            let expected: Vec<f32> = run(&model, &normalised)
                .iter()
                .enumerate()
                .map(to_raw)
                .collect();
            for (a, b) in run(&folded, &raw).iter().zip(&expected) {
                // Raw activations lose some bits of what is far smaller than their mean.
                assert!((a - b).abs() < 1e-4, "{variant:?}: {a} and {b}");
            }
        }
    }
}
