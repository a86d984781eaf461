//! `magnitude`: the example in the plane and the shrinkage against their closed forms, and the order of the methods.

use crate::common::{Sandbox, testing};
use harness::claim::Verdict;
use harness::experiments::autoencoders::magnitude::example::{self, Element};
use harness::experiments::autoencoders::magnitude::methods::refit::{Refit, Set};
use harness::experiments::autoencoders::magnitude::methods::{Method, Scores};
use harness::experiments::autoencoders::magnitude::overlap::Encoded;
use harness::experiments::autoencoders::magnitude::{
    Case, Code, Left, Magnitude, Settings, Shrunk,
};
use harness::sae::training::Plan;
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;

fn small() -> Settings {
    Settings {
        training: Plan {
            steps: 600,
            ..Settings::preset(Preset::Quick).training
        },
        plane_steps: 200,
        held_out: 1000,
        ..Settings::preset(Preset::Quick)
    }
}

/// Claims: tied-encoder-overshoots
#[test]
fn the_example_is_that_of_the_closed_form() {
    let outcome = testing::run::<Magnitude>(&small(), &[0]);
    let elements = Tables::new(outcome.tables.clone()).rows::<Element>();
    let rows = |encoder: example::Encoder| {
        let rows = elements
            .iter()
            .filter(|r| (r.features, r.encoder) == (Case::Pair, encoder));
        rows.collect::<Vec<_>>()
    };
    // The numbers are right up to a few roundings of f32.
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
    let tied = rows(example::Encoder::WithoutBias);
    near(tied[0].weight, 2.0);
    near(tied[1].weight, 3.0 / 2f64.sqrt());
    near(tied[0].reconstruction_x, 3.5);
    near(tied[0].reconstruction_y, 1.5);
    let refitted = rows(example::Encoder::Refitted);
    near(refitted[0].weight, 1.0);
    near(refitted[1].weight, 2f64.sqrt());
    let ledger = testing::settle::<Magnitude>(&outcome, &[0]);
    let tied = ledger.get("tied-encoder-overshoots").unwrap();
    assert_eq!(tied.verdict, Verdict::Reproduced);
    near(tied.value, (8.5f64 / 5.0).sqrt());
    assert_eq!(tied.control_value, 1.0);
}

/// Claims: l1-shrinks
#[test]
fn one_feature_is_shrunk_by_half_the_penalty_and_not_without_one() {
    let seeds = [0, 1];
    let outcome = testing::run::<Magnitude>(&small(), &seeds);
    let ledger = testing::settle::<Magnitude>(&outcome, &seeds);
    let entry = ledger.get("l1-shrinks").unwrap();
    assert_eq!(entry.verdict, Verdict::Reproduced, "{entry:?}");
    for row in Tables::new(outcome.tables).rows::<Shrunk>() {
        let (g, lambda) = (row.strength, row.lambda);
        assert_eq!(row.expected, (g - lambda / 2.0).max(0.0));
        if row.code == Code::Control {
            assert!((row.fista - g).abs() < 1e-3);
        }
    }
}

/// Claims: support-is-enough
#[test]
fn mending_magnitudes_on_the_active_set_never_adds_error_and_a_refit_leaves_the_least() {
    let outcome = testing::run::<Magnitude>(&small(), &[3]);
    let rows = Tables::new(outcome.tables.clone()).rows::<Scores>();
    let error = |method: Method| {
        let same = |r: &&Scores| (r.method, r.penalty) == (method, 1.0);
        rows.iter().find(same).unwrap().error
    };
    let (l1, step) = (error(Method::L1), error(Method::OneStep));
    let refitted = error(Method::Refitted);
    assert!(refitted <= step * (1.0 + 1e-6) && step <= l1 * (1.0 + 1e-6));
    // The factors of this method are fitted on other samples.
    assert!(error(Method::Scaled) < l1);
    let refits = Tables::new(outcome.tables.clone()).rows::<Refit>();
    for right in refits.iter().filter(|r| r.set == Set::Right) {
        let left = |set: Set| {
            let same = |r: &&Refit| (r.set, r.penalty) == (set, right.penalty);
            refits.iter().find(same).unwrap().left
        };
        // With an element more no more error is left, except for the rounding of magnitudes to f32, and with one fewer
        // no less.
        assert!(
            left(Set::OneTooMany) <= right.left * (1.0 + 1e-6) + 1e-6,
            "{refits:?}"
        );
        assert!(
            left(Set::OneMissing) >= right.left && right.left < 1.0,
            "{refits:?}"
        );
    }
    let ledger = testing::settle::<Magnitude>(&outcome, &[3]);
    let support = ledger.get("support-is-enough").unwrap();
    assert!(support.value < support.control_value, "{support:?}");
    assert_eq!(support.settings, 6);
}

