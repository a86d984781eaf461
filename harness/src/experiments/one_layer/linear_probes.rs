//! `linear-probes`: what a layer without a non-linearity can never make available to a linear probe,
//! and a layer of distributed features with one can.

mod model;
mod probe;
mod settings;

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, ClaimSpec, at_least, at_most};
use crate::error::Result;
use crate::experiment::{Ctx, Experiment, Needs};
use crate::experiments::one_layer::response_curve::Layer;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::session::progress;
use crate::stats::{max, min};
use crate::table::{Column, Table, TableSpec, Tables};
use crate::text::number;

use model::{Matrix, Model, dot};
use probe::Probe;
pub use settings::Settings;

/// See the [module](self).
pub struct LinearProbes;

static ACCURACY: TableSpec = TableSpec {
    name: "accuracy",
    about: "Accuracy of a linear probe for the XOR of two features.",
    columns: &[
        Column::word(
            "stage",
            &[STAGES[0].0, STAGES[1].0, STAGES[2].0],
            "what the probe reads: input, linear layer or gelu layer",
        ),
        Column::int("seed", "", "seed of features and examples"),
        Column::real(
            "train",
            "1",
            "share of the fitted examples that it gets right",
        ),
        Column::real(
            "test",
            "1",
            "share of the held-out examples that it gets right",
        ),
    ],
};

static IDENTITY: TableSpec = TableSpec {
    name: "identity",
    about: "A random probe p on Ax against the probe Aᵀp on x, over the held-out examples.",
    columns: &[
        Column::int("seed", "", "seed of features, examples and probe"),
        Column::real("largest", "1", "largest |p·(Ax)|"),
        Column::real("difference", "1", "largest |p·(Ax) − (Aᵀp)·x|"),
        Column::real(
            "of_bound",
            "1",
            "largest difference over the bound on the rounding of that example",
        ),
    ],
};

static PLANE: TableSpec = TableSpec {
    name: "plane",
    about: "Output of the probes on noiseless inputs with both features at given levels, at the first seed.",
    columns: &[
        Column::word(
            "stage",
            &[STAGES[0].0, STAGES[1].0, STAGES[2].0],
            "what the probe reads",
        ),
        Column::real("a", "1", "level of the first feature"),
        Column::real("b", "1", "level of the second feature"),
        Column::real(
            "output",
            "1",
            "output of the probe, fitted to 1 where XOR holds and −1 elsewhere",
        ),
    ],
};

static EXAMPLES: TableSpec = TableSpec {
    name: "examples",
    about: "Some held-out examples of the first seed.",
    columns: &[
        Column::real(
            "a",
            "1",
            "level of the first feature, as read from the input",
        ),
        Column::real(
            "b",
            "1",
            "level of the second feature, as read from the input",
        ),
        Column::int("xor", "", "1 where exactly one of them is on"),
    ],
};

/// What a probe reads, as the tables write it, and the titles of the panels.
const STAGES: [(&str, &str); 3] = [
    ("input", "probe on the input"),
    ("linear layer", "probe on the layer without GELU"),
    ("gelu layer", "probe on the GELU layer"),
];
/// Levels along each side of the plane, and its ends.
const SIDE: usize = 61;
const PLANE_ENDS: (f64, f64) = (-0.5, 1.5);
/// Examples drawn over the plane.
const SHOWN: usize = 160;

