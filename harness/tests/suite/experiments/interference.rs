//! `interference` against plain loops in f64.

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiments::one_layer::interference::{
    Direction, Interference, Kept, Output, Overlap, Point, Setting, Settings,
};
use harness::rng::Rng;
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;
use kernels::Isa;
use proptests::each_isa;
use proptests::fit::delta_r2;
use proptests::reference::gelu;
use rand::RngExt as _;

fn settings() -> Settings {
    Settings {
        n: 8,
        n_small: 2,
        reach: 4.0,
        points: 7,
        curve_points: 41,
        dims_per_feature: vec![1, 2, 5],
        levels: vec![3.0, 1.0],
        pairs: 2,
    }
}

fn dot(f: &[f64], g: &[f64]) -> f64 {
    f.iter().zip(g).map(|(f, g)| f * g).sum()
}

fn unit(f: Vec<f64>) -> Vec<f64> {
    let norm = dot(&f, &f).sqrt();
    f.into_iter().map(|v| v / norm).collect()
}

/// Returns c · GELU(a A + b B), neuron by neuron.
fn output(a: (f64, &[f64]), b: (f64, &[f64]), c: &[f64]) -> f64 {
    let after: Vec<f64> =
        a.1.iter()
            .zip(b.1)
            .map(|(f, g)| gelu(a.0 * f + b.0 * g))
            .collect();
    dot(&after, c)
}

each_isa!(maps_agree_with_plain_loops_on_every_isa);
fn maps_agree_with_plain_loops_on_every_isa(isa: Isa) {
    let s = settings();
    let half = |n: usize| unit((0..n).map(|i| if i < n / 2 { 1.0 } else { 0.0 }).collect());
    let all = |n: usize| unit(vec![1.0; n]);
    // The signs of the first seed: A is positive on the first half, B on the neurons that are chosen.
    let mut rng = Rng::stream(7, "interference", "signs", 0);
    let sign = |positive: bool| if positive { 1.0 } else { -1.0 };
    let random_a = unit((0..8).map(|i| sign(i < 4)).collect());
    let random_b = loop {
        let chosen = rng.choose(8, 4);
        let b = unit((0..8).map(|i| sign(chosen.contains(&i))).collect());
        if dot(&random_a, &b).abs() < 0.99 {
            break b;
        }
    };
    let sum = unit(random_a.iter().zip(&random_b).map(|(a, b)| a + b).collect());
    let outcome = testing::run_with::<Interference>(&s, &[7], isa, &Default::default());
    let tables = Tables::new(outcome.tables);
    let maps = tables.rows::<Output>();
    assert_eq!(maps.len(), 4 * 49);
    for (i, row) in maps.iter().enumerate() {
        let (a, b, read, on) = match (row.setting, row.read) {
            (Setting::Halves, Direction::A) => (half(8), all(8), half(8), (4.0, 8.0)),
            (Setting::Small, Direction::A) => (half(2), all(2), half(2), (1.0, 2.0)),
            (Setting::Random, read) => {
                let read = match read {
                    Direction::A => &random_a,
                    Direction::Sum => &sum,
                };
                (random_a.clone(), random_b.clone(), read.clone(), (8.0, 8.0))
            }
            other => panic!("no map {other:?}"),
        };
        let level = |i: usize, on: f64| s.reach * f64::sqrt(on) * (i as f64 / 3.0 - 1.0);
        let levels = (level(i % 7, on.0), level(i / 7 % 7, on.1));
        assert!((row.a - levels.0).abs() < 1e-13);
        assert!((row.b - levels.1).abs() < 1e-13);
        let y = output((levels.0, &a), (levels.1, &b), &read);
        // There are inputs and outputs of 8 neurons, up to 8 in size, each rounded by some units.
        let bound = 4.0 * 8.0 * 2f64.powi(-24) * 8f64.sqrt();
        assert!((row.y - y).abs() < bound, "{isa}: {} against {y}", row.y);
    }
}

