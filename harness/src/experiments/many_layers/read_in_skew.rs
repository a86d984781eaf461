//! The experiment `read-in-skew`: are the features that trained layers read skewed towards one sign, as the post
//! predicts?

use kernels::mlp::{self, Parameters, Workspace};
use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};
use rayon::prelude::*;

use super::multilayer::streams;
use super::multilayer::task::Task;
use super::multilayer::{self, Multilayer, data, model_file};
use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::setting::Setting;
use crate::claim::{Bound, Claim, Kind, at_least};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::phase::Phase;
use crate::rng::{Rng, random_direction};
use crate::stats::mean;
use crate::stats::observations::Observations as _;
use crate::table::{Record, Table, Tables};
use crate::text;

/// The experiment `read-in-skew`; see the [module](self).
pub struct ReadInSkew;

crate::settings! {
    /// Settings of `read-in-skew`.
    pub struct Settings {
        /// Random second inputs that the effect of each first input is averaged over.
        partners: usize = 64, quick = 16, in 1..=8192;
        /// Most seeds to look at; the models are those that multilayer.saved_seeds keeps.
        most_seeds: usize = 5, in 1..=1000;
    }
}

crate::words! {
    /// A set of directions.
    pub enum Model {
        /// The directions that a trained model reads.
        Trained,
        /// The directions that the same model read before its training.
        Untrained,
        /// Random directions, drawn anew.
        Random,
    }
}

crate::rows! {
    /// Skew of the directions in which the features of the first input move the neurons of a layer.
    pub struct Skew in "skew" {
        /// trained, untrained or random (normal directions)
        model: Model [""],
        /// seed of the model
        seed: u64 [""],
        /// layer, from 1
        layer: usize ["layers"],
        /// share of the neurons that a feature moves to the side of its majority, mean over features
        majority: f64 ["1"],
        /// share of the neurons that a feature moves up, mean over features
        positive: f64 ["1"],
    }
}

static SKEWED: Claim<1> = Claim {
    id: "read-in-directions-are-skewed",
    kind: Kind::Finding,
    statement: "Features that a trained layer reads are skewed: each moves most neurons to the same side, since balanced ones \
        would cancel the non-linearity.",
    criterion: "share of the neurons that a feature moves to the side of its majority, mean over the features of the first \
        input and over the layers of a trained model, ≥ 0.75; reversed, as for balanced directions, if ≤ 0.6",
    control: "the same model before its training",
    conditions: [
        at_least(0.75, "share of neurons on the side of the majority").opposite(Bound::AtMost(0.6)),
    ],
};

/// A test of whether a layer is among those that are judged, by its number and that of the last layer.
type IsAmong = fn(usize, usize) -> bool;

/// The layers whose mean is judged: all at the point setting, and some in the other settings.
const LAYERS: [(&str, IsAmong); 4] = [
    ("all", |_, _| true),
    ("first", |layer, _| layer == 1),
    ("first half", |layer, last| 2 * layer <= last),
    ("last half", |layer, last| 2 * layer > last),
];

impl Experiment for ReadInSkew {
    type Settings = Settings;

    crate::no_units!();

