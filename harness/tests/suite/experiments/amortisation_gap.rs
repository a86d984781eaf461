//! `amortisation-gap`: methods that find the codes where that is possible, divergence, resuming after a kill, bad
//! settings.
#![cfg(unix)]

use crate::common::{Sandbox, survives_kills, testing};
use harness::experiments::autoencoders::amortisation_gap::{AmortisationGap, Gap, Settings};
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;

/// The arguments of a run that takes a second.
const TINY: &str = "amortisation-gap --preset quick --seeds 2 --quiet --set amortisation-gap.steps=60 \
    --set amortisation-gap.samples=64";

/// Claims: optimised-codes-are-truer
#[test]
fn codes_of_orthogonal_sources_are_found_by_all() {
    let s = Settings {
        steps: 800,
        learning_rate: 5e-3,
        ..Settings::preset(Preset::Quick)
    };
    let outcome = testing::run::<AmortisationGap>(&s, &[0]);
    let gap = testing::settle::<AmortisationGap>(&outcome, &[0]);
    let gap = gap.get("optimised-codes-are-truer").unwrap();
    assert!(gap.value > gap.control_value, "{gap:?}");
    // The claim has two states of knowledge, a linear and a two-layer encoder, and one size.
    assert_eq!(gap.settings, 4);
    let rows = Tables::new(outcome.tables).rows::<Gap>();
    // There are a linear and a two-layer encoder in three states of knowledge each, and sparse coding in two, for one
    // size and its control.
    assert_eq!(rows.len(), 2 * (2 * 3 + 2));
    for row in rows {
        assert!((0.0..=1.0 + 1e-6).contains(&row.code_mcc), "{row:?}");
        assert_eq!(
            row.dictionary_mcc.is_nan(),
            row.known.to_string() != "nothing"
        );
        // The best code of an orthogonal source is its magnitude minus λ/2, or 0. A linear encoder comes near it; one
        // with a hidden layer takes longer.
        let read_off = row.orthogonal
            && row.known.to_string() == "dictionary"
            && !row.method.starts_with("two-layer");
        assert!(!read_off || row.code_mcc > 0.95, "{row:?}");
    }
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    survives_kills(TINY, "amortisation-gap", [1, 7, 16]);
}

#[test]
fn a_training_that_diverges_leaves_the_claim_open() {
    let sandbox = Sandbox::new();
    let run = format!("run {TINY} --out a --set amortisation-gap.learning_rate=1e38");
    sandbox.harness(&run).assert().success();
    let claims = std::fs::read_to_string(sandbox.join("a/claims.csv")).unwrap();
    let line = claims
        .lines()
        .find(|l| l.starts_with("optimised-codes"))
        .unwrap();
    assert!(
        line.contains("undecided") && line.contains("diverged at step"),
        "{line}"
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("sources=[8]", "16 to"),
        ("sources=[32,16]", "increasing"),
        ("dimensions=[]", "1 to 16"),
        ("active=0", "1 to 16"),
        ("penalty=0.0", "above 0"),
        ("steps=0", "1 to"),
        ("learning_rate=0.0", "above 0"),
    ] {
        sandbox.refuses(
            &format!("run amortisation-gap --set amortisation-gap.{set}"),
            &[part],
        );
    }
}
