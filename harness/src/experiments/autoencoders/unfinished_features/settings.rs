//! Settings of `unfinished-features`.

use crate::sae::training::{self, BATCH, COOLDOWN, Plan, STEPS};
use crate::settings::range::{above, increasing, so_that, worded};

crate::settings! {
    /// Settings of `unfinished-features`.
    pub struct Settings {
        /// Elements of a dictionary, in multiples of the width d: 3 is one for each input embedding and each output.
        ratio: usize = 3, in 1..=64;
        /// L1 coefficients, increasing: the dictionaries trained on every layer, whose stream is scaled to variance 1.
        l1: Vec<f64> = vec![0.03, 0.1, 0.3], quick = vec![0.1, 0.3], in worded(
            "1 to 16 numbers above 0, increasing",
            increasing(1..=16, above(0.0).at_most(f32::MAX.into())),
        );
        /// L1 coefficient of the dictionaries whose elements are analysed: one of `l1`.
        read_at: f64 = 0.1, where s => so_that("one of `l1`", |l1: &f64| s.l1.contains(l1));
        /// Cosine above which an element lines up with a direction.
        threshold: f64 = 0.8, in worded("between 0 and 1", above(0.0).below(1.0));
        /// Steps of Adam.
        steps: u64 = 1000, quick = 1200, full = 2000, in STEPS;
        /// Datapoints in a minibatch.
        batch: usize = 256, quick = 128, full = 512, in BATCH;
        /// Learning rate of Adam.
        learning_rate: f64 = 3e-3, in training::learning_rate();
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        cooldown: f64 = 0.3, in COOLDOWN;
        /// Most seeds to run at; the models of `multilayer` must have been saved there.
        most_seeds: usize = 3, in 1..=1000;
        /// Most seeds at which dictionaries are trained with the other coefficients too, for the curve over L0.
        curve_seeds: usize = 1, in 0..=1000;
    }
}

impl Settings {
    /// How models are trained.
    pub fn plan(&self) -> Plan {
        Plan {
            steps: self.steps,
            batch: self.batch,
            learning_rate: self.learning_rate,
            cooldown: self.cooldown,
        }
    }
}