    const ABOUT: &'static About = &About {
        id: "read-in-skew",
        title: "Are the features that layers read skewed?",
        summary: "Along a direction with as many negative as positive entries the non-linearities of a layer cancel, so the \
            post expects the features that a layer reads to be skewed towards one sign. Here is the prediction for trained \
            models: each value of the first input of a model of the preceding experiment is one feature, its effect on the \
            neurons of a layer before their GELU is averaged over random second inputs, and the neurons that it moves up are \
            counted against those that it moves down.",
        claims: &[&SKEWED],
        tables: &[Skew::SPEC],
        figures: &["skew"],
        needs: &["multilayer"],
    };

    fn memory(s: &Settings, needs: &Needs, threads: usize) -> f64 {
        let model: &multilayer::Settings = needs.settings(Multilayer::ABOUT.id);
        let (d, h, layers) = (model.width as f64, model.hidden as f64, model.layers as f64);
        let parameters = 2.0 * d * d + layers * (2.0 * d * h + d + h);
        let workspace = s.partners as f64 * ((layers + 3.0) * d + (2.0 * layers + 1.0) * h);
        threads as f64 * (4.0 * (2.0 * parameters + workspace + d * h) + 8.0 * layers * d * d)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        ctx.session.progress.start(ctx.seeds.len() as u64)?;
        let of_seeds = ctx.seeds.par_iter().map(|&seed| {
            let rows = of_seed(s, seed, ctx)?;
            ctx.session.progress.tick()?;
            Ok(rows)
        });
        let of_seeds: Vec<Result<Vec<Skew>, String>> = of_seeds.collect::<Result<_>>()?;
        let mut outcome = Outcome::default();
        for (&seed, rows) in ctx.seeds.iter().zip(&of_seeds) {
            for (i, (layers, is_among)) in LAYERS.into_iter().enumerate() {
                let majority = |model: Model| {
                    let rows = rows.as_ref().map_err(String::clone)?;
                    let last = rows.iter().map(|r| r.layer).max().unwrap_or(0);
                    let ours = rows.iter().filter(|r| r.model == model);
                    let ours = ours.filter(|r| is_among(r.layer, last));
                    Ok::<_, String>(mean(&ours.map(|r| r.majority).collect::<Vec<_>>()))
                };
                let cell = Setting::new([("layers", layers.into())]).point_if(i == 0);
                let claim = [majority(Model::Trained)];
                outcome.settle_in(&cell, &SKEWED, seed, claim, [majority(Model::Untrained)]);
            }
        }
        let rows: Vec<Skew> = of_seeds.into_iter().flatten().flatten().collect();
        outcome.tables = vec![Table::of(&rows)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let rows = tables.rows::<Skew>();
        let mut panel = Panel::new(
            "",
            Axis::linear("layer"),
            Axis::linear("share of neurons on the majority's side").range(0.4, 1.0),
        );
        for (model, role, label) in [
            (Model::Trained, Role::Distributed, "trained"),
            (Model::Untrained, Role::Control, "untrained"),
            (Model::Random, Role::Other(0), "random directions"),
        ] {
            let points = || {
                rows.iter()
                    .filter(|r| r.model == model)
                    .map(|r| (r.layer as f64, r.majority))
            };
            panel = panel
                .line(role, label, points().medians())
                .scatter(role, "", points());
        }
        vec![
            Figure::new(
                "skew",
                "Share of a layer's neurons that a feature of the first input moves to the side of its majority, mean over \
                 features: 0.5 is balanced, 1 is all to one side. Lines are medians over seeds, points single seeds; dotted \
                 across: the criterion.",
            )
            .columns(1)
            .panel(panel.level(0.75, "0.75")),
        ]
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        let rows = tables.rows::<Skew>();
        let percent = |model: Model, value: fn(&Skew) -> f64| {
            let ours = rows.iter().filter(|r| r.model == model).map(value);
            text::percent(mean(&ours.collect::<Vec<_>>()))
        };
        if rows.is_empty() {
            return "No model was there to look into.".into();
        }
        format!(
            "On average over the layers, a feature moves {} of the neurons to the side of its majority in trained models, {} \
             before training, and {} along random directions. Of all effects in trained models, {} are upwards.",
            percent(Model::Trained, |r| r.majority),
            percent(Model::Untrained, |r| r.majority),
            percent(Model::Random, |r| r.majority),
            percent(Model::Trained, |r| r.positive),
        )
    }
}

