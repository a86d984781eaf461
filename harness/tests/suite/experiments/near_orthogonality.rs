//! `near-orthogonality` against all cosines in f64, a set of features at a time; `tradeoff` against the two
//! experiments that it reads.

use crate::common::testing;
use std::collections::BTreeMap;

use harness::claim::Verdict;
use harness::experiment::Experiment;
use harness::experiments::one_layer::features::{Entries, Features};
use harness::experiments::one_layer::homogeneity::{self, Homogeneity, Layer, Limit};
use harness::experiments::one_layer::near_orthogonality::{
    Count, Mmcs, NearOrthogonality, Settings,
};
use harness::experiments::one_layer::tradeoff::{self, Limits, Tradeoff};
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

/// Mean over the first `count` features of the largest cosine with another of them.
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
        let (purpose, index) = if k == 1 {
            ("control", 2)
        } else {
            ("features", k as u64)
        };
        let mut rng = Rng::stream(7, NearOrthogonality::ABOUT.id, purpose, index);
        let features = Features::draw(s.most, k, s.n, Entries::Signed, &mut rng);
        let exact = mmcs(&features, count);
        let got = row.mmcs;
        // γ₂₀ of products of unit vectors, and the entries' own rounding.
        assert!(
            (got - exact).abs() < 3e-6,
            "{isa} k = {k}, N = {count}: {got}, not {exact}"
        );
        cells += 1;
    }
    assert_eq!(cells, 6 * 7);
    assert_eq!(cells, 6 * 7);
}

#[test]
fn one_neuron_each_gives_cosines_of_0_or_1_and_the_collisions_of_birthdays() {
    let s = small();
    let outcome = testing::run::<NearOrthogonality>(&s, &[0, 1, 2, 3]);
    let rows = outcome.tables[0].rows::<Mmcs>();
    for row in rows.iter().filter(|r| r.k == 1) {
        // A feature collides if one of N − 1 others has its neuron and its sign: 2n equal chances. Its
        // cosine is 1 then, and else 0 (−1 only if all others are on its neuron).
        let n = row.features as f64;
        let expected = 1.0 - (1.0 - 1.0 / (2.0 * s.n as f64)).powf(n - 1.0);
        let spread = 5.0 * (0.25 / n).sqrt() * 2f64.sqrt();
        assert!((row.mmcs - expected).abs() < spread, "{row:?}");
    }
}

#[test]
fn the_claim_holds_at_a_small_size_and_its_control_fails() {
    let s = Settings {
        most: 1024,
        ..Settings::preset(Preset::Quick)
    };
    let outcome = testing::run::<NearOrthogonality>(&s, &[0, 1]);
    let ledger = testing::settle::<NearOrthogonality>(&outcome, &[0, 1]);
    let entry = ledger.get("more-dimensions-more-features").unwrap();
    assert_eq!(entry.verdict, Verdict::Reproduced, "{entry:?}");
    assert!(entry.control_value < 0.9);
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let csv = |threads| testing::csv_on::<NearOrthogonality>(threads, &small(), &[3, 4]);
    let once = csv(1);
    assert_eq!(once, csv(2));
    assert_eq!(once, csv(5));
}

#[test]
fn the_tradeoff_joins_both_limits_by_k_and_seed() {
    let seeds = [2, 9];
    let homogeneity = homogeneity::Settings {
        n: 20,
        dims_points: 5,
        samples: 200,
        ..homogeneity::Settings::preset(Preset::Quick)
    };
    let active = Tables::new(testing::run::<Homogeneity>(&homogeneity, &seeds).tables);
    let available = Tables::new(testing::run::<NearOrthogonality>(&small(), &seeds).tables);
    let inputs = BTreeMap::from([
        (Homogeneity::ABOUT.id, active.clone()),
        (NearOrthogonality::ABOUT.id, available.clone()),
    ]);
    let settings = tradeoff::Settings {};
    let outcome = testing::run_with::<Tradeoff>(&settings, &seeds, Isa::detect(), &inputs);
    let mut rows = 0;
    let (limits, counts) = (active.rows::<Limit>(), available.rows::<Count>());
    for row in outcome.tables[0].rows::<Limits>() {
        let key = (row.k, row.seed);
        let limit = limits
            .iter()
            .find(|r| (r.k, r.seed, r.layer) == (row.k, row.seed, Layer::Gelu));
        let count = counts.iter().find(|r| (r.k, r.seed) == key);
        assert_eq!(row.active, limit.unwrap().n_on);
        assert_eq!(row.nearly_orthogonal, count.unwrap().features);
        rows += 1;
    }
    assert_eq!(rows, 2 * 5);
}
