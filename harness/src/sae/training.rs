//! Training of sparse autoencoders side by side: in lock step on the same batches, each of which is drawn once. There
//! may be several sources of batches; each model sees those of one.
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

pub use super::controller::{MOST, WAIT};
pub use super::recipe::{BATCH, Plan, RECORDS, Recipe, Resampling, STEPS, learning_rate, row};
pub use super::saved::Record;
pub use super::trainee::{Candidate, Trained, at_end};

/// The largest number of batches in the first block: few, so that the time of their steps soon tells about how long all
/// steps take.
pub const TIMED: u64 = 8;

/// Returns random parameters to start a training from.
pub fn initial(task: impl Into<Task>, variant: Variant, rng: &mut Rng) -> Parameters {
    let _span = Phase::Data.begin();
    Parameters::initial(task, variant, || rng.normal() as f32)
}

/// Trains all candidates on batches of B×d, and returns the models in the order of the candidates. `draw` draws a batch
/// by its source and number; the batch of a transcoder is B×d_in, with B×d_out of its targets behind it. Each step of
/// each model is a unit of progress.
///
/// `settings` is everything beside a candidate's title that decides the course of its training.
pub fn train(
    candidates: Vec<Candidate>,
    plan: &Plan,
    settings: &impl Serialize,
    session: &Session,
    draw: impl Fn(usize, u64) -> Vec<f32> + Sync,
) -> Result<Vec<Trained>> {
    let draw = |source, number, to: &mut [f32]| {
        to.copy_from_slice(&draw(source, number));
        Ok(())
    };
    train_reading(candidates, plan, settings, session, draw)
}

/// Trains all candidates as [`train`] does, with a `draw` that writes a batch to the slice for it, and may fail.
pub fn train_reading(
    candidates: Vec<Candidate>,
    plan: &Plan,
    settings: &impl Serialize,
    session: &Session,
    draw: impl Fn(usize, u64, &mut [f32]) -> Result<()> + Sync,
) -> Result<Vec<Trained>> {
    let exec = session.exec(candidates.len());
    let mut models = Vec::new();
    for (index, candidate) in candidates.into_iter().enumerate() {
        models.push(Trainee::begin(index, candidate, plan, settings, session)?);
    }
    // The largest model comes first, so that no thread is left with it at the end of a block.
    models.sort_by_key(|m| std::cmp::Reverse(m.parameters().values().len()));
    let behind = models.iter().filter(|m| !m.ended(plan)).map(|m| m.steps());
    let mut first = behind.min().unwrap_or(plan.steps);
    let widest = models.iter().map(|m| m.row()).max();
    let batches = plan.block(widest.unwrap_or(1)).min(plan.steps - first) as usize;
    // The batches of a block, source by source. Blocks take turns in the same room: fresh memory comes page by page.
    let mut rooms: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    for model in &models {
        let room = rooms.entry(model.source());
        room.or_insert_with(|| vec![0.0; batches * plan.batch * model.row()]);
    }
    let mut most = batches.min(TIMED as usize);
    while first < plan.steps {
        let block = most.min((plan.steps - first) as usize);
        for (&source, room) in &mut rooms {
            let batch = room.len() / batches;
            let each = room.par_chunks_exact_mut(batch).enumerate();
            each.take(block).try_for_each(|(i, to)| {
                let _span = Phase::Data.begin();
                draw(source, first + i as u64, to)
            })?;
        }
        let train = |model: &mut Trainee| {
            let room = &rooms[&model.source()];
            let drawn = &room[..block * (room.len() / batches)];
            model.train(first, drawn, plan, exec, session)
        };
        let done: Vec<Result<()>> = if exec.is_parallel() {
            models.iter_mut().map(train).collect()
        } else {
            models.par_iter_mut().with_max_len(1).map(train).collect()
        };
        done.into_iter().collect::<Result<()>>()?;
        first += block as u64;
        most = batches;
    }
    models.sort_by_key(|m| m.index());
    Ok(models.into_iter().map(Trainee::end).collect())
}
