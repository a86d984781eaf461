//! The experiment `linear-probes`: what a layer without a non-linearity can never make available to a linear probe, and
//! a layer of distributed features with one can.

mod figures;
mod model;
mod probe;
mod settings;
mod tables;

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::setting::Setting;
use crate::claim::{Claim, Kind, at_least, at_most};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::response_curve::Layer;
use crate::figure::Figure;
use crate::session::progress;
use crate::stats::max;
use crate::table::record::Word as _;
use crate::table::{Record, Table, Tables};

use model::{Matrix, Model, dot};
use probe::Probe;
pub use settings::Settings;
pub use tables::{Accuracy, Example, Identity, Output, Skew, Stage};

/// The experiment `linear-probes`; see the [module](self).
pub struct LinearProbes;

/// The number of levels along each side of the plane.
const SIDE: usize = 61;
/// The smallest and the largest level on each side of the plane.
const PLANE_ENDS: (f64, f64) = (-0.5, 1.5);
/// The number of examples shown over the plane.
const SHOWN: usize = 160;

static ABSORBS: Claim<3> = Claim {
    id: "probe-absorbs-linear-map",
    kind: Kind::Law,
    statement: "A linear probe absorbs any linear layer before it, so that none makes information \
        linearly available; a layer of distributed features with GELU does, even where positive and \
        negative entries are as many.",
    criterion: "features along random directions, whose entries are positive with probability 0.5: probe accuracy for XOR on \
        held-out examples ≥ 0.95 after the layer and ≤ 0.55 before it; p·(Ax) = (Aᵀp)·x up to rounding",
    control: "the same layer without its GELU, and with it but each feature on a neuron of its own, where no neuron sees \
        both: the better of the two",
    conditions: [
        at_least(0.95, "accuracy after the layer"),
        at_most(0.55, "accuracy before it"),
        at_most(1.0, "|p·(Ax) − (Aᵀp)·x| over its rounding bound"),
    ],
};

impl Experiment for LinearProbes {
    type Settings = Settings;

    crate::no_units!();

    const ABOUT: &'static About = &About {
        id: "linear-probes",
        title: "What a linear layer cannot make linearly available",
        summary: "A probe p on Ax is the probe Aᵀp on x: whatever a linear layer A \
        computes, a linear probe could have read before it. A non-linear layer is different. Two features \
        are on or off in a noisy input, and a layer writes each of them along its own random direction, \
        spread over all neurons at the scale √n. A least-squares probe is asked for the XOR of the two: on \
        the input, after the layer, after the same layer without its GELU, and after one where each feature has a neuron of \
        its own. Examples are balanced over \
        the four cases, so that neither feature alone says anything about their XOR.",
        claims: &[&ABSORBS],
        tables: &[
            Accuracy::SPEC,
            Skew::SPEC,
            Identity::SPEC,
            Output::SPEC,
            Example::SPEC,
        ],
        figures: &["xor-probes"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // The two sets of examples, before and after the layer, once per thread; the normal equations and their factor.
        let examples = (s.train + s.test) as f64 * (s.inputs + 2 * s.n + 4) as f64 * 4.0;
        let widest = s.n.max(s.inputs) as f64;
        threads as f64 * (examples + widest * widest * 16.0 + (s.n * s.inputs) as f64 * 4.0) + 1e7
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        ctx.session.progress.start(ctx.seeds.len() as u64)?;
        let trials: Result<Vec<Trial>> = ctx
            .seeds
            .par_iter()
            .map(|&seed| {
                let trial = Trial::run(s, seed, ctx)?;
                ctx.session.progress.tick()?;
                Ok(trial)
            })
            .collect();
        let mut outcome = Outcome::default();
        let (mut accuracy, mut skews, mut identity) = (Vec::new(), Vec::new(), Vec::new());
        let (mut plane, mut examples) = (Vec::new(), Vec::new());
        for (i, (&seed, trial)) in ctx.seeds.iter().zip(trials?).enumerate() {
            let of_bound = trial.identity.of_bound;
            let [before, linear, aligned, gelu] = trial.accuracy.each_ref().map(|row| row.test);
            let conditions = |after| [after, before, of_bound];
            let control = conditions(max([linear, aligned]));
            outcome.settle(&ABSORBS, seed, conditions(gelu), control);
            for (row, i) in trial.skews.iter().zip(0..) {
                let share = row.positive_share.to_string();
                let setting = Setting::new([("share of positive entries", share)]);
                let setting = setting.point_if(i == 0);
                outcome.settle_in(&setting, &ABSORBS, seed, conditions(row.test), control);
            }
            accuracy.extend(trial.accuracy);
            skews.extend(trial.skews);
            identity.push(trial.identity);
            if i == 0 {
                (plane, examples) = (trial.plane, trial.examples);
            }
        }
        outcome.tables = vec![
            Table::of(&accuracy),
            Table::of(&skews),
            Table::of(&identity),
            Table::of(&plane),
            Table::of(&examples),
        ];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, _: &Ledger) -> String {
        figures::findings(tables)
    }
}

