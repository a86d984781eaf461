//! The settings of `multilayer`, their presets and ranges.

use kernels::mlp::Shape;
use serde::{Deserialize, Serialize};

use crate::settings::{OutOfRange, Preset, ensure};

/// Name of the experiment.
pub const ID: &str = "multilayer";

crate::settings! {
    /// Settings of `multilayer`.
    pub struct Settings {
        /// Width d of the residual stream; also the length of each one-hot vector and the number of classes.
        pub width: usize,
        /// Width h of the hidden layer of each block.
        pub hidden: usize,
        /// Number of residual blocks L.
        pub layers: usize,
        /// Activation of the hidden layers: gelu or relu.
        pub activation: Activation,
        /// Numbers N of distinct pairs to train on, increasing, at most d².
        pub datapoints: Vec<usize>,
        /// Class of a pair (i, j): random, or modular for (i + j) mod d.
        pub targets: Targets,
        /// Losses to train with: squared-error, cross-entropy. The claims are settled with the first of them.
        pub losses: Vec<Loss>,
        /// At how many seeds models are trained, at most.
        pub most_seeds: usize,
        /// At how many of them the losses after the first are trained with, at most.
        pub other_loss_seeds: usize,
        /// Learning rate of Adam.
        pub learning_rate: f64,
        /// Datapoints in a minibatch; all of them if there are fewer.
        pub batch: usize,
        /// Training ends after so many steps at the latest.
        pub steps: u64,
        /// The same for decisive-layer models, which take longer to learn.
        pub control_steps: u64,
        /// Every so many steps the loss of all datapoints is computed; training ends if each is below the threshold.
        pub check_every: u64,
        /// Loss below which a datapoint counts as learned.
        pub threshold: f64,
        /// Number of random datapoints that are shown one by one.
        pub shown: usize,
        /// At how many seeds the models trained with the first loss are saved.
        pub saved_seeds: usize,
    }
}

/// A loss of the output, summed over its d entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// ‖x − e_y‖²
    SquaredError,
    /// −log softmax(x)_y
    CrossEntropy,
}

impl Loss {
    /// As in settings and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Loss::SquaredError => "squared-error",
            Loss::CrossEntropy => "cross-entropy",
        }
    }

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

/// How a pair gets its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// Uniformly at random.
    Random,
    /// (i + j) mod d.
    Modular,
}

impl Settings {
    /// The settings of a preset.
    pub fn preset(preset: Preset) -> Settings {
        let base = Settings {
            width: 100,
            hidden: 100,
            layers: 8,
            activation: Activation::Gelu,
            datapoints: vec![125, 250, 500, 1000],
            targets: Targets::Random,
            losses: vec![Loss::SquaredError, Loss::CrossEntropy],
            most_seeds: 3,
            other_loss_seeds: 3,
            learning_rate: 1e-3,
            batch: 1024,
            steps: 1500,
            // Enough for the control of N = 1000 to learn: one that has not tells nothing.
            control_steps: 3000,
            check_every: 50,
            threshold: 0.1,
            shown: 6,
            saved_seeds: 3,
        };
        match preset {
            Preset::Quick => Settings {
                width: 32,
                hidden: 32,
                datapoints: vec![32, 64, 128],
                ..base
            },
            Preset::Default => base,
            Preset::Full => Settings {
                width: 500,
                hidden: 500,
                datapoints: vec![500, 1000, 2000, 4000],
                most_seeds: 5,
                // Enough for N = 2000 at every seed, and for its control; N = 4000 is more than they can learn in that.
                steps: 1000,
                control_steps: 2400,
                ..base
            },
        }
    }

    /// Checks ranges.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let Settings { width, hidden, .. } = *self;
        ensure("width", width, (2..=8192).contains(&width), "2 to 8192")?;
        ensure(
            "hidden",
            hidden,
            (1..=65536).contains(&hidden),
            "1 to 65536",
        )?;
        // The last half must have three layers at least for a straight line through it to mean anything.
        let layers = (6..=256).contains(&self.layers);
        ensure("layers", self.layers, layers, "6 to 256")?;
        let n = &self.datapoints;
        let increasing = n.is_sorted_by(|a, b| a < b);
        let fit = n.iter().all(|n| (1..=width * width).contains(n));
        ensure(
            "datapoints",
            n,
            !n.is_empty() && n.len() <= 64 && increasing && fit,
            format!(
                "1 to 64 numbers, increasing, each 1 to width² = {}",
                width * width
            ),
        )?;
        let losses = &self.losses;
        let distinct = losses.len() == 1 || (losses.len() == 2 && losses[0] != losses[1]);
        ensure(
            "losses",
            losses,
            distinct,
            "one or both of squared-error and cross-entropy, each once",
        )?;
        let seeds = (1..=1000).contains(&self.most_seeds);
        ensure("most_seeds", self.most_seeds, seeds, "1 to 1000")?;
        let others = (0..=1000).contains(&self.other_loss_seeds);
        ensure(
            "other_loss_seeds",
            self.other_loss_seeds,
            others,
            "0 to 1000",
        )?;
        let rate = self.learning_rate > 0.0 && self.learning_rate <= f64::from(f32::MAX);
        ensure(
            "learning_rate",
            self.learning_rate,
            rate,
            "above 0 and at most 3e38",
        )?;
        let batch = (1..=1 << 20).contains(&self.batch);
        ensure("batch", self.batch, batch, "1 to 1048576")?;
        let steps = (1..=1 << 40).contains(&self.steps);
        ensure("steps", self.steps, steps, "1 to 2^40")?;
        let control = (1..=1 << 40).contains(&self.control_steps);
        ensure("control_steps", self.control_steps, control, "1 to 2^40")?;
        let often = (1..=1 << 40).contains(&self.check_every);
        ensure("check_every", self.check_every, often, "1 to 2^40")?;
        let threshold = self.threshold > 0.0 && self.threshold.is_finite();
        ensure("threshold", self.threshold, threshold, "above 0 and finite")?;
        let shown = (1..=100).contains(&self.shown);
        ensure("shown", self.shown, shown, "1 to 100")?;
        let saved = (0..=1000).contains(&self.saved_seeds);
        ensure("saved_seeds", self.saved_seeds, saved, "0 to 1000")
    }

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

    /// Datapoints in a minibatch out of `n`, and how many of those make an epoch.
    pub fn batches(&self, n: usize) -> (usize, u64) {
        let batch = self.batch.min(n);
        (batch, n.div_ceil(batch) as u64)
    }
}
