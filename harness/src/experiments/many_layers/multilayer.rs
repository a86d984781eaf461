//! `multilayer`: does one layer decide on an output, or do all of them build it together?
//!
//! The sweep trains a model for each loss, number of datapoints and seed; then, for the first loss, a
//! decisive-layer control at the smallest and the largest number of datapoints that were learned.

use std::cmp::Reverse;

use kernels::Exec;
use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::table::{Record, Tables};

mod claims;
pub mod data;
mod figures;
pub mod measures;
mod model;
pub mod model_file;
mod settings;
pub mod streams;
pub mod tables;
pub mod train;

use data::Data;
use measures::Reading;
use model::Model;
pub use settings::{Activation, Loss, Settings, Targets};
use train::{Kind, State, Task};

/// See the [module](self).
pub struct Multilayer;

impl Experiment for Multilayer {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: settings::ID,
        title: "Is one layer decisive?",
        summary: "Residual MLPs learn to map pairs of one-hot vectors to classes, more pairs \
        than they can find a rule for. The residual stream after every layer is read as if it were the \
        output (the logit lens): how fast does the loss fall from layer to layer, where does a datapoint \
        become right, and how is the gradient of its correct output spread over the layers? Controls are \
        untrained models, and decisive-layer models in which each datapoint belongs to one layer, from which \
        on it is trained to be right.",
        claims: claims::CLAIMS,
        tables: &[
            tables::Summary::SPEC,
            tables::Layer::SPEC,
            tables::Datapoint::SPEC,
            tables::Evaluation::SPEC,
        ],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // A float at every step, since the product of what is in range may not fit an integer.
        let (d, h, layers) = (s.width as f64, s.hidden as f64, s.layers as f64);
        let parameters = s.parameters();
        let largest = s.datapoints.iter().copied().max().unwrap_or(0);
        let batch = s.batch.min(largest).max(measures::CHUNK) as f64;
        let workspace =
            batch * ((layers + 3.0) * d + (2.0 * layers + 1.0) * h + 3.0 * (layers + 1.0));
        // Parameters, gradient, two moments; twice over while they are written.
        let training = 4.0 * (8.0 * parameters + workspace);
        // Pairs, targets, order; losses, norms and shares in f64 while they are read; all d² pairs to draw from.
        let data = largest as f64 * (36.0 + 32.0 * layers) + 8.0 * d * d;
        let looks = s.steps.max(s.control_steps) as f64 / s.check_every as f64;
        let sweep = (s.datapoints.len() * s.losses.len() + 4) as f64 * 10.0;
        threads as f64 * (training + data) + sweep * looks * 7.0 * 32.0
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let mut tasks = Vec::new();
        for (i, &loss) in s.losses.iter().enumerate() {
            let seeds = if i == 0 {
                ctx.seeds.len()
            } else {
                s.other_loss_seeds
            };
            for &seed in ctx.seeds.iter().take(seeds) {
                let task = |n, kind| Task {
                    loss,
                    n,
                    seed,
                    kind,
                };
                tasks.extend(s.datapoints.iter().map(|&n| task(n, Kind::Trained)));
                tasks.extend(s.datapoints.last().map(|&n| task(n, Kind::Untrained)));
            }
        }
        let trained: u64 = tasks.iter().map(|t| t.budget(s)).sum();
        ctx.session
            .progress
            .start(trained + 2 * ctx.seeds.len() as u64 * s.control_steps)?;
        let mut models = sweep(&tasks, s, ctx)?;
        let controls = control_tasks(&models, s.losses[0], ctx.seeds);
        let spared = 2 * ctx.seeds.len() - controls.len();
        ctx.session
            .progress
            .advance(spared as u64 * s.control_steps)?;
        models.extend(sweep(&controls, s, ctx)?);

        let mut outcome = Outcome {
            tables: tables::tabulate(s, &models),
            ..Outcome::default()
        };
        claims::settle(s, &models, ctx.seeds, &mut outcome);
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}

/// Trains and reads models; the results in the order of the tasks. Whole models go to the threads, the largest
/// first, unless there are too few: then every model takes all threads.
fn sweep(tasks: &[Task], s: &Settings, ctx: &Ctx) -> Result<Vec<Model>> {
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|&i| Reverse(tasks[i].n));
    let run = |exec: Exec| move |&i: &usize| Ok((i, model(tasks[i], s, exec, ctx)?));
    let mut models: Vec<(usize, Model)> = if tasks.len() >= ctx.session.threads {
        let models = order
            .par_iter()
            .with_max_len(1)
            .map(run(ctx.session.serial()));
        models.collect::<Result<_>>()?
    } else {
        order
            .iter()
            .map(run(ctx.session.parallel()))
            .collect::<Result<_>>()?
    };
    models.sort_by_key(|&(i, _)| i);
    Ok(models.into_iter().map(|(_, model)| model).collect())
}

/// Trains and reads one model.
fn model(task: Task, s: &Settings, exec: Exec, ctx: &Ctx) -> Result<Model> {
    let data = Data::draw(s, task.n, task.seed, ctx);
    let state = match task.kind {
        Kind::Untrained => State::start(data::initial(s.shape(), task.seed, ctx)),
        _ => train::train(task, s, &data, exec, ctx)?,
    };
    let shown = ctx
        .rng(task.seed, "shown", 0)
        .choose(task.n, s.shown.min(task.n));
    let read = || {
        Reading::of(
            exec,
            &state.parameters,
            &data,
            task.loss,
            s.threshold,
            &shown,
        )
    };
    let reading = state.divergence().map_or_else(|| Ok(read()), Err);
    // Models that have learned their data, at the first few seeds.
    let saved = ctx
        .seeds
        .iter()
        .take(s.saved_seeds)
        .any(|&seed| seed == task.seed)
        && task.loss == s.losses[0]
        && task.kind != Kind::Untrained
        && reading
            .as_ref()
            .is_ok_and(|r| r.final_learned() >= claims::LEARNED);
    if saved {
        let bytes = model_file::encode(&state.parameters);
        ctx.session.folder.write(model_file::path(task), bytes)?;
    }
    Ok(Model {
        task,
        steps: state.step,
        end: state.end,
        reading,
        checks: state.checks,
    })
}

/// Decisive-layer models to set beside those that have learned their data: at each seed the smallest and the
/// largest of these.
fn control_tasks(models: &[Model], loss: Loss, seeds: &[u64]) -> Vec<Task> {
    let mut controls = Vec::new();
    for &seed in seeds {
        let learned: Vec<&Model> = models
            .iter()
            .filter(|m| (m.task.loss, m.task.seed, m.task.kind) == (loss, seed, Kind::Trained))
            .filter(|m| {
                m.reading
                    .as_ref()
                    .is_ok_and(|r| r.final_learned() >= claims::LEARNED)
            })
            .collect();
        let ends = match learned[..] {
            [] => vec![],
            [only] => vec![only],
            [first, .., last] => vec![first, last],
        };
        controls.extend(ends.iter().map(|m| Task {
            kind: Kind::Decisive,
            ..m.task
        }));
    }
    controls
}
