//! Settings of `recovery`.

use crate::sae::training::Plan;

crate::synthetic_settings! {
    /// Settings of `recovery`.
    pub struct Settings {
        /// Coefficients λ of the L1 norm, increasing, above 0, for a squared error that is summed over dimensions.
        pub lambdas: Vec<f64>,
        /// Elements of the dictionary for each true feature, increasing; 2 must be among them.
        pub ratios: Vec<f64>,
        /// Learning rate of Adam.
        pub learning_rate: f64,
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        pub cooldown: f64,
        /// Samples in a batch.
        pub batch: usize,
        /// Training steps, on a new batch each.
        pub steps: u64,
        /// At how many seeds, at most, all of this is run.
        pub most_seeds: usize,
        /// At how many seeds tied models are trained beside the untied ones.
        pub tied_seeds: usize,
        /// Held-out samples that the models are measured on.
        pub held_out: usize,
        /// Held-out samples whose codes are compared with the minimum-L1 codes of the same reconstruction.
        pub optimum_samples: usize,
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