static ABSORBS: Claim<3> = Claim {
    id: "probe-absorbs-linear-map",
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

    const ID: &'static str = "linear-probes";
    const TITLE: &'static str = "What a linear layer cannot make linearly available";
    const SUMMARY: &'static str = "A probe p on Ax is the probe Aᵀp on x: whatever a linear layer A \
        computes, a linear probe could have read before it. A non-linear layer is different. Two features \
        are on or off in a noisy input, and a layer writes each of them along its own random direction, \
        spread over all neurons at the scale √n. A least-squares probe is asked for the XOR of the two: on \
        the input, after the layer, and after the same layer without its GELU. Examples are balanced over \
        the four cases, so that neither feature alone says anything about their XOR.";
    const CLAIMS: &'static [&'static ClaimSpec] = &[&ABSORBS];
    const TABLES: &'static [&'static TableSpec] = &[&ACCURACY, &IDENTITY, &PLANE, &EXAMPLES];
    const FIGURES: &'static [&'static str] = &["xor-probes"];

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
        let (mut accuracy, mut identity) = (Table::new(&ACCURACY), Table::new(&IDENTITY));
        let (mut plane, mut examples) = (Table::new(&PLANE), Table::new(&EXAMPLES));
        for (i, (&seed, trial)) in ctx.seeds.iter().zip(trials?).enumerate() {
            for ((stage, _), [train, test]) in STAGES.into_iter().zip(trial.accuracy) {
                accuracy.push([stage.into(), seed.into(), train.into(), test.into()]);
            }
            let [largest, difference, of_bound] = trial.identity;
            identity.push([
                seed.into(),
                largest.into(),
                difference.into(),
                of_bound.into(),
            ]);
            let [before, linear, gelu] = trial.accuracy.map(|[_, test]| test);
            let conditions = |after| [after, before, of_bound];
            outcome.settle(&ABSORBS, seed, conditions(gelu), conditions(linear));
            if i == 0 {
                for (stage, a, b, output) in trial.plane {
                    plane.push([stage.into(), a.into(), b.into(), output.into()]);
                }
                for (a, b, xor) in trial.examples {
                    examples.push([a.into(), b.into(), usize::from(xor).into()]);
                }
            }
        }
        outcome.tables = vec![accuracy, identity, plane, examples];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        let mut figure = Figure::new(
            "xor-probes",
            "Output of a linear probe for the XOR of two features over their levels, noiseless, on one scale: \
             1 where it should hold and −1 elsewhere; the line is where the probe changes its mind. Dots are \
             held-out examples. All at the first seed; the last panel shows the accuracy at every seed.",
        );
        let plane = tables.get("plane");
        for (stage, title) in STAGES {
            let rows = || plane.rows().filter(|r| r.text("stage") == stage);
            let mut levels: Vec<f64> = rows().map(|r| r.real("a")).collect();
            levels.sort_unstable_by(f64::total_cmp);
            levels.dedup();
            let output: Vec<f64> = rows().map(|r| r.real("output")).collect();
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
                let rows = tables
                    .get("examples")
                    .rows()
                    .filter(|r| r.int("xor") == xor);
                panel = panel.scatter(role, label, rows.map(|r| (r.real("a"), r.real("b"))));
            }
            figure = figure.panel(panel);
        }
        let seeds = || tables.get("accuracy").rows().map(|r| r.real("seed"));
        let first = min(seeds()) - 0.5;
        // Room for the labels of the thresholds.
        let last = max(seeds()) + 3.5;
        let mut accuracy = Panel::new(
            "accuracy on held-out examples",
            Axis::linear("seed").range(first, last),
            Axis::linear("share right").range(0.0, 1.05),
        );
        let looks = [
            (Role::Other(4), "input"),
            (Role::Control, "layer without GELU"),
            (Role::Gelu, "GELU layer"),
        ];
        for ((stage, _), (role, label)) in STAGES.into_iter().zip(looks) {
            let rows = tables
                .get("accuracy")
                .rows()
                .filter(|r| r.text("stage") == stage);
            accuracy =
                accuracy.scatter(role, label, rows.map(|r| (r.real("seed"), r.real("test"))));
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
        let largest = |column: &str| {
            let rows = tables.get("identity").rows();
            max(rows.map(|r| r.real(column)))
        };
        let before = tables
            .get("accuracy")
            .rows()
            .filter(|r| r.text("stage") == "input");
        let before = max(before.map(|r| r.real("test")));
        format!(
            "A probe after the linear layer and its transpose before it differ by at most {} in outputs up to \
             {}, {} of what rounding allows. For XOR the least-squares probe gets {} of the held-out examples \
             right after the GELU layer, {} after the layer without GELU and at most {} before it. (A line \
             chosen for its accuracy alone would get 0.75 anywhere, by giving up one of the four cases.)",
            number(largest("difference")),
            number(largest("largest")),
            number(largest("of_bound")),
            number(entry.value),
            number(entry.control_value),
            number(before),
        )
    }
}

/// Everything measured at one seed.
struct Trial {
    /// On fitted and on held-out examples, by stage.
    accuracy: [[f64; 2]; 3],
    /// Largest output, difference, and share of the rounding bound.
    identity: [f64; 3],
    plane: Vec<(&'static str, f64, f64, f64)>,
    examples: Vec<(f64, f64, bool)>,
}

impl Trial {
    fn run(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Self> {
        let model = Model::new(s, &mut ctx.rng(seed, "features", 0));
        let train = model.examples(s, s.train, &mut ctx.rng(seed, "train", 0));
        let test = model.examples(s, s.test, &mut ctx.rng(seed, "test", 0));
        let layer = Layer::of_gelu(ctx.session.serial());
        let (train_stages, test_stages) =
            (model.stages(&train.x, layer), model.stages(&test.x, layer));
        let grid = plane(&model);
        let grid_stages = model.stages(&grid.1, layer);

        // What a stage computes in single precision is off by up to 2⁻²⁴ for each product that it sums, and what a
        // probe makes of it by as much for each neuron.
        let rounding = s.n.max(s.inputs) as f64 * 2f64.powi(-24);
        let (mut accuracy, mut plane) = ([[0.0; 2]; 3], Vec::new());
        for stage in 0..3 {
            progress::check()?;
            let (fitted, held_out) = (&train_stages[stage], &test_stages[stage]);
            let probe = Probe::fit(fitted.as_ref(), &train.labels, s.ridge, rounding);
            accuracy[stage] = [
                probe.accuracy(fitted.as_ref(), &train.labels),
                probe.accuracy(held_out.as_ref(), &test.labels),
            ];
            let inputs = grid_stages[stage]
                .values
                .chunks_exact(grid_stages[stage].columns);
            let rows = grid.0.iter().zip(inputs);
            plane.extend(rows.map(|(&(a, b), x)| (STAGES[stage].0, a, b, probe.output(x))));
        }
        let shown = test
            .x
            .values
            .chunks_exact(s.inputs)
            .zip(&test.labels)
            .take(SHOWN);
        Ok(Trial {
            accuracy,
            identity: model.identity(&test_stages, &mut ctx.rng(seed, "probe", 0)),
            plane,
            examples: shown
                .map(|(x, &l)| (dot(&model.read[0], x), dot(&model.read[1], x), l > 0.0))
                .collect(),
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
