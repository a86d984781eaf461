//! `compressed-computation` against plain loops in f64.

#[cfg(unix)]
use crate::common::survives_kills;
use crate::common::testing;
use harness::experiments::one_layer::compressed_computation::{
    CompressedComputation, Loss, Model, Noise, Settings, Target,
};
use harness::rng::Rng;
use harness::settings::{Preset, Settings as _};
use kernels::{Exec, Isa};
use proptests::each_isa;

fn small() -> Settings {
    Settings {
        features: 7,
        neurons: 3,
        probability: 0.3,
        scales: vec![0.1, 0.5],
        steps: 20,
        batch: 33,
        held_out: 500,
        ..Settings::preset(Preset::Quick)
    }
}

fn rng(purpose: &str) -> Rng {
    Rng::stream(3, "test", purpose, 0)
}

/// Returns the squared error, averaged over the samples of a batch and their features, by plain loops; samples that
/// have no row have no error.
fn loss(weights: &[f64], s: &Settings, x: &[f32], target: &[f32]) -> f64 {
    let (n, h) = (s.features, s.neurons);
    let (first, second) = weights.split_at(n * h);
    let mut sum = 0.0;
    for (x, target) in x.chunks(n).zip(target.chunks(n)) {
        let neuron = |i: usize| {
            let z: f64 = (0..n).map(|j| first[i * n + j] * f64::from(x[j])).sum();
            z.max(0.0)
        };
        let active: Vec<f64> = (0..h).map(neuron).collect();
        for (i, t) in target.iter().enumerate() {
            let y: f64 = (0..h).map(|j| second[i * h + j] * active[j]).sum();
            sum += (y - f64::from(*t)).powi(2);
        }
    }
    sum / (s.batch * n) as f64
}

each_isa!(loss_and_gradient_are_those_of_plain_loops);
/// Claims: noise-makes-the-gain
fn loss_and_gradient_are_those_of_plain_loops(isa: Isa) {
    let s = small();
    let exec = Exec::serial(isa);
    let target = Target::draw(&s, Noise::Asymmetric, 0.3, &mut rng("noise"));
    let (x, y) = target.samples(s.batch, &mut rng("samples"));
    let model = Model::start(s.features, s.neurons, &mut rng("weights"));
    let weights: Vec<f64> = model.weights.iter().map(|&w| w.into()).collect();
    let expected = loss(&weights, &s, &x, &y);
    let found = model.squared_error(exec, &x, &y) / (s.batch * s.features) as f64;
    // The loss sums at most 7 products of numbers below 4 in f32, and again 3.
    let rounding = 64.0 * f64::from(f32::EPSILON);
    assert!(
        (found - expected).abs() <= rounding * (1.0 + expected),
        "{found} {expected}"
    );
    for (i, &found) in model.gradient(exec, s.batch, &x, &y).iter().enumerate() {
        // The loss is quadratic in each weight except where a neuron's input changes its sign, which so short a step
        // does not reach.
        let step = 1e-6;
        let at = |sign: f64| {
            let mut moved = weights.clone();
            moved[i] += sign * step;
            loss(&moved, &s, &x, &y)
        };
        let expected = (at(1.0) - at(-1.0)) / (2.0 * step);
        assert!(
            (f64::from(found) - expected).abs() < 1e-5,
            "{i}: {found} {expected}"
        );
    }
}

#[test]
fn samples_follow_their_law_and_the_naive_solution_has_its_loss() {
    let s = small();
    for noise in [Noise::Nothing, Noise::Symmetric, Noise::Asymmetric] {
        let target = Target::draw(&s, noise, 0.2, &mut rng("noise"));
        let (rows, n) = (40_000, s.features);
        let (x, y) = target.samples(rows, &mut rng("samples"));
        assert_eq!(x.len(), y.len());
        // Samples without a row have no active feature.
        let empty = 1.0 - x.len() as f64 / (rows * n) as f64;
        let expected = (1.0 - s.probability).powi(n as i32);
        assert!(
            (empty - expected).abs() < 2.5 / (rows as f64).sqrt(),
            "{empty}"
        );
        assert!(x.chunks(n).all(|row| row.iter().any(|v| *v != 0.0)));
        let entries = (rows * n) as f64;
        let active = x.iter().filter(|v| **v != 0.0).count() as f64 / entries;
        // Five standard deviations of a binomial share, and of a mean of squared errors, whose deviation is below 1.
        let room = 5.0 / entries.sqrt();
        assert!((active - s.probability).abs() < 0.5 * room, "{active}");
        let error = |(i, (x, y)): (usize, (&f32, &f32))| {
            let naive = if i % n < s.neurons { x.max(0.0) } else { 0.0 };
            f64::from(y - naive).powi(2)
        };
        let errors = x.iter().zip(&y).enumerate().map(error);
        let found = errors.sum::<f64>() / entries;
        let expected = target.naive_loss(s.neurons);
        assert!(
            (found - expected).abs() < room,
            "{noise}: {found} {expected}"
        );
        // What a feature that is active alone adds to the targets of the others, divided by its value, is a column of
        // M.
        let part = |from: usize| {
            let alone =
                |row: &&[f32]| row[from] != 0.0 && row.iter().filter(|v| **v != 0.0).count() == 1;
            let row = x
                .chunks(n)
                .position(|row| alone(&row))
                .expect("a row with it alone");
            let value = x[row * n + from];
            let own = |i: usize| if i == from { value.max(0.0) } else { 0.0 };
            (0..n)
                .map(|i| (y[row * n + i] - own(i)) / value)
                .collect::<Vec<f32>>()
        };
        let columns: Vec<Vec<f32>> = (0..n).map(part).collect();
        for (i, column) in columns.iter().enumerate() {
            assert!(column[i].abs() < 1e-5);
            for (j, other) in columns[..i].iter().enumerate() {
                let same = (column[j] - other[i]).abs() < 1e-5;
                assert_eq!(same, noise != Noise::Asymmetric, "{i} {j}");
            }
        }
    }
}

#[test]
fn training_lowers_the_loss_and_gives_the_same_bytes_on_any_number_of_threads() {
    let csv = |steps: u64, threads: usize| {
        let s = Settings { steps, ..small() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let run = || testing::run::<CompressedComputation>(&s, &[3, 4]);
        pool.unwrap().install(run).tables.swap_remove(0)
    };
    let table = csv(300, 1);
    assert_eq!(table.csv(), csv(300, 3).csv());
    let untrained = csv(1, 1);
    for (trained, start) in table.rows::<Loss>().iter().zip(untrained.rows::<Loss>()) {
        assert!(trained.loss < 0.8 * start.loss, "{trained:?} {start:?}");
        assert_eq!(trained.naive, start.naive);
    }
    let scales: Vec<f64> = table
        .rows::<Loss>()
        .iter()
        .take(5)
        .map(|r| r.scale)
        .collect();
    assert_eq!(scales, [0.0, 0.1, 0.5, 0.1, 0.5]);
}

#[cfg(unix)]
#[test]
fn a_killed_run_is_resumed_to_the_same_bytes_at_any_number_of_threads() {
    // There are five models: no noise, and two scales of each kind of noise.
    let tiny = "compressed-computation --seeds 1 --quiet --set compressed-computation.features=20 \
        --set compressed-computation.neurons=10 --set compressed-computation.scales=[0.02,0.04] \
        --set compressed-computation.steps=300 --set compressed-computation.batch=64 \
        --set compressed-computation.held_out=1000";
    survives_kills(tiny, "compressed-computation", [1, 3, 5]);
}
