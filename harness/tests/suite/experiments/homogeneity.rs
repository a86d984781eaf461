//! `homogeneity` against a plain simulation in f64 that draws every cell on its own.

use crate::common::testing;
use harness::experiment::Experiment;
use harness::experiments::one_layer::features::{Entries, Features};
use harness::experiments::one_layer::homogeneity::{Cell, Homogeneity, Limit, Magnitude, Settings};
use harness::rng::Rng;
use harness::settings::{Preset, Settings as _};
use harness::stats::{delta_r2, mean};
use proptests::reference::gelu;
use rand::RngExt as _;

fn small() -> Settings {
    Settings {
        n: 12,
        features: 9,
        features_of_interest: 2,
        samples: 20_000,
        dims_points: 4,
        active_points: 4,
        ..Settings::preset(Preset::Quick)
    }
}

/// Returns ΔR² of one cell as the experiment is described: no nesting, no sums, all neurons, fresh draws.
fn simulate(s: &Settings, k: usize, n_on: usize, seed: u64) -> f64 {
    let stream = |purpose: &str, index| Rng::stream(seed, Homogeneity::ABOUT.id, purpose, index);
    let law = Entries::with(s.positive_share);
    let features = Features::draw(s.features, k, s.n, law, &mut stream("features", k as u64));
    let mut biases = stream("bias", 0);
    let bias: Vec<f64> = (0..s.n).map(|_| s.bias * biases.random::<f64>()).collect();
    let reach = match s.magnitude {
        Magnitude::SqrtK => k as f64,
        Magnitude::SqrtN => s.n as f64,
    }
    .sqrt();
    let mut rng = stream("an independent draw", (k * 1000 + n_on) as u64);
    let each = (0..s.features_of_interest).map(|own| {
        let direction = features.dense(own);
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for _ in 0..s.samples {
            let mut draw = || reach * (2.0 * rng.random::<f64>() - 1.0);
            let level = draw();
            let mut z: Vec<f64> = direction.iter().map(|f| level * f).collect();
            z.iter_mut().zip(&bias).for_each(|(z, b)| *z += b);
            let others = if s.include_own {
                // The author's rule: the union of the features drawn and the feature of interest, with one magnitude
                // each.
                let mut drawn = rng.choose(s.features, n_on);
                drawn.retain(|&other| other != own);
                drawn
            } else {
                let others = rng.choose(s.features - 1, n_on).into_iter();
                others.map(|o| o + usize::from(o >= own)).collect()
            };
            for other in others {
                let magnitude = reach * (2.0 * rng.random::<f64>() - 1.0);
                let other = features.dense(other);
                z.iter_mut()
                    .zip(other)
                    .for_each(|(z, f)| *z += magnitude * f);
            }
            x.push(level);
            y.push(z.iter().zip(&direction).map(|(&z, f)| f * gelu(z)).sum());
        }
        let fitted = s.samples - (s.samples as f64 * s.test_fraction).round() as usize;
        let (fit, test) = (x.split_at(fitted), y.split_at(fitted));
        delta_r2((fit.0, test.0), (fit.1, test.1))
    });
    mean(&each.collect::<Vec<_>>())
}

/// Compares every cell. ΔR² is a difference of two shares of a variance: over m held-out samples its standard error is
/// below 1/√m, on both sides.
fn compare(s: &Settings, seed: u64) {
    let outcome = testing::run::<Homogeneity>(s, &[seed]);
    let held_out = s.samples as f64 * s.test_fraction * s.features_of_interest as f64;
    let tolerance = 3.0 * (2.0 / held_out).sqrt();
    let mut least = f64::INFINITY;
    let mut most = f64::NEG_INFINITY;
    for row in outcome.tables[0].rows::<Cell>() {
        let (got, exact) = (row.delta_r2, simulate(s, row.k, row.n_on, seed));
        assert!(
            (got - exact).abs() < tolerance,
            "{row:?}: not {exact} ± {tolerance}"
        );
        least = least.min(got);
        most = most.max(got);
    }
    // The cells differ by far more than the tolerance, so the comparison can fail.
    assert!(most - least > 3.0 * tolerance, "{least} to {most}");
}

/// Claims: interference-limits-active-features
#[test]
fn cells_agree_with_independent_draws_of_each() {
    compare(&small(), 5);
}

#[test]
fn features_with_a_share_of_negative_entries_agree_with_independent_draws_of_each() {
    let s = Settings {
        positive_share: 0.8,
        samples: 50_000,
        ..small()
    };
    compare(&s, 7);
}

