//! One model in training: its steps, the options that change from step to step, and its checkpoints.

use std::path::Path;
use std::time::{Duration, Instant};

use kernels::Exec;
use kernels::sae::{Losses, Parameters, Trainer};
use rand::RngExt as _;
use serde::Serialize;

use super::controller::Controller;
use super::recipe::{self, Plan, Recipe};
use super::saved::{Record, Saved};
use super::standing::{Standing, variance};
use crate::error::Result;
use crate::rng::Rng;
use crate::session::Session;
use crate::session::training::{divergence, tell_divergence};
use crate::store::checkpoint::{Store, Unfit};
use crate::store::snapshot::Snapshot;

/// A model to train.
#[derive(Debug)]
pub struct Candidate {
    /// The name of the folder of the model's checkpoints.
    pub slug: String,
    /// The name of the model in messages.
    pub title: String,
    /// The number of the source of the model's batches.
    pub source: usize,
    /// The parameters that training starts from.
    pub start: Parameters,
    /// The training options of the model.
    pub recipe: Recipe,
}

/// A model at the end of its training.
#[derive(Debug)]
pub struct Trained {
    /// The trained parameters.
    pub parameters: Parameters,
    /// The coefficient λ of the penalty at the end; 0 where there is no penalty.
    pub lambda: f64,
    /// The losses recorded during training.
    pub records: Vec<Record>,
    /// A description of the divergence, if the training diverged.
    pub divergence: Option<String>,
    /// The time that steps took, without those before an interruption.
    pub stepping: Duration,
}

/// A model in training.
pub struct Trainee<'a> {
    index: usize,
    title: String,
    source: usize,
    recipe: Recipe,
    /// The coefficient that the penalty rises to, before the controller changes it; `None` without a penalty.
    lambda: Option<f32>,
    controller: Option<Controller>,
    trainer: Trainer,
    records: Vec<Record>,
    divergence: Option<String>,
    /// The losses of the last step; `None` before the first step since training was begun or resumed.
    last: Option<Losses>,
    /// The time at which training was begun or resumed.
    begun: Instant,
    /// The number of steps that were done then.
    first: u64,
    stepping: Duration,
    store: Store<'a>,
}

impl Candidate {
    /// Returns the controller of the penalty's coefficient before the first step, if the penalty is steered.
    fn controller(&self, plan: &Plan) -> Option<Controller> {
        let variant = self.start.variant();
        variant.lambda()?;
        let target = self.recipe.target_l0?;
        let learning_rate = self.recipe.rate * plan.learning_rate;
        Some(Controller::new(target, variant, plan.steps, learning_rate))
    }

    /// Reads the state of the candidate's training from a checkpoint.
    fn read(&self, snapshot: &Snapshot, plan: &Plan) -> Result<Saved, String> {
        Saved::read(snapshot, &self.start, self.controller(plan), plan)
    }
}

/// Reads a trained candidate from `file`, the checkpoint at the end of its training; the inner error says why the file
/// is no such checkpoint.
///
/// # Errors
/// If the file cannot be read at all.
pub fn at_end(
    candidate: Candidate,
    plan: &Plan,
    settings: &impl Serialize,
    session: &Session,
    file: &Path,
) -> Result<Result<Trained, Unfit>> {
    let store = session.checkpoints(&candidate.slug, &candidate.title, settings);
    let saved = store.open(file, |snapshot| candidate.read(snapshot, plan))?;
    let model = match saved {
        Ok(saved) => Trainee::of(0, candidate, saved, store, plan),
        Err(unfit) => return Ok(Err(unfit)),
    };
    Ok(match model.ended(plan) {
        true => Ok(model.end()),
        false => Err(Unfit::Damaged(format!(
            "it is from step {} of {}",
            model.steps(),
            plan.steps
        ))),
    })
}

