//! `tradeoff` against the two experiments that it reads, and against all cosines and plain responses in f64.

use std::collections::BTreeMap;

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiment::Experiment;
use harness::experiments::one_layer::features::{Entries, Features};
use harness::experiments::one_layer::homogeneity::{self, Homogeneity, Limit};
use harness::experiments::one_layer::near_orthogonality::{self, Count, NearOrthogonality};
use harness::experiments::one_layer::tradeoff::{Limits, Settings, Skew, Tradeoff};
use harness::rng::Rng;
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;
use kernels::Isa;
use proptests::fit::delta_r2;
use proptests::reference::gelu;

fn small() -> Settings {
    Settings {
        n: 20,
        positive_shares: vec![0.5, 0.8, 1.0],
        dims_points: 3,
        features: 12,
        features_of_interest: 2,
        samples: 20_000,
        most: 64,
        count_points: 6,
        delta_r2_threshold: 0.05,
        mmcs_thresholds: vec![0.4, 0.6],
    }
}

/// Returns the tables of the two experiments that `tradeoff` reads.
fn inputs(seeds: &[u64]) -> BTreeMap<&'static str, Tables> {
    let homogeneity = homogeneity::Settings {
        n: 20,
        dims_points: 5,
        samples: 200,
        ..homogeneity::Settings::preset(Preset::Quick)
    };
    let near_orthogonality = near_orthogonality::Settings {
        n: 20,
        dims_points: 5,
        most: 300,
        ..near_orthogonality::Settings::preset(Preset::Quick)
    };
    let active = testing::run::<Homogeneity>(&homogeneity, seeds);
    let available = testing::run::<NearOrthogonality>(&near_orthogonality, seeds);
    BTreeMap::from([
        (Homogeneity::ABOUT.id, Tables::new(active.tables)),
        (NearOrthogonality::ABOUT.id, Tables::new(available.tables)),
    ])
}

#[test]
fn the_mixed_picture_joins_both_limits_by_k_and_seed_at_the_thresholds_of_the_claims() {
    let seeds = [2, 9];
    let inputs = inputs(&seeds);
    let outcome = testing::run_with::<Tradeoff>(&small(), &seeds, Isa::detect(), &inputs);
    let limits = inputs[Homogeneity::ABOUT.id].rows::<Limit>();
    let counts = inputs[NearOrthogonality::ABOUT.id].rows::<Count>();
    let rows = outcome.tables[0].rows::<Limits>();
    assert_eq!(rows.len(), 2 * 5);
    for row in rows {
        assert_eq!((row.delta_r2_threshold, row.mmcs_threshold), (0.1, 0.3));
        let limit = limits
            .iter()
            .find(|r| (r.k, r.seed, r.threshold) == (row.k, row.seed, 0.1));
        let count = counts
            .iter()
            .find(|r| (r.k, r.seed, r.threshold) == (row.k, row.seed, 0.3));
        assert_eq!(row.active, limit.unwrap().n_on);
        assert_eq!(row.nearly_orthogonal, count.unwrap().features);
    }
}

/// Returns ΔR² of a feature alone over an even grid of levels, and the number of features whose mean largest cosine
/// with another is below a threshold, from all cosines at every number of the grid.
fn measure(features: &Features, s: &Settings, threshold: f64) -> (f64, f64) {
    let reach = (features.k() as f64).sqrt();
    let delta = (0..s.features_of_interest).map(|i| {
        let f = features.dense(i);
        let x = (0..4000).map(|i| reach * ((f64::from(i) + 0.5) / 2000.0 - 1.0));
        let y = |x: f64| f.iter().map(|f| f * gelu(x * f)).sum::<f64>();
        let points: Vec<_> = x.map(|x| (x, y(x))).collect();
        delta_r2(&points, &points)
    });
    let delta = delta.sum::<f64>() / s.features_of_interest as f64;
    let all: Vec<Vec<f64>> = (0..s.most).map(|i| features.dense(i)).collect();
    let cosine = |i: usize, j: usize| all[i].iter().zip(&all[j]).map(|(a, b)| a * b).sum::<f64>();
    let largest = |i: usize, count: usize| {
        let others = (0..count).filter(|&j| j != i);
        others
            .map(|j| cosine(i, j))
            .fold(f64::NEG_INFINITY, f64::max)
    };
    let mmcs = |count: usize| (0..count).map(|i| largest(i, count)).sum::<f64>() / count as f64;
    // The grid goes from 2 to 64 at six equal ratios.
    let grid = [2, 4, 8, 16, 32, 64];
    let curve: Vec<(f64, f64)> = grid
        .iter()
        .map(|&count| (count as f64, mmcs(count)))
        .collect();
    let number = match curve.iter().rposition(|(_, mmcs)| *mmcs < threshold) {
        None => 2.0,
        Some(5) => 64.0,
        Some(last) => {
            let ((n, y), (_, z)) = (curve[last], curve[last + 1]);
            n * 2f64.powf((threshold - y) / (z - y))
        }
    };
    (delta, number)
}