/// The measurements at one seed.
struct Trial {
    /// The accuracies, a row for each stage, in the order of the stages.
    accuracy: [Accuracy; 4],
    /// The accuracies after skewed layers, a row for each share of positive entries.
    skews: Vec<Skew>,
    identity: Identity,
    plane: Vec<Output>,
    examples: Vec<Example>,
}

impl Trial {
    fn run(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Self> {
        let model = Model::new(s, &mut ctx.rng(seed, "features", 0));
        let train = model.examples(s, s.train, &mut ctx.rng(seed, "train", 0));
        let test = model.examples(s, s.test, &mut ctx.rng(seed, "test", 0));
        let layer = Layer::of_gelu(ctx.session.serial());
        let (levels, inputs) = plane(&model);

        // What a stage computes in single precision is off by up to 2⁻²⁴ for each product that it sums, and what a
        // probe makes of it by as much for each neuron.
        let rounding = s.n.max(s.inputs) as f64 * 2f64.powi(-24);
        let mut plane = Vec::new();
        let mut accuracy = Vec::new();
        let aligned = model.aligned(s);
        for &stage in Stage::ALL {
            progress::check()?;
            let of = |x| match stage {
                Stage::AlignedLayer => aligned.stage(x, stage, layer),
                _ => model.stage(x, stage, layer),
            };
            let (fitted, held_out, grid) = (of(&train.x), of(&test.x), of(&inputs));
            let probe = Probe::fit(fitted.as_ref(), &train.labels, s.ridge, rounding);
            let inputs = grid.values.chunks_exact(grid.columns);
            plane.extend(levels.iter().zip(inputs).map(|(&(a, b), x)| Output {
                stage,
                a,
                b,
                output: probe.output(x),
            }));
            accuracy.push(Accuracy {
                stage,
                seed,
                train: probe.accuracy(fitted.as_ref(), &train.labels),
                test: probe.accuracy(held_out.as_ref(), &test.labels),
            });
        }
        let mut skews = Vec::new();
        for &positive_share in &s.positive_shares {
            progress::check()?;
            let skewed = model.skewed(s, positive_share, &mut ctx.rng(seed, "signs", 0));
            let of = |x| skewed.stage(x, Stage::GeluLayer, layer);
            let probe = Probe::fit(of(&train.x).as_ref(), &train.labels, s.ridge, rounding);
            skews.push(Skew {
                positive_share,
                seed,
                test: probe.accuracy(of(&test.x).as_ref(), &test.labels),
            });
        }
        let [largest, difference, of_bound] =
            model.identity(&test.x, layer, &mut ctx.rng(seed, "probe", 0));
        let shown = test.x.values.chunks_exact(s.inputs).zip(&test.labels);
        let shown = shown.take(SHOWN).map(|(x, &label)| Example {
            a: dot(&model.read[0], x),
            b: dot(&model.read[1], x),
            xor: usize::from(label > 0.0),
        });
        Ok(Trial {
            accuracy: accuracy.try_into().expect("a row for each stage"),
            skews,
            identity: Identity {
                seed,
                largest,
                difference,
                of_bound,
            },
            plane,
            examples: shown.collect(),
        })
    }
}

/// Returns the levels of both features over a grid, and the matrix of the noiseless inputs there.
fn plane(model: &Model) -> (Vec<(f64, f64)>, Matrix) {
    let (low, high) = PLANE_ENDS;
    let level = |i: usize| low + (high - low) * i as f64 / (SIDE - 1) as f64;
    let levels: Vec<_> = (0..SIDE * SIDE)
        .map(|i| (level(i % SIDE), level(i / SIDE)))
        .collect();
    let values = levels
        .iter()
        .flat_map(|&(a, b)| model.input(a, b))
        .map(|v| v as f32);
    let matrix = Matrix {
        columns: model.features[0].len(),
        values: values.collect(),
    };
    (levels, matrix)
}
