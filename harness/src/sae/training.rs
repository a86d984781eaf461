//! Sparse autoencoders trained side by side: in lock step on the same batches, each of which is drawn once. There may
//! be several sources of batches; each model sees those of one.
//!
//! Batches are drawn a block at a time, on all threads; then whole models go to the threads, each for as many steps as
//! the block has batches. Every model has checkpoints of its own, so an interrupted run may find them at different
//! steps: those behind catch up first.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use kernels::adam::Adam;
use kernels::sae::{Parameters, Shape, Trainer, Variant};
use kernels::{Exec, MatRef};
use rayon::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::phase::Phase;
use crate::rng::Rng;
use crate::session::Session;
use crate::session::training::{divergence, tell_divergence};
use crate::settings::range::{Above, Worded, above, worded};
use crate::store::checkpoint::{Snapshot, Store};

/// Random parameters to start a training from.
pub fn initial(shape: Shape, variant: Variant, rng: &mut Rng) -> Parameters {
    let _span = Phase::Data.begin();
    Parameters::initial(shape, variant, || rng.normal() as f32)
}

/// Batches drawn at once, at most.
const BLOCK: u64 = 32;

/// Values of the batches that are drawn at once, at most, unless a single batch has more.
const VALUES: usize = 1 << 22;

crate::settings! {
    /// The plan of a training.
    #[derive(Copy, PartialEq)]
    pub struct Plan {
        /// Training steps, on a new batch each.
        steps: u64 = 1000, in STEPS;
        /// Samples in a batch.
        batch: usize = 256, full = 512, in BATCH;
        /// Learning rate of Adam.
        learning_rate: f64 = 3e-3, in learning_rate();
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        cooldown: f64 = 0.3, in 0.0..=1.0;
    }
}

/// The range of numbers of steps.
pub const STEPS: RangeInclusive<u64> = 1..=1 << 40;

/// The range of sizes of a batch.
pub const BATCH: RangeInclusive<usize> = 1..=1 << 20;

/// The range of learning rates: what single precision holds.
pub fn learning_rate() -> Worded<Above> {
    worded(
        "above 0 and at most 3e38",
        above(0.0).at_most(f32::MAX.into()),
    )
}

/// The number of times that losses are recorded during a training.
pub const RECORDS: u64 = 20;

impl Plan {
    /// Estimated memory, bytes: the batches of a block, and per model its parameters, gradient and moments, its codes
    /// and a checkpoint of it.
    pub fn memory(&self, width: usize, dictionaries: impl Iterator<Item = usize>) -> f64 {
        let (d, b) = (width as f64, self.batch as f64);
        let model = |n: f64| 4.0 * (8.0 * (2.0 * n * d + n + d) + b * (4.0 * n + 2.0 * d));
        dictionaries.map(|n| model(n as f64)).sum::<f64>() + self.block(width) as f64 * b * d * 8.0
    }

    /// Batches of that width that are drawn at once.
    fn block(&self, width: usize) -> u64 {
        let fit = VALUES / self.batch.saturating_mul(width).max(1);
        (fit as u64).clamp(1, BLOCK)
    }

    /// The learning rate of a step.
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        let left = (self.steps - step) as f64 / (self.cooldown * self.steps as f64);
        self.learning_rate * left.min(1.0)
    }
}

/// A model to train.
#[derive(Debug)]
pub struct Candidate {
    /// Name of the folder of its checkpoints.
    pub slug: String,
    /// Its name in messages.
    pub title: String,
    /// Number of the source of its batches.
    pub source: usize,
    /// What it starts from.
    pub start: Parameters,
    /// Its learning rate, in multiples of the plan's.
    pub rate: f64,
}

/// A model at the end of its training.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub parameters: Parameters,
    /// What was seen on the way.
    pub records: Vec<Record>,
    /// A description of its divergence, if it diverged.
    pub divergence: Option<String>,
    /// The time that its steps took, without those before an interruption.
    pub stepping: Duration,
}

/// The losses of a batch before one of the steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// The step, from 0.
    pub step: u64,
    /// ‖x̂ − x‖², mean over the batch.
    pub reconstruction: f64,
    /// The penalty.
    pub sparsity: f64,
    /// Share of the codes' entries that are active.
    pub density: f64,
}

/// Trains all candidates on batches of B×d, of which `draw` draws one by its source and number. The progress made is
/// one unit a step and model.
///
/// `settings` is everything beside the candidate's title that decides the course of a training.
pub fn train(
    candidates: Vec<Candidate>,
    plan: &Plan,
    settings: &impl Serialize,
    session: &Session,
    draw: impl Fn(usize, u64) -> Vec<f32> + Sync,
) -> Result<Vec<Trained>> {
    train_holding(&[], candidates, plan, settings, session, draw)
}