#[test]
fn companion_settings_agree_with_independent_draws_of_each() {
    let s = Settings {
        magnitude: Magnitude::SqrtN,
        include_own: true,
        test_fraction: 0.9,
        bias: 1.0,
        ..small()
    };
    compare(&s, 6);
}

/// The feature of interest counts once at the companion's own sizes and its smallest k, where it is among the 48 drawn
/// of 100 features about every other time: were its magnitude added once more, ΔR² would be a third of what it is.
#[test]
fn the_feature_of_interest_counts_once_at_the_sizes_of_the_companion() {
    let s = Settings {
        n: 100,
        features: 100,
        features_of_interest: 5,
        samples: 40_000,
        dims_points: 2,
        active_points: 5,
        magnitude: Magnitude::SqrtN,
        include_own: true,
        test_fraction: 0.9,
        ..Settings::preset(Preset::Full)
    };
    let outcome = testing::run::<Homogeneity>(&s, &[8]);
    let cells = outcome.tables[0].rows::<Cell>();
    let found = cells.iter().find(|r| (r.k, r.n_on) == (2, 31)).unwrap();
    let exact = simulate(&s, 2, 31, 8);
    assert!(exact > 0.03, "{exact}");
    let off = (found.delta_r2 / exact - 1.0).abs();
    assert!(off < 0.1, "{} against {exact}", found.delta_r2);
}

#[test]
fn with_nothing_else_active_the_response_is_that_of_one_feature() {
    // With no other active feature the response has no noise: a fine grid of levels gives its ΔR².
    let s = Settings {
        samples: 200_000,
        ..small()
    };
    let outcome = testing::run::<Homogeneity>(&s, &[1]);
    let features = Features::draw(
        s.features,
        2,
        s.n,
        Entries::POSITIVE,
        &mut Rng::stream(1, Homogeneity::ABOUT.id, "features", 2),
    );
    let exact = (0..s.features_of_interest).map(|own| {
        let (_, entries) = features.get(own);
        let x: Vec<f64> = (0..=2000)
            .map(|i| (f64::from(i) / 1000.0 - 1.0) * 2f64.sqrt())
            .collect();
        let respond = |x: &f64| {
            entries
                .iter()
                .map(|&f| f64::from(f) * gelu(x * f64::from(f)))
                .sum()
        };
        let y: Vec<f64> = x.iter().map(respond).collect();
        delta_r2((&x, &y), (&x, &y))
    });
    let exact = mean(&exact.collect::<Vec<_>>());
    let got = outcome.tables[0].rows::<Cell>()[0].delta_r2;
    assert!((got - exact).abs() < 0.01, "{got}, not {exact}");
}

#[test]
fn the_claim_holds_at_a_small_size_and_its_control_fails() {
    let s = Settings {
        samples: 1000,
        ..Settings::preset(Preset::Quick)
    };
    // These are enough seeds for an interval that decides.
    let seeds = [0, 1, 2, 3, 4];
    let outcome = testing::run::<Homogeneity>(&s, &seeds);
    let ledger = testing::settle::<Homogeneity>(&outcome, &seeds);
    let entry = ledger.get("interference-limits-active-features").unwrap();
    assert!(entry.high <= -0.9, "{entry:?}");
    assert_eq!(entry.control_value, 0.0);
    assert_eq!(entry.settings, 3);
    // Not even a feature alone is above 0.2, so it is not known how others bring it down.
    let cell = ledger
        .cells_of(&entry.id)
        .find(|c| c.setting.ends_with("=0.2"));
    let cell = cell.expect("a threshold of 0.2");
    assert!(
        cell.value.is_nan() && cell.control_value.is_nan(),
        "{cell:?}"
    );
    assert!(cell.reason.contains("above 0.2 at no k"), "{cell:?}");
    let limits = outcome.tables[1].rows::<Limit>();
    let most = limits.iter().map(|r| r.control).fold(0.0, f64::max);
    for row in limits.iter().filter(|r| r.threshold == 0.1) {
        // Alone, every feature is above the threshold, and other features on neurons of their own leave it there.
        assert_eq!(row.control, most, "{row:?}");
        let at = |threshold: f64| {
            let same = |r: &&Limit| (r.k, r.seed, r.threshold) == (row.k, row.seed, threshold);
            limits.iter().find(same).unwrap().n_on
        };
        assert!(at(0.05) >= row.n_on && row.n_on >= at(0.2), "{row:?}");
    }
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let s = Settings {
        samples: 999,
        bias: 0.5,
        positive_share: 0.7,
        ..small()
    };
    let csv = |threads| testing::csv_on::<Homogeneity>(threads, &s, &[3, 4]);
    let once = csv(1);
    assert_eq!(once, csv(2));
    assert_eq!(once, csv(5));
}
