//! Tests of both directions, and of what is refused.

use kernels::sae::{self, Parameters, Shape, Task, TopK, Variant};
use kernels::{Exec, Isa, MatMut, MatRef};

use super::{FILES, decode, encode};
use crate::interchange::examples::{damaged, example, refused};
use crate::interchange::native::name;
use crate::interchange::tensors;
use crate::sae::reading;

const SHAPE: Shape = Shape {
    width: 3,
    dictionary: 5,
};

fn exec() -> Exec {
    Exec::serial(Isa::detect())
}

fn topk() -> Parameters {
    example(SHAPE, Variant::TopK(TopK { k: 2, aux: None }))
}

/// Returns the codes, zeros and all, and the reconstructions of some rows.
fn run(model: &Parameters) -> (Vec<f32>, Vec<f32>) {
    let x: Vec<f32> = (0..60).map(|i| (1.7 * i as f32).sin()).collect();
    let x = MatRef::from_rows(&x, 3);
    let mut workspace = sae::Workspace::new(SHAPE, model.variant(), 20);
    let codes = sae::encode(exec(), model, x, &mut workspace);
    let mut x_hat = vec![0f32; 60];
    sae::decode(exec(), model, codes, MatMut::from_rows(&mut x_hat, 3));
    (reading::dense_codes(exec(), model, x), x_hat)
}

fn close(a: &[f32], b: &[f32]) {
    let largest = b.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert!(largest > 0.1 && a.len() == b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-5 * largest, "{a} and {b}");
    }
}

#[test]
fn every_variant_comes_back_with_the_same_tensors() {
    for variant in Variant::examples(SHAPE, 0.1) {
        let model = example(SHAPE, variant);
        let files = encode(exec(), &model);
        if matches!(variant, Variant::TwoLayer(_) | Variant::Lista(_)) {
            let error = files.unwrap_err();
            assert!(error.contains("SAELens has no variant like"), "{error}");
            continue;
        }
        let (config, weights) = files.unwrap();
        let again = decode(&config, &weights).unwrap();
        if matches!(variant, Variant::TiedL1(_)) {
            // A tied model comes back with two equal matrices.
            close(&run(&again).0, &run(&model).0);
            continue;
        }
        assert_eq!(again.values(), model.values(), "{variant:?}");
        // A model with codes by batch is read with a threshold, as JumpReLU is.
        let expected = match variant {
            Variant::BatchTopK(_) | Variant::Matryoshka(_) => "jumprelu",
            other => name(other),
        };
        assert_eq!(name(again.variant()), expected);
    }
}

#[test]
fn transcoders_come_back_with_the_same_tensors() {
    for skip in [false, true] {
        let task = Task::Transcoder {
            input: 4,
            shape: SHAPE,
            skip,
        };
        let variants = Variant::examples(SHAPE, 0.1).into_iter();
        for variant in variants.filter(|variant| variant.transcodes()) {
            let model = example(task, variant);
            let expected = match variant {
                Variant::L1(_) => "l1",
                Variant::JumpRelu(_) | Variant::BatchTopK(_) | Variant::Matryoshka(_) => "jumprelu",
                _ => {
                    let error = encode(exec(), &model).unwrap_err();
                    assert!(error.contains("SAELens has no"), "{error}");
                    continue;
                }
            };
            let (config, weights) = encode(exec(), &model).unwrap();
            let again = decode(&config, &weights).unwrap();
            assert_eq!((again.values(), again.task()), (model.values(), task));
            assert_eq!(name(again.variant()), expected);
            let (file, error) =
                decode(&config.replace("input\": false", "input\": true"), &weights).unwrap_err();
            assert!(
                file == FILES.config && error.contains("apply_b_dec_to_input is true"),
                "{error}"
            );
            let (_, error) = decode(&config.replace("\"d_out\": 3,", ""), &weights).unwrap_err();
            assert!(error.contains("it has no d_out"), "{error}");
        }
    }
}

#[test]
fn an_encoder_that_does_not_subtract_the_bias_is_folded() {
    for variant in Variant::examples(SHAPE, 0.1) {
        let model = example(SHAPE, variant);
        let Ok((config, weights)) = encode(exec(), &model) else {
            continue;
        };
        let said = config.replace("to_input\": true", "to_input\": false");
        assert_ne!(said, config);
        let folded = decode(&said, &weights).unwrap();
        // The expected codes come from W x + b, by a model of which nothing is subtracted.
        let mut plain = decode(&config, &weights).unwrap();
        tensors::fill(&mut plain, "b_dec", &[0.0; 3]);
        close(&run(&folded).0, &run(&plain).0);
        assert_eq!(folded.b_dec(), model.b_dec());
    }
}

