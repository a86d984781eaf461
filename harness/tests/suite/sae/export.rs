//! `harness sae export` writes folders for other tools.

use super::{SWEEP, WIDTH, tensors, with_data};
use crate::common::files;

#[test]
fn an_export_holds_the_tensors_and_the_words_that_saelens_reads() {
    let sandbox = with_data();
    sandbox
        .harness(&format!("sae train {SWEEP} --out a"))
        .assert()
        .success();
    sandbox
        .harness("sae export a/models/topk-n12-k2-seed0 --to saelens b")
        .assert()
        .success();
    let config: serde_json::Value = serde_json::from_str(&sandbox.read("b/cfg.json")).unwrap();
    for (key, value) in [
        ("architecture", serde_json::json!("topk")),
        ("k", 2.into()),
        ("d_in", WIDTH.into()),
        ("d_sae", 12.into()),
        ("apply_b_dec_to_input", true.into()),
        ("normalize_activations", "none".into()),
    ] {
        assert_eq!(config[key], value, "{key}");
    }
    let ours = sandbox.bytes("a/models/topk-n12-k2-seed0/model.safetensors");
    let theirs = sandbox.bytes("b/sae_weights.safetensors");
    let (ours, theirs) = (tensors(&ours), tensors(&theirs));
    assert_eq!(theirs["W_enc"].0, [WIDTH, 12]);
    assert_eq!(theirs["W_dec"], ours["w_dec"]);
    for (element, row) in ours["w_enc"].1.chunks(WIDTH).enumerate() {
        for (column, value) in row.iter().enumerate() {
            assert_eq!(theirs["W_enc"].1[column * 12 + element], *value);
        }
    }
    // An export from a folder of one tool to that of another loses nothing.
    for (from, to, out) in [
        ("b", "sparsify", "c"),
        ("c", "saelens", "d"),
        ("a/models/topk-n12-k2-seed0", "sparsify", "e"),
    ] {
        sandbox
            .harness(&format!("sae export {from} --to {to} {out}"))
            .assert()
            .success();
    }
    for (one, other) in [
        ("b/sae_weights.safetensors", "d/sae_weights.safetensors"),
        ("b/cfg.json", "d/cfg.json"),
        ("c/sae.safetensors", "e/sae.safetensors"),
        ("c/cfg.json", "e/cfg.json"),
    ] {
        assert_eq!(sandbox.bytes(one), sandbox.bytes(other));
    }
    assert_eq!(
        tensors(&sandbox.bytes("c/sae.safetensors"))["encoder.weight"],
        ours["w_enc"]
    );
    sandbox
        .harness(&format!(
            "sae train {} --variant l1 --out l1",
            SWEEP.replace("--k 1,2", "")
        ))
        .assert()
        .success();
    sandbox.refuses(
        "sae export l1/models/l1-n8-lambda2-seed0 --to sparsify z",
        &["l1-n8-lambda2-seed0", "no variant like l1", "saelens"],
    );
    assert!(!sandbox.join("z").exists());
    sandbox.refuses(
        "sae export a/models/topk-n12-k2-seed0 --to saelens b",
        &["b is not empty"],
    );
    sandbox.refuses(
        "sae export a --to saelens z",
        &["a holds no model", "model.safetensors"],
    );
}

#[test]
fn sentence_transformers_gets_a_module_of_topk_models_alone() {
    let sandbox = with_data();
    let train = "sae train x.npy --elements 8 --samples 640 --batch 64 --baselines none --quiet";
    for flags in ["--k 2 --out topk", "--variant l1 --lambda 1 --out l1"] {
        sandbox
            .harness(&format!("{train} {flags}"))
            .assert()
            .success();
    }
    sandbox
        .harness("sae export topk/models/topk-n8-k2-seed0 --to sentence-transformers module")
        .assert()
        .success();
    let config: serde_json::Value =
        serde_json::from_str(&sandbox.read("module/config.json")).unwrap();
    assert_eq!(config["input_dim"], WIDTH);
    assert_eq!(
        (&config["hidden_dim"], &config["k"]),
        (&8.into(), &2.into())
    );
    let left: Vec<String> = files(&sandbox.join("module")).into_keys().collect();
    assert_eq!(left, ["config.json", "model.safetensors"]);
    sandbox.refuses(
        "sae export l1/models/l1-n8-lambda1-seed0 --to sentence-transformers z",
        &[
            "cannot export l1/models",
            "no variant like l1",
            "--to saelens",
        ],
    );
    assert!(!sandbox.join("z").exists());
    // This format is written but not read: its decoder is not that of the model.
    sandbox.refuses(
        "sae eval module --data x.npy",
        &["module is a SparseAutoEncoder", "no reconstructions"],
    );
}
