//! `encoders` end to end: what stands in its table, resumed runs, missing models, bad settings.
#![cfg(unix)]

use crate::common::{Sandbox, survives_kills};

/// Settings of a run of a second or two; `multilayer` is run along.
const TINY: &str = "encoders --seeds 1 --quiet --set multilayer.width=16 --set multilayer.hidden=16 \
    --set multilayer.datapoints=[32] --set multilayer.batch=32 --set multilayer.steps=1500 \
    --set multilayer.control_steps=2500 --set encoders.data.width=8 --set encoders.data.features=12 --set encoders.data.active=1.5 \
    --set encoders.training.steps=300 --set encoders.free_steps=60 --set encoders.stream_steps=100 --set encoders.training.batch=64 \
    --set encoders.lambdas=[0.1,0.3] --set encoders.held_out=200";

/// Rows of the table as numbers, text as NaN; (source, encoder) beside them.
fn rows(sandbox: &Sandbox, run: &str) -> Vec<(String, String, Vec<f64>)> {
    let path = sandbox.join(&format!("{run}/encoders/encoders.csv"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let records = reader.records().map(|r| r.unwrap());
    records
        .map(|r| {
            let numbers = r.iter().map(|f| f.parse().unwrap_or(f64::NAN)).collect();
            (r[0].to_string(), r[1].to_string(), numbers)
        })
        .collect()
}

/// Claims: linear-encoder-holds-its-own
#[test]
fn every_encoder_is_read_on_every_source_and_no_codes_beat_the_best() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out a"))
        .assert()
        .success();
    let rows = rows(&sandbox, "a");
    for source in ["synthetic", "x_0", "x_4"] {
        for encoder in [
            "linear",
            "two-layer",
            "lista",
            "free-codes",
            "true-features",
        ] {
            let ours = rows.iter().filter(|r| r.0 == source && r.1 == encoder);
            let freely = encoder.contains('-') && encoder != "two-layer";
            let expected = if freely && source != "synthetic" {
                0
            } else {
                2
            };
            assert_eq!(ours.count(), expected, "{source} {encoder}");
        }
    }
    for (source, encoder, r) in &rows {
        let (mmcs, loss, fista_loss) = (r[5], r[8], r[11]);
        // FISTA stops at a duality gap of 1e-5 of ‖x‖², which is far below 0.1 of any loss here.
        assert!(
            fista_loss <= 1.001 * loss,
            "{source} {encoder}: {fista_loss} > {loss}"
        );
        if encoder == "true-features" {
            assert!((mmcs - 1.0).abs() < 1e-6);
        }
        assert_eq!(mmcs.is_nan(), source == "x_4", "{source} {encoder}");
    }
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    // In the midst of the synthetic data, of free codes, of a residual stream.
    survives_kills(TINY, "encoders", [1, 8, 14]);
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
    assert!(rows(&sandbox, "a").iter().all(|r| r.0 == "synthetic"));
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
        line.contains("inconclusive") && line.contains("diverged"),
        "{line}"
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("data.width=0", "1 to"),
        ("data.active=100.0", "at most"),
        ("lambdas=[0.1]", "2 to 64"),
        ("lambdas=[0.3,0.1]", "increasing"),
        ("ratio=0.0", "1 to 1048576"),
        ("hidden_ratio=0", "1 to 64"),
        ("two_layer_rate=0.0", "above 0"),
        ("unrolled=0", "1 to 64"),
        ("free_steps=0", "1 to 2^40"),
        ("stream_steps=0", "1 to 2^40"),
        ("held_out=1", "100 to"),
        ("training.cooldown=2.0", "0 to 1"),
    ] {
        sandbox.refuses(&format!("run encoders --set encoders.{set}"), &[part]);
    }
}