#[test]
fn norms_that_count_in_codes_are_folded() {
    let model = topk();
    let (config, weights) = encode(exec(), &model).unwrap();
    let folded = decode(&config.replace("norm\": false", "norm\": true"), &weights).unwrap();
    // The expected codes of each row are the largest products with the norms.
    let norm = |j: usize| {
        model
            .tensor("w_dec")
            .row(j)
            .iter()
            .map(|v| v * v)
            .sum::<f32>()
            .sqrt()
    };
    let (codes, x_hat) = run(&folded);
    for (i, code) in codes.chunks_exact(5).enumerate() {
        let x: Vec<f32> = (0..3).map(|c| (1.7 * (3 * i + c) as f32).sin()).collect();
        let mut all: Vec<(usize, f32)> = (0..5)
            .map(|j| {
                let row = model.tensor("w_enc").row(j);
                let sum = (0..3)
                    .map(|c| row[c] * (x[c] - model.b_dec()[c]))
                    .sum::<f32>();
                (j, (sum + model.tensor("b_enc").row(0)[j]) * norm(j))
            })
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut expected = [0f32; 5];
        for (j, value) in &all[..2] {
            expected[*j] = value.max(0.0);
        }
        for (a, b) in code.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-5, "{a} and {b}");
        }
        for c in 0..3 {
            let each = (0..5).map(|j| expected[j] / norm(j) * model.tensor("w_dec").row(j)[c]);
            let sum = each.sum::<f32>() + model.b_dec()[c];
            assert!((x_hat[3 * i + c] - sum).abs() < 1e-5);
        }
    }
}

#[test]
fn half_precision_is_widened_and_thresholds_below_zero_are_none() {
    let variant = Variant::examples(SHAPE, 0.1);
    let jump = variant
        .into_iter()
        .find(|v| matches!(v, Variant::JumpRelu(_)));
    let mut model = example(SHAPE, jump.unwrap());
    tensors::fill(&mut model, "threshold", &[-1.0, 0.0, 0.5, -0.25, 0.25]);
    let (config, weights) = encode(exec(), &model).unwrap();
    let read = decode(&config, &weights).unwrap();
    assert_eq!(read.tensor("threshold").row(0), [0.0, 0.0, 0.5, 0.0, 0.25]);

    let file = tensors::decode(&weights).unwrap();
    let halves: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, tensor)| {
            let wide = tensors::read(&file, &name, tensor.shape()).unwrap();
            let bytes = wide
                .iter()
                .flat_map(|&v| half::bf16::from_f32(v).to_le_bytes());
            (name, tensor.shape().to_vec(), bytes.collect::<Vec<u8>>())
        })
        .collect();
    let views = halves.iter().map(|(name, shape, bytes)| {
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::BF16, shape.clone(), bytes);
        (name, view.unwrap())
    });
    let halved = safetensors::serialize(views, None).unwrap();
    let widened = decode(&config, &halved).unwrap();
    for (a, b) in widened.values().iter().zip(read.values()) {
        assert_eq!(*a, half::bf16::from_f32(*b).to_f32());
    }
}

#[test]
fn what_is_damaged_or_cannot_be_represented_is_refused() {
    let (config, weights) = encode(exec(), &topk()).unwrap();
    refused(
        decode,
        (&config, &weights),
        FILES.config,
        &[
            (
                "\"topk\"",
                "\"topk_transcoder\"",
                "architecture is topk_transcoder; standard",
            ),
            ("\"topk\"", "[]", "architecture is []; it must be a text"),
            ("\"architecture\": \"topk\",", "", "it has no architecture"),
            ("\"d_in\": 3,", "", "it has no d_in"),
            ("\"d_sae\": 5", "\"d_sae\": -5", "d_sae is -5"),
            ("\"d_sae\": 5", "\"d_sae\": 0", "d_sae is 0"),
            ("\"d_sae\": 5", "\"d_sae\": 1e400", "it is no JSON"),
            ("\"k\": 2", "\"k\": 6", "k is 6; it must be 1 to 5"),
            ("\"k\": 2,", "", "it has no k"),
            (
                "\"normalize_activations\": \"none\"",
                "\"normalize_activations\": \"layer_norm\"",
                "normalize_activations is layer_norm; only",
            ),
            (
                "\"reshape_activations\": \"none\"",
                "\"reshape_activations\": \"hook_z\"",
                "reshape_activations is hook_z",
            ),
            (
                "to_input\": true",
                "to_input\": 1",
                "apply_b_dec_to_input is 1; it must be true or false",
            ),
            ("6.54.12", "5.11.0", "sae_lens_version is 5.11.0"),
            (
                "\"sae_lens_version\": \"6.54.12\"",
                "\"a\": 1",
                "sae_lens_version is none",
            ),
        ],
    );
    refused(
        decode,
        (&config, &weights),
        FILES.weights,
        &[
            (
                "\"d_in\": 3",
                "\"d_in\": 9223372036854775807",
                "not [9223372036854775807, 5]",
            ),
            ("\"topk\"", "\"gated\"", "it holds no tensor b_gate"),
            ("\"topk\"", "\"jumprelu\"", "it holds no tensor threshold"),
        ],
    );
    damaged(decode, &config, weights);
}