/// Claims: skew-is-what-is-traded
#[test]
fn features_of_one_family_agree_with_all_cosines_and_plain_responses() {
    let s = small();
    let outcome = testing::run_with::<Tradeoff>(&s, &[3], Isa::detect(), &inputs(&[3]));
    let rows = outcome.tables[1].rows::<Skew>();
    assert_eq!(rows.len(), 3 * 3);
    let mut differ = 0;
    for row in &rows {
        let i = s
            .positive_shares
            .iter()
            .position(|&share| share == row.positive_share)
            .unwrap();
        let draw = |entries, purpose: &str| {
            let mut rng = Rng::stream(3, Tradeoff::ABOUT.id, purpose, row.k as u64);
            Features::draw(s.most, row.k, s.n, entries, &mut rng)
        };
        let family = draw(Entries::with(row.positive_share), "features");
        let control = draw(Entries::SIGNED, &format!("control {i}, 0"));
        for (features, delta, number) in [
            (family, row.delta_r2, row.nearly_orthogonal),
            (control, row.control_delta_r2, row.control_nearly_orthogonal),
        ] {
            let wanted = measure(&features, &s, row.mmcs_threshold);
            assert!((delta - wanted.0).abs() < 1e-5, "{row:?}: {wanted:?}");
            assert!(
                (number / wanted.1 - 1.0).abs() < 1e-4,
                "{row:?}: {wanted:?}"
            );
        }
        differ += usize::from(row.delta_r2 != row.control_delta_r2);
    }
    assert_eq!(differ, rows.len());
    // The active others are counted by the experiment itself, whose own tests hold its cells to plain simulations, on
    // the same streams.
    for &positive_share in &s.positive_shares {
        let homogeneity = homogeneity::Settings {
            n: s.n,
            features: s.features,
            features_of_interest: s.features_of_interest,
            samples: s.samples,
            dims_points: s.dims_points,
            positive_share,
            thresholds: vec![s.delta_r2_threshold],
            ..homogeneity::Settings::preset(Preset::Quick)
        };
        let (isa, none) = (Isa::detect(), BTreeMap::new());
        let name = Tradeoff::ABOUT.id;
        let limits = testing::run_as::<Homogeneity>(name, &homogeneity, &[3], isa, &none);
        let limits = limits.tables[1].rows::<Limit>();
        let of_share = rows.iter().filter(|r| r.positive_share == positive_share);
        let active: Vec<_> = of_share.map(|r| (r.k, r.active)).collect();
        assert_eq!(
            active,
            limits.iter().map(|r| (r.k, r.n_on)).collect::<Vec<_>>()
        );
    }
}

#[test]
fn skew_is_traded_at_the_quick_sizes_and_not_in_the_control() {
    let seeds = [0, 1, 2, 3, 4];
    let s = Settings::preset(Preset::Quick);
    let outcome = testing::run_with::<Tradeoff>(&s, &seeds, Isa::detect(), &inputs(&seeds));
    let ledger = testing::settle::<Tradeoff>(&outcome, &seeds);
    let entry = ledger.get("skew-is-what-is-traded").unwrap();
    assert_eq!(entry.verdict, Verdict::Reproduced, "{entry:?}");
    assert!(entry.control_value > -0.9, "{entry:?}");
}
