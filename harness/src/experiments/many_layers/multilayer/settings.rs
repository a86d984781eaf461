//! The settings of `multilayer`.

use kernels::mlp::Shape;
use serde::{Deserialize, Serialize};

use crate::sae::training::{self, BATCH, STEPS};
use crate::settings::range::{above, increasing, so_that, worded};

/// Name of the experiment.
pub const ID: &str = "multilayer";

crate::settings! {
    /// Settings of `multilayer`.
    pub struct Settings {
        /// Width d of the residual stream; also the length of each one-hot vector and the number of classes.
        width: usize = 100, quick = 32, full = 500, in 2..=8192;
        /// Width h of the hidden layer of each block.
        hidden: usize = 100, quick = 32, full = 500, in 1..=65536;
        // The last half must have three layers at least for a straight line through it to mean anything.
        /// Number of residual blocks L.
        layers: usize = 8, in 6..=256;
        /// Activation of the hidden layers: gelu or relu.
        activation: Activation = Activation::Gelu;
        /// Numbers N of distinct pairs to train on, increasing, at most d².
        datapoints: Vec<usize> = vec![125, 250, 500, 1000], quick = vec![32, 64, 128],
            full = vec![500, 1000, 2000, 4000],
            where s => {
                let most = s.width * s.width;
                worded(
                    format!("1 to 64 numbers, increasing, each 1 to width² = {most}"),
                    increasing(1..=64, 1..=most),
                )
            };
        /// Class of a pair (i, j): random, or modular for (i + j) mod d.
        targets: Targets = Targets::Random;
        /// Losses to train with: squared-error, cross-entropy. The claims are settled with the first of them.
        losses: Vec<Loss> = vec![Loss::SquaredError, Loss::CrossEntropy], in so_that(
            "one or both of squared-error and cross-entropy, each once",
            |losses: &Vec<Loss>| losses.len() == 1 || (losses.len() == 2 && losses[0] != losses[1]),
        );
        /// Most seeds to train at.
        most_seeds: usize = 3, full = 5, in 1..=1000;
        /// Most seeds at which the losses after the first are trained with.
        other_loss_seeds: usize = 3, in 0..=1000;
        /// Learning rate of Adam.
        learning_rate: f64 = 1e-3, in training::learning_rate();
        /// Datapoints in a minibatch; all of them if there are fewer.
        batch: usize = 1024, in BATCH;
        // Full: enough for N = 2000 at every seed, and for its control; N = 4000 is more than they can learn in that.
        /// Most training steps.
        steps: u64 = 1500, full = 1000, in STEPS;
        // Default: enough for the control of N = 1000 to learn: one that has not tells nothing.
        /// Most training steps of the decisive-layer models (the control), which take longer to learn.
        control_steps: u64 = 3000, full = 2400, in STEPS;
        /// Steps between two evaluations on all datapoints; training ends once every loss is below the threshold.
        check_every: u64 = 50, in STEPS;
        /// Loss below which a datapoint counts as learned.
        threshold: f64 = 0.1, in above(0.0);
        /// Number of random datapoints that are shown one by one.
        shown: usize = 6, in 1..=100;
        /// Most seeds at which the models trained with the first loss are saved.
        saved_seeds: usize = 3, in 0..=1000;
    }
}

crate::words! {
    /// A loss of the output, summed over its d entries.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Loss {
        /// ‖x − e_y‖²
        SquaredError,
        /// −log softmax(x)_y
        CrossEntropy,
    }
}

impl Loss {
    /// The kernel that computes it.
    pub fn kernel(self) -> kernels::loss::Loss {
        match self {
            Loss::SquaredError => kernels::loss::Loss::SquaredError,
            Loss::CrossEntropy => kernels::loss::Loss::CrossEntropy,
        }
    }
}

/// The activation of the hidden layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Exact GELU.
    Gelu,
    /// ReLU.
    Relu,
}

/// A rule that gives a pair its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// Uniformly at random.
    Random,
    /// (i + j) mod d.
    Modular,
}

impl Settings {
    /// The shape of the models.
    pub fn shape(&self) -> Shape {
        Shape {
            vocabulary: self.width,
            width: self.width,
            hidden: self.hidden,
            layers: self.layers,
            activation: match self.activation {
                Activation::Gelu => kernels::Activation::Gelu,
                Activation::Relu => kernels::Activation::Relu,
            },
        }
    }

    /// Number of parameters of a model; a float, since it may not fit an integer.
    pub fn parameters(&self) -> f64 {
        let (d, h, layers) = (self.width as f64, self.hidden as f64, self.layers as f64);
        2.0 * d * d + layers * (2.0 * d * h + d + h)
    }

    /// Datapoints in a minibatch out of `n`, and how many of those make an epoch.
    pub fn batches(&self, n: usize) -> (usize, u64) {
        let batch = self.batch.min(n);
        (batch, n.div_ceil(batch) as u64)
    }
}
