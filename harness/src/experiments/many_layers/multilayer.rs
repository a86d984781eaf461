//! `multilayer`: does one layer decide on an output, or do all of them build it together?
//!
//! At the settings of the experiment a model is trained for each number of datapoints and seed, and set beside an
//! untrained one and beside models built by hand, of which it is known who decides. The claims are settled there, and
//! again in every cell of a specification curve (`multilayer/curve.rs`).

use std::cmp::Reverse;

use kernels::Exec;
use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, NoUnit};
use crate::figure::Figure;
use crate::table::{Record, Tables};

mod capacity;
pub mod circuit;
mod claims;
mod curve;
pub mod curves;
pub mod data;
pub mod decisive;
mod figures;
mod findings;
mod lens;
mod memory;
mod model;
pub mod model_file;
pub mod reading;
pub mod recipe;
mod scores;
mod settings;
mod settings_of_parts;
mod settle;
pub mod state;
pub mod streams;
pub mod tables;
mod tabulate;
pub mod task;
pub mod traces;
mod train;

use model::Model;
use recipe::Recipe;
pub use settings::{Activation, Capacity, Curve, Loss, Settings, Targets};
use task::{Kind, Part, Task};

/// See the [module](self).
pub struct Multilayer;

impl Experiment for Multilayer {
    type Settings = Settings;
    type Unit = NoUnit;
    type Piece = ();

    const ABOUT: &'static About = &About {
        id: settings::ID,
        title: "Is one layer decisive?",
        summary: "Residual MLPs learn which class belongs to a pair of one-hot vectors. Classes are random, so there \
        is no rule to find: the models memorise. The residual stream after every layer is read as if it were the \
        output (the logit lens): how fast does the loss fall from layer to layer, where does a datapoint become right, \
        and how much of it is the work of one layer? Beside them stand untrained models, a look-up model built by \
        hand, in which one layer decides on each datapoint, and a circuit built by hand, whose work is dealt at random \
        to all layers. The claims are settled again for every combination of loss, depth, batch, budget and learning \
        rate.",
        claims: claims::CLAIMS,
        tables: &[
            tables::Summary::SPEC,
            tables::Layer::SPEC,
            tables::Decisive::SPEC,
            tables::Datapoint::SPEC,
            tables::Evaluation::SPEC,
            tables::OfCurve::SPEC,
            tables::OfCapacity::SPEC,
        ],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        memory::estimate(s, threads)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(_: &Settings, _: &[u64]) -> Vec<NoUnit> {
        Vec::new()
    }

    fn name(unit: &NoUnit) -> String {
        match *unit {}
    }

    fn cost(_: &Settings, unit: &NoUnit) -> Cost {
        match *unit {}
    }

    fn compute(_: &Settings, unit: &NoUnit, _: &Ctx) -> Result<()> {
        match *unit {}
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        let tasks = tasks(s, ctx.seeds);
        let trained = tasks.iter().map(|&(task, recipe)| match task.kind {
            Kind::Trained => recipe.cost(task.n),
            _ => 0,
        });
        let all = trained.sum::<u64>() + curve::cost(s, ctx.seeds) + capacity::cost(s, ctx.seeds);
        ctx.session.progress.start(all)?;
        let models = sweep(&tasks, s, ctx)?;
        let curve = curve::run(s, ctx)?;
        let attempts = capacity::run(s, ctx)?;

        let mut outcome = Outcome {
            tables: tabulate::all(s, &models, &curve, &attempts),
            ..Outcome::default()
        };
        settle::on_layers(s, &models, &curve, ctx.seeds, &mut outcome);
        settle::capacity(s, &attempts, ctx.seeds, &mut outcome);
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        findings::write(tables, ledger)
    }
}

/// Every model but those of the specification curve, with its recipe.
fn tasks(s: &Settings, seeds: &[u64]) -> Vec<(Task, Recipe)> {
    let mut tasks = Vec::new();
    let mut add = |part, recipe: Recipe, n, seed, kind| {
        let loss = recipe.loss;
        let task = Task {
            part,
            loss,
            n,
            seed,
            kind,
        };
        tasks.push((task, recipe));
    };
    let [smallest, largest] = s.ends();
    for (i, &seed) in seeds.iter().enumerate() {
        for &n in &s.datapoints {
            add(Part::Point, s.recipe(n), n, seed, Kind::Trained);
            add(Part::Point, s.recipe(n), n, seed, Kind::LookUp);
        }
        add(
            Part::Point,
            s.recipe(largest),
            largest,
            seed,
            Kind::Untrained,
        );
        if i < s.other_seeds {
            // With all units in one layer, a model is as wide as it has units.
            let circuits = [Kind::AndSpread, Kind::AndInOneLayer];
            for kind in circuits {
                add(Part::Point, s.recipe(smallest), smallest, seed, kind);
            }
            for &n in &s.datapoints {
                add(Part::Opposite, s.opposite(n), n, seed, Kind::Trained);
            }
            let other = |n| Recipe {
                targets: s.targets.other(),
                ..s.recipe(n)
            };
            add(
                Part::OtherTargets,
                other(largest),
                largest,
                seed,
                Kind::Trained,
            );
        }
        if i == 0 {
            let n = s.datapoints[s.datapoints.len() / 2];
            let recipe = s.recipe(n).epochs(s.long_epochs, n);
            let recipe = Recipe {
                stop: false,
                ..recipe
            };
            add(Part::Long, recipe, n, seed, Kind::Trained);
        }
    }
    tasks
}

/// Makes and reads models; the results in the order of the tasks. Whole models go to the threads, those that take
/// longest first, unless there are too few: then every model takes all threads.
fn sweep(tasks: &[(Task, Recipe)], s: &Settings, ctx: &Ctx) -> Result<Vec<Model>> {
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    let cost = |i: usize| match tasks[i] {
        (task, recipe) if task.kind == Kind::Trained => recipe.cost(task.n),
        _ => 0,
    };
    order.sort_by_key(|&i| Reverse(cost(i)));
    let run = |exec: Exec| {
        move |&i: &usize| {
            let (task, recipe) = tasks[i];
            Ok((i, Model::of(task, recipe, s, exec, ctx)?))
        }
    };
    let trained = tasks.iter().filter(|(task, _)| task.kind == Kind::Trained);
    let mut models: Vec<(usize, Model)> = if trained.count() >= ctx.session.threads {
        let models = order.par_iter().with_max_len(1);
        let models = models.map(run(ctx.session.serial()));
        models.collect::<Result<_>>()?
    } else {
        let models = order.iter().map(run(ctx.session.parallel()));
        models.collect::<Result<_>>()?
    };
    models.sort_by_key(|&(i, _)| i);
    Ok(models.into_iter().map(|(_, model)| model).collect())
}
