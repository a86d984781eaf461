//! The training of one sparse autoencoder on batches that can be drawn again, with checkpoints.

use kernels::adam::Adam;
use kernels::sae::{Parameters, Shape, Trainer, Variant};
use kernels::{Exec, MatRef};
use serde::Serialize;

use crate::checkpoint::{Parts, Store};
use crate::error::Result;
use crate::experiment::Ctx;

/// The last part of a training in which the learning rate falls to 0, one in so many steps.
const DECAY: u64 = 5;

/// What is trained, and for how long.
#[derive(Debug, Clone)]
pub struct Training<'a> {
    /// Name of its folder of checkpoints.
    pub slug: String,
    /// Its name in messages.
    pub name: String,
    /// How large it is.
    pub shape: Shape,
    /// Of what kind.
    pub variant: Variant,
    /// Steps of Adam.
    pub steps: u64,
    /// Samples in a batch.
    pub batch: usize,
    /// Learning rate; over the last fifth of the steps it falls linearly to 0.
    pub learning_rate: f64,
    /// How kernels are run.
    pub exec: Exec,
    /// Of the run.
    pub ctx: &'a Ctx<'a>,
}

impl Training<'_> {
    /// Trains from `initial`, or from the last checkpoint, on the batches that `batch` writes for each
    /// step; they must depend on nothing else. One unit of progress a step. If a loss is no finite number, the
    /// training ends and the text says where.
    pub fn run(
        &self,
        settings: &impl Serialize,
        initial: impl FnOnce() -> Parameters,
        mut batch: impl FnMut(u64, &mut [f32]),
    ) -> Result<Result<Parameters, String>> {
        let ctx = self.ctx;
        let mut store = Store::new(&self.slug, &self.name, settings, ctx);
        let resumed = store.latest(|parts| self.read(parts))?;
        let mut trainer =
            resumed.unwrap_or_else(|| Trainer::new(initial(), Adam::default(), self.batch));
        ctx.progress.advance(trainer.steps())?;
        let width = self.shape.width;
        let mut x = vec![0f32; self.batch * width];
        while trainer.steps() < self.steps {
            let step = trainer.steps();
            batch(step, &mut x);
            trainer.adam_mut().learning_rate = self.learning_rate_at(step) as f32;
            let x = MatRef::new(&x, self.batch, width).expect("of that size");
            let losses = trainer.step(self.exec, x);
            if !losses.total().is_finite() {
                let why = format!(
                    "the {} diverged at step {step}: its loss is {}",
                    self.name,
                    losses.total()
                );
                ctx.progress
                    .say(&format!("{why}; its claims will be inconclusive"));
                ctx.progress.advance(self.steps - step)?;
                return Ok(Err(why));
            }
            let interrupted = ctx.progress.advance(1);
            let done = trainer.steps() == self.steps;
            if done || interrupted.is_err() || store.is_due() {
                store.write(trainer.steps(), self.parts(&trainer))?;
            }
            interrupted?;
            ctx.progress.note(|| {
                format!(
                    "{}: step {step}, squared error {:.3}, {:.1} active",
                    self.name,
                    losses.reconstruction,
                    losses.density * self.shape.dictionary as f64
                )
            });
        }
        Ok(Ok(trainer.into_parameters()))
    }

    fn learning_rate_at(&self, step: u64) -> f64 {
        let decay = (self.steps / DECAY).max(1);
        let left = (self.steps - step) as f64 / decay as f64;
        self.learning_rate * left.min(1.0)
    }

    /// All that it takes to go on; of a training that is done, the parameters alone.
    fn parts(&self, trainer: &Trainer) -> Parts {
        let mut parts = Parts::default();
        parts.word("steps", trainer.steps());
        parts.vector("parameters", trainer.parameters().values());
        if trainer.steps() < self.steps {
            let [first, second] = trainer.moments();
            parts.vector("first_moment", first);
            parts.vector("second_moment", second);
            parts.vector("idle", trainer.idle());
        }
        parts
    }

    fn read(&self, parts: &Parts) -> Result<Trainer, String> {
        let mut parameters = Parameters::zeros(self.shape, self.variant);
        parts.read_into("parameters", parameters.values_mut())?;
        let n = parameters.values().len();
        let mut moments = [vec![0f32; n], vec![0f32; n]];
        let mut idle = vec![0; self.shape.dictionary];
        let steps = parts.read_number("steps")?;
        if steps < self.steps {
            parts.read_into("first_moment", &mut moments[0])?;
            parts.read_into("second_moment", &mut moments[1])?;
            parts.read_into("idle", &mut idle)?;
        }
        Ok(Trainer::restore(
            parameters,
            Adam::default(),
            self.batch,
            moments,
            steps,
            idle,
        ))
    }
}
