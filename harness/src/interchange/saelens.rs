//! The folder of a model as SAELens 6 reads it (`SAE.load_from_disk`): `cfg.json` and `sae_weights.safetensors`.

use kernels::Exec;
use kernels::sae::{Gated, JumpRelu, L1, Parameters, Rows, Shape, Task, TopK, Variant};
use safetensors::SafeTensors;
use serde_json::{Value, json};

use super::config::Config;
use super::files::{Damaged, Files};
use super::fold::shift_bias;
use super::native::name;
use super::tensors::{self, Tensor, transposed};
use crate::sae::reading;

/// The files of the folder.
pub const FILES: Files = Files {
    config: "cfg.json",
    weights: "sae_weights.safetensors",
};

/// The version of SAELens whose folders these are.
const VERSION: &str = "6.54.12";

/// The bytes of both files, of a model that takes raw activations.
///
/// # Errors
/// If SAELens has no such variant.
pub fn encode(exec: Exec, parameters: &Parameters) -> Result<(String, Vec<u8>), String> {
    let (task, Shape { width, dictionary }) = (parameters.task(), parameters.shape());
    let input = task.input();
    let matrix = |name: &'static str, shape: [usize; 2], values: Vec<f32>| Tensor {
        name,
        shape: shape.to_vec(),
        values,
    };
    let vector = |ours: &str, name: &'static str| Tensor::vector(name, parameters.tensor(ours));
    let rows = |name: &str| tensors::values(parameters.tensor(name));
    let (architecture, own) = match parameters.variant() {
        Variant::L1(_) | Variant::TiedL1(_) => ("standard", vec![vector("b_enc", "b_enc")]),
        Variant::TopK(_) => ("topk", vec![vector("b_enc", "b_enc")]),
        // Those of a batch are read by the threshold for all elements, as SAELens saves its own.
        Variant::JumpRelu(_) | Variant::BatchTopK(_) | Variant::Matryoshka(_) => (
            "jumprelu",
            vec![vector("b_enc", "b_enc"), vector("threshold", "threshold")],
        ),
        Variant::Gated(_) => (
            "gated",
            vec![
                vector("b_enc", "b_gate"),
                vector("r_mag", "r_mag"),
                vector("b_mag", "b_mag"),
            ],
        ),
        other @ (Variant::TwoLayer(_) | Variant::Lista(_)) => {
            return Err(format!(
                "SAELens has no variant like {}; export a topk, batch-topk, matryoshka, l1, l1-tied, jumprelu or gated model",
                name(other)
            ));
        }
    };
    let architecture = match task {
        Task::Autoencoder(_) => architecture,
        Task::Transcoder { skip, .. } => match (architecture, skip) {
            ("standard", false) => "transcoder",
            ("standard", true) => "skip_transcoder",
            ("jumprelu", false) => "jumprelu_transcoder",
            ("jumprelu", true) => "jumprelu_skip_transcoder",
            _ => {
                return Err(format!(
                    "SAELens has no transcoder like {}; export one of l1, jumprelu, batch-topk or matryoshka, or one of topk \
                     with --to sparsify",
                    name(parameters.variant())
                ));
            }
        },
    };
    let (w_enc, w_dec) = match parameters.variant() {
        // One matrix for both, of which the directions count.
        Variant::TiedL1(_) => {
            let unit = reading::elements(exec, parameters);
            (unit.clone(), unit)
        }
        _ => (rows("w_enc"), rows("w_dec")),
    };
    let mut all = vec![
        matrix("W_enc", [input, dictionary], transposed(&w_enc, input)),
        matrix("W_dec", [dictionary, width], w_dec),
        Tensor {
            name: "b_dec",
            shape: vec![width],
            values: parameters.b_dec().to_vec(),
        },
    ];
    all.extend(own);
    if task.has_skip() {
        all.push(matrix("W_skip", [width, input], rows("w_skip")));
    }
    let mut config = json!({
        "architecture": architecture,
        "d_in": input,
        "d_sae": dictionary,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": !task.is_transcoder(),
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {
            "sae_lens_version": VERSION,
            "sae_lens_training_version": Value::Null,
            "model_name": Value::Null,
            "hook_name": Value::Null,
            "context_size": Value::Null,
            "prepend_bos": true,
        },
    });
    if task.is_transcoder() {
        config["d_out"] = width.into();
    }
    if let Variant::TopK(TopK { k, .. }) = parameters.variant() {
        config["k"] = k.into();
        config["rescale_acts_by_decoder_norm"] = false.into();
    }
    let text = serde_json::to_string_pretty(&config).expect("numbers and words");
    Ok((text + "\n", tensors::encode(&all, None)))
}

