//! `compositional`: readings of orthogonal features, divergence, resuming after a kill, bad settings.
#![cfg(unix)]

use crate::common::{Sandbox, survives_kills, testing};
use harness::experiments::autoencoders::compositional::{Compositional, Reading, Settings};
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;

/// The arguments of a run that takes a second.
const TINY: &str = "compositional --preset quick --seeds 2 --quiet --set compositional.active=4 \
    --set compositional.features=[16,24] --set compositional.point=24 --set compositional.samples=100 \
    --set compositional.training.steps=120 --set compositional.training.batch=32";

/// Claims: codes-hold-in-new-company
#[test]
fn orthogonal_features_are_read_in_any_company() {
    let s = Settings::preset(Preset::Quick);
    let outcome = testing::run::<Compositional>(&s, &[0]);
    let claim = testing::settle::<Compositional>(&outcome, &[0]);
    let claim = claim.get("codes-hold-in-new-company").unwrap();
    assert!(claim.control_value < 0.1, "{claim:?}");
    // The claim has two rivals, two dictionaries and one number of features.
    assert_eq!(claim.settings, 4);
    let rows = Tables::new(outcome.tables).rows::<Reading>();
    assert_eq!(rows.len(), 2 * 4);
    for row in rows {
        let reader = row.reader.to_string();
        let given = ["probe", "best codes on true dictionary"].contains(&&*reader);
        // The best codes lose a magnitude below λ/2, which a twentieth of the samples have.
        let exact = row.orthogonal && given;
        assert!(!exact || row.r2_known.min(row.r2_new) > 0.98, "{row:?}");
        assert_eq!(row.cosine.is_nan(), reader == "probe", "{row:?}");
        let is_true = reader == "best codes on true dictionary";
        assert!(!is_true || (row.cosine - 1.0).abs() < 1e-6, "{row:?}");
        assert!(
            (0.0..=1.0).contains(&row.accuracy_known) && row.r2_known <= 1.0,
            "{row:?}"
        );
    }
}

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    survives_kills(TINY, "compositional", [1, 3, 6]);
}

#[test]
fn a_training_that_diverges_leaves_what_it_trained_open_and_the_claim_settled() {
    let sandbox = Sandbox::new();
    let run = format!("run {TINY} --out a --set compositional.training.learning_rate=1e38");
    sandbox.harness(&run).assert().success();
    let table = std::fs::read_to_string(sandbox.join("a/compositional/readings.csv")).unwrap();
    let diverged = table.lines().filter(|l| l.contains("diverged at step"));
    // The encoder and the codes on its dictionary diverge, for two numbers of features and their controls, at two
    // seeds.
    assert_eq!(diverged.count(), 2 * 4 * 2);
    let line = sandbox.claim("a", "codes-hold-in-new-company");
    assert!(!line.contains("diverged"), "{line}");
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("active=1", "2 to 64"),
        ("features=[19]", "twice `active`"),
        ("features=[60,50]", "increasing"),
        ("point=60", "one of"),
        ("samples=1", "100 to"),
        ("lambda=0.0", "1e-30 to 1e6"),
        ("ridge=0.0", "above 0"),
        ("training.steps=0", "1 to"),
    ] {
        sandbox.refuses(
            &format!("run compositional --set compositional.{set}"),
            &[part],
        );
    }
}
