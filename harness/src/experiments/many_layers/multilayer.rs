//! The experiment `multilayer`: does one layer decide on an output, or do all layers build it together?
//!
//! At the settings of the experiment a model is trained for each number of datapoints and seed, and set beside an
//! untrained one and beside models built by hand, of which it is known which layer decides. The claims are settled
//! there, and again in every cell of a specification curve (`multilayer/curve.rs`).

use serde::{Deserialize, Serialize};

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
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
use recipe::{PER_TICK, Recipe};
pub use settings::{Activation, Capacity, Curve, Loss, OtherBlocks, Settings, Targets};
use task::{Kind, Part, Task};

/// The experiment `multilayer`; see the [module](self).
pub struct Multilayer;

impl Experiment for Multilayer {
    type Settings = Settings;
    type Unit = Unit;
    type Piece = Piece;

    const SIDE_BY_SIDE: bool = true;

    const ABOUT: &'static About = &About {
        id: settings::ID,
        title: "Is one layer decisive?",
        summary: "Residual MLPs learn which class belongs to a pair of one-hot vectors. Classes are random, so there \
        is no rule to find: the models memorise. The residual stream after every layer is read as if it were the \
        output (the logit lens): how fast does the loss fall from layer to layer, where does a datapoint become right, \
        and how much of it is the work of one layer? Beside them stand untrained models, a look-up model built by \
        hand, in which one layer decides on each datapoint, and a circuit built by hand, whose work is dealt at random \
        to all layers. The first four claims are settled again in a grid of losses, depths, batches, budgets and \
        learning rates, the fifth one in a grid of depths, widths of the hidden layers and learning rates.",
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

    fn units(s: &Settings, seeds: &[u64]) -> Vec<Unit> {
        let models = tasks(s, seeds).into_iter();
        let models = models.map(|(task, recipe)| Unit::Model(task, recipe));
        let curve = curve::jobs(s, seeds).into_iter().map(Unit::Curve);
        let capacity = capacity::jobs(s, seeds).into_iter().map(Unit::Capacity);
        models.chain(curve).chain(capacity).collect()
    }

    fn name(unit: &Unit) -> String {
        match unit {
            Unit::Model(task, _) => task.slug(),
            Unit::Curve(job) => job.name(),
            Unit::Capacity(job) => job.name(),
        }
    }

    fn cost(s: &Settings, unit: &Unit, _: &Needs) -> Cost {
        match unit {
            Unit::Model(task, recipe) => {
                let ticks = match task.kind {
                    Kind::Trained => recipe.cost(task.n),
                    _ => 0,
                };
                Cost {
                    ticks,
                    seconds: PER_TICK * ticks as f64 + recipe.reading(task.n),
                }
            }
            Unit::Curve(job) => job.cost(s),
            Unit::Capacity(job) => job.cost(s),
        }
    }

    fn compute(s: &Settings, unit: &Unit, ctx: &Ctx) -> Result<Piece> {
        Ok(match unit {
            Unit::Model(task, recipe) => Piece::Model(Box::new(Model::of(*task, *recipe, s, ctx)?)),
            Unit::Curve(job) => Piece::Curve(job.run(s, ctx)?),
            Unit::Capacity(job) => Piece::Capacity(job.run(s, ctx)?),
        })
    }

    fn conclude(s: &Settings, pieces: Vec<Piece>, ctx: &Ctx) -> Result<Outcome> {
        let (mut models, mut curve, mut attempts) = (Vec::new(), Vec::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Model(model) => models.push(*model),
                Piece::Curve(run) => curve.push(run),
                Piece::Capacity(of_job) => attempts.extend(of_job),
            }
        }
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

/// An independent part of the computation.
#[derive(Debug)]
pub enum Unit {
    /// A model, and the recipe of its training.
    Model(Task, Recipe),
    /// A model of the specification curve.
    Curve(curve::Job),
    /// A search for the most pairs that can be learned.
    Capacity(capacity::Job),
}

/// The result of a unit.
#[derive(Debug, Serialize, Deserialize)]
pub enum Piece {
    /// A model with what was read from it.
    Model(Box<Model>),
    /// The scores of a model of the specification curve.
    Curve(curve::Run),
    /// The attempts of a search, one for each number of pairs that was tried.
    Capacity(Vec<capacity::Attempt>),
}

/// Returns every model but those of the specification curve and of the searches, with its recipe.
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
            // The circuits are built for the smallest N alone: with all units in one layer, every layer is as wide as
            // there are units.
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
