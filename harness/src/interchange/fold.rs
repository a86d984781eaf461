//! Conversion of models of normalised activations to models of raw ones.

use kernels::Exec;
use kernels::sae::{Gated, JumpRelu, L1, Lista, Parameters, Rows, TiedL1, TwoLayer, Variant};

use crate::sae::reading;

/// Returns the same model in the coordinates of raw activations, for a model of normalised ones (x − m)/s: its codes
/// grow by the factor s, and it takes and gives raw activations. A tied model has no bias to take up the mean, and
/// becomes an untied one with equal matrices.
///
/// The rows of the dictionary stay as they are. The loss grows by the factor s², and so does the penalty. For a
/// transcoder, `mean` and `scale` are those of the activations that it reconstructs; it has to [read raw
/// activations](read_raw) already.
pub fn fold(exec: Exec, parameters: Parameters, mean: &[f32], scale: f32) -> Parameters {
    let mut folded = match parameters.variant() {
        Variant::TiedL1(TiedL1 { lambda }) => untied(exec, &parameters, lambda),
        _ => parameters,
    };
    folded.set_variant(match folded.variant() {
        Variant::L1(L1 { lambda, rows }) => Variant::L1(L1 {
            lambda: scale * lambda,
            rows,
        }),
        Variant::Gated(Gated { lambda }) => Variant::Gated(Gated {
            lambda: scale * lambda,
        }),
        Variant::JumpRelu(JumpRelu {
            lambda,
            bandwidth,
            threshold,
        }) => Variant::JumpRelu(JumpRelu {
            lambda: scale * scale * lambda,
            bandwidth: scale * bandwidth,
            threshold: scale * threshold,
        }),
        Variant::TwoLayer(TwoLayer { hidden, lambda }) => Variant::TwoLayer(TwoLayer {
            hidden,
            lambda: scale * lambda,
        }),
        Variant::Lista(Lista { steps, lambda }) => Variant::Lista(Lista {
            steps,
            lambda: scale * lambda,
        }),
        other @ (Variant::TopK(_)
        | Variant::BatchTopK(_)
        | Variant::Matryoshka(_)
        | Variant::TiedL1(_)) => other,
    });
    let names: Vec<&str> = folded.tensors().map(|(name, _)| name).collect();
    for name in ["b_enc", "threshold", "b_mag", "b_hidden"] {
        if names.contains(&name) {
            let [mut tensor] = folded.tensors_mut([name]);
            tensor.row_mut(0).iter_mut().for_each(|v| *v *= scale);
        }
    }
    if folded.task().is_transcoder() {
        // The inputs of a transcoder are raw already, so the weights that read them grow in place of the inputs.
        for weights in [reading_x(&folded).0, "w_skip"] {
            if names.contains(&weights) {
                let [mut matrix] = folded.tensors_mut([weights]);
                for j in 0..matrix.rows() {
                    matrix.row_mut(j).iter_mut().for_each(|v| *v *= scale);
                }
            }
        }
    }
    let [mut bias] = folded.tensors_mut(["b_dec"]);
    for (bias, mean) in bias.row_mut(0).iter_mut().zip(mean) {
        *bias = mean + scale * *bias;
    }
    folded
}

/// Returns the same transcoder for raw activations x, of one that reads normalised ones (x − m)/s. Its codes and
/// reconstructions stay as they are.
pub fn read_raw(mut transcoder: Parameters, mean: &[f32], scale: f32) -> Parameters {
    let mut all = vec![reading_x(&transcoder)];
    if transcoder.task().has_skip() {
        all.push(("w_skip", "b_dec"));
    }
    for (weights, bias) in all {
        for j in 0..transcoder.tensor(weights).rows() {
            let [mut matrix] = transcoder.tensors_mut([weights]);
            let row = matrix.row_mut(j);
            row.iter_mut().for_each(|w| *w /= scale);
            let products = row.iter().zip(mean);
            let shift: f64 = products.map(|(&w, &m)| f64::from(w) * f64::from(m)).sum();
            shift_bias(&mut transcoder, bias, j, -shift);
        }
    }
    transcoder
}

