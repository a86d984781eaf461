//! `read-in-skew` against plain loops in f64.

use harness::experiments::autoencoders::unfinished_features;
use harness::experiments::many_layers::multilayer::{self, data};
use harness::experiments::many_layers::read_in_skew::{self, Model, Skew, effects};
use harness::rng::{Rng, random_direction};
use harness::settings::{Preset, Settings as _};
use kernels::mlp::Shape;
use kernels::{Activation, Exec, Isa};
use proptests::each_isa;
use proptests::reference::gelu;

each_isa!(effects_are_those_of_plain_loops);
/// Claims: read-in-directions-are-skewed
fn effects_are_those_of_plain_loops(isa: Isa) {
    let shape = Shape {
        vocabulary: 6,
        width: 5,
        hidden: 4,
        layers: 2,
        activation: Activation::Gelu,
    };
    let parameters = data::initial(shape, 3);
    let partners = [4, 1, 2];
    let found = effects(Exec::serial(isa), &parameters, &partners);
    let [first, second] = parameters.embeddings();
    let streams = |i: usize, j: usize| -> Vec<Vec<f64>> {
        let embedded = first.row(i).iter().zip(second.row(j));
        let mut x: Vec<f64> = embedded
            .map(|(a, b)| f64::from(*a) + f64::from(*b))
            .collect();
        let mut all = vec![x.clone()];
        for l in 0..shape.layers {
            let block = parameters.block(l);
            let dot = |row: &[f32], x: &[f64]| {
                row.iter()
                    .zip(x)
                    .map(|(w, x)| f64::from(*w) * x)
                    .sum::<f64>()
            };
            let active: Vec<f64> = (0..shape.hidden)
                .map(|k| gelu(dot(block.w1.row(k), &x) + f64::from(block.b1[k])))
                .collect();
            let update: Vec<f64> = (0..shape.width)
                .map(|k| dot(block.w2.row(k), &active) + f64::from(block.b2[k]))
                .collect();
            x.iter_mut().zip(update).for_each(|(x, u)| *x += u);
            all.push(x.clone());
        }
        all
    };
    for (l, found) in found.iter().enumerate() {
        let before = |i: usize, k: usize| {
            let row = parameters.block(l).w1;
            let of = |j: usize| {
                let x = &streams(i, j)[l];
                row.row(k)
                    .iter()
                    .zip(x)
                    .map(|(w, x)| f64::from(*w) * x)
                    .sum::<f64>()
            };
            partners.iter().map(|&j| of(j)).sum::<f64>() / partners.len() as f64
        };
        for i in 0..shape.vocabulary {
            for k in 0..shape.hidden {
                let all = (0..shape.vocabulary).map(|i| before(i, k)).sum::<f64>();
                let expected = before(i, k) - all / shape.vocabulary as f64;
                let found = f64::from(found[i * shape.hidden + k]);
                // Some dozen roundings in f32 of numbers below 4 are allowed.
                assert!(
                    (found - expected).abs() < 1e-5,
                    "{l} {i} {k}: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn the_majority_is_counted_and_random_directions_are_nearly_balanced() {
    let skew = Skew::of(
        Model::Trained,
        0,
        1,
        &[1.0, 2.0, -1.0, 3.0, -1.0, -2.0, -3.0, 4.0],
        4,
    );
    assert_eq!((skew.majority, skew.positive), (0.75, 0.5));
    let mut rng = Rng::stream(1, "test", "directions", 0);
    let directions: Vec<f32> = (0..2000)
        .flat_map(|_| random_direction(100, &mut rng))
        .map(|v| v as f32)
        .collect();
    let skew = Skew::of(Model::Random, 0, 1, &directions, 100);
    // The mean is 1/2 plus the mean distance of a fair binomial share of 100 from it, C(100, 50) / 2^101 = 0.0398,
    // within five standard errors of a mean of 2000 such distances, whose standard deviation is 0.03.
    assert!((skew.majority - 0.5398).abs() < 0.0034, "{}", skew.majority);
}

/// Enough models are saved for every experiment that reads them, or their claims would be undecided for want of a
/// model.
#[test]
fn as_many_models_are_saved_as_experiments_look_into() {
    for preset in Preset::ALL {
        let saved = multilayer::Settings::preset(preset).saved_seeds;
        let skew = read_in_skew::Settings::preset(preset).most_seeds;
        let unfinished = unfinished_features::Settings::preset(preset).most_seeds;
        assert!(saved >= skew.max(unfinished), "{}", preset.name());
    }
}
