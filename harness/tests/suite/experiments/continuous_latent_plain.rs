//! `continuous-latent` by plain loops in f64: every number of its table, and the measures of its claim.
//!
//! The change that f32 may make in the course of a training is found as in `proptests`: the model is trained several
//! times with its gradients and weights moved at random by what roundings may move them, and a number of the table may
//! be twice as far from that of f64 as the furthest of these. The dictionaries are trained by the kernels' steps, which
//! have tests of their own.

use super::continuous_latent_model::{
    BATCH, Facts, HIDDEN, LAYERS, PAIRS, RATE, SEED, STEPS, WIDTH, forward, rng, train,
};
use crate::common::plain::{centre, dot, mean, ridge, variance};
use crate::common::sae_plain::{
    Reading, Row, UNIT, cosine, direction, largest, near, rows, table, trained,
};
use crate::common::testing;
use harness::experiments::autoencoders::continuous_latent::{ContinuousLatent, Settings};
use harness::rng::Rng;
use harness::sae::training::Plan;
use harness::settings::{Preset, Settings as _};
use kernels::sae::{L1, Parameters, Rows, Variant};
use kernels::{MatRef, sae};

const SHUFFLES: usize = 3;

fn settings() -> Settings {
    Settings {
        width: WIDTH,
        hidden: HIDDEN,
        layers: LAYERS,
        pairs: PAIRS,
        steps: STEPS,
        batch: BATCH,
        learning_rate: RATE,
        fitted: 0.75,
        ridge: 0.01,
        ratio: 2,
        l1: 0.1,
        shuffles: SHUFFLES,
        training: Plan {
            steps: 60,
            batch: 16,
            learning_rate: 0.01,
            cooldown: 0.3,
        },
        ..Settings::preset(Preset::Quick)
    }
}

/// Returns the weights of a ridge regression with a ridge of 0.01 times the mean variance of an entry, and its
/// predictions at other inputs.
fn probe(x: &[Vec<f64>], t: &[f64], others: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let weights = ridge(x, t, 0.01);
    let offset = mean(t) - dot(&weights, &centre(x));
    let predicted = others.iter().map(|x| offset + dot(&weights, x)).collect();
    (weights, predicted)
}

/// Returns the columns of a layer: the probe's R², the number of living elements, and the largest cosine of the probe
/// with an element, that for shuffled latents, and that with random directions.
fn read(layer: usize, stream: &[Vec<f64>], latents: &[f64]) -> [f64; 5] {
    // Activations are scaled to a mean squared distance of 1 from the mean.
    let deviation = variance(stream).sqrt();
    let scaled = |v: &f64| (v / deviation) as f32;
    let x: Vec<f32> = stream.iter().flatten().map(scaled).collect();
    let shape = sae::Shape {
        width: WIDTH,
        dictionary: 2 * WIDTH,
    };
    let variant = Variant::L1(L1 {
        lambda: 0.1,
        rows: Rows::Unit,
    });
    let mut normals = rng("initial-dictionary", layer as u64);
    let start = Parameters::initial(shape, variant, || normals.normal() as f32);
    let batch = |step| {
        let mut rng = rng("batch", step);
        let rows = (0..16).map(|_| WIDTH * rng.below(PAIRS));
        rows.flat_map(|at| x[at..at + WIDTH].to_vec()).collect()
    };
    let p = trained(start, &settings().training, 0, batch);
    let x = rows(MatRef::from_rows(&x, WIDTH));
    let firings = Reading::of(&p, &x).firings;
    let elements = rows(p.dictionary()).into_iter().zip(&firings);
    let living: Vec<Vec<f64>> = elements.filter(|(_, f)| f[0] > 0).map(|e| e.0).collect();

    let (fitted, rest) = (30, &x[30..]);
    let (weights, predicted) = probe(&x[..fitted], &latents[..fitted], rest);
    let wanted = &latents[fitted..];
    let squares = |off: &dyn Fn(usize) -> f64| (0..10).map(|k| off(k).powi(2)).sum::<f64>();
    let total = squares(&|k| wanted[k] - mean(wanted));
    let r2 = 1.0 - squares(&|k| wanted[k] - predicted[k]) / total;
    let closest =
        |among: &[Vec<f64>], to: &[f64]| largest(among.iter().map(|e| cosine(e, to).abs()));
    let mut rng = rng("shuffle", layer as u64);
    let shuffled: Vec<f64> = (0..SHUFFLES)
        .map(|_| {
            let mut dealt = latents.to_vec();
            rng.shuffle(&mut dealt);
            closest(&living, &probe(&x[..fitted], &dealt[..fitted], &[]).0)
        })
        .collect();
    let random: Vec<Vec<f64>> = living.iter().map(|_| direction(WIDTH, &mut rng)).collect();
    [
        r2,
        living.len() as f64,
        closest(&living, &weights),
        mean(&shuffled),
        closest(&random, &weights),
    ]
}