/// The same, with batches whose reading may fail.
pub fn train_reading(
    candidates: Vec<Candidate>,
    plan: &Plan,
    settings: &impl Serialize,
    session: &Session,
    draw: impl Fn(usize, u64) -> Result<Vec<f32>> + Sync,
) -> Result<Vec<Trained>> {
    side_by_side(&[], candidates, plan, settings, session, draw)
}

/// The same, with the tensors of these names held at their start in all candidates that have them.
pub fn train_holding(
    held: &[&str],
    candidates: Vec<Candidate>,
    plan: &Plan,
    settings: &impl Serialize,
    session: &Session,
    draw: impl Fn(usize, u64) -> Vec<f32> + Sync,
) -> Result<Vec<Trained>> {
    let draw = |source, number| Ok(draw(source, number));
    side_by_side(held, candidates, plan, settings, session, draw)
}

fn side_by_side(
    held: &[&str],
    candidates: Vec<Candidate>,
    plan: &Plan,
    settings: &impl Serialize,
    session: &Session,
    draw: impl Fn(usize, u64) -> Result<Vec<f32>> + Sync,
) -> Result<Vec<Trained>> {
    let exec = match candidates.len() >= session.threads {
        true => session.serial(),
        false => session.parallel(),
    };
    let mut models = Vec::new();
    for (index, candidate) in candidates.into_iter().enumerate() {
        let mut model = Model::begin(index, candidate, plan, settings, session)?;
        let tensors = model.trainer.parameters().tensors();
        let here: Vec<&str> = tensors
            .map(|(name, _)| name)
            .filter(|name| held.contains(name))
            .collect();
        model.trainer.hold(&here);
        models.push(model);
    }
    // The largest first, so that no thread is left with it at the end of a block.
    models.sort_by_key(|m| std::cmp::Reverse(m.trainer.parameters().values().len()));
    let behind = models
        .iter()
        .filter(|m| !m.ended(plan))
        .map(|m| m.trainer.steps());
    let mut first = behind.min().unwrap_or(plan.steps);
    let widths = models.iter().map(|m| m.trainer.parameters().shape().width);
    let batches = plan.block(widths.max().unwrap_or(1));
    while first < plan.steps {
        let block = first..plan.steps.min(first + batches);
        let mut sources: Vec<usize> = models.iter().map(|m| m.source).collect();
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
        let train =
            |model: &mut Model| model.train(first, &batches[&model.source], plan, exec, session);
        let done: Vec<Result<()>> = if exec.is_parallel() {
            models.iter_mut().map(train).collect()
        } else {
            models.par_iter_mut().with_max_len(1).map(train).collect()
        };
        done.into_iter().collect::<Result<()>>()?;
        first = block.end;
    }
    models.sort_by_key(|m| m.index);
    Ok(models.into_iter().map(Model::end).collect())
}

struct Model<'a> {
    index: usize,
    title: String,
    source: usize,
    rate: f64,
    trainer: Trainer,
    records: Vec<Record>,
    divergence: Option<String>,
    stepping: Duration,
    store: Store<'a>,
}

