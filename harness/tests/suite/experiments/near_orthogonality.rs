//! `near-orthogonality` against all cosines in f64, a set of features at a time.

use crate::common::testing;
use std::collections::BTreeMap;

use harness::claim::Verdict;
use harness::experiment::Experiment;
use harness::experiments::one_layer::features::{Entries, Features};
use harness::experiments::one_layer::near_orthogonality::{
    Count, Mmcs, NearOrthogonality, Settings,
};
use harness::rng::Rng;
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;
use kernels::Isa;
use proptests::each_isa;

fn small() -> Settings {
    Settings {
        n: 20,
        dims_points: 5,
        fewest: 3,
        most: 1300,
        count_points: 7,
        ..Settings::preset(Preset::Quick)
    }
}

/// Returns the mean over the first `count` features of the largest cosine with another of them.
fn mmcs(features: &Features, count: usize) -> f64 {
    let all: Vec<Vec<f64>> = (0..count).map(|i| features.dense(i)).collect();
    let largest = all.iter().enumerate().map(|(i, a)| {
        let others = all.iter().enumerate().filter(|(j, _)| *j != i);
        let cosines = others.map(|(_, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>());
        cosines.fold(f64::NEG_INFINITY, f64::max)
    });
    largest.sum::<f64>() / count as f64
}

each_isa!(every_cell_agrees_with_all_cosines_on_every_instruction_set);
/// Claims: more-dimensions-more-features
fn every_cell_agrees_with_all_cosines_on_every_instruction_set(isa: Isa) {
    let s = small();
    let outcome = testing::run_with::<NearOrthogonality>(&s, &[7], isa, &BTreeMap::new());
    let mut cells = 0;
    for row in outcome.tables[0].rows::<Mmcs>() {
        let (k, count) = (row.k, row.features);
        let entries = match row.control {
            true => Entries::POSITIVE,
            false => Entries::SIGNED,
        };
        let mut rng = Rng::stream(7, NearOrthogonality::ABOUT.id, "features", k as u64);
        let features = Features::draw(s.most, k, s.n, entries, &mut rng);
        let exact = mmcs(&features, count);
        let got = row.mmcs;
        // The error is γ₂₀ of products of unit vectors, and the rounding of the entries themselves.
        assert!(
            (got - exact).abs() < 3e-6,
            "{isa} k = {k}, N = {count}: {got}, not {exact}"
        );
        cells += 1;
    }
    // The control ends before 1,300 features.
    assert_eq!(cells, 5 * 7 + 5 * 6);
}

#[test]
fn numbers_of_nearly_orthogonal_features_are_where_the_curves_cross_the_thresholds() {
    let s = Settings {
        thresholds: vec![0.5, 0.3],
        ..small()
    };
    let outcome = testing::run::<NearOrthogonality>(&s, &[0, 1, 2]);
    let tables = Tables::new(outcome.tables);
    let mmcs = tables.rows::<Mmcs>();
    let counts = tables.rows::<Count>();
    assert_eq!(counts.len(), 2 * 3 * 5);
    assert_eq!(counts[0].threshold, 0.5);
    for row in &counts {
        for (control, found) in [(false, row.features), (true, row.control)] {
            let curve = mmcs
                .iter()
                .filter(|r| (r.control, r.k, r.seed) == (control, row.k, row.seed));
            let curve: Vec<_> = curve.map(|r| (r.features as f64, r.mmcs)).collect();
            let below = curve.iter().rposition(|(_, mmcs)| *mmcs < row.threshold);
            let wanted = match below {
                None => curve[0].0,
                // At the last number of the grid the result is that number exactly, since the true one is not known.
                Some(last) if last + 1 == curve.len() => {
                    assert_eq!(found, curve[last].0);
                    found
                }
                Some(last) => {
                    let ((n, y), (next, z)) = (curve[last], curve[last + 1]);
                    n * (next / n).powf((row.threshold - y) / (z - y))
                }
            };
            assert!((found / wanted - 1.0).abs() < 1e-9, "{row:?}: {wanted}");
        }
    }
}

/// Without their signs, features on all of many neurons have cosines near 3/4: for u uniform on (0, 1), the square of
/// the mean of u, 1/4, divided by the mean of u², 1/3.
#[test]
fn without_their_signs_features_on_all_neurons_are_alike() {
    let s = Settings {
        n: 4000,
        dims_points: 2,
        most: 16,
        count_points: 2,
        ..Settings::preset(Preset::Quick)
    };
    let outcome = testing::run::<NearOrthogonality>(&s, &[0]);
    for row in outcome.tables[0]
        .rows::<Mmcs>()
        .iter()
        .filter(|r| r.k == 4000)
    {
        let wanted = if row.control { 0.75 } else { 0.0 };
        // A cosine is off by some 1/√4000 = 0.016, and the largest of 15 by about twice that.
        assert!((row.mmcs - wanted).abs() < 0.06, "{row:?}");
    }
}

#[test]
fn the_claim_holds_at_a_small_size_and_its_control_fails() {
    let s = Settings {
        most: 1024,
        ..Settings::preset(Preset::Quick)
    };
    // These are enough seeds for an interval that decides.
    let seeds = [0, 1, 2, 3, 4];
    let outcome = testing::run::<NearOrthogonality>(&s, &seeds);
    let ledger = testing::settle::<NearOrthogonality>(&outcome, &seeds);
    let entry = ledger.get("more-dimensions-more-features").unwrap();
    assert_eq!(entry.verdict, Verdict::Reproduced, "{entry:?}");
    assert!(entry.control_value < 0.0, "{entry:?}");
    // There are four thresholds, each from k = 8 and from k = 2 on.
    assert_eq!(entry.settings, 8);
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let csv = |threads| testing::csv_on::<NearOrthogonality>(threads, &small(), &[3, 4]);
    let once = csv(1);
    assert_eq!(once, csv(2));
    assert_eq!(once, csv(5));
}
