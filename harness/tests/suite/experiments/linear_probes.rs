//! `linear-probes` against plain loops in f64.

use crate::common::testing;
use harness::claim::Verdict;
use harness::experiments::one_layer::linear_probes::{
    Accuracy, Identity, LinearProbes, Output, Settings, Skew, Stage,
};
use harness::rng::{Rng, random_direction};
use harness::settings::{Preset, Settings as _};
use harness::table::Tables;
use kernels::Isa;
use proptests::each_isa;
use proptests::fit::solve;
use proptests::reference::gelu;
use rand::RngExt as _;

fn settings() -> Settings {
    Settings {
        n: 6,
        inputs: 5,
        scale: 2.0,
        noise: 0.1,
        train: 80,
        test: 40,
        ridge: 1e-3,
        positive_shares: vec![0.5, 0.75, 1.0],
    }
}

fn dot(f: &[f64], g: &[f64]) -> f64 {
    f.iter().zip(g).map(|(f, g)| f * g).sum()
}

/// Fits a ridge regression by the normal equations, and returns its prediction as a function of an input.
fn fit(x: &[Vec<f64>], labels: &[f64], ridge: f64) -> impl Fn(&[f64]) -> f64 + use<> {
    let (rows, columns) = (x.len() as f64, x[0].len());
    let mean: Vec<f64> = (0..columns)
        .map(|j| x.iter().map(|x| x[j]).sum::<f64>() / rows)
        .collect();
    let intercept = labels.iter().sum::<f64>() / rows;
    let gram =
        |i: usize, j: usize| -> f64 { x.iter().map(|x| (x[i] - mean[i]) * (x[j] - mean[j])).sum() };
    let penalty = ridge * (0..columns).map(|j| gram(j, j)).sum::<f64>() / columns as f64;
    let row = |i: usize| -> Vec<f64> {
        let left = (0..columns).map(|j| gram(i, j) + if i == j { penalty } else { 0.0 });
        let right = x
            .iter()
            .zip(labels)
            .map(|(x, l)| (x[i] - mean[i]) * l)
            .sum();
        left.chain([right]).collect()
    };
    let weights = solve((0..columns).map(row).collect());
    move |x| {
        intercept
            + (0..x.len())
                .map(|j| weights[j] * (x[j] - mean[j]))
                .sum::<f64>()
    }
}

