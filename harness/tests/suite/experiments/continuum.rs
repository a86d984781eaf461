//! `continuum` end to end: its rows, its bytes at any number of threads, and resuming after a kill.
#![cfg(unix)]

use crate::common::{Sandbox, survives_kills};

/// The arguments of a run that takes a second.
const TINY: &str = "continuum --seeds 1 --quiet --set continuum.width=6 --set continuum.spheres=[2,3] \
    --set continuum.sphere=3 --set continuum.features=6 --set continuum.largest=4 --set continuum.held_out=500 \
    --set continuum.training.steps=120 --set continuum.training.batch=32";

/// Claims: no-plateau-on-a-continuum
#[test]
fn dictionaries_of_every_size_are_no_better_than_an_element_for_every_feature() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out a"))
        .assert()
        .success();
    let table = std::fs::read_to_string(sandbox.join("a/continuum/dictionaries.csv")).unwrap();
    let mut rows = 0;
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<f64>().unwrap();
        let [elements, living, l0, loss, least] = [4, 7, 8, 9, 10].map(number);
        assert!(living <= elements && l0 <= elements, "{line}");
        assert!(loss >= least * (1.0 - 1e-5), "{line}");
        let [excess, best_living, best, spread_living, spread] = [11, 12, 13, 14, 15].map(number);
        // FISTA stops at a duality gap of 1e-5 of ‖x‖², which is 2.25 at most, and the least loss is above 0.05.
        assert!(
            best <= excess + 1e-3 && best > -1e-3 && spread > -1e-3,
            "{line}"
        );
        assert!(
            best_living <= elements && spread_living <= elements,
            "{line}"
        );
        // The elements at all discrete features need no training, and no other elements fire.
        if fields[0] == "discrete" && elements >= 6.0 {
            assert!(spread < 1e-3 && spread_living == 6.0, "{line}");
        }
        rows += 1;
    }
    // There are two spheres, two kinds of features, two of magnitudes, tied and untied encoders, and 3 to 24 elements.
    assert_eq!(rows, 2 * 2 * 2 * 2 * 4);
    let claims = std::fs::read_to_string(sandbox.join("a/claims.csv")).unwrap();
    assert!(claims.contains("\nno-plateau-on-a-continuum,"));
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    survives_kills(TINY, "continuum", [1, 4, 9]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("spheres=[2,17]", "2 to width"),
        ("sphere=3", "one of"),
        ("largest=1", "2 to"),
        ("living=0.0", "above 0"),
        ("coded=1", "100 to"),
    ] {
        sandbox.refuses(&format!("run continuum --set continuum.{set}"), &[part]);
    }
}
