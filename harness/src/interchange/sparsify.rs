//! The folder of a model as sparsify 1.3 reads it (`SparseCoder.load_from_disk`): `cfg.json` and `sae.safetensors`.

use kernels::sae::{Parameters, Shape, TopK, Variant};
use serde_json::json;

use super::config::Config;
use super::files::{Damaged, Files};
use super::native::name;
use super::tensors::{self, Tensor};

/// The files of the folder.
pub const FILES: Files = Files {
    config: "cfg.json",
    weights: "sae.safetensors",
};

/// The bytes of both files.
///
/// # Errors
/// If sparsify has no such variant.
pub fn encode(parameters: &Parameters) -> Result<(String, Vec<u8>), String> {
    let Variant::TopK(TopK { k, .. }) = parameters.variant() else {
        return Err(format!(
            "sparsify has no variant like {}; export a topk model, or this one with --to saelens",
            name(parameters.variant())
        ));
    };
    let Shape { width, dictionary } = parameters.shape();
    let config = json!({
        "activation": "topk",
        "expansion_factor": dictionary.div_ceil(width),
        "normalize_decoder": true,
        "num_latents": dictionary,
        "k": k,
        "multi_topk": false,
        "skip_connection": false,
        "transcode": false,
        "d_in": width,
    });
    let tensors = [
        Tensor::matrix("encoder.weight", parameters.tensor("w_enc")),
        Tensor::vector("encoder.bias", parameters.tensor("b_enc")),
        Tensor::matrix("W_dec", parameters.tensor("w_dec")),
        Tensor::vector("b_dec", parameters.tensor("b_dec")),
    ];
    let text = serde_json::to_string_pretty(&config).expect("numbers and words");
    Ok((text + "\n", tensors::encode(&tensors, None)))
}

/// The model in the text and the bytes of both files.
///
/// # Errors
/// Which file is damaged or cannot be represented, and why.
pub fn decode(config: &str, weights: &[u8]) -> Result<Parameters, Damaged> {
    let (shape, k) = settings(config).map_err(|why| (FILES.config, why))?;
    model(shape, k, weights).map_err(|why| (FILES.weights, why))
}

fn settings(text: &str) -> Result<(Shape, usize), String> {
    let config = Config::parse(text)?;
    match config.text("activation", Some("topk"))? {
        "topk" => {}
        other => return Err(format!("activation is {other}; only topk is read")),
    }
    for key in ["transcode", "skip_connection", "signed"] {
        if config.flag(key, false)? {
            return Err(format!(
                "{key} is true; only plain autoencoders, where it is false, are read"
            ));
        }
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
        k if k <= dictionary => Ok((Shape { width, dictionary }, k)),
        k => Err(format!("k is {k}; it must be 1 to {dictionary}")),
    }
}

fn model(shape: Shape, k: usize, weights: &[u8]) -> Result<Parameters, String> {
    let file = tensors::decode(weights)?;
    let Shape { width, dictionary } = shape;
    // Before there are parameters: no shape is larger than the file.
    let read = |name, shape: &[usize]| tensors::read(&file, name, shape);
    let all = [
        ("w_enc", read("encoder.weight", &[dictionary, width])?),
        ("b_enc", read("encoder.bias", &[dictionary])?),
        ("w_dec", read("W_dec", &[dictionary, width])?),
        ("b_dec", read("b_dec", &[width])?),
    ];
    let mut parameters = Parameters::zeros(shape, Variant::TopK(TopK { k, aux: None }));
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
                    "\"transcode\": false",
                    "\"transcode\": true",
                    "transcode is true",
                ),
                (
                    "\"skip_connection\": false",
                    "\"skip_connection\": true",
                    "skip_connection is true",
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