each_isa!(probes_agree_with_plain_loops_on_every_isa);
/// Claims: probe-absorbs-linear-map
fn probes_agree_with_plain_loops_on_every_isa(isa: Isa) {
    let s = settings();
    let mut rng = Rng::stream(7, "linear-probes", "features", 0);
    let [u, v, f, g] = [5, 5, 6, 6].map(|n| random_direction(n, &mut rng));
    let c = dot(&u, &v);
    let read =
        |own: &[f64], other: &[f64], x: &[f64]| (dot(own, x) - c * dot(other, x)) / (1.0 - c * c);
    let examples = |purpose: &str, count: usize| -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut rng = Rng::stream(7, "linear-probes", purpose, 0);
        let example = |i: usize| {
            let (a, b) = ((i % 2) as f64, (i / 2 % 2) as f64);
            let x = (0..5).map(|j| a * u[j] + b * v[j] + s.noise * rng.normal());
            (x.collect(), if a == b { -1.0 } else { 1.0 })
        };
        (0..count).map(example).unzip()
    };
    let written = |x: &[f64], f: &[f64], g: &[f64]| -> Vec<f64> {
        let (a, b) = (read(&u, &v, x), read(&v, &u, x));
        let size = s.scale * 6f64.sqrt();
        (0..6).map(|i| size * (a * f[i] + b * g[i])).collect()
    };
    let neuron = |own: usize| {
        (0..6)
            .map(|i| if i == own { 1.0 } else { 0.0 })
            .collect::<Vec<_>>()
    };
    let [first, second] = [neuron(0), neuron(1)];
    let stage_of = |stage: Stage, x: &[f64]| -> Vec<f64> {
        match stage {
            Stage::Input => x.to_vec(),
            Stage::LinearLayer => written(x, &f, &g),
            Stage::AlignedLayer => written(x, &first, &second).into_iter().map(gelu).collect(),
            Stage::GeluLayer => written(x, &f, &g).into_iter().map(gelu).collect(),
        }
    };
    let (train, test) = (examples("train", s.train), examples("test", s.test));
    let outcome = testing::run_with::<LinearProbes>(&s, &[7], isa, &Default::default());
    let tables = Tables::new(outcome.tables);
    let accuracy = tables.rows::<Accuracy>();
    assert_eq!(accuracy.len(), 4);
    for row in accuracy {
        let stage = row.stage;
        let inputs = |x: &[Vec<f64>]| x.iter().map(|x| stage_of(stage, x)).collect::<Vec<_>>();
        let probe = fit(&inputs(&train.0), &train.1, s.ridge);
        for (found, (x, labels)) in [(row.train, &train), (row.test, &test)] {
            let right = |(x, l): (&Vec<f64>, &f64)| (probe(x) > 0.0) == (*l > 0.0);
            let right = inputs(x)
                .iter()
                .zip(labels)
                .filter(|&(x, l)| right((x, l)))
                .count();
            let wanted = right as f64 / labels.len() as f64;
            // Rounding may move an example on the boundary.
            let off = (found - wanted).abs() * labels.len() as f64;
            assert!(off < 1.5, "{isa}, {stage}: {found} against {wanted}");
        }
        let plane = tables.rows::<Output>();
        let plane = plane.iter().filter(|r| r.stage == stage);
        for Output { a, b, output, .. } in plane.step_by(97) {
            let x: Vec<f64> = (0..5).map(|j| a * u[j] + b * v[j]).collect();
            // The ridge amplifies the rounding of f32 by at most some 1/√ridge.
            let wanted = probe(&stage_of(stage, &x));
            assert!((output - wanted).abs() < 1e-3, "{isa}, {stage}: {wanted}");
        }
    }
    let skews = tables.rows::<Skew>();
    assert_eq!(skews.len(), 3);
    for row in skews {
        let mut signs = Rng::stream(7, "linear-probes", "signs", 0);
        let mut skewed = |f: &[f64]| -> Vec<f64> {
            let mut entry = |f: &f64| {
                let turns = signs.random::<f64>() < 2.0 * row.positive_share - 1.0;
                if turns { f.abs() } else { *f }
            };
            f.iter().map(&mut entry).collect()
        };
        let (f, g) = (skewed(&f), skewed(&g));
        let after = |x: &[f64]| written(x, &f, &g).into_iter().map(gelu).collect::<Vec<_>>();
        let train_after: Vec<_> = train.0.iter().map(|x| after(x)).collect();
        let probe = fit(&train_after, &train.1, s.ridge);
        let right = |(x, l): &(&Vec<f64>, &f64)| (probe(&after(x)) > 0.0) == (**l > 0.0);
        let right = test.0.iter().zip(&test.1).filter(right).count();
        let off = (row.test - right as f64 / s.test as f64).abs() * s.test as f64;
        assert!(off < 1.5, "{isa}: {row:?} against {right} right");
    }
    let row = &tables.rows::<Identity>()[0];
    assert!(row.of_bound <= 1.0 && row.difference < 1e-5);
    assert!(row.largest > 0.1);
}

/// Without noise, or with no more of it than single precision keeps, the four cases of an input differ from sums of
/// features by their rounding only: a probe must not read the XOR from that.
#[test]
fn rounding_is_not_read_off_a_linear_layer() {
    for (n, inputs) in [(100, 100), (3, 40), (40, 2)] {
        for noise in [0.0, 1e-7, 1e-6] {
            let s = Settings {
                n,
                inputs,
                noise,
                train: 400,
                test: 400,
                ..Settings::preset(Preset::Quick)
            };
            let outcome = testing::run::<LinearProbes>(&s, &[0, 1, 2]);
            for row in outcome.tables[0].rows::<Accuracy>() {
                let (stage, accuracy) = (row.stage, row.test);
                let shown = format!("{stage}, n = {n}, {inputs} inputs, noise {noise}: {accuracy}");
                match stage {
                    Stage::GeluLayer => assert!(n < 100 || accuracy >= 0.95, "{shown}"),
                    // Any line can get three of four cases right; noise alone gives a few more.
                    _ => assert!(accuracy <= 0.6, "{shown}"),
                }
            }
        }
    }
}

#[test]
fn the_control_fails() {
    let seeds = [0, 1, 2];
    let outcome = testing::run::<LinearProbes>(&Settings::preset(Preset::Quick), &seeds);
    let ledger = testing::settle::<LinearProbes>(&outcome, &seeds);
    assert_eq!(ledger.entries[0].verdict, Verdict::Reproduced);
    let controls = testing::settle_controls::<LinearProbes>(&outcome, &seeds);
    assert_eq!(controls.entries[0].verdict, Verdict::NotReproduced);
    assert!(controls.entries[0].value < 0.6);
}
