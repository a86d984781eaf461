//! `magnitude`: the example of the plane and the shrinkage against their closed forms, the methods in their order.

mod common;

use common::{Sandbox, testing};
use harness::claim::Verdict;
use harness::claim::outcome::Outcome;
use harness::experiments::autoencoders::magnitude::{Magnitude, Settings};
use harness::settings::{Preset, Settings as _};
use harness::table::Table;

fn small() -> Settings {
    Settings {
        steps: 600,
        plane_steps: 200,
        held_out: 1000,
        ..Settings::preset(Preset::Quick)
    }
}

fn table<'a>(outcome: &'a Outcome, name: &str) -> &'a Table {
    let found = outcome.tables.iter().find(|t| t.spec().name == name);
    found.expect("a table of that name")
}

/// Claims: tied-encoder-overshoots
#[test]
fn the_example_is_that_of_the_closed_form() {
    let outcome = testing::run::<Magnitude>(&small(), &[0]);
    let rows = |features: &'static str, encoder: &'static str| {
        let rows = table(&outcome, "example").rows();
        rows.filter(move |r| r.text("features") == features && r.text("encoder") == encoder)
            .map(|r| {
                (
                    r.real("weight"),
                    r.real("reconstruction_x"),
                    r.real("reconstruction_y"),
                )
            })
            .collect::<Vec<_>>()
    };
    // A few roundings of f32.
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
    let tied = rows("two at 45°", "tied, no bias");
    near(tied[0].0, 2.0);
    near(tied[1].0, 3.0 / 2f64.sqrt());
    near(tied[0].1, 3.5);
    near(tied[0].2, 1.5);
    let refitted = rows("two at 45°", "refitted");
    near(refitted[0].0, 1.0);
    near(refitted[1].0, 2f64.sqrt());
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
    for row in table(&outcome, "shrinkage").rows() {
        let (g, lambda) = (row.real("strength"), row.real("lambda"));
        assert_eq!(row.real("expected"), (g - lambda / 2.0).max(0.0));
        if row.text("code") == "control" {
            assert!((row.real("fista") - g).abs() < 1e-3);
        }
    }
}

/// Claims: support-is-enough
#[test]
fn mending_magnitudes_on_the_active_set_never_adds_error_and_a_refit_leaves_the_least() {
    let outcome = testing::run::<Magnitude>(&small(), &[3]);
    let error = |method: &str| {
        let rows = table(&outcome, "methods").rows();
        let row = rows.into_iter().find(|r| r.text("method") == method);
        row.expect("a method of that name").real("error")
    };
    let (l1, step, refitted) = (error("L1"), error("L1, 1 step"), error("L1, refitted"));
    assert!(refitted <= step * (1.0 + 1e-6) && step <= l1 * (1.0 + 1e-6));
    // Factors are fitted on other samples.
    assert!(error("L1, scaled") < l1);
    let ledger = testing::settle::<Magnitude>(&outcome, &[3]);
    let support = ledger.get("support-is-enough").unwrap();
    assert!(
        support.value < 1.0 && support.control_value > 1.0,
        "{support:?}"
    );
}

/// Claims: untied-only-partly-helps
#[test]
fn errors_in_the_plane_are_shares_of_the_squares_of_uniform_magnitudes() {
    let s = Settings {
        held_out: 20_000,
        ..small()
    };
    let outcome = testing::run::<Magnitude>(&s, &[0]);
    for row in table(&outcome, "patterns").rows() {
        // E m² = 4/3 and (E m)² = 1 for m uniform on (0, 2); together they overlap by their cosine.
        let cosine = match row.text("features") {
            "two at 45°" => 0.5f64.sqrt(),
            "two at 90°" => 0.0,
            _ => -0.5,
        };
        let expected = match row.int("active") {
            0 => 0.0,
            1 => 4.0 / 3.0,
            _ => 8.0 / 3.0 + 2.0 * cosine,
        };
        // Deviations are at most some 2.5; five standard errors.
        let spread = 5.0 * 2.5 / (s.held_out as f64).sqrt();
        assert!((row.real("square") - expected).abs() <= spread, "{row:?}");
        assert!(
            row.int("active") == 0 || row.real("error") < 0.5 * row.real("square"),
            "{row:?}"
        );
    }
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let s = Settings {
        steps: 100,
        plane_steps: 40,
        ..small()
    };
    let csv = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let outcome = pool
            .unwrap()
            .install(|| testing::run::<Magnitude>(&s, &[3]));
        outcome
            .tables
            .iter()
            .map(|t| t.to_csv())
            .collect::<Vec<_>>()
    };
    assert_eq!(csv(1), csv(3));
}

#[test]
fn settings_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for (set, part) in [
        ("k=0", "number of elements"),
        ("ratio=0.01", "two elements"),
        ("lambda=0.0", "above 0"),
        ("bandwidth=nan", "above 0"),
        ("strengths=[0.5,0.1]", "increasing"),
        ("plane_steps=0", "1 to"),
        ("held_out=5", "100 to"),
    ] {
        sandbox.refuses(&format!("run magnitude --set magnitude.{set}"), &[part]);
    }
}

#[test]
fn a_model_that_diverges_leaves_its_claims_open() {
    let sandbox = Sandbox::new();
    let run = "run magnitude --preset quick --seeds 1 --quiet --out a --set magnitude.learning_rate=1e30 \
               --set magnitude.steps=20 --set magnitude.plane_steps=20 --set magnitude.shrinkage_steps=20";
    sandbox.harness(run).assert().success();
    let claims = std::fs::read_to_string(sandbox.join("a/claims.csv")).unwrap();
    let line = |id: &str| {
        claims
            .lines()
            .find(|l| l.starts_with(id))
            .unwrap()
            .to_string()
    };
    for id in ["untied-only-partly-helps", "support-is-enough"] {
        assert!(
            line(id).contains("inconclusive") && line(id).contains("diverged at step"),
            "{}",
            line(id)
        );
    }
    assert!(line("tied-encoder-overshoots").contains("reproduced"));
}
