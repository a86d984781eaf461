//! Writing of our models as SAELens reads them.

use kernels::Exec;
use kernels::sae::{Parameters, Shape, Task, TopK, Variant};
use serde_json::{Value, json};

use crate::interchange::native::name;
use crate::interchange::tensors::{self, Tensor, transposed};
use crate::sae::reading;

/// The version of SAELens whose format is written.
const VERSION: &str = "6.54.12";

/// Returns the text and the bytes of both files, of a model that takes raw activations.
///
/// # Errors
/// If SAELens has no such variant.
pub fn encode(exec: Exec, parameters: &Parameters) -> Result<(String, Vec<u8>), String> {
    let (task, Shape { width, dictionary }) = (parameters.task(), parameters.shape());
    let input = task.input();
    let vector = |ours: &str, name: &'static str| Tensor::vector(name, parameters.tensor(ours));
    let rows = |name: &str| tensors::values(parameters.tensor(name));
    let (architecture, own) = match parameters.variant() {
        Variant::L1(_) | Variant::TiedL1(_) => ("standard", vec![vector("b_enc", "b_enc")]),
        Variant::TopK(_) => ("topk", vec![vector("b_enc", "b_enc")]),
        // Variants with codes by batch are read by the threshold for all elements, as SAELens saves its own.
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
        // A tied model has one matrix for both, of which the directions count.
        Variant::TiedL1(_) => {
            let unit = reading::elements(exec, parameters);
            (unit.clone(), unit)
        }
        _ => (rows("w_enc"), rows("w_dec")),
    };
    let mut all = vec![
        Tensor::new("W_enc", &[input, dictionary], &transposed(&w_enc, input)),
        Tensor::new("W_dec", &[dictionary, width], &w_dec),
        Tensor::new("b_dec", &[width], parameters.b_dec()),
    ];
    all.extend(own);
    if task.has_skip() {
        all.push(Tensor::matrix("W_skip", parameters.tensor("w_skip")));
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
