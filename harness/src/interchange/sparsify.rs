//! The folder of a model as sparsify 1.3 reads it (`SparseCoder.load_from_disk`): `cfg.json` and `sae.safetensors`.

use kernels::sae::{Parameters, Shape, Task, TopK, Variant};
use serde_json::json;

use super::config::Config;
use super::files::{Damaged, Files};
use super::tensors::{self, Tensor};
use super::topk;

/// The names of the files in the folder.
pub const FILES: Files = Files {
    config: "cfg.json",
    weights: "sae.safetensors",
};

/// Returns the text and the bytes of both files.
///
/// # Errors
/// If sparsify has no such variant, or the model is a transcoder whose rows differ in width from their targets.
pub fn encode(parameters: &Parameters) -> Result<(String, Vec<u8>), String> {
    let k = topk::k_of("sparsify", parameters)?;
    let (task, Shape { width, dictionary }) = (parameters.task(), parameters.shape());
    if task.input() != width {
        return Err(format!(
            "a transcoder of sparsify reconstructs as many values as it reads, and this one reads {} and reconstructs \
             {width}; SAELens has transcoders of two widths, of the variants l1, jumprelu, batch-topk and matryoshka",
            task.input()
        ));
    }
    let config = json!({
        "activation": "topk",
        "expansion_factor": dictionary.div_ceil(width),
        "normalize_decoder": !task.is_transcoder(),
        "num_latents": dictionary,
        "k": k,
        "multi_topk": false,
        "skip_connection": task.has_skip(),
        "transcode": task.is_transcoder(),
        "d_in": width,
    });
    let mut tensors = vec![
        Tensor::matrix("encoder.weight", parameters.tensor("w_enc")),
        Tensor::vector("encoder.bias", parameters.tensor("b_enc")),
        Tensor::matrix("W_dec", parameters.tensor("w_dec")),
        Tensor::vector("b_dec", parameters.tensor("b_dec")),
    ];
    if task.has_skip() {
        tensors.push(Tensor::matrix("W_skip", parameters.tensor("w_skip")));
    }
    let text = serde_json::to_string_pretty(&config).expect("numbers and words");
    Ok((text + "\n", tensors::encode(&tensors, None)))
}

/// Reads a model from the text and the bytes of both files.
///
/// # Errors
/// The file that is damaged or cannot be represented, and why.
pub fn decode(config: &str, weights: &[u8]) -> Result<Parameters, Damaged> {
    let (task, k) = settings(config).map_err(|why| (FILES.config, why))?;
    model(task, k, weights).map_err(|why| (FILES.weights, why))
}

fn settings(text: &str) -> Result<(Task, usize), String> {
    let config = Config::parse(text)?;
    match config.text("activation", Some("topk"))? {
        "topk" => {}
        other => return Err(format!("activation is {other}; only topk is read")),
    }
    if config.flag("signed", false)? {
        return Err("signed is true; only models whose codes have no negative values, where it is false, are read".into());
    }
    let (transcode, skip) = (
        config.flag("transcode", false)?,
        config.flag("skip_connection", false)?,
    );
    if skip && !transcode {
        return Err(
            "skip_connection is true and transcode is false; a skip connection is read of transcoders alone".into(),
        );
    }
    let width = config.count("d_in")?;
    let dictionary = match config.number("num_latents", Some(0))? {
        0 => {
            let ratio = config.number("expansion_factor", Some(32))?;
            let elements = ratio.checked_mul(width).filter(|&n| n > 0);
            elements.ok_or_else(|| {
                format!("expansion_factor is {ratio} for a d_in of {width}; no dictionary has such a size")
            })?
        }
        n => n,
    };
    match config.count("k")? {
        k if k <= dictionary => {
            let shape = Shape { width, dictionary };
            let task = match transcode {
                true => Task::Transcoder {
                    input: width,
                    shape,
                    skip,
                },
                false => shape.into(),
            };
            Ok((task, k))
        }
        k => Err(format!("k is {k}; it must be 1 to {dictionary}")),
    }
}

