//! The models of the experiment: each is made, then read.

use kernels::Exec;
use kernels::mlp::Parameters;
use serde::{Deserialize, Serialize};

use super::circuit::{self, Dealt};
use super::data::{self, Data};
use super::model_file;
use super::reading::{Judge, Reading};
use super::recipe::Recipe;
use super::settings::Settings;
use super::state::Check;
use super::task::{Kind, Part, Task};
use super::train;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::session::training::End;

/// A model, with what was read from it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Model {
    pub task: Task,
    pub recipe: Recipe,
    pub steps: u64,
    pub end: Option<End>,
    pub checks: Vec<Check>,
    /// What was read from the model, or the reason why there is nothing.
    pub reading: Result<Reading, String>,
}

/// A model, or the reason why there is none; and how its training went, if it was trained.
struct Made {
    parameters: Result<Parameters, String>,
    steps: u64,
    end: Option<End>,
    checks: Vec<Check>,
}

impl Model {
    /// Makes a model and reads it.
    pub fn of(task: Task, recipe: Recipe, s: &Settings, ctx: &Ctx) -> Result<Model> {
        let exec = ctx.session.exec(1);
        let data = Data::draw(recipe.width, recipe.targets, task.n, task.seed);
        let made = make(task, &recipe, &data, exec, ctx)?;
        if let Ok(parameters) = &made.parameters {
            save(task, parameters, s, ctx)?;
        }
        let shown = data::sample(task.n, s.shown, task.seed);
        let judges = judges(s.threshold);
        let reading = made
            .parameters
            .map(|p| Reading::of(exec, &p, &data, recipe.loss, &judges, &shown));
        Ok(Model {
            task,
            recipe,
            steps: made.steps,
            end: made.end,
            checks: made.checks,
            reading,
        })
    }
}

/// Returns the judges of whether a datapoint is right: by the threshold of the settings, by those of 0.05, 0.1 and 0.5,
/// by the largest logit, and through an affine lens.
pub fn judges(threshold: f64) -> Vec<Judge> {
    let mut judges = vec![Judge::Loss(threshold)];
    for other in [Judge::Loss(0.05), Judge::Loss(0.1), Judge::Loss(0.5)] {
        if !judges.contains(&other) {
            judges.push(other);
        }
    }
    judges.extend([Judge::Argmax, Judge::AffineLens]);
    judges
}

fn make(task: Task, recipe: &Recipe, data: &Data, exec: Exec, ctx: &Ctx) -> Result<Made> {
    let by_hand = |parameters| Made {
        parameters,
        steps: 0,
        end: None,
        checks: Vec::new(),
    };
    let (d, h, layers, loss) = (recipe.width, recipe.hidden, recipe.layers, recipe.loss);
    let circuit = |units, dealt| {
        let rng = data::dealing(task.seed);
        circuit::universal_and(data, d, units, layers, dealt, loss, rng)
    };
    Ok(match task.kind {
        Kind::Trained => {
            let seed = task.seed;
            let (slug, title) = (task.slug(), task.to_string());
            let state = train::train(&slug, &title, recipe, data, seed, exec, ctx)?;
            let divergence = state.divergence();
            Made {
                parameters: divergence.map_or(Ok(state.learner.model), Err),
                steps: state.step,
                end: state.end,
                checks: state.learner.checks,
            }
        }
        Kind::Untrained => by_hand(Ok(data::initial(recipe.shape(), task.seed))),
        Kind::LookUp => by_hand(circuit::look_up(data, d, h, layers, loss)),
        Kind::AndSpread => by_hand(circuit(layers * h, Dealt::ToAllLayers)),
        // Every layer is as wide as the one with all units, so there are no more units than it takes: two for each
        // pair.
        Kind::AndInOneLayer => {
            let units = (layers * h).min(2 * task.n);
            by_hand(circuit(units, Dealt::ToOneLayer))
        }
    })
}

/// Saves a model for experiments that look into it, if it is one of those that the settings keep.
fn save(task: Task, parameters: &Parameters, s: &Settings, ctx: &Ctx) -> Result<()> {
    let mut seeds = ctx.seeds.iter().take(s.saved_seeds);
    let wanted = matches!(task.kind, Kind::Trained | Kind::LookUp);
    if task.part == Part::Point && wanted && seeds.any(|&seed| seed == task.seed) {
        let file = model_file::encode(parameters);
        ctx.session.folder.write(model_file::path(task), file)?;
    }
    Ok(())
}