/// What a `cfg.json` says of the tensors beside it.
struct Settings {
    task: Task,
    variant: Variant,
    /// Whether the encoder reads what ours do: x − b_dec, or x in a transcoder.
    centred: bool,
    /// Whether pre-activations are multiplied by the norms of the decoder's rows, and codes divided by them.
    by_norm: bool,
}

/// The model in the text and the bytes of both files. What a folder says of an encoder that reads x, not x − b_dec, and
/// of codes that count by the norms of the decoder's rows, is folded into its parameters; how strong its penalty was in
/// training it does not say, so λ is 0.
///
/// # Errors
/// Which file is damaged or cannot be represented, and why.
pub fn decode(config: &str, weights: &[u8]) -> Result<Parameters, Damaged> {
    let settings = settings(config).map_err(|why| (FILES.config, why))?;
    model(&settings, weights).map_err(|why| (FILES.weights, why))
}

fn settings(text: &str) -> Result<Settings, String> {
    let config = Config::parse(text)?;
    let metadata = config.inside("metadata")?;
    let version = metadata.text("sae_lens_version", Some("none"))?;
    let major = version.split('.').next().and_then(|n| n.parse().ok());
    if major.is_none_or(|major: u32| major < 6) {
        return Err(format!(
            "metadata.sae_lens_version is {version}, and folders of SAELens 6 and later are read; \
             load it there and save it again: SAE.load_from_disk(…).save_model(…)"
        ));
    }
    for key in ["normalize_activations", "reshape_activations"] {
        match config.text(key, Some("none"))? {
            "none" => {}
            other => {
                return Err(format!(
                    "{key} is {other}; only models that take raw activations, where it is none, are read"
                ));
            }
        }
    }
    let input = config.count("d_in")?;
    let mut shape = Shape {
        width: input,
        dictionary: config.count("d_sae")?,
    };
    let architecture = config.text("architecture", None)?;
    let (codes, transcoder) = match architecture {
        "transcoder" => ("standard", Some(false)),
        "skip_transcoder" => ("standard", Some(true)),
        "jumprelu_transcoder" => ("jumprelu", Some(false)),
        "jumprelu_skip_transcoder" => ("jumprelu", Some(true)),
        other => (other, None),
    };
    let task = match transcoder {
        None => Task::Autoencoder(shape),
        Some(skip) => {
            shape.width = config.count("d_out")?;
            Task::Transcoder { input, shape, skip }
        }
    };
    let centred = config.flag("apply_b_dec_to_input", transcoder.is_none())?;
    if centred && transcoder.is_some() {
        return Err(format!(
            "apply_b_dec_to_input is true; a {architecture} reads other activations than those that b_dec belongs to"
        ));
    }
    let mut by_norm = false;
    let variant = match codes {
        "standard" => Variant::L1(L1 {
            lambda: 0.0,
            rows: Rows::Penalised,
        }),
        "topk" => {
            by_norm = config.flag("rescale_acts_by_decoder_norm", false)?;
            match config.count("k")? {
                k if k <= shape.dictionary => Variant::TopK(TopK { k, aux: None }),
                k => return Err(format!("k is {k}; it must be 1 to {}", shape.dictionary)),
            }
        }
        "jumprelu" => Variant::JumpRelu(JumpRelu {
            lambda: 0.0,
            bandwidth: 0.001,
            threshold: 0.001,
        }),
        "gated" => Variant::Gated(Gated { lambda: 0.0 }),
        other => {
            return Err(format!(
                "architecture is {other}; standard, topk, jumprelu and gated are read, transcoder and jumprelu_transcoder, and \
                 both with skip"
            ));
        }
    };
    Ok(Settings {
        task,
        variant,
        centred: centred || transcoder.is_some(),
        by_norm,
    })
}

