//! `continuous-latent` end to end: its model learns, and its bytes are the same at any number of threads and after a
//! kill.
#![cfg(unix)]

use crate::common::{Sandbox, survives_kills};

/// The arguments of a run that takes a second or two.
const TINY: &str = "continuous-latent --seeds 1 --quiet --set continuous-latent.width=12 \
    --set continuous-latent.hidden=24 --set continuous-latent.layers=4 --set continuous-latent.pairs=32 \
    --set continuous-latent.steps=500 --set continuous-latent.batch=32 --set continuous-latent.training.steps=120 \
    --set continuous-latent.training.batch=32";

/// Claims: a-built-latent-has-its-element
#[test]
fn the_model_learns_latents_and_classes_by_heart() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out a"))
        .assert()
        .success();
    let table = std::fs::read_to_string(sandbox.join("a/continuous-latent/layers.csv")).unwrap();
    let lines: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(lines.len(), 5);
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<f64>().unwrap();
        // The squared norm of the target is ¼ + ¼(t² + (1 − t)²), between ⅜ and ½.
        assert!(number(2) < 0.02, "{line}");
        assert!((0.0..=1.0 + 1e-6).contains(&number(5)), "{line}");
    }
    let claims = std::fs::read_to_string(sandbox.join("a/claims.csv")).unwrap();
    assert!(claims.contains("\na-built-latent-has-its-element,"));
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    survives_kills(TINY, "continuous-latent", [1, 2, 4]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("pairs=2000", "16 to width"),
        ("fitted=1.0", "0.1 to 0.9"),
        ("layers=3", "4 to 64"),
    ] {
        sandbox.refuses(
            &format!("run continuous-latent --set continuous-latent.{set}"),
            &[part],
        );
    }
}