fn model(task: Task, k: usize, weights: &[u8]) -> Result<Parameters, String> {
    let file = tensors::decode(weights)?;
    let Shape { width, dictionary } = task.shape();
    // The tensors are read before parameters are allocated: no shape is larger than the file.
    let read = |name, shape: &[usize]| tensors::read(&file, name, shape);
    let mut all = vec![
        ("w_enc", read("encoder.weight", &[dictionary, width])?),
        ("b_enc", read("encoder.bias", &[dictionary])?),
        ("w_dec", read("W_dec", &[dictionary, width])?),
        ("b_dec", read("b_dec", &[width])?),
    ];
    if task.has_skip() {
        all.push(("w_skip", read("W_skip", &[width, width])?));
    }
    let mut parameters = Parameters::zeros(task, Variant::TopK(TopK { k, aux: None }));
    for (name, values) in &all {
        tensors::fill(&mut parameters, name, values);
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::super::examples::{damaged, example, refused};
    use super::*;

    const SHAPE: Shape = Shape {
        width: 3,
        dictionary: 6,
    };

    fn topk() -> Parameters {
        example(SHAPE, Variant::TopK(TopK { k: 2, aux: None }))
    }

    #[test]
    fn a_model_comes_back_as_it_was_and_its_size_may_be_a_multiple() {
        let model = topk();
        let (config, weights) = encode(&model).unwrap();
        assert_eq!(decode(&config, &weights).unwrap(), model);
        let implied = config.replace("\"num_latents\": 6", "\"num_latents\": 0");
        assert_ne!(implied, config);
        assert_eq!(decode(&implied, &weights).unwrap(), model);
        for variant in Variant::examples(SHAPE, 0.1) {
            if !matches!(variant, Variant::TopK(_)) {
                let error = encode(&example(SHAPE, variant)).unwrap_err();
                assert!(error.contains("export a topk model"), "{error}");
            }
        }
    }

    #[test]
    fn transcoders_come_back_as_they_were() {
        let variant = Variant::TopK(TopK { k: 2, aux: None });
        for skip in [false, true] {
            let task = |input| Task::Transcoder {
                input,
                shape: SHAPE,
                skip,
            };
            let model = example(task(3), variant);
            let (config, weights) = encode(&model).unwrap();
            assert_eq!(decode(&config, &weights).unwrap(), model);
            let error = encode(&example(task(4), variant)).unwrap_err();
            assert!(error.contains("reads 4 and reconstructs 3"), "{error}");
            if skip {
                let without = decode(&config.replace("n\": true", "n\": false"), &weights);
                assert!(!without.unwrap().task().has_skip());
            }
        }
        let (config, weights) = encode(&topk()).unwrap();
        let skip = config.replace("\"transcode\": false", "\"transcode\": true");
        let skip = skip.replace("n\": false", "n\": true");
        let (_, error) = decode(&skip, &weights).unwrap_err();
        assert!(error.contains("no tensor W_skip"), "{error}");
    }

    #[test]
    fn what_is_damaged_or_not_an_autoencoder_is_refused() {
        let (config, weights) = encode(&topk()).unwrap();
        refused(
            decode,
            (&config, &weights),
            FILES.config,
            &[
                ("\"k\": 2", "\"k\": 7", "k is 7; it must be 1 to 6"),
                ("\"k\": 2", "\"k\": 0", "k is 0"),
                (
                    "\"k\": 2",
                    "\"k\": 2.5",
                    "k is 2.5; it must be a whole number",
                ),
                ("\"k\": 2,", "", "it has no k"),
                ("\"d_in\": 3", "\"d_in\": \"3\"", "d_in is \"3\""),
                ("\"d_in\": 3", "\"d_in\": 1e999", "it is no JSON"),
                ("\"topk\"", "\"groupmax\"", "activation is groupmax"),
                (
                    "\"skip_connection\": false",
                    "\"skip_connection\": true",
                    "skip_connection is true and transcode is false",
                ),
                (
                    "\"num_latents\": 6",
                    "\"num_latents\": -6",
                    "num_latents is -6",
                ),
                (
                    "\"expansion_factor\": 2,\n  \"k\": 2,\n  \"multi_topk\": false,\n  \"normalize_decoder\": true,\n  \
                     \"num_latents\": 6",
                    "\"k\": 2, \"expansion_factor\": 18446744073709551615",
                    "no dictionary has such a size",
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
                    "encoder.weight has the shape [6, 3]",
                ),
                (
                    "\"num_latents\": 6",
                    "\"num_latents\": 4611686018427387904",
                    "not [4611686018427387904, 3]",
                ),
            ],
        );
        damaged(decode, &config, weights);
    }
}
