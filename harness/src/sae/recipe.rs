//! The training options of models: the plan that all models on the same batches share, and the recipe of each model.

use std::ops::RangeInclusive;

use kernels::MatRef;
use kernels::sae::{Shape, Task};

use crate::settings::range::{Above, Worded, above, worded};

/// The largest number of batches drawn at once.
const BLOCK: u64 = 32;

/// The largest number of values in the batches that are drawn at once, unless a single batch has more.
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

/// The range of the number of training steps.
pub const STEPS: RangeInclusive<u64> = 1..=1 << 40;

/// The range of the number of samples in a batch.
pub const BATCH: RangeInclusive<usize> = 1..=1 << 20;

/// Returns the range of learning rates: the positive numbers that single precision holds.
pub fn learning_rate() -> Worded<Above> {
    worded(
        "above 0 and at most 3e38",
        above(0.0).at_most(f32::MAX.into()),
    )
}

/// The number of times that losses are recorded during a training.
pub const RECORDS: u64 = 20;

/// Returns the number of values in a row of a batch: those that a model reads, and for a transcoder those of the target
/// that it reconstructs.
pub fn row(task: Task) -> usize {
    match task {
        Task::Autoencoder(shape) => shape.width,
        Task::Transcoder { input, shape, .. } => input + shape.width,
    }
}

/// Returns the rows of a batch that a model reads, and the rows that it is to reconstruct.
pub fn sides(task: Task, batch: &[f32]) -> (MatRef<'_>, MatRef<'_>) {
    let width = task.shape().width;
    match task {
        Task::Autoencoder(_) => {
            let x = MatRef::from_rows(batch, width);
            (x, x)
        }
        Task::Transcoder { input, .. } => {
            let rows = batch.len() / row(task);
            let (x, target) = batch.split_at(rows * input);
            (
                MatRef::from_rows(x, input),
                MatRef::from_rows(target, width),
            )
        }
    }
}

impl Plan {
    /// Returns the number of rows of all batches; rows of later passes count again.
    pub fn rows(&self) -> u64 {
        self.steps * self.batch as u64
    }

    /// Returns the estimated memory, in bytes, of training models of `width` columns, with the numbers of elements
    /// `dictionaries`: the models, a block of batches, and as many batches that are drawn for it at most.
    pub fn memory(&self, width: usize, dictionaries: impl Iterator<Item = usize>) -> f64 {
        let of_model = |dictionary| self.of_model(Shape { width, dictionary }.into());
        dictionaries.map(of_model).sum::<f64>() + 2.0 * self.room(width)
    }

    /// Returns the estimated memory of a model, in bytes: its parameters, gradient and moments, its codes and a
    /// checkpoint of it.
    pub fn of_model(&self, task: Task) -> f64 {
        let b = self.batch as f64;
        let (input, width) = (task.input() as f64, task.shape().width as f64);
        let n = task.shape().dictionary as f64;
        let skip = match task.has_skip() {
            true => input * width,
            false => 0.0,
        };
        let parameters = n * (input + width) + n + width + skip;
        4.0 * (8.0 * parameters + b * (4.0 * n + input + width))
    }

    /// Returns the size in bytes of a block of batches with `row` values in a row.
    pub fn room(&self, row: usize) -> f64 {
        (self.block(row) as usize * self.batch * row * size_of::<f32>()) as f64
    }

    /// Returns the number of batches that are drawn at once, with `row` values in a row.
    pub fn block(&self, row: usize) -> u64 {
        let fit = VALUES / self.batch.saturating_mul(row).max(1);
        (fit as u64).clamp(1, BLOCK)
    }

    /// Returns the learning rate of a step.
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        let left = (self.steps - step) as f64 / (self.cooldown * self.steps as f64);
        self.learning_rate * left.min(1.0)
    }
}

