//! Settings of `recovery`.

use crate::sae::synthetic::Firing;
use crate::sae::training::{self, BATCH, COOLDOWN, Plan, STEPS};
use crate::settings::range::{Allows, above, increasing, so_that};

crate::synthetic_settings! {
    /// Settings of `recovery`.
    pub struct Settings {
        width = 64, quick = 32, full = 256;
        features = 128, quick = 64, full = 512;
        active = 3.0, quick = 2.0, full = 5.0;
        firing = Firing::Decaying;
        /// Coefficients λ of the L1 norm, increasing, above 0, for a squared error that is summed over dimensions.
        lambdas: Vec<f64> = vec![1e-4, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0], quick = vec![1e-4, 0.01, 0.1, 0.3, 3.0],
            in increasing(3..=64, above(0.0).at_most(1e6));
        /// Elements of the dictionary for each true feature, increasing; 2 must be among them.
        ratios: Vec<f64> = vec![0.5, 1.0, 2.0], quick = vec![1.0, 2.0], where s => so_that(
            "up to 16 numbers, increasing, at most 64, 2 among them; each dictionary must have at least one element, \
             and more than the one before",
            |ratios: &Vec<f64>| {
                let sizes: Vec<usize> = ratios.iter().map(|&r| s.dictionary(r)).collect();
                increasing(1..=16, above(0.0).at_most(64.0)).admits(ratios)
                    && increasing(1.., 1..=usize::MAX).admits(&sizes)
                    && ratios.contains(&JUDGED_RATIO)
            },
        );
        /// Learning rate of Adam.
        learning_rate: f64 = 3e-3, in training::learning_rate();
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        cooldown: f64 = 0.3, in COOLDOWN;
        /// Samples in a batch.
        batch: usize = 256, full = 512, in BATCH;
        /// Training steps, on a new batch each.
        steps: u64 = 1800, quick = 900, full = 3000, in STEPS;
        /// Most seeds to run at.
        most_seeds: usize = 3, in 1..=1000;
        /// Most seeds at which tied models are trained beside the untied ones.
        tied_seeds: usize = 1, in 0..=1000;
        /// Held-out samples that the models are measured on.
        held_out: usize = 8192, quick = 4096, full = 16_384, in 100..=1 << 24;
        /// Held-out samples whose codes are compared with the minimum-L1 codes of the same reconstruction.
        optimum_samples: usize = 64, quick = 32, full = 32, where s => 1..=s.held_out;
    }
}

/// Elements for each true feature at which neighbours and optima are looked at.
pub const JUDGED_RATIO: f64 = 2.0;

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

    /// Elements of a dictionary.
    pub fn dictionary(&self, ratio: f64) -> usize {
        (ratio * self.features as f64).round() as usize
    }
}
