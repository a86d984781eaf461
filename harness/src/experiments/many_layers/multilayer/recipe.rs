//! The recipe of one training: the choices that the settings, or a cell of the specification curve, make.

use kernels::mlp::Shape;
use serde::{Deserialize, Serialize};

use super::settings::{Activation, Loss, Settings, Targets};

/// The number of layers of the models with the opposite choices.
const OPPOSITE_LAYERS: usize = 8;

/// The learning rate of the models with the opposite choices.
const OPPOSITE_RATE: f64 = 1e-3;

/// The seconds of a unit of progress on one core of Zen 3 with AVX2.
pub const PER_TICK: f64 = 1.2e-5;

/// The seconds of a unit of progress of the small models of the specification curve, on one core of Zen 3 with AVX2.
pub const PER_SMALL_TICK: f64 = 1.4e-5;

/// The seconds of the gradient for one datapoint, for each parameter, on one core of Zen 3 with AVX2.
const PER_GRADIENT: f64 = 9e-10;

/// Everything that decides the course of a training, beside its data and its seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The width d of the residual stream; also the length of each one-hot vector and the number of classes.
    pub width: usize,
    /// The width h of the hidden layer of each block.
    pub hidden: usize,
    /// The number of blocks L.
    pub layers: usize,
    /// The activation of the hidden layers.
    pub activation: Activation,
    /// The rule that gives a pair its class.
    pub targets: Targets,
    /// The loss of the output that is minimised.
    pub loss: Loss,
    /// The number of datapoints in a minibatch; all of them if there are fewer.
    pub batch: usize,
    /// The learning rate of Adam.
    pub rate: f64,
    /// The number of training steps, or the most of them if training may stop early.
    pub steps: u64,
    /// Whether training stops once the loss of every datapoint is below the threshold.
    pub stop: bool,
    /// The number of steps between two evaluations on all datapoints.
    pub check_every: u64,
    /// The loss below which a datapoint counts as learned.
    pub threshold: f64,
}

impl Recipe {
    /// Returns the shape of the model.
    pub fn shape(&self) -> Shape {
        Shape {
            vocabulary: self.width,
            width: self.width,
            hidden: self.hidden,
            layers: self.layers,
            activation: self.activation.kernel(),
        }
    }

    /// Returns the shape of one block of the model on a table of `n` residual streams.
    pub fn block_shape(&self, n: usize) -> Shape {
        Shape {
            vocabulary: n,
            layers: 1,
            ..self.shape()
        }
    }

    /// Returns the same choices with as many steps as `n` datapoints need for `epochs` epochs.
    pub fn epochs(self, epochs: u64, n: usize) -> Recipe {
        let (_, per_epoch) = self.batches(n);
        Recipe {
            steps: epochs * per_epoch,
            ..self
        }
    }

    /// Returns the number of datapoints in a minibatch out of `n`, and the number of minibatches in an epoch.
    pub fn batches(&self, n: usize) -> (usize, u64) {
        let batch = self.batch.min(n);
        (batch, n.div_ceil(batch) as u64)
    }

    /// Returns the units of progress that a step on `n` datapoints counts for: about the time that it takes.
    pub fn step_cost(&self, n: usize) -> u64 {
        let (batch, _) = self.batches(n);
        // A step of Adam takes about as long as five datapoints.
        1 + ((batch + 5) as f64 * parameters(self.width, self.hidden, self.layers) / 1e5) as u64
    }

    /// Returns the estimated seconds to read a model of `n` datapoints on one core: a gradient for each of them.
    pub fn reading(&self, n: usize) -> f64 {
        PER_GRADIENT * n as f64 * parameters(self.width, self.hidden, self.layers)
    }

    /// Returns the units of progress of a whole training on `n` datapoints.
    pub fn cost(&self, n: usize) -> u64 {
        self.steps * self.step_cost(n)
    }
}

/// Returns the number of parameters of a model; a float, since it may not fit an integer.
pub fn parameters(width: usize, hidden: usize, layers: usize) -> f64 {
    let (d, h, layers) = (width as f64, hidden as f64, layers as f64);
    2.0 * d * d + layers * (2.0 * d * h + d + h)
}

impl Settings {
    /// Returns the recipe of these settings for `n` datapoints.
    pub fn recipe(&self, n: usize) -> Recipe {
        let recipe = Recipe {
            width: self.width,
            hidden: self.hidden,
            layers: self.layers,
            activation: self.activation,
            targets: self.targets,
            loss: self.loss,
            batch: self.batch,
            rate: self.learning_rate,
            steps: 0,
            stop: self.stop,
            check_every: self.check_every,
            threshold: self.threshold,
        };
        recipe.epochs(self.epochs, n)
    }

    /// Returns the recipe with the opposite of each choice for `n` datapoints.
    pub fn opposite(&self, n: usize) -> Recipe {
        Recipe {
            layers: OPPOSITE_LAYERS,
            loss: self.loss.other(),
            batch: n,
            rate: OPPOSITE_RATE,
            steps: self.opposite_steps,
            stop: true,
            check_every: self.check_every.min(50),
            ..self.recipe(n)
        }
    }
}
