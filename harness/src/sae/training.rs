//! Sparse autoencoders trained side by side: in lock step on the same batches, each of which is drawn once. There may
//! be several sources of batches; each model sees those of one.
//!
//! Batches are drawn a block at a time, on all threads; then whole models go to the threads, each for as many steps as
//! the block has batches. Every model has checkpoints of its own, so an interrupted run may find them at different
//! steps: those behind catch up first.

use std::collections::BTreeMap;

use kernels::sae::{Parameters, Task, Variant};
use rayon::prelude::*;
use serde::Serialize;

use super::trainee::Trainee;
use crate::error::Result;
use crate::phase::Phase;
use crate::rng::Rng;
use crate::session::Session;

pub use super::recipe::{BATCH, Plan, RECORDS, Recipe, Resampling, STEPS, learning_rate};
pub use super::trainee::{Candidate, Record, Trained};

/// Random parameters to start a training from.
pub fn initial(task: impl Into<Task>, variant: Variant, rng: &mut Rng) -> Parameters {
    let _span = Phase::Data.begin();
    Parameters::initial(task, variant, || rng.normal() as f32)
}

/// Trains all candidates on batches of B×d, of which `draw` draws one by its source and number; the batch of a transcoder
/// is B×d_in, and B×d_out of its targets behind it. The progress made is one unit a step and model.
///
/// `settings` is everything beside the candidate's title that decides the course of a training.
pub fn train(
    candidates: Vec<Candidate>,
    plan: &Plan,
    settings: &impl Serialize,
    session: &Session,
    draw: impl Fn(usize, u64) -> Vec<f32> + Sync,
) -> Result<Vec<Trained>> {
    let draw = |source, number| Ok(draw(source, number));
    train_reading(candidates, plan, settings, session, draw)
}

/// The same, with batches whose reading may fail.
pub fn train_reading(
    candidates: Vec<Candidate>,
    plan: &Plan,
    settings: &impl Serialize,
    session: &Session,
    draw: impl Fn(usize, u64) -> Result<Vec<f32>> + Sync,
) -> Result<Vec<Trained>> {
    let exec = session.exec(candidates.len());
    let mut models = Vec::new();
    for (index, candidate) in candidates.into_iter().enumerate() {
        models.push(Trainee::begin(index, candidate, plan, settings, session)?);
    }
    // The largest first, so that no thread is left with it at the end of a block.
    models.sort_by_key(|m| std::cmp::Reverse(m.parameters().values().len()));
    let behind = models.iter().filter(|m| !m.ended(plan)).map(|m| m.steps());
    let mut first = behind.min().unwrap_or(plan.steps);
    let widths = models.iter().map(|m| match m.parameters().task() {
        Task::Autoencoder(shape) => shape.width,
        Task::Transcoder { input, shape, .. } => input + shape.width,
    });
    let batches = plan.block(widths.max().unwrap_or(1));
    while first < plan.steps {
        let block = first..plan.steps.min(first + batches);
        let mut sources: Vec<usize> = models.iter().map(|m| m.source()).collect();
        sources.sort_unstable();
        sources.dedup();
        let batches: BTreeMap<usize, Vec<Vec<f32>>> = sources
            .into_iter()
            .map(|source| {
                let numbers = block.clone().into_par_iter();
                let draw = |number| {
                    let _span = Phase::Data.begin();
                    draw(source, number)
                };
                let batches = numbers.map(draw).collect::<Result<_>>();
                batches.map(|batches| (source, batches))
            })
            .collect::<Result<_>>()?;
        let train = |model: &mut Trainee| {
            model.train(first, &batches[&model.source()], plan, exec, session)
        };
        let done: Vec<Result<()>> = if exec.is_parallel() {
            models.iter_mut().map(train).collect()
        } else {
            models.par_iter_mut().with_max_len(1).map(train).collect()
        };
        done.into_iter().collect::<Result<()>>()?;
        first = block.end;
    }
    models.sort_by_key(|m| m.index());
    Ok(models.into_iter().map(Trainee::end).collect())
}
