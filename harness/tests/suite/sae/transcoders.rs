//! `harness sae` with `--target`: models that read some activations and reconstruct others.

use harness::workbench::tables::Evaluation;

use super::models;
#[cfg(unix)]
use crate::common::survives_kills_in;
use crate::common::{Sandbox, files, npy, results, same};

const ROWS: usize = 900;
const READ: usize = 6;
const RECONSTRUCTED: usize = 4;

/// Returns the one feature that is active in a row, and its strength.
fn feature(row: usize) -> (usize, f32) {
    let strength = 1.0 + ((row * 31) % 17) as f32 / 17.0;
    ((row * 7919 + row / 7) % READ, strength)
}

/// Returns a value of the input: each feature is a column, far from the origin.
fn x(row: usize, column: usize) -> f32 {
    let (on, strength) = feature(row);
    20.0 + if column == on { strength } else { 0.0 }
}

/// Returns a value of the target: each feature has a direction among fewer columns, with another strength and another
/// mean.
fn y(row: usize, column: usize) -> f32 {
    let (on, strength) = feature(row);
    let direction = ((on * 5 + column * 3) as f32).sin();
    30.0 * strength * direction - 100.0
}

/// Makes a sandbox with activations, their targets, and targets that belong to other rows.
fn with_data() -> Sandbox {
    let sandbox = Sandbox::new();
    let other = |row: usize, column| y((row * 389 + 217) % ROWS, column);
    sandbox.write("x.npy", npy::rows(ROWS, READ, x));
    sandbox.write("y.npy", npy::rows(ROWS, RECONSTRUCTED, y));
    sandbox.write("permuted.npy", npy::rows(ROWS, RECONSTRUCTED, other));
    sandbox.write("fewer.npy", npy::rows(ROWS - 1, RECONSTRUCTED, y));
    sandbox
}

/// The arguments of a training that takes a second or two.
const TRAINING: &str =
    "sae train x.npy --elements 12 --samples 60000 --batch 64 --rate 0.001 --quiet";

fn train(sandbox: &Sandbox, flags: &str, folder: &str) {
    let command = format!("{TRAINING} {flags} --out {folder}");
    sandbox.harness(&command).assert().success();
}

fn explained(sandbox: &Sandbox, flags: &str, folder: &str) -> f64 {
    train(sandbox, &format!("{flags} --baselines none"), folder);
    let models = models(sandbox, folder);
    assert_eq!(models.len(), 1);
    models[0].measures.explained_variance
}

#[test]
fn a_map_of_sparse_features_is_learnt_and_targets_of_other_rows_are_not() {
    let sandbox = with_data();
    for (variant, flags) in [
        ("topk", "--k 1"),
        ("batch-topk", "--k 1"),
        ("jumprelu", "--lambda 0.01"),
        ("l1", "--lambda 0.05"),
        ("gated", "--lambda 0.05"),
        ("two-layer", "--lambda 0.05"),
    ] {
        let flags = format!("--variant {variant} {flags} --target y.npy");
        let learnt = explained(&sandbox, &flags, variant);
        assert!(learnt > 0.8 && learnt <= 1.0, "{variant}: {learnt}");
    }
    let skip = explained(&sandbox, "--k 1 --target y.npy --skip-connection", "skip");
    assert!(skip > 0.95, "{skip}");
    let permuted = explained(&sandbox, "--k 1 --target permuted.npy", "permuted");
    assert!(permuted < 0.1, "{permuted}");
}