/// Returns the rows of a seed, or the reason why there is no model.
fn of_seed(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Result<Vec<Skew>, String>> {
    let _span = Phase::Metrics.begin();
    let task: Task = match streams::models(seed, ctx) {
        Ok([trained, _]) => trained,
        Err(why) => return Ok(Err(why)),
    };
    let path = ctx.session.find(&model_file::path(task));
    let trained = model_file::read(&path)?;
    let shape = trained.shape();
    let mut rng = ctx.rng(seed, "partners", 0);
    let partners = rng.choose(shape.vocabulary, s.partners.min(shape.vocabulary));
    let untrained = data::initial(shape, seed);
    let exec = ctx.session.serial();
    let mut rows = Vec::new();
    for (model, parameters) in [(Model::Trained, &trained), (Model::Untrained, &untrained)] {
        for (l, effects) in effects(exec, parameters, &partners).iter().enumerate() {
            rows.push(Skew::of(model, seed, l + 1, effects, shape.hidden));
        }
    }
    let mut rng = ctx.rng(seed, "random directions", 0);
    for layer in 1..=shape.layers {
        let random = random_directions(shape.vocabulary, shape.hidden, &mut rng);
        rows.push(Skew::of(Model::Random, seed, layer, &random, shape.hidden));
    }
    Ok(Ok(rows))
}

fn random_directions(count: usize, n: usize, rng: &mut Rng) -> Vec<f32> {
    let directions = (0..count).flat_map(|_| random_direction(n, rng));
    directions.map(|v| v as f32).collect()
}

/// Returns the effect of each value of the first input on the neurons of each layer before their activation, a row for
/// each value: its mean over the partners minus the mean over all values.
pub fn effects(exec: Exec, parameters: &Parameters, partners: &[usize]) -> Vec<Vec<f32>> {
    let shape = parameters.shape();
    let (values, width) = (shape.vocabulary, shape.width);
    // The mean residual stream before each layer, a row for each value.
    let mut means = vec![vec![0f64; values * width]; shape.layers];
    let mut workspace = Workspace::new(shape, partners.len());
    for i in 0..values {
        let pairs: Vec<[u32; 2]> = partners.iter().map(|&j| [i as u32, j as u32]).collect();
        mlp::forward(exec, parameters, &pairs, &mut workspace);
        for (l, means) in means.iter_mut().enumerate() {
            let x = workspace.residual(l);
            let mean = &mut means[i * width..][..width];
            for row in 0..x.rows() {
                let values = mean.iter_mut().zip(x.row(row));
                values.for_each(|(m, &v)| *m += f64::from(v) / partners.len() as f64);
            }
        }
    }
    let effect = |(l, means): (usize, &Vec<f64>)| {
        let all = |j: usize| means.iter().skip(j).step_by(width).sum::<f64>() / values as f64;
        let all: Vec<f64> = (0..width).map(all).collect();
        let centred = means
            .iter()
            .enumerate()
            .map(|(at, m)| (m - all[at % width]) as f32);
        let centred: Vec<f32> = centred.collect();
        let mut effects = vec![0.0; values * shape.hidden];
        let room = MatMut::from_rows(&mut effects, shape.hidden);
        let centred = MatRef::from_rows(&centred, width);
        matmul(
            exec,
            centred,
            parameters.block(l).w1.t(),
            Accumulate::Replace,
            room,
        );
        effects
    };
    means.iter().enumerate().map(effect).collect()
}

impl Skew {
    /// Returns the skew of directions on `neurons` neurons, a row for each direction.
    pub fn of(model: Model, seed: u64, layer: usize, directions: &[f32], neurons: usize) -> Self {
        let positive =
            |row: &[f32]| row.iter().filter(|&&v| v > 0.0).count() as f64 / neurons as f64;
        let shares: Vec<f64> = directions.chunks_exact(neurons).map(positive).collect();
        let majority: Vec<f64> = shares.iter().map(|&p| p.max(1.0 - p)).collect();
        Skew {
            model,
            seed,
            layer,
            majority: mean(&majority),
            positive: mean(&shares),
        }
    }
}