/// The training options of one model, beside the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The learning rate, in multiples of the plan's.
    pub rate: f64,
    /// The number of steps at the start over which the learning rate rises along a line.
    pub warm_up: u64,
    /// The largest norm of the gradient, to which a longer one is scaled; `None` for no limit.
    pub clip: Option<f32>,
    /// The names of the tensors that keep their first values; names that the model does not have are left out.
    pub held: Vec<&'static str>,
    /// The number of steps at the start over which the penalty rises along a line.
    pub penalty_warm_up: u64,
    /// The number of active elements that the penalty is steered to once it has risen.
    pub target_l0: Option<f64>,
    /// The number of steps without firing after which an element counts as dead in the line of progress.
    pub dead_after: Option<u32>,
    /// The resampling of dead elements, if there is any.
    pub resampling: Option<Resampling>,
}

/// The resampling of dead elements at regular steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// The number of steps between two resamplings.
    pub every: u64,
    /// The step from which on there is no resampling, so that the last new elements learn something.
    pub until: u64,
    /// The number of steps without firing after which an element counts as dead.
    pub dead_after: u32,
    /// The seed of the random choices.
    pub seed: u64,
}

impl Default for Recipe {
    /// Returns the recipe that adds nothing to the plan.
    fn default() -> Recipe {
        Recipe {
            rate: 1.0,
            warm_up: 0,
            clip: None,
            held: Vec::new(),
            penalty_warm_up: 0,
            target_l0: None,
            dead_after: None,
            resampling: None,
        }
    }
}

impl Recipe {
    /// Returns the learning rate of a step under a plan.
    pub fn learning_rate_at(&self, step: u64, plan: &Plan) -> f64 {
        risen(step, self.warm_up) * self.rate * plan.learning_rate_at(step)
    }

    /// Returns the strength of the penalty in a step, as a share of what it rises to.
    pub fn penalty_at(&self, step: u64) -> f64 {
        risen(step, self.penalty_warm_up)
    }

    /// Returns the resampling, if dead elements are resampled before a step.
    pub fn resamples_at(&self, step: u64) -> Option<Resampling> {
        let due = |r: &Resampling| step > 0 && step < r.until && step.is_multiple_of(r.every);
        self.resampling.filter(due)
    }
}

/// Returns the share of its full value that a quantity has in a step, if it rises along a line over the first `over`
/// steps.
fn risen(step: u64, over: u64) -> f64 {
    match step < over {
        true => (step + 1) as f64 / over as f64,
        false => 1.0,
    }
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

    #[test]
    fn rate_and_penalty_rise_from_the_first_step_on() {
        let plan = Plan {
            steps: 100,
            batch: 1,
            learning_rate: 2.0,
            cooldown: 0.5,
        };
        let recipe = Recipe {
            rate: 3.0,
            warm_up: 4,
            penalty_warm_up: 2,
            ..Recipe::default()
        };
        let rates = [0, 1, 3, 4, 75].map(|step| recipe.learning_rate_at(step, &plan));
        assert_eq!(rates, [1.5, 3.0, 6.0, 6.0, 3.0]);
        assert_eq!(
            [0, 1, 2].map(|step| recipe.penalty_at(step)),
            [0.5, 1.0, 1.0]
        );
        let plain = Recipe::default();
        assert_eq!(plain.learning_rate_at(0, &plan), 2.0);
        assert_eq!(plain.penalty_at(0), 1.0);
    }

    #[test]
    fn dead_elements_are_resampled_at_regular_steps_up_to_the_last() {
        let recipe = Recipe {
            resampling: Some(Resampling {
                every: 10,
                until: 30,
                dead_after: 10,
                seed: 0,
            }),
            ..Recipe::default()
        };
        let due: Vec<u64> = (0..60)
            .filter(|&step| recipe.resamples_at(step).is_some())
            .collect();
        assert_eq!(due, [10, 20]);
    }

    #[test]
    fn a_batch_of_a_transcoder_has_two_sides() {
        let batch: Vec<f32> = (0..10).map(|i| i as f32).collect();
        let shape = Shape {
            width: 3,
            dictionary: 4,
        };
        let (x, y) = sides(
            Task::Transcoder {
                input: 2,
                shape,
                skip: false,
            },
            &batch,
        );
        assert_eq!((x.row(1), y.row(1)), (&batch[2..4], &batch[7..10]));
    }
}
