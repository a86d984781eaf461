//! The folder of a model as SAELens 6 reads it (`SAE.load_from_disk`): `cfg.json` and `sae_weights.safetensors`.

use kernels::Exec;
use kernels::sae::{Parameters, Shape, TopK, Variant};
use serde_json::{Value, json};

use super::tensors::{self, Tensor};
use crate::error::{Error, Result};
use crate::sae::reading;
use crate::store::folder::Folder;

/// The files of the folder.
const CONFIG: &str = "cfg.json";
const WEIGHTS: &str = "sae_weights.safetensors";

/// The version of SAELens whose folders these are.
const VERSION: &str = "6.54.12";

/// Writes a model that takes raw activations.
///
/// # Errors
/// If SAELens has no such variant.
pub fn write(exec: Exec, parameters: &Parameters, folder: &Folder) -> Result<()> {
    let Shape { width, dictionary } = parameters.shape();
    let matrix = |name: &'static str, shape: [usize; 2], values: Vec<f32>| Tensor {
        name,
        shape: shape.to_vec(),
        values,
    };
    let vector = |ours: &str, name: &'static str| Tensor {
        name,
        shape: vec![parameters.tensor(ours).cols()],
        values: parameters.tensor(ours).row(0).to_vec(),
    };
    let rows = |name: &str| -> Vec<f32> {
        let tensor = parameters.tensor(name);
        (0..tensor.rows())
            .flat_map(|i| tensor.row(i))
            .copied()
            .collect()
    };
    let (w_enc, w_dec) = match parameters.variant() {
        // One matrix for both, of which the directions count.
        Variant::TiedL1(_) => {
            let unit = reading::elements(exec, parameters);
            (unit.clone(), unit)
        }
        Variant::L1(_)
        | Variant::TopK(_)
        | Variant::BatchTopK(_)
        | Variant::Matryoshka(_)
        | Variant::JumpRelu(_) => (rows("w_enc"), rows("w_dec")),
        other => {
            return Err(Error::input(format!(
                "SAELens has no variant like {}; export a topk, batch-topk, matryoshka, l1, l1-tied or jumprelu model",
                name(other)
            )));
        }
    };
    let mut all = vec![
        matrix("W_enc", [width, dictionary], transposed(&w_enc, width)),
        vector("b_enc", "b_enc"),
        matrix("W_dec", [dictionary, width], w_dec),
        vector("b_dec", "b_dec"),
    ];
    let mut config = json!({
        "architecture": "standard",
        "d_in": width,
        "d_sae": dictionary,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": true,
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
    match parameters.variant() {
        Variant::TopK(TopK { k, .. }) => {
            config["architecture"] = "topk".into();
            config["k"] = k.into();
            config["rescale_acts_by_decoder_norm"] = false.into();
        }
        // By the threshold for all elements, as SAELens saves its own.
        Variant::BatchTopK(_) | Variant::Matryoshka(_) | Variant::JumpRelu(_) => {
            config["architecture"] = "jumprelu".into();
            all.push(vector("threshold", "threshold"));
        }
        _ => {}
    }
    let text = serde_json::to_string_pretty(&config).expect("numbers and words");
    folder.write(WEIGHTS, tensors::encode(&all, None))?;
    // Last: where it is, the folder is complete.
    folder.write(CONFIG, text + "\n")
}

/// A matrix with rows of `width` values, by columns.
fn transposed(rows: &[f32], width: usize) -> Vec<f32> {
    let columns = (0..width).flat_map(|j| rows.iter().skip(j).step_by(width));
    columns.copied().collect()
}

fn name(variant: Variant) -> &'static str {
    match variant {
        Variant::L1(_) => "l1",
        Variant::TiedL1(_) => "l1-tied",
        Variant::TopK(_) => "topk",
        Variant::BatchTopK(_) => "batch-topk",
        Variant::Matryoshka(_) => "matryoshka",
        Variant::Gated(_) => "gated",
        Variant::JumpRelu(_) => "jumprelu",
        Variant::TwoLayer(_) => "two-layer",
        Variant::Lista(_) => "lista",
    }
}
