//! The folder of a model as sentence-transformers 6 reads it (`SparseAutoEncoder.load`): `config.json` and
//! `model.safetensors`.
//!
//! The `SparseAutoEncoder` module of a `SparseEncoder` turns embeddings into sparse ones, relu(the k largest of W(x −
//! b) + c). It has no decoder of its own: it decodes with Wᵀ, which it does in its training alone. So a topk model has
//! its codes there, and not its reconstructions.

use std::path::Path;

use kernels::sae::{Parameters, Shape};
use serde_json::json;

use super::files::Files;
use super::tensors::{self, Tensor};
use super::topk;

/// The names of the files in the folder.
pub const FILES: Files = Files {
    config: "config.json",
    weights: "model.safetensors",
};

/// The number of elements that the auxiliary loss switches on, and the number of batches after which an element counts
/// as dead: the defaults of the library. Both are for training there.
const AUXILIARY: usize = 512;
const DEAD_AFTER: usize = 30;

/// The name under which the library saves its one matrix, and the other name by which it knows that matrix.
const MATRIX: &str = "decoder.linear.weight";
const ALIAS: &str = "encoder.weight";

/// Returns whether a folder holds such a model: its configuration stands beside its weights.
pub fn is_folder(path: &Path) -> bool {
    path.join(FILES.config).is_file() && path.join(FILES.weights).is_file()
}

/// Returns the text and the bytes of both files.
///
/// # Errors
/// If sentence-transformers has no such variant, or the model is a transcoder.
pub fn encode(parameters: &Parameters) -> Result<(String, Vec<u8>), String> {
    let k = topk::k_of("sentence-transformers", parameters)?;
    if parameters.task().is_transcoder() {
        return Err(
            "a SparseAutoEncoder of sentence-transformers reads and reconstructs the same embeddings, and this is a \
             transcoder; export it with --to sparsify, or an autoencoder"
                .into(),
        );
    }
    let Shape { width, dictionary } = parameters.shape();
    let config = json!({
        "input_dim": width,
        "hidden_dim": dictionary,
        "k": k,
        "k_aux": AUXILIARY.min(dictionary),
        "normalize": false,
        "dead_threshold": DEAD_AFTER,
    });
    let tensors = [
        Tensor::matrix(MATRIX, parameters.tensor("w_enc")),
        Tensor::vector("latent_bias", parameters.tensor("b_enc")),
        Tensor::vector("pre_bias", parameters.tensor("b_dec")),
        // The tensor counts the batches since each element was last active.
        Tensor::whole("stats_last_nonzero", &vec![0; dictionary]),
    ];
    let text = serde_json::to_string_pretty(&config).expect("numbers and words");
    let alias = Some((ALIAS, MATRIX.to_string()));
    Ok((text + "\n", tensors::encode(&tensors, alias)))
}

#[cfg(test)]
mod tests {
    use kernels::sae::{Task, TopK, Variant};
    use safetensors::{Dtype, SafeTensors};

    use super::super::examples::example;
    use super::*;

    const SHAPE: Shape = Shape {
        width: 3,
        dictionary: 6,
    };

    const TOPK: Variant = Variant::TopK(TopK { k: 2, aux: None });

    #[test]
    fn the_folder_is_what_the_module_saves() {
        let model = example(SHAPE, TOPK);
        let (config, weights) = encode(&model).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        let expected = json!({
            "input_dim": 3, "hidden_dim": 6, "k": 2, "k_aux": 6, "normalize": false, "dead_threshold": 30,
        });
        assert_eq!(config, expected);
        let (_, header) = SafeTensors::read_metadata(&weights).unwrap();
        let alias = header.metadata().as_ref().unwrap();
        assert_eq!(alias["encoder.weight"], "decoder.linear.weight");
        assert_eq!(alias.len(), 1);
        let file = tensors::decode(&weights).unwrap();
        let mut names = file.names();
        names.sort_unstable();
        let all = [
            "decoder.linear.weight",
            "latent_bias",
            "pre_bias",
            "stats_last_nonzero",
        ];
        assert_eq!(names, all);
        for (theirs, shape, ours) in [
            ("decoder.linear.weight", &[6, 3][..], "w_enc"),
            ("latent_bias", &[6], "b_enc"),
            ("pre_bias", &[3], "b_dec"),
        ] {
            let values = tensors::read(&file, theirs, shape).unwrap();
            assert_eq!(values, tensors::values(model.tensor(ours)), "{theirs}");
        }
        let counts = file.tensor("stats_last_nonzero").unwrap();
        assert_eq!((counts.dtype(), counts.shape()), (Dtype::I64, &[6][..]));
        assert!(counts.data().iter().all(|&byte| byte == 0));
    }

    #[test]
    fn what_it_cannot_compute_is_refused_with_the_tool_that_can() {
        for variant in Variant::examples(SHAPE, 0.1) {
            let error = match variant {
                Variant::TopK(_) => continue,
                _ => encode(&example(SHAPE, variant)).unwrap_err(),
            };
            let elsewhere = !matches!(variant, Variant::TwoLayer(_) | Variant::Lista(_));
            assert!(error.contains("export a topk model"), "{error}");
            assert_eq!(error.contains("--to saelens"), elsewhere, "{error}");
        }
        let task = Task::Transcoder {
            input: 3,
            shape: SHAPE,
            skip: false,
        };
        let error = encode(&example(task, TOPK)).unwrap_err();
        assert!(error.contains("--to sparsify"), "{error}");
    }
}
