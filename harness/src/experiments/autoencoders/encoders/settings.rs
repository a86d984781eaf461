//! Settings of `encoders`.

use crate::sae::synthetic::Firing;
use crate::sae::training::{self, BATCH, COOLDOWN, Plan, STEPS};
use crate::settings::range::{above, increasing, so_that};

crate::synthetic_settings! {
    /// Settings of `encoders`.
    pub struct Settings {
        width = 64, quick = 32, full = 256;
        features = 128, quick = 64, full = 512;
        active = 3.0, quick = 2.0, full = 5.0;
        firing = Firing::Decaying;
        /// L1 coefficients λ, increasing, for a squared error that is summed over dimensions; residual streams are scaled
        /// to variance 1.
        lambdas: Vec<f64> = vec![0.03, 0.1, 0.3], quick = vec![0.1, 0.3], in increasing(2..=64, above(0.0).at_most(1e6));
        /// Elements of a dictionary for each true feature.
        ratio: f64 = 1.0, where s => so_that(
            "so that the dictionary has 1 to 1048576 elements",
            |&ratio: &f64| ratio > 0.0 && (1..=1 << 20).contains(&s.elements()),
        );
        /// Width of the hidden layer of the two-layer encoder, in multiples of the width of its input.
        hidden_ratio: usize = 2, in 1..=64;
        // Full: at 1 its loss is higher, where λ is above 0.03: codes die.
        /// Learning rate of the two-layer encoder, in multiples of that of the others.
        two_layer_rate: f64 = 1.0, full = 0.3, in above(0.0).at_most(1e6);
        /// Unrolled steps of the LISTA encoder.
        unrolled: usize = 2, in 1..=64;
        /// Learning rate of Adam.
        learning_rate: f64 = 3e-3, in training::learning_rate();
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        cooldown: f64 = 0.3, in COOLDOWN;
        /// Samples in a batch.
        batch: usize = 256, full = 512, in BATCH;
        /// Training steps, on a new batch each.
        steps: u64 = 1500, quick = 900, full = 4000, in STEPS;
        /// Training steps of the dictionary with free codes, each of which FISTA optimises to its end.
        free_steps: u64 = 500, quick = 250, full = 1000, in STEPS;
        /// Training steps on residual streams, on a new batch each.
        stream_steps: u64 = 600, quick = 300, in STEPS;
        /// Elements of a dictionary of a residual stream, in multiples of its width.
        stream_ratio: usize = 3, in 1..=64;
        /// Most seeds to run at.
        most_seeds: usize = 3, in 1..=1000;
        /// Seeds at which residual streams are looked at, at most.
        stream_seeds: usize = 1, in 0..=1000;
        /// Held-out samples that codes are compared on.
        held_out: usize = 2048, quick = 512, in 100..=1 << 24;
    }
}

impl Settings {
    /// How models are trained, for so many steps.
    pub fn plan(&self, steps: u64) -> Plan {
        Plan {
            steps,
            batch: self.batch,
            learning_rate: self.learning_rate,
            cooldown: self.cooldown,
        }
    }

    /// Elements of a dictionary of synthetic data.
    pub fn elements(&self) -> usize {
        (self.ratio * self.features as f64).round() as usize
    }
}
