//! `unfinished-features` end to end: alone, resumed, and where its models are missing.
#![cfg(unix)]

use crate::common::{Sandbox, survives_kills};

/// The arguments of a run that takes a second or two, in which `multilayer` is run as well.
const TINY: &str = "unfinished-features --seeds 1 --quiet --set multilayer.width=16 --set multilayer.hidden=16 \
    --set multilayer.datapoints=[32] --set multilayer.batch=32 --set multilayer.epochs=300 \
    --set multilayer.layers=8 --set multilayer.other_seeds=0 --set multilayer.long_epochs=100 \
    --set multilayer.curve.seeds=0 --set multilayer.capacity.seeds=0 \
    --set unfinished-features.training.steps=150 --set unfinished-features.training.batch=32 \
    --set unfinished-features.ratios=[1,3] --set unfinished-features.warm_up=0.3 \
    --set unfinished-features.l1=[0.2,0.4]";

/// Claims: unfinished-features-cost-dictionary, middle-layers-have-no-natural-basis
#[test]
fn it_runs_alone_and_reads_every_layer_of_both_models() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!("run {TINY} --out a"))
        .assert()
        .success();
    let read = |name: &str| {
        std::fs::read_to_string(sandbox.join(&format!("a/unfinished-features/{name}.csv"))).unwrap()
    };
    let dictionaries = read("dictionaries");
    for model in ["trained", "look-up"] {
        for layer in [0, 2, 4, 6, 8] {
            let rows = |basis: &str| {
                let begin = format!("{model},32,0,{basis},{layer},");
                dictionaries
                    .lines()
                    .filter(|l| l.starts_with(&begin))
                    .count()
            };
            // There are two sizes with two penalties, and a second training of the dictionary that is read.
            assert_eq!(rows("stream"), 5, "{model} {layer}");
            let fixes = if model == "trained" { 2 } else { 0 };
            assert_eq!(
                [rows("all-layers"), rows("tuned-lens")],
                [fixes; 2],
                "{model} {layer}"
            );
        }
    }
    for (table, at_least) in [
        ("costs", 30),
        ("elements", 100),
        ("similarity", 25),
        ("stability", 5),
    ] {
        assert!(read(table).lines().count() > at_least, "{table}");
    }
    for claim in [
        "unfinished-features-cost-dictionary",
        "middle-layers-have-no-natural-basis",
    ] {
        sandbox.claim("a", claim);
    }
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    survives_kills(TINY, "unfinished-features", [1, 5, 12]);
}

#[test]
fn where_no_model_has_learned_the_claim_is_open() {
    let sandbox = Sandbox::new();
    sandbox
        .harness(&format!(
            "run {TINY} --out a --set multilayer.threshold=1e-30"
        ))
        .assert()
        .success();
    let line = sandbox.claim("a", "unfinished-features-cost-dictionary");
    assert!(
        line.contains("undecided") && line.contains("has learned its data"),
        "{line}"
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("ratio=2", "one of"),
        ("l1=[0.1,0.1]", "increasing"),
        ("l1=[]", "increasing"),
        ("read_at=0.3", "one of"),
        ("threshold=1.0", "between 0 and 1"),
        ("training.learning_rate=0.0", "above 0"),
        ("training.batch=0", "1 to"),
    ] {
        sandbox.refuses(
            &format!("run unfinished-features --set unfinished-features.{set}"),
            &[part],
        );
    }
}
