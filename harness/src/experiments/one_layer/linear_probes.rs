//! `linear-probes`: what a layer without a non-linearity can never make available to a linear probe,
//! and a layer of distributed features with one can.

mod model;
mod probe;
mod settings;

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, Kind, at_least, at_most};
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::one_layer::response_curve::Layer;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::session::progress;
use crate::stats::observations::Observations;
use crate::stats::{max, min};
use crate::table::record::Word;
use crate::table::{Record, Table, Tables};
use crate::text::number;

use model::{Matrix, Model, dot};
use probe::Probe;
pub use settings::Settings;

/// See the [module](self).
pub struct LinearProbes;

crate::words! {
    /// The values that a probe reads.
    pub enum Stage {
        /// The input itself.
        Input,
        /// What the layer computes without its GELU.
        #[strum(serialize = "linear layer")]
        LinearLayer,
        /// What the layer computes.
        #[strum(serialize = "gelu layer")]
        GeluLayer,
    }
}

crate::rows! {
    /// Accuracy of a linear probe for the XOR of two features.
    pub struct Accuracy in "accuracy" {
        /// what the probe reads: input, linear layer or gelu layer
        stage: Stage [""],
        /// seed of features and examples
        seed: u64 [""],
        /// share of the fitted examples that it gets right
        train: f64 ["1"],
        /// share of the held-out examples that it gets right
        test: f64 ["1"],
    }
}

crate::rows! {
    /// A random probe p on Ax against the probe Aᵀp on x, over the held-out examples.
    pub struct Identity in "identity" {
        /// seed of features, examples and probe
        seed: u64 [""],
        /// largest |p·(Ax)|
        largest: f64 ["1"],
        /// largest |p·(Ax) − (Aᵀp)·x|
        difference: f64 ["1"],
        /// largest difference over the bound on the rounding of that example
        of_bound: f64 ["1"],
    }
}

crate::rows! {
    /// Output of the probes on noiseless inputs with both features at given levels, at the first seed.
    pub struct Output in "plane" {
        /// what the probe reads: input, linear layer or gelu layer
        stage: Stage [""],
        /// level of the first feature
        a: f64 ["1"],
        /// level of the second feature
        b: f64 ["1"],
        /// output of the probe, fitted to 1 where XOR holds and −1 elsewhere
        output: f64 ["1"],
    }
}

crate::rows! {
    /// Some held-out examples of the first seed.
    pub struct Example in "examples" {
        /// level of the first feature, as read from the input
        a: f64 ["1"],
        /// level of the second feature, as read from the input
        b: f64 ["1"],
        /// 1 where exactly one of the two features is on, else 0
        xor: usize [""],
    }
}

/// Levels along each side of the plane, and its ends.
const SIDE: usize = 61;
const PLANE_ENDS: (f64, f64) = (-0.5, 1.5);
/// Examples drawn over the plane.
const SHOWN: usize = 160;

static ABSORBS: Claim<3> = Claim {
    id: "probe-absorbs-linear-map",
    kind: Kind::Law,
    statement: "A linear probe absorbs any linear layer before it, so that none makes information \
        linearly available; a layer of distributed features with GELU does.",
    criterion: "probe accuracy for XOR on held-out examples ≥ 0.95 after the layer and ≤ 0.55 before \
        it; p·(Ax) = (Aᵀp)·x up to rounding",
    control: "the same layer without its GELU",
    conditions: [
        at_least(0.95, "accuracy after the layer"),
        at_most(0.55, "accuracy before it"),
        at_most(1.0, "|p·(Ax) − (Aᵀp)·x| over its rounding bound"),
    ],
};

