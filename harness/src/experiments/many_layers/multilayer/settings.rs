//! The settings of `multilayer`.

use serde::{Deserialize, Serialize};

pub use super::settings_of_parts::{Blocks, Capacity, Curve, OtherBlocks};
use crate::sae::training::{self, BATCH, STEPS};
use crate::settings::range::{above, increasing, worded};

/// The name of the experiment.
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
        layers: usize = 16, in 6..=256;
        /// Activation of the hidden layers: gelu or relu.
        activation: Activation = Activation::Gelu;
        /// Numbers N of distinct pairs to train on, increasing, at most d².
        datapoints: Vec<usize> = vec![125, 250, 500], quick = vec![48, 160], full = vec![500, 1000, 2000],
            where s => {
                let most = s.width * s.width;
                worded(
                    format!("1 to 64 numbers, increasing, each 1 to width² = {most}"),
                    increasing(1..=64, 1..=most),
                )
            };
        /// Class of a pair (i, j): random, or modular for (i + j) mod d.
        targets: Targets = Targets::Random;
        /// Loss that the claims are settled with: cross-entropy or squared-error.
        loss: Loss = Loss::CrossEntropy;
        /// Most seeds to train at.
        most_seeds: usize = 10, full = 5, in 1..=1000;
        /// Learning rate of Adam.
        learning_rate: f64 = 3e-3, in training::learning_rate();
        /// Datapoints in a minibatch; all of them if there are fewer.
        batch: usize = 32, in BATCH;
        /// Training epochs, the same for every N.
        epochs: u64 = 200, quick = 150, in STEPS;
        /// Whether training stops once the loss of every datapoint is below the threshold.
        stop: bool = false;
        /// Steps between two evaluations on all datapoints.
        check_every: u64 = 100, full = 250, in STEPS;
        /// Loss below which a datapoint counts as learned.
        threshold: f64 = 0.1, in above(0.0);
        /// Number of random datapoints that are shown one by one.
        shown: usize = 6, in 1..=100;
        /// Most seeds at which the models trained at these settings are saved.
        saved_seeds: usize = 5, in 0..=1000;
        /// Most seeds at which models with the opposite choices (squared error, all datapoints in a batch, eight
        /// layers, an early stop), and models with the other kind of targets, are trained for comparison.
        other_seeds: usize = 1, in 0..=1000;
        /// Most training steps of the models with the opposite choices.
        opposite_steps: u64 = 800, quick = 200, full = 150, in STEPS;
        /// Epochs of the one long training that is watched on its way.
        long_epochs: u64 = 400, quick = 300, in STEPS;
        group curve: Curve {}
        group capacity: Capacity {}
    }
}

crate::words! {
    /// A loss of the output, summed over its d entries.
    #[serde(rename_all = "kebab-case")]
    pub enum Loss {
        /// The squared error ‖x − e_y‖².
        SquaredError,
        /// The cross-entropy −log softmax(x)_y.
        CrossEntropy,
    }
}

impl Loss {
    /// Returns the kernel that computes the loss.
    pub fn kernel(self) -> kernels::loss::Loss {
        match self {
            Loss::SquaredError => kernels::loss::Loss::SquaredError,
            Loss::CrossEntropy => kernels::loss::Loss::CrossEntropy,
        }
    }

    /// Returns the other loss.
    pub fn other(self) -> Loss {
        match self {
            Loss::SquaredError => Loss::CrossEntropy,
            Loss::CrossEntropy => Loss::SquaredError,
        }
    }
}

/// The activation of the hidden layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// The exact GELU, x·Φ(x).
    Gelu,
    /// The ReLU, max(0, x).
    Relu,
}

impl Activation {
    /// Returns the kernel that computes the activation.
    pub fn kernel(self) -> kernels::Activation {
        match self {
            Activation::Gelu => kernels::Activation::Gelu,
            Activation::Relu => kernels::Activation::Relu,
        }
    }
}

/// A rule that gives a pair its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// A class drawn uniformly at random.
    Random,
    /// The class (i + j) mod d.
    Modular,
}

impl Targets {
    /// Returns the other rule.
    pub fn other(self) -> Targets {
        match self {
            Targets::Random => Targets::Modular,
            Targets::Modular => Targets::Random,
        }
    }
}

impl Settings {
    /// Returns the smallest and the largest number of datapoints.
    pub fn ends(&self) -> [usize; 2] {
        let (first, last) = (self.datapoints.first(), self.datapoints.last());
        [first, last].map(|n| n.copied().unwrap_or(0))
    }
}