#[test]
fn an_evaluation_of_the_exported_weights_says_the_same() {
    let sandbox = with_data();
    train(&sandbox, "--k 2 --target y.npy --skip-connection", "a");
    let trained = models(&sandbox, "a");
    let names: Vec<&str> = trained.iter().map(|m| m.model.as_str()).collect();
    assert!(
        names.contains(&"topk-n12-k2-random-decoder-seed0"),
        "{names:?}"
    );
    let folder = "a/models/topk-n12-k2-seed0";
    let eval = format!("sae eval {folder} --data x.npy --target y.npy --rows 45 --quiet --out e");
    sandbox.harness(&eval).assert().success();
    let evaluated: Vec<Evaluation> = sandbox.table("e/models.csv");
    let ours = &evaluated[0].measures;
    let theirs = &trained
        .iter()
        .find(|m| folder.ends_with(&m.model))
        .unwrap()
        .measures;
    assert_eq!((ours.rows, ours.l0), (theirs.rows, theirs.l0));
    assert!((ours.mse / theirs.mse - 1.0).abs() < 1e-9);
    sandbox
        .harness(&format!(
            "sae encode {folder} --data x.npy --quiet --out codes.npz"
        ))
        .assert()
        .success();
    sandbox
        .harness(&format!(
            "sae features {folder} --data x.npy --quiet --out f"
        ))
        .assert()
        .success();
}

#[test]
fn the_configuration_fed_back_repeats_the_training_on_any_number_of_threads() {
    let sandbox = with_data();
    let flags = "--k 1,2 --target y.npy --skip-connection --threads 1";
    train(&sandbox, flags, "a");
    sandbox
        .harness("sae train --config a/config.toml --threads 3 --quiet --out b")
        .assert()
        .success();
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
    let left = files(&sandbox.join("a"));
    sandbox.refuses(
        "sae train --resume a --target permuted.npy --config a/config.toml --quiet",
        &[
            "cannot resume the training in a",
            "has `target = [\"y.npy\"]`, not `target = [\"permuted.npy\"]`",
            "in a new folder",
        ],
    );
    same(&left, &files(&sandbox.join("a")));
}

#[cfg(unix)]
#[test]
fn a_killed_training_of_transcoders_is_resumed_to_the_same_bytes() {
    let sandbox = with_data();
    let training = "x.npy --target y.npy --skip-connection --k 1,2 --elements 12 --samples 60000 --batch 64 \
                    --rate 0.001 --baselines none --quiet";
    survives_kills_in(&sandbox, "sae train", training, "models", [1, 2, 2]);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let sandbox = with_data();
    let no = |flags: &str, parts: &[&str]| sandbox.refuses(flags, parts);
    no(
        &format!("{TRAINING} --k 1 --target fewer.npy --out a"),
        &["fewer.npy are 899 rows", "x.npy are 900", "row i"],
    );
    no(
        &format!("{TRAINING} --k 1 --skip-connection --out a"),
        &["--target"],
    );
    no(
        &format!("{TRAINING} --variant l1-tied --target y.npy --out a"),
        &["l1-tied has one matrix", "choose l1"],
    );
    train(&sandbox, "--k 1 --target y.npy --baselines none", "a");
    train(&sandbox, "--k 1 --baselines none", "plain");
    let (transcoder, plain) = (
        "a/models/topk-n12-k1-seed0",
        "plain/models/topk-n12-k1-seed0",
    );
    no(
        &format!("sae eval {transcoder} --data x.npy --quiet"),
        &["is a transcoder", "--target"],
    );
    no(
        &format!("sae eval {plain} --data x.npy --target y.npy --quiet"),
        &["y.npy is no target for it"],
    );
    no(
        &format!("sae eval {transcoder} --data x.npy --target x.npy --quiet"),
        &["reconstructs rows of 4 values", "x.npy has rows of 6"],
    );
    no(
        &format!("sae eval {transcoder} --data x.npy --target fewer.npy --quiet"),
        &["fewer.npy are 899 rows"],
    );
    no(
        &format!("sae export {transcoder} --to saelens out"),
        &["no transcoder like topk"],
    );
    no(
        &format!("sae export {transcoder} --to sparsify out"),
        &["reads 6 and reconstructs 4"],
    );
    assert!(!sandbox.join("out").exists());
}
