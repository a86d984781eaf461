//! Models and damaged files, for the tests of all formats.

use kernels::sae::{Parameters, Task, Variant};

use super::files::Damaged;

/// Returns a model with values of either sign everywhere, but for thresholds, which are positive.
pub fn example(task: impl Into<Task>, variant: Variant) -> Parameters {
    let mut next = 0f32;
    let mut model = Parameters::zeros(task, variant);
    for value in model.values_mut() {
        next += 1.3;
        *value = next.sin();
    }
    if model.tensors().any(|(name, _)| name == "threshold") {
        let [mut thresholds] = model.tensors_mut(["threshold"]);
        thresholds.row_mut(0).iter_mut().for_each(|v| *v = v.abs());
    }
    model
}

type Decode = fn(&str, &[u8]) -> Result<Parameters, Damaged>;

/// Checks that each change of the settings is refused with its reason, as an error of `file`.
pub fn refused(
    decode: Decode,
    (config, weights): (&str, &[u8]),
    file: &str,
    changes: &[(&str, &str, &str)],
) {
    for (from, to, why) in changes {
        assert!(config.contains(from), "{from} in {config}");
        let (found, error) = decode(&config.replacen(from, to, 1), weights).unwrap_err();
        assert!(found == file && error.contains(why), "{found}: {error}");
    }
}

/// Checks that settings and tensors are refused which are cut short, or hold what is no finite number.
pub fn damaged(decode: Decode, config: &str, weights: Vec<u8>) {
    for text in ["", "[]", "null", "{", "1e999", &config[..config.len() / 2]] {
        assert_eq!(decode(text, &weights).unwrap_err().0, "cfg.json", "{text}");
    }
    for cut in [0, 7, 20, weights.len() / 2, weights.len() - 1] {
        assert!(decode(config, &weights[..cut]).is_err(), "{cut}");
    }
    for broken in [f32::NAN, f32::NEG_INFINITY] {
        let mut weights = weights.clone();
        let last = weights.len() - 4;
        weights[last..].copy_from_slice(&broken.to_le_bytes());
        let (_, error) = decode(config, &weights).unwrap_err();
        assert!(error.contains("must be finite"), "{error}");
    }
}
