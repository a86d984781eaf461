//! The experiment `continuous-latent`: does a sparse autoencoder find the direction of a latent that is built up over
//! layers?

use kernels::MatRef;
use kernels::sae::{L1, Rows, Shape, Variant};

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::setting::Setting;
use crate::claim::{Claim, Kind, at_least, at_most};
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, OfSeed};
use crate::experiments::many_layers::multilayer::streams::scale;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::sae::training::{self, Candidate, Recipe, Trained};
use crate::stats::mean;
use crate::stats::observations::Observations;
use crate::table::{Record, Table, Tables};
use crate::text::number;

mod model;
mod reading;
mod settings;

use model::Facts;
use reading::Closeness;
pub use settings::Settings;

static DIRECTION: Claim<2> = Claim {
    id: "a-built-latent-has-its-element",
    kind: Kind::Finding,
    statement: "A sparse autoencoder has an element along the direction in which a probe reads a continuous latent once the \
        latent is built, and none so close to it in the middle layers.",
    criterion: "largest |cosine| of a living element with the direction of the probe: at least 0.8 at the output, and lower by \
        at least 0.1 in the mean over the layers from L/4 to 3L/4",
    control: "probes for the same latents dealt anew to the pairs, on the same streams and dictionaries",
    conditions: [
        at_least(
            0.8,
            "largest cosine of an element with the probe at the output",
        ),
        at_most(
            -0.1,
            "largest cosine in the middle layers minus that at the output",
        ),
    ],
};

/// The choices of the layers that count as the middle, by name and share of the depth: from that share on to as much
/// before the end. The first is the point setting.
const MIDDLE: [(&str, f64); 3] = [
    ("from L/4 to 3L/4", 0.25),
    ("from L/8 to 7L/8", 0.125),
    ("from 3L/8 to 5L/8", 0.375),
];

const NAMES: &[&str] = &["probe-by-layer"];

crate::rows! {
    /// One layer of a model that learned a continuous latent.
    pub struct Layer in "layers" {
        /// seed
        seed: u64 [""],
        /// layer l after which the residual stream is read; 0 is the input layer
        layer: usize [""],
        /// ‖x_L − target‖² of the model's output, mean over pairs; targets have a squared norm of some 0.4
        model_error: f64 ["1"],
        /// R² of a linear probe for the latent on pairs that it was not fitted to
        probe_r2: f64 ["1"],
        /// living elements of the dictionary
        living: usize ["elements"],
        /// largest |cosine| of a living element with the direction of the probe
        cosine: f64 ["1"],
        /// the same for probes of latents dealt anew to the pairs (the control)
        shuffled_cosine: f64 ["1"],
        /// largest |cosine| of as many random directions with the probe
        random_cosine: f64 ["1"],
        /// why the layer has no values; empty where it has them
        missing: String [""],
    }
}

/// The seconds of a step of the model for each pair of the minibatch and layer, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_LAYER: f64 = 1.25e-6;
/// The seconds of a step of the model for each pair of the minibatch, layer and weight of either matrix of the layer,
/// fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_WEIGHT: f64 = 4e-10;
/// The seconds of a step of a dictionary for each sample and weight, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_DICTIONARY: f64 = 2.8e-10;

/// The experiment `continuous-latent`; see the [module](self).
pub struct ContinuousLatent;

impl Experiment for ContinuousLatent {
    type Settings = Settings;
    type Unit = OfSeed;
    type Piece = Vec<Layer>;

    const SIDE_BY_SIDE: bool = true;

    const ABOUT: &'static About = &About {
        id: "continuous-latent",
        title: "A continuous latent, layer by layer",
        summary: "Gurnee and Tegmark read latitude and longitude off the layers of language models with linear probes, and \
        the post asks what a sparse autoencoder finds there while such a direction is built up. Here a residual MLP learns \
        by heart a random number between 0 and 1 and a class for each of many pairs of tokens. After every layer a linear \
        probe reads the number, and a sparse autoencoder (L1) is trained: how close does one of its elements come to the \
        direction of the probe?",
        claims: &[&DIRECTION],
        tables: &[Layer::SPEC],
        figures: NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        let (d, h, layers) = (s.width as f64, s.hidden as f64, s.layers as f64);
        let parameters = 2.0 * d * d + layers * (2.0 * d * h + d + h);
        let rows = (3 * s.batch).max(s.pairs) as f64;
        let workspace = rows * ((layers + 3.0) * d + (2.0 * layers + 1.0) * h);
        let streams = 2.0 * s.pairs as f64 * (layers + 1.0) * d;
        let elements = std::iter::repeat_n(s.ratio * s.width, s.layers + 1);
        let training = s.training.memory(s.width, elements);
        threads as f64
            * (4.0 * (4.0 * parameters + workspace + streams) + 8.0 * d * d + training + 1e6)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(_: &Settings, seeds: &[u64]) -> Vec<OfSeed> {
        OfSeed::each(seeds)
    }