/// Returns the names of the weights and of the bias of the layer that reads activations.
fn reading_x(parameters: &Parameters) -> (&'static str, &'static str) {
    match parameters.variant() {
        Variant::TwoLayer(_) => ("w_hidden", "b_hidden"),
        _ => ("w_enc", "b_enc"),
    }
}

/// Adds `shift` to entry j of a bias. Where that is the bias of the gates of codes, the bias of the magnitudes is
/// shifted to match.
pub(super) fn shift_bias(parameters: &mut Parameters, bias: &str, j: usize, shift: f64) {
    let [mut vector] = parameters.tensors_mut([bias]);
    let value = &mut vector.row_mut(0)[j];
    *value = (f64::from(*value) + shift) as f32;
    if let (Variant::Gated(_), "b_enc") = (parameters.variant(), bias) {
        let scale = libm::exp(parameters.tensor("r_mag").row(0)[j].into());
        shift_bias(parameters, "b_mag", j, scale * shift);
    }
}

/// Returns a tied model as an untied one: both matrices are its elements at norm 1, and the decoder's bias is 0.
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
    use kernels::sae::{Shape, Task, Workspace, encode};
    use kernels::{Isa, MatMut, MatRef};

    use super::super::examples::example;
    use super::*;

    /// A folded transcoder makes of raw activations what the transcoder makes of normalised ones, in raw units.
    #[test]
    fn a_folded_transcoder_takes_and_gives_raw_activations() {
        const ROWS: usize = 10;
        let exec = Exec::serial(Isa::detect());
        let shape = Shape {
            width: 3,
            dictionary: 6,
        };
        let (read, read_scale) = ([3.0, -1.0, 0.5, 8.0], 2.5f32);
        let (made, made_scale) = ([-2.0, 5.0, 1.0], 0.4f32);
        let normalised: Vec<f32> = (0..4 * ROWS).map(|i| (i as f32 * 0.7).sin()).collect();
        let raw = |(i, v): (usize, &f32)| v * read_scale + read[i % 4];
        let raw: Vec<f32> = normalised.iter().enumerate().map(raw).collect();
        let skips = [false, true].into_iter();
        let variants = skips.flat_map(|skip| {
            Variant::examples(shape, 0.1)
                .into_iter()
                .map(move |v| (skip, v))
        });
        for (skip, variant) in variants.filter(|(_, variant)| variant.transcodes()) {
            let task = Task::Transcoder {
                input: 4,
                shape,
                skip,
            };
            let model = example(task, variant);
            let folded = read_raw(model.clone(), &read, read_scale);
            let folded = fold(exec, folded, &made, made_scale);
            let run = |model: &Parameters, x: &[f32]| {
                let x = MatRef::from_rows(x, 4);
                let mut workspace = Workspace::new(task, model.variant(), ROWS);
                let codes = encode(exec, model, x, &mut workspace);
                let mut y_hat = vec![0f32; 3 * ROWS];
                let out = MatMut::from_rows(&mut y_hat, 3);
                kernels::sae::reconstruct(exec, model, x, codes, out);
                y_hat
            };
            let plain = run(&model, &normalised);
            let largest = plain.iter().fold(0f32, |m, v| m.max(v.abs()));
            let of_raw = run(&folded, &raw);
            for (i, (a, b)) in of_raw.iter().zip(&plain).enumerate() {
                let b = b * made_scale + made[i % 3];
                assert!(
                    (a - b).abs() < 1e-4 * largest.max(1.0),
                    "{variant:?}: {a} and {b}"
                );
            }
        }
    }

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
            let model = example(shape, variant);
            let folded = fold(exec, model.clone(), &mean, scale);
            let run = |model: &Parameters, x: &[f32]| {
                let x = MatRef::from_rows(x, 4);
                let mut workspace = Workspace::new(shape, model.variant(), 10);
                let codes = encode(exec, model, x, &mut workspace);
                let mut x_hat = vec![0f32; 40];
                kernels::sae::decode(exec, model, codes, MatMut::from_rows(&mut x_hat, 4));
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
