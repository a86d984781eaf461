//! `encoders` end to end: the rows of its tables, resumed runs, missing models, bad settings.
#![cfg(unix)]

use std::collections::BTreeMap;

use crate::common::{Sandbox, survives_kills};

/// The arguments of a run that takes a second or two, in which `multilayer` is run as well.
const TINY: &str = "encoders --seeds 1 --quiet --set multilayer.width=16 --set multilayer.hidden=16 \
    --set multilayer.datapoints=[32] --set multilayer.batch=32 --set multilayer.epochs=300 \
    --set multilayer.layers=6 --set multilayer.other_seeds=0 --set multilayer.long_epochs=100 \
    --set multilayer.curve.seeds=0 --set multilayer.capacity.seeds=0 \
    --set encoders.data.width=8 --set encoders.data.features=12 --set encoders.data.active=1.5 \
    --set encoders.data.groups=3 --set encoders.coherences=[0.0,0.8] --set encoders.compressed.width=6 \
    --set encoders.compressed.features=24 --set encoders.compressed.active=1.0 --set encoders.rates=[1.0,2.0] \
    --set encoders.training.steps=300 --set encoders.free_steps=60 --set encoders.stream_steps=100 --set encoders.training.batch=64 \
    --set encoders.lambdas=[0.1,0.3] --set encoders.held_out=200";

/// Returns the rows of a table, by the names of the columns.
fn rows(sandbox: &Sandbox, table: &str) -> Vec<BTreeMap<String, String>> {
    let path = sandbox.join(&format!("a/encoders/{table}.csv"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

/// Claims: linear-encoder-holds-its-own, linear-support-is-truer
#[test]
fn every_encoder_is_read_on_every_source_and_no_codes_beat_the_best() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out a"))
        .assert()
        .success();
    let rows = |table| rows(&sandbox, table);
    let scores = rows("encoders");
    for (source, trained, free) in [
        ("synthetic", 4, 2),
        ("synthetic, coherence 0.8", 4, 0),
        ("compressed", 4, 0),
        ("stream after layer 0", 2, 0),
        ("stream after layer 3", 2, 0),
    ] {
        for (encoder, expected) in [
            ("linear", trained),
            ("two-layer", trained),
            ("lista", trained),
            ("free-codes", free),
            ("true-features", free),
        ] {
            let ours = scores
                .iter()
                .filter(|r| r["source"] == source && r["encoder"] == encoder);
            assert_eq!(ours.count(), expected, "{source} {encoder}");
        }
    }
    for r in &scores {
        // FISTA stops at a duality gap of 1e-5 of ‖x‖², which is far below 0.1 of any loss here.
        let (loss, least) = (number(r, "loss"), number(r, "fista_loss"));
        assert!(least <= 1.001 * loss, "{r:?}");
        let trained = ["linear", "two-layer", "lista"].contains(&r["encoder"].as_str());
        let excess = number(r, "excess");
        // The two numbers come from the codes in f32 and from the residual in f64.
        assert!(
            !trained || (excess - (loss - least) / least).abs() < 1e-3,
            "{r:?}"
        );
        // In the control the dictionary is held at the features, whatever the encoder and the learning rate.
        if r["encoder"] == "true-features" || r["source"] == "compressed" {
            assert!((number(r, "mmcs") - 1.0).abs() < 1e-6);
        }
        assert_eq!(
            number(r, "mmcs").is_nan(),
            r["source"] == "stream after layer 3",
            "{r:?}"
        );
        let f1 = number(r, "f1");
        let (precision, recall) = (number(r, "precision"), number(r, "recall"));
        let known = trained && !r["source"].starts_with("stream");
        assert_eq!(f1.is_nan(), !known, "{r:?}");
        let harmonic = 2.0 * precision * recall / (precision + recall);
        assert!(
            !known || f1 == 0.0 || (f1 - harmonic).abs() < 1e-12,
            "{r:?}"
        );
    }
    // The best encoder of each budget has the least loss of those that it may be chosen from.
    for r in scores.iter().filter(|r| number(r, "f1").is_finite()) {
        let most = if r["budget"] == "third" { 100.0 } else { 300.0 };
        let same = |column: &str, t: &BTreeMap<String, String>| t[column] == r[column];
        let tried = rows("tuning").into_iter().filter(|t| {
            ["source", "encoder", "lambda", "seed"]
                .iter()
                .all(|c| same(c, t))
                && number(t, "steps") <= most
        });
        let best = tried.min_by(|a, b| {
            let loss = |t| number(t, "validation_loss");
            loss(a).total_cmp(&loss(b))
        });
        let best = best.unwrap();
        assert!(
            same("rate", &best) && same("steps", &best),
            "{r:?} {best:?}"
        );
    }
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    // The run is killed within the synthetic data, within free codes and within a residual stream.
    survives_kills(TINY, "encoders", [1, 26, 56]);
}

#[test]
fn without_a_model_that_has_learned_only_synthetic_data_are_used() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!(
            "run {TINY} --out a --set multilayer.threshold=1e-30"
        ))
        .assert()
        .success();
    let rows = rows(&sandbox, "encoders");
    assert!(rows.iter().all(|r| !r["source"].starts_with("stream")));
}

#[test]
fn a_training_that_diverges_leaves_the_claim_open() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!(
            "run {TINY} --out a --set encoders.training.learning_rate=1e38"
        ))
        .assert()
        .success();
    let line = sandbox.claim("a", "linear-encoder-holds-its-own");
    assert!(
        line.contains("undecided") && line.contains("diverged"),
        "{line}"
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("data.width=0", "1 to"),
        ("data.active=100.0", "at most"),
        ("compressed.active=0.0", "above 0"),
        ("lambdas=[0.3]", "0.1 among them"),
        ("lambdas=[0.3,0.1]", "increasing"),
        ("coherences=[0.0]", "2 to 16"),
        ("coherences=[0.1,0.5]", "0 among them"),
        ("rates=[]", "1 to 16"),
        ("data.coherence=1.0", "0 to 0.99"),
        ("ratio=0.0", "1 to 1048576"),
        ("hidden_ratio=0", "1 to 64"),
        ("unrolled=0", "1 to 64"),
        ("free_steps=0", "1 to 2^40"),
        ("stream_steps=0", "1 to 2^40"),
        ("held_out=1", "100 to"),
        ("training.cooldown=2.0", "0 to 1"),
    ] {
        sandbox.refuses(&format!("run encoders --set encoders.{set}"), &[part]);
    }
}
