//! One model in training: its steps, what changes from one to the next, and its checkpoints.

use std::time::{Duration, Instant};

use kernels::Exec;
use kernels::adam::Adam;
use kernels::sae::{Losses, Parameters, Trainer};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::controller::Controller;
use super::recipe::{self, Plan, Recipe};
use super::standing::{Standing, variance};
use crate::error::Result;
use crate::rng::Rng;
use crate::session::Session;
use crate::session::training::{divergence, tell_divergence};
use crate::store::checkpoint::{Snapshot, Store};

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
    /// What its training does from step to step.
    pub recipe: Recipe,
}

/// A model at the end of its training.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub parameters: Parameters,
    /// The coefficient λ of its penalty at the end; 0 where there is none.
    pub lambda: f64,
    /// What was seen on the way.
    pub records: Vec<Record>,
    /// A description of its divergence, if it diverged.
    pub divergence: Option<String>,
    /// The time that its steps took, without those before an interruption.
    pub stepping: Duration,
}

/// The losses of a batch before one of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The step, from 0.
    pub step: u64,
    /// ‖x̂ − x‖², mean over the batch.
    pub reconstruction: f64,
    /// The penalty.
    pub sparsity: f64,
    /// Share of the codes' entries that are active.
    pub density: f64,
    /// The coefficient λ of the penalty in that step; 0 where there is none.
    pub lambda: f64,
}

/// A model in training.
pub struct Trainee<'a> {
    index: usize,
    title: String,
    source: usize,
    recipe: Recipe,
    /// What its penalty rises to, before anything steers it.
    lambda: Option<f32>,
    controller: Option<Controller>,
    trainer: Trainer,
    records: Vec<Record>,
    divergence: Option<String>,
    /// The losses of its last step.
    last: Option<Losses>,
    /// When it was begun or resumed, and at which step.
    begun: Instant,
    first: u64,
    stepping: Duration,
    store: Store<'a>,
}

impl<'a> Trainee<'a> {
    /// The state that its last checkpoint left, or that of the start.
    pub fn begin(
        index: usize,
        candidate: Candidate,
        plan: &Plan,
        settings: &impl Serialize,
        session: &Session<'a>,
    ) -> Result<Trainee<'a>> {
        let Candidate {
            slug,
            title,
            source,
            start,
            recipe,
        } = candidate;
        let lambda = start.variant().lambda();
        let target = recipe.target_l0.filter(|_| lambda.is_some());
        let controller = target.map(|target| Controller::new(target, start.variant(), plan.steps));
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
            let controller = match controller {
                Some(controller) => Some(controller.restored(snapshot)?),
                None => None,
            };
            let trainer = Trainer::restore(parameters, adam, plan.batch, moments, steps, idle);
            let divergence = match snapshot.metadata("divergence")? {
                "" => None,
                how => Some(how.to_string()),
            };
            Ok((trainer, controller, records(snapshot)?, divergence))
        })?;
        let fresh = || {
            let trainer = Trainer::new(start.clone(), adam, plan.batch);
            (trainer, controller, Vec::new(), None)
        };
        let (trainer, controller, records, divergence) = saved.unwrap_or_else(fresh);
        let mut model = Trainee {
            index,
            title,
            source,
            recipe,
            lambda,
            controller,
            trainer,
            records,
            divergence,
            last: None,
            begun: Instant::now(),
            first: 0,
            stepping: Duration::ZERO,
            store,
        };
        let tensors = start.tensors().map(|(name, _)| name);
        let held: Vec<&str> = tensors.filter(|n| model.recipe.held.contains(n)).collect();
        model.trainer.hold(&held);
        model.trainer.set_clip(model.recipe.clip);
        model.first = model.done(plan);
        session.progress.skip(model.first)?;
        Ok(model)
    }

    /// Its place among all candidates.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Number of the source of its batches.
    pub fn source(&self) -> usize {
        self.source
    }

    /// Values in a row of its batches.
    pub fn row(&self) -> usize {
        recipe::row(self.parameters().task())
    }

    /// Its parameters as they are now.
    pub fn parameters(&self) -> &Parameters {
        self.trainer.parameters()
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.trainer.steps()
    }

    /// Whether it needs no further step.
    pub fn ended(&self, plan: &Plan) -> bool {
        self.done(plan) == plan.steps
    }

    /// Steps that need not be made any more.
    fn done(&self, plan: &Plan) -> u64 {
        match self.divergence {
            Some(_) => plan.steps,
            None => self.trainer.steps(),
        }
    }

    /// Trains on those batches of a block that it has not seen, which stand one behind the other. Its state is on disk
    /// before an interrupt is passed on.
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

    /// Where it stands after the step on this batch.
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

    /// Gives the penalty the strength that it has in a step, and returns its coefficient; 0 where there is none.
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

    /// The model as it is now.
    pub fn end(mut self) -> Trained {
        // Whether it comes from its last step or from a checkpoint.
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

/// The records in a checkpoint.
fn records(snapshot: &Snapshot) -> Result<Vec<Record>, String> {
    let records = snapshot
        .read_vector("record_step")?
        .into_iter()
        .zip(snapshot.read_vector("record_reconstruction")?)
        .zip(snapshot.read_vector("record_sparsity")?)
        .zip(snapshot.read_vector("record_density")?)
        .zip(snapshot.read_vector("record_lambda")?);
    let record = |((((step, reconstruction), sparsity), density), lambda)| Record {
        step,
        reconstruction,
        sparsity,
        density,
        lambda,
    };
    Ok(records.map(record).collect())
}