/// Claims: untied-only-partly-helps
#[test]
fn an_encoder_reaches_the_best_codes_of_orthogonal_features_alone() {
    let outcome = testing::run::<Magnitude>(&small(), &[0]);
    let ledger = testing::settle::<Magnitude>(&outcome, &[0]);
    let claim = ledger.get("untied-only-partly-helps").unwrap();
    assert!(claim.value > 10.0 * claim.control_value, "{claim:?}");
    assert_eq!(claim.settings, 4);
    for row in Tables::new(outcome.tables).rows::<Encoded>() {
        // No code is better than the best, up to the gap of 1e-5 of ‖x‖² at which FISTA stops.
        assert!(
            row.excess > -1e-3 && (0.0..=1.0).contains(&row.best_f1),
            "{row:?}"
        );
        // For each orthogonal feature, the best code and that of a trained encoder are max(0, m − λ/2).
        assert!(!row.orthogonal || row.excess < 0.01, "{row:?}");
    }
}

#[test]
fn errors_in_the_plane_are_shares_of_the_squares_of_uniform_magnitudes() {
    let s = Settings {
        held_out: 20_000,
        ..small()
    };
    let outcome = testing::run::<Magnitude>(&s, &[0]);
    for row in Tables::new(outcome.tables).rows::<Left>() {
        // E m² = 4/3 and (E m)² = 1 for m uniform on (0, 2); two features together overlap by their cosine.
        let cosine = match row.features {
            Case::Pair => 0.5f64.sqrt(),
            Case::Orthogonal => 0.0,
            Case::Three => -0.5,
        };
        let expected = match row.active {
            0 => 0.0,
            1 => 4.0 / 3.0,
            _ => 8.0 / 3.0 + 2.0 * cosine,
        };
        // Deviations are at most some 2.5; five standard errors are allowed.
        let spread = 5.0 * 2.5 / (s.held_out as f64).sqrt();
        assert!((row.square - expected).abs() <= spread, "{row:?}");
        assert!(row.active == 0 || row.error < 0.5 * row.square, "{row:?}");
    }
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let s = Settings {
        training: Plan {
            steps: 100,
            ..small().training
        },
        plane_steps: 40,
        ..small()
    };
    let csv = |threads| testing::csv_on::<Magnitude>(threads, &s, &[3]);
    assert_eq!(csv(1), csv(3));
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("k=0", "number of elements"),
        ("ratio=0.01", "two elements"),
        ("lambda=0.0", "1e-30 to 1e6"),
        ("bandwidth=nan", "1e-30 to 1e6"),
        ("strengths=[0.5,0.1]", "increasing"),
        ("penalties=[0.3,3.0]", "1 among them"),
        ("overlap_ratios=[1.0]", "2 among them"),
        ("overlap_coherences=[0.5]", "0 among them"),
        ("overlap_lambdas=[0.2]", "among them"),
        ("plane_steps=0", "1 to"),
        ("held_out=5", "100 to"),
    ] {
        sandbox.refuses(&format!("run magnitude --set magnitude.{set}"), &[part]);
    }
}

#[test]
fn a_model_that_diverges_leaves_its_claim_open() {
    let sandbox = Sandbox::new();
    let run = "run magnitude --preset quick --seeds 1 --quiet --out a --set magnitude.training.learning_rate=1e30 \
               --set magnitude.training.steps=20 --set magnitude.plane_steps=20 --set magnitude.overlap_steps=20 --set magnitude.shrinkage_steps=20";
    sandbox.harness(run).assert().success();
    let support = sandbox.claim("a", "support-is-enough");
    assert!(
        support.contains("undecided") && support.contains("diverged at step"),
        "{support}"
    );
    let line = |id: &str| sandbox.claim("a", id);
    assert!(line("tied-encoder-overshoots").contains("reproduced"));
}