impl<'a> Trainee<'a> {
    /// Returns a candidate in training, in the state of its last checkpoint, or at the start if there is none.
    pub fn begin(
        index: usize,
        candidate: Candidate,
        plan: &Plan,
        settings: &impl Serialize,
        session: &Session<'a>,
    ) -> Result<Trainee<'a>> {
        let store = session.checkpoints(&candidate.slug, &candidate.title, settings);
        let saved = store.latest(|snapshot| candidate.read(snapshot, plan))?;
        let saved = saved
            .unwrap_or_else(|| Saved::start(&candidate.start, candidate.controller(plan), plan));
        let model = Trainee::of(index, candidate, saved, store, plan);
        session.progress.skip(model.first)?;
        Ok(model)
    }

    /// Returns a candidate in training in the state `saved`.
    fn of(
        index: usize,
        candidate: Candidate,
        saved: Saved,
        store: Store<'a>,
        plan: &Plan,
    ) -> Trainee<'a> {
        let lambda = candidate.start.variant().lambda();
        let mut model = Trainee {
            index,
            title: candidate.title,
            source: candidate.source,
            recipe: candidate.recipe,
            lambda,
            controller: saved.controller,
            trainer: saved.trainer,
            records: saved.records,
            divergence: saved.divergence,
            last: None,
            begun: Instant::now(),
            first: 0,
            stepping: Duration::ZERO,
            store,
        };
        let tensors = candidate.start.tensors().map(|(name, _)| name);
        let held: Vec<&str> = tensors.filter(|n| model.recipe.held.contains(n)).collect();
        model.trainer.hold(&held);
        model.trainer.set_clip(model.recipe.clip);
        model.first = model.done(plan);
        model
    }

    /// Returns the place of the model among all candidates.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the number of the source of the model's batches.
    pub fn source(&self) -> usize {
        self.source
    }

    /// Returns the number of values in a row of the model's batches.
    pub fn row(&self) -> usize {
        recipe::row(self.parameters().task())
    }

    /// Returns the parameters as they are now.
    pub fn parameters(&self) -> &Parameters {
        self.trainer.parameters()
    }

    /// Returns the number of steps so far.
    pub fn steps(&self) -> u64 {
        self.trainer.steps()
    }

    /// Returns whether the model needs no further step.
    pub fn ended(&self, plan: &Plan) -> bool {
        self.done(plan) == plan.steps
    }

    /// Returns the number of steps that need not be made any more: all of them if the model has diverged.
    fn done(&self, plan: &Plan) -> u64 {
        match self.divergence {
            Some(_) => plan.steps,
            None => self.trainer.steps(),
        }
    }

    /// Trains the model on those batches of `block` that it has not seen. The batches stand one behind the other, and
    /// the first has the number `first`. Writes the state to disk before an interrupt is passed on.
    pub fn train(
        &mut self,
        first: u64,
        block: &[f32],
        plan: &Plan,
        exec: Exec,
        session: &Session,
    ) -> Result<()> {
        let batch = plan.batch * self.row();
        let last = first + (block.len() / batch) as u64;
        if self.ended(plan) || self.trainer.steps() >= last {
            return Ok(());
        }
        let before = self.done(plan);
        let mut interrupted = crate::session::progress::check();
        while interrupted.is_ok() && self.divergence.is_none() && self.trainer.steps() < last {
            let step = self.trainer.steps();
            self.trainer.adam_mut().learning_rate = self.recipe.learning_rate_at(step, plan) as f32;
            let lambda = self.set_penalty(step);
            let dictionary = self.trainer.parameters().shape().dictionary;
            let values = &block[(step - first) as usize * batch..][..batch];
            let (x, target) = recipe::sides(self.trainer.parameters().task(), values);
            let begun = Instant::now();
            if let Some(resampling) = self.recipe.resamples_at(step) {
                let mut rng = Rng::stream(resampling.seed, "sae train", "resampling", step);
                let uniforms = || rng.random::<f64>();
                self.trainer
                    .resample_to(exec, x, target, resampling.dead_after, uniforms);
            }
            let losses = self.trainer.step_to(exec, x, target);
            self.last = Some(losses);
            if let Some(controller) = &mut self.controller
                && step + 1 >= self.recipe.penalty_warm_up
            {
                controller.see(losses.density * dictionary as f64);
            }
            self.stepping += begun.elapsed();
            if step.is_multiple_of((plan.steps / recipe::RECORDS).max(1)) {
                self.records.push(Record {
                    step,
                    reconstruction: losses.reconstruction,
                    sparsity: losses.sparsity,
                    density: losses.density,
                    lambda: lambda.into(),
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
        if let Some(losses) = self.last {
            session.progress.note(|| {
                let step = self.trainer.steps();
                let values = &block[(step - 1 - first) as usize * batch..][..batch];
                self.standing(losses, values, plan).to_string()
            });
        }
        interrupted
    }

    /// Returns the state of the training after a step on `batch`, which had these losses.
    fn standing(&self, losses: Losses, batch: &[f32], plan: &Plan) -> Standing<'_> {
        let task = self.trainer.parameters().task();
        let idle = self.trainer.idle();
        let dead = |after: u32| idle.iter().filter(|&&steps| steps >= after).count();
        let steps = (self.trainer.steps() - self.first) as f64;
        Standing {
            title: &self.title,
            step: self.trainer.steps(),
            loss: losses.total(),
            l0: losses.density * idle.len() as f64,
            explained: 1.0 - losses.reconstruction / variance(recipe::sides(task, batch).1),
            dead: self
                .recipe
                .dead_after
                .map(|after| dead(after) as f64 / idle.len() as f64),
            rows_per_second: steps * plan.batch as f64 / self.begun.elapsed().as_secs_f64(),
        }
    }

    /// Gives the penalty the strength that it has in a step, and returns its coefficient; 0 where there is no penalty.
    fn set_penalty(&mut self, step: u64) -> f32 {
        let Some(lambda) = self.lambda else {
            return 0.0;
        };
        let steered = self.controller.as_ref().map_or(1.0, Controller::multiplier);
        let lambda = (f64::from(lambda) * self.recipe.penalty_at(step) * steered) as f32;
        let mut variant = self.trainer.parameters().variant();
        if let Some(now) = variant.lambda_mut()
            && *now != lambda
        {
            *now = lambda;
            self.trainer.set_variant(variant);
        }
        lambda
    }

    fn snapshot(&self) -> Snapshot<'_> {
        let mut snapshot = Snapshot::default();
        let [first, second] = self.trainer.moments();
        snapshot.put_slice("parameters", self.trainer.parameters().values());
        snapshot.put_slice("first_moment", first);
        snapshot.put_slice("second_moment", second);
        snapshot.put_slice("idle", self.trainer.idle());
        snapshot.put_vector("record_step", self.records.iter().map(|l| &l.step));
        snapshot.put_vector(
            "record_reconstruction",
            self.records.iter().map(|l| &l.reconstruction),
        );
        snapshot.put_vector("record_sparsity", self.records.iter().map(|l| &l.sparsity));
        snapshot.put_vector("record_density", self.records.iter().map(|l| &l.density));
        snapshot.put_vector("record_lambda", self.records.iter().map(|l| &l.lambda));
        if let Some(controller) = &self.controller {
            controller.put(&mut snapshot);
        }
        snapshot.put_metadata("step", self.trainer.steps());
        snapshot.put_metadata("divergence", self.divergence.as_deref().unwrap_or(""));
        snapshot
    }

    /// Returns the model as it is now.
    pub fn end(mut self) -> Trained {
        // Checkpoints do not hold λ, so it is set again.
        let lambda = self.set_penalty(self.trainer.steps());
        Trained {
            parameters: self.trainer.into_parameters(),
            lambda: lambda.into(),
            records: self.records,
            divergence: self.divergence,
            stepping: self.stepping,
        }
    }
}
