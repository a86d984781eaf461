//! The specification curve: the claims again, for every combination of choices that could have been made.

use super::circuit;
use super::data::Data;
use super::model::judges;
use super::reading::Reading;
use super::recipe::{PER_SMALL_TICK, Recipe};
use super::scores::Scores;
use super::settings::{Curve, Loss, Settings};
use super::train;
use crate::error::Result;
use crate::experiment::{Cost, Ctx};
use crate::table::record::Word;
use serde::{Deserialize, Serialize};

crate::words! {
    /// The size of a minibatch.
    pub enum Batch {
        /// A few datapoints.
        Minibatch,
        /// All datapoints.
        All,
    }
}

crate::words! {
    /// The length of a training.
    pub enum Budget {
        /// The same number of epochs for every N.
        EqualEpochs,
        /// The same number of steps for every N.
        EqualSteps,
        /// As many steps as it takes until the loss of every datapoint is below the threshold, up to a limit.
        EarlyStop,
    }
}

/// The choices of training that a cell of the curve makes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    pub loss: Loss,
    pub layers: usize,
    pub batch: Batch,
    pub budget: Budget,
    pub rate: f64,
}

/// One model of the curve.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    cell: Cell,
    n: usize,
    seed: u64,
}

/// The scores of one model of the curve and of the look-up model beside it, or the reason why there are none.
#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    pub cell: Cell,
    pub n: usize,
    pub seed: u64,
    pub trained: Result<Scores, String>,
    pub look_up: Result<Scores, String>,
}

/// Returns every cell: all combinations but equal epochs of all datapoints at once, where an epoch is a step.
pub fn cells(curve: &Curve) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &loss in Loss::ALL {
        for &layers in &curve.layers {
            for &batch in Batch::ALL {
                for &budget in Budget::ALL {
                    if (batch, budget) == (Batch::All, Budget::EqualEpochs) {
                        continue;
                    }
                    cells.extend(curve.rates.iter().map(|&rate| Cell {
                        loss,
                        layers,
                        batch,
                        budget,
                        rate,
                    }));
                }
            }
        }
    }
    cells
}

impl Cell {
    /// Returns the recipe for `n` datapoints.
    pub fn recipe(&self, s: &Settings, n: usize) -> Recipe {
        let curve = &s.curve;
        let steps = match self.batch {
            Batch::Minibatch => curve.steps,
            Batch::All => curve.full_batch_steps,
        };
        let recipe = Recipe {
            width: curve.width,
            hidden: curve.width,
            layers: self.layers,
            loss: self.loss,
            batch: match self.batch {
                Batch::Minibatch => curve.batch,
                Batch::All => n,
            },
            rate: self.rate,
            steps,
            stop: self.budget == Budget::EarlyStop,
            check_every: 50,
            ..s.recipe(n)
        };
        match self.budget {
            Budget::EqualEpochs => recipe.epochs(curve.epochs, n),
            Budget::EqualSteps | Budget::EarlyStop => recipe,
        }
    }
}

impl Job {
    /// Returns the name of the job.
    pub fn name(&self) -> String {
        let Cell {
            loss,
            layers,
            batch,
            budget,
            rate,
        } = self.cell;
        let (n, seed) = (self.n, self.seed);
        format!("curve-{loss}-{layers}layers-{batch}-{budget}-rate{rate}-n{n}-seed{seed}")
    }
}

/// Returns every model of the curve, in the order of the cells.
pub fn jobs(s: &Settings, seeds: &[u64]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for cell in cells(&s.curve) {
        for &load in &s.curve.loads {
            let n = s.curve.datapoints(load);
            let seeds = seeds.iter().take(s.curve.seeds);
            jobs.extend(seeds.map(|&seed| Job { cell, n, seed }));
        }
    }
    jobs
}

impl Job {
    /// Returns the cost of the job. A training that may stop early is taken to do so after two thirds of its steps;
    /// this varies a lot.
    pub fn cost(&self, s: &Settings) -> Cost {
        let recipe = self.cell.recipe(s, self.n);
        let ticks = recipe.cost(self.n);
        let share = if recipe.stop { 2.0 / 3.0 } else { 1.0 };
        Cost {
            ticks,
            seconds: PER_SMALL_TICK * share * ticks as f64 + 2.0 * recipe.reading(self.n),
        }
    }

    /// Trains and reads one model. The model is small, and has no checkpoints.
    pub fn run(&self, s: &Settings, ctx: &Ctx) -> Result<Run> {
        let recipe = self.cell.recipe(s, self.n);
        let judges = judges(s.threshold);
        let exec = ctx.session.serial();
        let data = Data::draw(recipe.width, recipe.targets, self.n, self.seed);
        let state = train::train_at_once(&recipe, &data, self.seed, exec, ctx)?;
        let trained = state.learned().map(|watched| watched.model);
        let look_up = circuit::look_up(
            &data,
            recipe.width,
            recipe.hidden,
            recipe.layers,
            recipe.loss,
        );
        let [trained, look_up] = [trained, look_up].map(|parameters| {
            let parameters = parameters?;
            let reading = Reading::of(exec, &parameters, &data, recipe.loss, &judges, &[]);
            Ok(Scores::of(&reading))
        });
        Ok(Run {
            cell: self.cell,
            n: self.n,
            seed: self.seed,
            trained,
            look_up,
        })
    }
}