    fn name(unit: &OfSeed) -> String {
        unit.name()
    }

    fn cost(s: &Settings, _: &OfSeed, _: &Needs) -> Cost {
        let of_dictionaries = (s.layers as u64 + 1) * s.training.steps;
        let of_pair = SECONDS_OF_LAYER + SECONDS_OF_WEIGHT * (s.width * s.hidden) as f64;
        let pairs = (s.layers * s.batch.min(s.pairs)) as f64;
        let weights = (s.ratio * s.width * s.width) as f64;
        let samples = of_dictionaries as f64 * s.training.batch as f64;
        Cost {
            ticks: s.steps + of_dictionaries,
            seconds: s.steps as f64 * pairs * of_pair + SECONDS_OF_DICTIONARY * samples * weights,
        }
    }

    fn compute(s: &Settings, &OfSeed(seed): &OfSeed, ctx: &Ctx) -> Result<Vec<Layer>> {
        layers(s, seed, ctx)
    }

    fn conclude(s: &Settings, pieces: Vec<Vec<Layer>>, ctx: &Ctx) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for (&seed, of_seed) in ctx.seeds.iter().zip(&pieces) {
            for (i, (name, of_depth)) in MIDDLE.into_iter().enumerate() {
                let is_middle = |layer: usize| {
                    let depth = layer as f64 / s.layers as f64;
                    (of_depth..=1.0 - of_depth).contains(&depth)
                };
                let [claim, control] = [|r: &Layer| r.cosine, |r: &Layer| r.shuffled_cosine]
                    .map(|column| conditions(of_seed, is_middle, column));
                let cell = Setting::new([("middle layers", name.into())]).point_if(i == 0);
                outcome.settle_in(&cell, &DIRECTION, seed, claim, control);
            }
        }
        outcome.tables = vec![Table::of(&pieces.concat())];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        vec![draw(tables)]
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        findings(tables)
    }
}