fn model(settings: &Settings, weights: &[u8]) -> Result<Parameters, String> {
    let file = tensors::decode(weights)?;
    let Shape { width, dictionary } = settings.task.shape();
    let input = settings.task.input();
    // Before there are parameters: no shape is larger than the file.
    let w_enc = tensors::read(&file, "W_enc", &[input, dictionary])?;
    let mut all = vec![
        ("w_enc", transposed(&w_enc, dictionary)),
        (
            "w_dec",
            tensors::read(&file, "W_dec", &[dictionary, width])?,
        ),
        ("b_dec", tensors::read(&file, "b_dec", &[width])?),
    ];
    all.extend(of_variant(settings.variant, &file, dictionary)?);
    if settings.task.has_skip() {
        all.push(("w_skip", tensors::read(&file, "W_skip", &[width, input])?));
    }
    let mut parameters = Parameters::zeros(settings.task, settings.variant);
    for (name, values) in &all {
        tensors::fill(&mut parameters, name, values);
    }
    if !settings.centred {
        centre(&mut parameters);
    }
    if settings.by_norm {
        fold_norms(&mut parameters);
    }
    match parameters.values().iter().all(|v| v.is_finite()) {
        true => Ok(parameters),
        false => Err("its values are too large for single precision".into()),
    }
}

/// The tensors that not all variants have, by our names.
fn of_variant(
    variant: Variant,
    file: &SafeTensors,
    elements: usize,
) -> Result<Vec<(&'static str, Vec<f32>)>, String> {
    let names: &[(&str, &str)] = match variant {
        Variant::Gated(_) => &[("b_enc", "b_gate"), ("r_mag", "r_mag"), ("b_mag", "b_mag")],
        Variant::JumpRelu(_) => &[("b_enc", "b_enc"), ("threshold", "threshold")],
        _ => &[("b_enc", "b_enc")],
    };
    let mut all = Vec::new();
    for &(ours, theirs) in names {
        let mut values = tensors::read(file, theirs, &[elements])?;
        if ours == "threshold" {
            // There, a code is the pre-activation's ReLU: none is below 0, wherever the threshold is.
            values.iter_mut().for_each(|v| *v = v.max(0.0));
        }
        all.push((ours, values));
    }
    Ok(all)
}

/// Makes an encoder of x one of x − b_dec: W x + b = W(x − b_dec) + (b + W b_dec).
fn centre(parameters: &mut Parameters) {
    for j in 0..parameters.shape().dictionary {
        let row = parameters.tensor("w_enc").row(j).iter();
        let products = row.zip(parameters.b_dec());
        let shift: f64 = products.map(|(&w, &b)| f64::from(w) * f64::from(b)).sum();
        shift_bias(parameters, "b_enc", j, shift);
    }
}

/// Gives the decoder rows of norm 1, and the encoder their norms. An element without a direction is never active.
fn fold_norms(parameters: &mut Parameters) {
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

#[cfg(test)]
mod tests {
    use kernels::{Isa, MatMut, MatRef, sae};

    use super::super::examples::{damaged, example, refused};
    use super::*;

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

    /// Codes, zeros and all, and reconstructions of some rows.
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
                // It comes back with two equal matrices.
                close(&run(&again).0, &run(&model).0);
                continue;
            }
            assert_eq!(again.values(), model.values(), "{variant:?}");
            // Codes of a batch are read by a threshold, as those of JumpReLU are.
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
                    Variant::JumpRelu(_) | Variant::BatchTopK(_) | Variant::Matryoshka(_) => {
                        "jumprelu"
                    }
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
                    decode(&config.replace("input\": false", "input\": true"), &weights)
                        .unwrap_err();
                assert!(
                    file == FILES.config && error.contains("apply_b_dec_to_input is true"),
                    "{error}"
                );
                let (_, error) =
                    decode(&config.replace("\"d_out\": 3,", ""), &weights).unwrap_err();
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
            // W x + b, from a model of which nothing is subtracted.
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
        // By hand: the codes of each row are the largest products with the norms.
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
            let view = safetensors::tensor::TensorView::new(
                safetensors::Dtype::BF16,
                shape.clone(),
                bytes,
            );
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
}
