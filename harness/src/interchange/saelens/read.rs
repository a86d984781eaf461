//! Reading of models of SAELens.

use kernels::sae::{Gated, JumpRelu, L1, Parameters, Rows, Shape, Task, TopK, Variant};
use safetensors::SafeTensors;

use super::fold::{centre, fold_norms};
use crate::interchange::config::Config;
use crate::interchange::files::{Damaged, Files};
use crate::interchange::tensors::{self, transposed};

/// The names of the files in the folder.
pub const FILES: Files = Files {
    config: "cfg.json",
    weights: "sae_weights.safetensors",
};

/// The settings in a `cfg.json`, which describe the tensors beside it.
struct Settings {
    task: Task,
    variant: Variant,
    /// Whether the encoder reads what those of our models read: x − b_dec, or x in a transcoder.
    centred: bool,
    /// Whether pre-activations are multiplied by the norms of the decoder's rows, and codes divided by them.
    by_norm: bool,
}

/// Reads a model from the text and the bytes of both files. An encoder that reads x, not x − b_dec, and codes that are
/// multiplied by the norms of the decoder's rows, are folded into the parameters. The files do not say how strong the
/// penalty was in training, so λ is 0.
///
/// # Errors
/// The file that is damaged or cannot be represented, and why.
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
    // The tensors are read before parameters are allocated: no shape is larger than the file.
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

/// Reads the tensors that not all variants have, by our names.
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
            // In SAELens, a code is the ReLU of the pre-activation: none is below 0, wherever the threshold is.
            values.iter_mut().for_each(|v| *v = v.max(0.0));
        }
        all.push((ours, values));
    }
    Ok(all)
}