/// Claims: spread-keeps-non-linearity
#[test]
fn curves_agree_with_a_layer_of_four_neurons() {
    let s = settings();
    let tables = Tables::new(testing::run::<Interference>(&s, &[7]).tables);
    let points = tables.rows::<Point>();
    assert_eq!(points.len(), 5 * 41);
    let a = unit(vec![1.0; 4]);
    for (i, row) in points.iter().enumerate() {
        let b = match row.overlap {
            Overlap::Half => unit(vec![1.0, 1.0, 0.0, 0.0]),
            _ => a.clone(),
        };
        // The levels are divided by √4.
        let x = s.reach * ((i % 41) as f64 / 20.0 - 1.0);
        let y = output((2.0 * x, &a), (2.0 * row.other, &b), &a) / 2.0;
        assert!(
            (row.x - x).abs() < 1e-14 && (row.y - y).abs() < 1e-14,
            "{row:?}: {y}"
        );
    }
}

/// Claims: spread-keeps-non-linearity
#[test]
fn what_is_kept_agrees_with_dense_vectors_on_a_fine_grid() {
    let s = settings();
    let tables = Tables::new(testing::run::<Interference>(&s, &[7]).tables);
    let pair = |k: usize, overlap: Overlap, pair: usize| {
        let mut rng = Rng::stream(7, "interference", &format!("pair {pair}"), k as u64);
        let [a, own] = [0, 1].map(|_| (0..k).map(|_| rng.random::<f64>()).collect::<Vec<_>>());
        let mut on = |count: usize| {
            let chosen = rng.choose(k, count.max(1));
            let entry = |i: usize| if chosen.contains(&i) { own[i] } else { 0.0 };
            (0..k).map(entry).collect::<Vec<_>>()
        };
        let b = match overlap {
            Overlap::Same => a.clone(),
            Overlap::Half => on(k / 2),
            Overlap::Quarter => on(k / 4),
            Overlap::PositiveEntries => own,
            Overlap::BothSigns => {
                let mut sign = || if rng.heads(1) == 1 { 1.0 } else { -1.0 };
                own.iter().map(|v| v * sign()).collect()
            }
        };
        (unit(a), unit(b))
    };
    let mean = |k: usize, overlap: Overlap, level: f64| {
        let delta = [0, 1].map(|i| {
            let (a, b) = pair(k, overlap, i);
            let root = (k as f64).sqrt();
            let x = (0..4000).map(|i| s.reach * root * ((f64::from(i) + 0.5) / 2000.0 - 1.0));
            let points: Vec<_> = x
                .map(|x| (x, output((x, &a), (level * root, &b), &a)))
                .collect();
            delta_r2(&points, &points)
        });
        (delta[0] + delta[1]) / 2.0
    };
    let rows = tables.rows::<Kept>();
    assert_eq!(rows.len(), 3 * 5 * 5);
    for row in &rows {
        let (k, overlap) = (row.k, row.overlap);
        let (with, without) = (mean(k, overlap, row.level), mean(k, overlap, 0.0));
        assert!((row.delta_r2 - with).abs() < 1e-5, "{row:?}: {with}");
        assert!((row.kept - with / without).abs() < 1e-4, "{row:?}");
        // An aligned feature has one neuron: whatever adds to it is the same, except for its sign.
        if k == 1 && overlap != Overlap::BothSigns {
            let same = |r: &&Kept| (r.k, r.overlap, r.level) == (1, Overlap::Same, row.level);
            let same = rows.iter().find(same).unwrap();
            assert!((row.delta_r2 - same.delta_r2).abs() < 1e-12, "{row:?}");
        }
    }
}

#[test]
fn spreading_alone_keeps_as_little_as_one_neuron_does() {
    let seeds = [0, 1, 2];
    let outcome = testing::run::<Interference>(&Settings::preset(Preset::Quick), &seeds);
    let ledger = testing::settle::<Interference>(&outcome, &seeds);
    let entry = &ledger.entries[0];
    assert_eq!(entry.settings, 4 * 3);
    assert!(entry.control_high < 0.1, "{entry:?}");
    let controls = testing::settle_controls::<Interference>(&outcome, &seeds);
    assert_ne!(controls.entries[0].verdict, Verdict::Reproduced);
}