impl<'a> Model<'a> {
    /// The state that its last checkpoint left, or that of the start.
    fn begin(
        index: usize,
        candidate: Candidate,
        plan: &Plan,
        settings: &impl Serialize,
        session: &Session<'a>,
    ) -> Result<Model<'a>> {
        let Candidate {
            slug,
            title,
            source,
            start,
            rate,
        } = candidate;
        let store = session.checkpoints(&slug, &title, settings);
        let adam = Adam::default();
        let saved = store.latest(|snapshot| {
            let mut parameters = start.clone();
            let len = parameters.values().len();
            snapshot.read_into("parameters", parameters.values_mut())?;
            let mut moments = [vec![0.0; len], vec![0.0; len]];
            snapshot.read_into("first_moment", &mut moments[0])?;
            snapshot.read_into("second_moment", &mut moments[1])?;
            let mut idle = vec![0; start.shape().dictionary];
            snapshot.read_into("idle", &mut idle)?;
            let steps = snapshot.read_u64("step", plan.steps)?;
            let trainer = Trainer::restore(parameters, adam, plan.batch, moments, steps, idle);
            let divergence = match snapshot.metadata("divergence")? {
                "" => None,
                how => Some(how.to_string()),
            };
            Ok((trainer, records(snapshot)?, divergence))
        })?;
        let (trainer, records, divergence) =
            saved.unwrap_or_else(|| (Trainer::new(start, adam, plan.batch), Vec::new(), None));
        let model = Model {
            index,
            title,
            source,
            rate,
            trainer,
            records,
            divergence,
            stepping: Duration::ZERO,
            store,
        };
        session.progress.advance(model.done(plan))?;
        Ok(model)
    }

    fn ended(&self, plan: &Plan) -> bool {
        self.done(plan) == plan.steps
    }

    /// Steps that need not be made any more.
    fn done(&self, plan: &Plan) -> u64 {
        match self.divergence {
            Some(_) => plan.steps,
            None => self.trainer.steps(),
        }
    }

    /// Trains on those batches of a block that it has not seen. Its state is on disk before an interrupt is passed on.
    fn train(
        &mut self,
        first: u64,
        batches: &[Vec<f32>],
        plan: &Plan,
        exec: Exec,
        session: &Session,
    ) -> Result<()> {
        let last = first + batches.len() as u64;
        if self.ended(plan) || self.trainer.steps() >= last {
            return Ok(());
        }
        let before = self.done(plan);
        let mut interrupted = crate::session::progress::check();
        while interrupted.is_ok() && self.divergence.is_none() && self.trainer.steps() < last {
            let step = self.trainer.steps();
            self.trainer.adam_mut().learning_rate =
                (self.rate * plan.learning_rate_at(step)) as f32;
            let width = self.trainer.parameters().shape().width;
            let x = MatRef::from_rows(&batches[(step - first) as usize], width);
            let begun = Instant::now();
            let losses = self.trainer.step(exec, x);
            self.stepping += begun.elapsed();
            if step.is_multiple_of((plan.steps / RECORDS).max(1)) {
                self.records.push(Record {
                    step,
                    reconstruction: losses.reconstruction,
                    sparsity: losses.sparsity,
                    density: losses.density,
                });
            }
            let finite = losses.total().is_finite();
            let all_finite = || {
                self.trainer
                    .parameters()
                    .values()
                    .iter()
                    .all(|v| v.is_finite())
            };
            if !finite || (step + 1 == plan.steps && !all_finite()) {
                let how = divergence(step + 1, "the loss");
                tell_divergence(session.progress, &self.title, &how);
                self.divergence = Some(how);
            }
        }
        interrupted = interrupted.and(session.progress.advance(self.done(plan) - before));
        if interrupted.is_err() || self.ended(plan) || self.store.is_due() {
            self.store.write(self.trainer.steps(), self.snapshot())?;
        }
        if let Some(record) = self.records.last() {
            session.progress.note(|| {
                let loss = record.reconstruction + record.sparsity;
                format!(
                    "{}: step {}, loss {loss:.4}",
                    self.title,
                    self.trainer.steps()
                )
            });
        }
        interrupted
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let [first, second] = self.trainer.moments();
        snapshot.put_vector("parameters", self.trainer.parameters().values());
        snapshot.put_vector("first_moment", first);
        snapshot.put_vector("second_moment", second);
        snapshot.put_vector("idle", self.trainer.idle());
        snapshot.put_vector("record_step", self.records.iter().map(|l| &l.step));
        snapshot.put_vector(
            "record_reconstruction",
            self.records.iter().map(|l| &l.reconstruction),
        );
        snapshot.put_vector("record_sparsity", self.records.iter().map(|l| &l.sparsity));
        snapshot.put_vector("record_density", self.records.iter().map(|l| &l.density));
        snapshot.put_metadata("step", self.trainer.steps());
        snapshot.put_metadata("divergence", self.divergence.as_deref().unwrap_or(""));
        snapshot
    }

    fn end(self) -> Trained {
        Trained {
            parameters: self.trainer.into_parameters(),
            records: self.records,
            divergence: self.divergence,
            stepping: self.stepping,
        }
    }
}

/// The records in a checkpoint.
fn records(snapshot: &Snapshot) -> Result<Vec<Record>, String> {
    let records = snapshot
        .read_vector("record_step")?
        .into_iter()
        .zip(snapshot.read_vector("record_reconstruction")?)
        .zip(snapshot.read_vector("record_sparsity")?)
        .zip(snapshot.read_vector("record_density")?);
    let record = |(((step, reconstruction), sparsity), density)| Record {
        step,
        reconstruction,
        sparsity,
        density,
    };
    Ok(records.map(record).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_falls_to_0_over_the_cooldown() {
        let plan = Plan {
            steps: 100,
            batch: 1,
            learning_rate: 1.0,
            cooldown: 0.2,
        };
        let rates = [0, 79, 80, 90, 99].map(|step| plan.learning_rate_at(step));
        assert_eq!(rates, [1.0, 1.0, 1.0, 0.5, 0.05]);
        let none = Plan {
            cooldown: 0.0,
            ..plan
        };
        assert_eq!(none.learning_rate_at(99), 1.0);
    }
}