/// Trains the model of a seed and a dictionary for each of its layers, and returns a row for each layer.
fn layers(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Vec<Layer>> {
    let facts = Facts::draw(s, seed, ctx);
    let streams = match model::streams(s, &facts, seed, ctx)? {
        Ok(streams) => streams,
        Err(why) => {
            let left = (s.layers as u64 + 1) * s.training.steps;
            ctx.session.progress.advance(left)?;
            return Ok((0..=s.layers)
                .map(|layer| Layer::missing(seed, layer, &why))
                .collect());
        }
    };
    let streams: Vec<MatRef> = streams
        .iter()
        .map(|x| MatRef::from_rows(x, s.width))
        .collect();
    let model_error = model::error(streams[s.layers], &facts);
    let scales: Vec<f32> = streams.iter().map(|&x| scale(x)).collect();
    let candidate = |layer: usize| {
        let shape = Shape {
            width: s.width,
            dictionary: s.ratio * s.width,
        };
        let variant = Variant::L1(L1 {
            lambda: s.l1 as f32,
            rows: Rows::Unit,
        });
        let mut rng = ctx.rng(seed, "initial-dictionary", layer as u64);
        Candidate {
            slug: format!("layer{layer}-seed{seed}"),
            title: format!("dictionary of layer {layer}, seed {seed}"),
            source: layer,
            start: training::initial(shape, variant, &mut rng),
            recipe: Recipe::default(),
        }
    };
    let draw = |layer: usize, step: u64| {
        let mut rng = ctx.rng(seed, "batch", step);
        let x = streams[layer];
        let rows = (0..s.training.batch).map(|_| x.row(rng.below(x.rows())));
        rows.flatten().map(|v| scales[layer] * v).collect()
    };
    let candidates = (0..=s.layers).map(candidate).collect();
    let trained = training::train(candidates, &s.training, s, &ctx.session, draw)?;
    let read = |(layer, trained): (usize, &Trained)| {
        let mut rng = ctx.rng(seed, "shuffle", layer as u64);
        let scaled: Vec<f32> = (0..s.pairs)
            .flat_map(|i| streams[layer].row(i))
            .map(|v| scales[layer] * v)
            .collect();
        let x = MatRef::from_rows(&scaled, s.width);
        let living = living(trained, x, ctx);
        let fitted = (s.fitted * s.pairs as f64).round() as usize;
        let settings = (fitted, s.ridge, s.shuffles);
        let close = match &trained.divergence {
            Some(how) => Err(how.clone()),
            None => Closeness::of(&living, x, &facts.latents, settings, &mut rng),
        };
        match close {
            Err(why) => Layer::missing(seed, layer, &why),
            Ok(close) => Layer {
                seed,
                layer,
                model_error,
                probe_r2: close.r2,
                living: living.len() / s.width,
                cosine: close.cosine,
                shuffled_cosine: close.shuffled,
                random_cosine: close.random,
                missing: String::new(),
            },
        }
    };
    Ok(trained.iter().enumerate().map(read).collect())
}

/// Returns the directions of the elements that fire on some pair, n×d.
fn living(trained: &Trained, x: MatRef, ctx: &Ctx) -> Vec<f64> {
    let parameters = &trained.parameters;
    let stream = crate::sae::reading::measure(ctx.session.serial(), parameters, x);
    let rows = parameters.dictionary();
    let fires = |&j: &usize| stream.firings()[j] > 0;
    let living = (0..rows.rows()).filter(fires);
    living
        .flat_map(|j| rows.row(j))
        .map(|&v| v.into())
        .collect()
}

impl Layer {
    fn missing(seed: u64, layer: usize, why: &str) -> Layer {
        Layer {
            seed,
            layer,
            model_error: f64::NAN,
            probe_r2: f64::NAN,
            living: 0,
            cosine: f64::NAN,
            shuffled_cosine: f64::NAN,
            random_cosine: f64::NAN,
            missing: why.into(),
        }
    }
}

/// Returns the value of `column` at the output, and its mean in the middle layers minus that; or why a layer has none.
fn conditions(
    rows: &[Layer],
    is_middle: impl Fn(usize) -> bool,
    column: fn(&Layer) -> f64,
) -> [Result<f64, String>; 2] {
    if let Some(row) = rows.iter().find(|r| !r.missing.is_empty()) {
        let why = format!("layer {}: {}", row.layer, row.missing);
        return [Err(why.clone()), Err(why)];
    }
    let middle = rows.iter().filter(|r| is_middle(r.layer));
    let middle = mean(&middle.map(column).collect::<Vec<_>>());
    let output = column(&rows[rows.len() - 1]);
    [Ok(output), Ok(middle - output)]
}

/// Draws R² of the probe and the largest cosines, by layer.
fn draw(tables: &Tables) -> Figure {
    let rows = tables.rows::<Layer>();
    let curve = |panel: Panel, role: Role, label: &str, column: fn(&Layer) -> f64| {
        let points: Vec<(usize, f64)> = rows.iter().map(|r| (r.layer, column(r))).collect();
        let seeds = points.iter().map(|&(l, v)| (l as f64, v));
        let panel = panel.scatter(role, "", seeds);
        panel.line(role, label, points.into_iter().medians())
    };
    let x = || Axis::linear("layer l");
    let known = Panel::new(
        "",
        x(),
        Axis::linear("R² of a probe for the latent").range(-1.0, 1.02),
    );
    let known = curve(known, Role::Other(0), "probe, on held-out pairs", |r| {
        r.probe_r2
    });
    let y = Axis::linear("largest |cosine| with the probe").range(0.0, 1.02);
    let close = Panel::new("", x(), y);
    let close = curve(close, Role::Other(2), "random directions", |r| {
        r.random_cosine
    });
    let close = curve(close, Role::Control, "control: shuffled latents", |r| {
        r.shuffled_cosine
    });
    let close = curve(close, Role::Distributed, "elements", |r| r.cosine);
    let caption = "How well a linear probe reads the latent off each layer, and the largest |cosine| of an element of \
        that layer's dictionary with the direction of the probe, beside that with probes of shuffled latents and that of \
        as many random directions. Lines are medians over seeds, points are seeds.";
    Figure::new(NAMES[0], caption).panel(known).panel(close)
}

fn findings(tables: &Tables) -> String {
    let rows = tables.rows::<Layer>();
    let Some(blocks) = rows.iter().map(|r| r.layer).max().filter(|&l| l > 0) else {
        return "No layer was read.".into();
    };
    let at = |layer: usize, column: fn(&Layer) -> f64| {
        let ours = rows.iter().filter(|r| r.layer == layer);
        let median = ours.map(|r| (0usize, column(r))).medians();
        number(median.first().map_or(f64::NAN, |m| m.1))
    };
    let middle = blocks / 2;
    format!(
        "At the output the probe reads the latent with an R² of {}, and the element closest to its direction has a cosine of {} \
         with it. Half way, at layer {middle}, the R² is {} and the cosine {}; for shuffled latents it is {} at the output. \
         The output is trained onto an axis that was chosen for the latent, so that an element there is nearly so by \
         construction: what is found is how it comes about on the way.",
        at(blocks, |r| r.probe_r2),
        at(blocks, |r| r.cosine),
        at(middle, |r| r.probe_r2),
        at(middle, |r| r.cosine),
        at(blocks, |r| r.shuffled_cosine),
    )
}
