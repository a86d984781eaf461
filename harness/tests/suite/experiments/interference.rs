//! `interference` against plain loops in f64.

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiments::one_layer::features::{Entries, Features};
use harness::experiments::one_layer::interference::{
    Case, Direction, Interference, Kept, Output, Point, Setting, Settings,
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
        dims_per_feature: vec![2, 3],
        n_on: vec![1, 3],
        features: 6,
        of_interest: 2,
        samples: 60,
        test_fraction: 0.25,
    }
}

fn dot(f: &[f64], g: &[f64]) -> f64 {
    f.iter().zip(g).map(|(f, g)| f * g).sum()
}

fn unit(f: Vec<f64>) -> Vec<f64> {
    let norm = dot(&f, &f).sqrt();
    f.into_iter().map(|v| v / norm).collect()
}

/// c · GELU(a A + b B), neuron by neuron.
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
    // The signs of the first seed: A is positive on the first half, B on those chosen.
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
        // Inputs and outputs of 8 neurons, up to 8, each rounded by some units.
        let bound = 4.0 * 8.0 * 2f64.powi(-24) * 8f64.sqrt();
        assert!((row.y - y).abs() < bound, "{isa}: {} against {y}", row.y);
    }
}

/// Claims: spread-keeps-non-linearity
#[test]
fn aligned_features_agree_with_plain_loops() {
    let s = settings();
    let tables = Tables::new(testing::run::<Interference>(&s, &[7]).tables);
    let points = |other: f64| -> Vec<(f64, f64)> {
        let x = (0..41).map(|i| s.reach * (f64::from(i) / 20.0 - 1.0));
        x.map(|x| (x, gelu(x + other))).collect()
    };
    let delta = |other: f64| {
        let mut points = points(other);
        Rng::stream(7, "interference", "split", 0).shuffle(&mut points);
        delta_r2(&points[..31], &points[31..])
    };
    for row in tables.rows::<Point>() {
        let y = gelu(row.x + row.other);
        assert!((row.y - y).abs() < 4.0 * 8.0 * 2f64.powi(-24), "{y}");
    }
    let rows = tables.rows::<Kept>();
    for row in rows.iter().filter(|r| r.case == Case::Aligned) {
        let (with, without) = (delta(row.other), delta(0.0));
        assert!((row.delta_r2 - with).abs() < 2e-6, "{with}");
        assert!((row.kept - with / without).abs() < 5e-5);
        let y = points(row.other).into_iter().map(|p| p.1);
        let (low, high) = y.fold((f64::MAX, f64::MIN), |(l, h), y| (y.min(l), y.max(h)));
        assert!((row.range - (high - low)).abs() < 1e-5);
    }
}

/// Claims: spread-keeps-non-linearity
#[test]
fn distributed_features_agree_with_dense_vectors() {
    let s = settings();
    let tables = Tables::new(testing::run::<Interference>(&s, &[7]).tables);
    for &k in &s.dims_per_feature {
        let mut rng = Rng::stream(7, "interference", "features", k as u64);
        let features = Features::draw(6, k, 8, Entries::Positive, &mut rng);
        let mean = |n_on: usize| {
            let one = |of_interest: usize| {
                let purpose = format!("{k} neurons, {n_on} on");
                let mut rng = Rng::stream(7, "interference", &purpose, of_interest as u64);
                let f = features.dense(of_interest);
                let mut others: Vec<usize> = (0..6).filter(|&i| i != of_interest).collect();
                let magnitude =
                    |rng: &mut Rng| (k as f64).sqrt() * (2.0 * rng.random::<f64>() - 1.0);
                let sample = |_| {
                    let x = magnitude(&mut rng);
                    let mut before: Vec<f64> = f.iter().map(|f| x * f).collect();
                    for i in 0..n_on {
                        let chosen = i + rng.below(others.len() - i);
                        others.swap(i, chosen);
                        let level = magnitude(&mut rng);
                        let other = features.dense(others[i]);
                        before
                            .iter_mut()
                            .zip(other)
                            .for_each(|(b, g)| *b += level * g);
                    }
                    let after: Vec<f64> = before.into_iter().map(gelu).collect();
                    (x, dot(&after, &f))
                };
                let points: Vec<_> = (0..60).map(sample).collect();
                delta_r2(&points[..45], &points[45..])
            };
            (one(0) + one(1)) / 2.0
        };
        let rows = tables.rows::<Kept>();
        let rows = rows
            .iter()
            .filter(|r| r.case == Case::Distributed && r.k == k);
        let mut count = 0;
        for row in rows {
            let wanted = mean(row.n_on);
            // Entries of features are f32, too.
            assert!((row.delta_r2 - wanted).abs() < 1e-5, "{wanted}");
            assert!((row.kept - wanted / mean(0)).abs() < 1e-3);
            count += 1;
        }
        assert_eq!(count, 3);
    }
}

#[test]
fn the_control_fails() {
    let seeds = [0, 1, 2];
    let outcome = testing::run::<Interference>(&Settings::preset(Preset::Quick), &seeds);
    let ledger = testing::settle::<Interference>(&outcome, &seeds);
    assert_eq!(ledger.entries[0].verdict, Verdict::Reproduced);
    let controls = testing::settle_controls::<Interference>(&outcome, &seeds);
    assert_eq!(controls.entries[0].verdict, Verdict::NotReproduced);
    assert_eq!(controls.entries[0].value, 1.0);
}