impl Experiment for LinearProbes {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "linear-probes",
        title: "What a linear layer cannot make linearly available",
        summary: "A probe p on Ax is the probe Aᵀp on x: whatever a linear layer A \
        computes, a linear probe could have read before it. A non-linear layer is different. Two features \
        are on or off in a noisy input, and a layer writes each of them along its own random direction, \
        spread over all neurons at the scale √n. A least-squares probe is asked for the XOR of the two: on \
        the input, after the layer, and after the same layer without its GELU. Examples are balanced over \
        the four cases, so that neither feature alone says anything about their XOR.",
        claims: &[&ABSORBS],
        tables: &[Accuracy::SPEC, Identity::SPEC, Output::SPEC, Example::SPEC],
        figures: &["xor-probes"],
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // The two sets of examples, before and after the layer, once per thread; the normal equations and their factor.
        let examples = (s.train + s.test) as f64 * (s.inputs + 2 * s.n + 4) as f64 * 4.0;
        let widest = s.n.max(s.inputs) as f64;
        threads as f64 * (examples + widest * widest * 16.0 + (s.n * s.inputs) as f64 * 4.0) + 1e7
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
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
        let (mut accuracy, mut identity) = (Vec::new(), Vec::new());
        let (mut plane, mut examples) = (Vec::new(), Vec::new());
        for (i, (&seed, trial)) in ctx.seeds.iter().zip(trials?).enumerate() {
            let of_bound = trial.identity.of_bound;
            let [before, linear, gelu] = trial.accuracy.each_ref().map(|row| row.test);
            let conditions = |after| [after, before, of_bound];
            outcome.settle(&ABSORBS, seed, conditions(gelu), conditions(linear));
            accuracy.extend(trial.accuracy);
            identity.push(trial.identity);
            if i == 0 {
                (plane, examples) = (trial.plane, trial.examples);
            }
        }
        outcome.tables = vec![
            Table::of(&accuracy),
            Table::of(&identity),
            Table::of(&plane),
            Table::of(&examples),
        ];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let mut figure = Figure::new(
            "xor-probes",
            "Output of a linear probe for the XOR of two features over their levels, noiseless, on one scale: \
             1 where it should hold and −1 elsewhere; the line is where the probe changes its mind. Dots are \
             held-out examples. All at the first seed; the last panel shows the accuracy at every seed.",
        );
        let (plane, examples) = (tables.rows::<Output>(), tables.rows::<Example>());
        for &stage in Stage::ALL {
            let rows = || plane.iter().filter(|r| r.stage == stage);
            let levels = rows().map(|r| r.a).levels();
            let output: Vec<f64> = rows().map(|r| r.output).collect();
            let title = match stage {
                Stage::Input => "probe on the input",
                Stage::LinearLayer => "probe on the layer without GELU",
                Stage::GeluLayer => "probe on the GELU layer",
            };
            let mut panel = Panel::new(
                title,
                Axis::linear("level of feature A"),
                Axis::linear("level of feature B"),
            )
            .mark(Mark::Heat(Heat {
                label: "probe output".into(),
                values: output
                    .chunks(levels.len().max(1))
                    .map(<[f64]>::to_vec)
                    .collect(),
                x: levels.clone(),
                y: levels,
                range: Some((-1.5, 1.5)),
                diverging: true,
                contour: Some(0.0),
            }));
            for (xor, role, label) in [
                (0, Role::Other(0), "none or both on"),
                (1, Role::Other(2), "one on"),
            ] {
                let rows = examples.iter().filter(|r| r.xor == xor);
                panel = panel.scatter(role, label, rows.map(|r| (r.a, r.b)));
            }
            figure = figure.panel(panel);
        }
        let rows = tables.rows::<Accuracy>();
        let seeds = || rows.iter().map(|r| r.seed as f64);
        let first = min(seeds()) - 0.5;
        // Room for the labels of the thresholds.
        let last = max(seeds()) + 3.5;
        let mut accuracy = Panel::new(
            "accuracy on held-out examples",
            Axis::linear("seed").range(first, last),
            Axis::linear("share right").range(0.0, 1.05),
        );
        for &stage in Stage::ALL {
            let (role, label) = match stage {
                Stage::Input => (Role::Other(4), "input"),
                Stage::LinearLayer => (Role::Control, "layer without GELU"),
                Stage::GeluLayer => (Role::Gelu, "GELU layer"),
            };
            let rows = rows.iter().filter(|r| r.stage == stage);
            accuracy = accuracy.scatter(role, label, rows.map(|r| (r.seed as f64, r.test)));
        }
        vec![
            figure.panel(
                accuracy
                    .level(0.95, "≥ 0.95 after")
                    .level(0.55, "≤ 0.55 before"),
            ),
        ]
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        let Some(entry) = ledger.get(ABSORBS.id) else {
            return "Nothing was measured.".into();
        };
        let identity = tables.rows::<Identity>();
        let largest = |column: fn(&Identity) -> f64| number(max(identity.iter().map(column)));
        let accuracy = tables.rows::<Accuracy>();
        let before = accuracy.iter().filter(|r| r.stage == Stage::Input);
        let before = max(before.map(|r| r.test));
        format!(
            "A probe after the linear layer and its transpose before it differ by at most {} in outputs up to \
             {}, {} of what rounding allows. For XOR the least-squares probe gets {} of the held-out examples \
             right after the GELU layer, {} after the layer without GELU and at most {} before it. (A line \
             chosen for its accuracy alone would get 0.75 anywhere, by giving up one of the four cases.)",
            largest(|r| r.difference),
            largest(|r| r.largest),
            largest(|r| r.of_bound),
            number(entry.value),
            number(entry.control_value),
            number(before),
        )
    }
}

/// Everything measured at one seed.
struct Trial {
    /// A row for each stage, in their order.
    accuracy: [Accuracy; 3],
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
        let (train_stages, test_stages) =
            (model.stages(&train.x, layer), model.stages(&test.x, layer));
        let (levels, inputs) = plane(&model);
        let grid_stages = model.stages(&inputs, layer);

        // What a stage computes in single precision is off by up to 2⁻²⁴ for each product that it sums, and what a
        // probe makes of it by as much for each neuron.
        let rounding = s.n.max(s.inputs) as f64 * 2f64.powi(-24);
        let mut plane = Vec::new();
        let mut probe = |stage: Stage| {
            progress::check()?;
            let (fitted, held_out) = (&train_stages[stage as usize], &test_stages[stage as usize]);
            let probe = Probe::fit(fitted.as_ref(), &train.labels, s.ridge, rounding);
            let grid = &grid_stages[stage as usize];
            let inputs = grid.values.chunks_exact(grid.columns);
            plane.extend(levels.iter().zip(inputs).map(|(&(a, b), x)| Output {
                stage,
                a,
                b,
                output: probe.output(x),
            }));
            Ok(Accuracy {
                stage,
                seed,
                train: probe.accuracy(fitted.as_ref(), &train.labels),
                test: probe.accuracy(held_out.as_ref(), &test.labels),
            })
        };
        let accuracy = [
            probe(Stage::Input)?,
            probe(Stage::LinearLayer)?,
            probe(Stage::GeluLayer)?,
        ];
        let [largest, difference, of_bound] =
            model.identity(&test_stages, &mut ctx.rng(seed, "probe", 0));
        let shown = test.x.values.chunks_exact(s.inputs).zip(&test.labels);
        let shown = shown.take(SHOWN).map(|(x, &label)| Example {
            a: dot(&model.read[0], x),
            b: dot(&model.read[1], x),
            xor: usize::from(label > 0.0),
        });
        Ok(Trial {
            accuracy,
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

/// Noiseless inputs over a grid of levels: the levels, and the matrix of inputs.
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