/// Returns the error of the model's output with the columns of each layer.
fn plain(facts: &Facts, mut sway: impl FnMut() -> f64) -> Vec<[f64; 6]> {
    let w = train(facts, &mut sway);
    let streams: Vec<Vec<Vec<f64>>> = facts
        .pairs
        .iter()
        .map(|&pair| forward(&w, pair).0)
        .collect();
    let off = |(k, x): (usize, &Vec<Vec<f64>>)| {
        let terms = x[LAYERS].iter().zip(facts.target(k));
        terms.map(|(x, p)| (x - p).powi(2)).sum::<f64>()
    };
    let error = mean(&streams.iter().enumerate().map(off).collect::<Vec<_>>());
    let layer = |l: usize| {
        // The streams are of single precision, after some roundings.
        let mut entry = |v: &f64| v + 8.0 * UNIT * v.abs() * sway();
        let of_pair = |x: &Vec<Vec<f64>>| x[l].iter().map(&mut entry).collect();
        let stream: Vec<Vec<f64>> = streams.iter().map(of_pair).collect();
        let [r2, living, cosine, shuffled, random] = read(l, &stream, &facts.latents);
        [error, r2, living, cosine, shuffled, random]
    };
    (0..=LAYERS).map(layer).collect()
}

const COLUMNS: [&str; 6] = [
    "model_error",
    "probe_r2",
    "living",
    "cosine",
    "shuffled_cosine",
    "random_cosine",
];

/// Claims: a-built-latent-has-its-element
#[test]
fn every_number_of_the_table_is_that_of_plain_loops() {
    let facts = Facts::draw();
    let expected = plain(&facts, || 0.0);
    let mut signs = Rng::stream(1, "test", "continuous-latent", 0);
    let mut sway = || 2.0 * signs.below(2) as f64 - 1.0;
    let strays: Vec<Vec<[f64; 6]>> = (0..8).map(|_| plain(&facts, &mut sway)).collect();
    let outcome = testing::run::<ContinuousLatent>(&settings(), &[SEED]);
    let found = table(outcome.tables[0].csv());
    assert_eq!(found.len(), LAYERS + 1);
    for (l, row) in found.iter().enumerate() {
        for (i, column) in COLUMNS.into_iter().enumerate() {
            let off = |stray: &Vec<[f64; 6]>| (stray[l][i] - expected[l][i]).abs();
            let furthest = largest(strays.iter().map(off));
            // Where single precision may change no more than this, an error in the code cannot be mistaken for
            // rounding.
            assert!(
                furthest < 0.02 || column == "living",
                "{l} {column}: {furthest}"
            );
            let what = format!("layer {l}: {column}");
            near(&what, row.number(column), expected[l][i], 2.0 * furthest);
        }
    }
    // The claim is settled by the largest cosine at the output, and by that in the middle layers minus that at the
    // output.
    let mut seen = 0;
    for m in &outcome.measures {
        let middle: &[usize] = match m.setting.as_str() {
            "" | "middle layers=from L/4 to 3L/4" | "middle layers=from L/8 to 7L/8" => &[1, 2, 3],
            "middle layers=from 3L/8 to 5L/8" => &[2],
            other => panic!("{other}"),
        };
        let of = |column: &str| {
            let at = |l: usize| Row::number(&found[l], column);
            let middle: Vec<f64> = middle.iter().map(|&l| at(l)).collect();
            match m.measure.starts_with("largest cosine of an element") {
                true => at(LAYERS),
                false => mean(&middle) - at(LAYERS),
            }
        };
        near(&m.setting, m.value, of("cosine"), 0.0);
        near(&m.setting, m.control_value, of("shuffled_cosine"), 0.0);
        seen += 1;
    }
    assert_eq!(seen, 2 * (1 + 3));
}
