//! Settings of `recovery`.

use crate::sae::synthetic::{Firing, Law};
use crate::sae::training::Plan;
use crate::settings::range::{Allows, above, increasing, so_that};

crate::settings! {
    /// Settings of `recovery`.
    pub struct Settings {
        /// Coefficients λ of the L1 norm, increasing, above 0, for a squared error that is summed over dimensions.
        lambdas: Vec<f64> = vec![1e-4, 0.03, 0.1, 0.3, 3.0], quick = vec![1e-4, 0.2, 3.0],
            full = vec![1e-4, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0], in increasing(3..=64, above(0.0).at_most(1e6));
        /// Elements of the dictionary for each true feature, increasing; 1 and 2 must be among them.
        ratios: Vec<f64> = vec![0.5, 1.0, 2.0], quick = vec![1.0, 2.0], where s => so_that(
            "up to 16 numbers, increasing, at most 64, 1 and 2 among them; each gives a dictionary of one element or more, \
             and no two the same number of elements",
            |ratios: &Vec<f64>| {
                let sizes: Vec<usize> = ratios.iter().map(|&r| s.dictionary(r)).collect();
                increasing(1..=16, above(0.0).at_most(64.0)).admits(ratios)
                    && increasing(1.., 1..=usize::MAX).admits(&sizes)
                    && [ENOUGH, TOO_MANY].iter().all(|ratio| ratios.contains(ratio))
            },
        );
        /// Most seeds that the experiment runs at.
        most_seeds: usize = 5, quick = 3, in 1..=1000;
        /// Held-out samples that the models are measured on.
        held_out: usize = 4096, quick = 1024, full = 8192, in 100..=1 << 24;
        /// Held-out samples whose codes are compared with those of least loss on the same dictionary.
        optimum_samples: usize = 256, quick = 128, where s => 1..=s.held_out;
        group data: Law {
            width = 40, quick = 20, full = 96;
            features = 80, quick = 40, full = 192;
            active = 2.5, quick = 1.5, full = 4.0;
            firing = Firing::Decaying;
        }
        group training: Plan {
            steps = 1200, quick = 500, full = 1800;
            batch = 128, full = 256;
            learning_rate = 3e-3, quick = 5e-3;
        }
    }
}

/// The number of elements for each true feature that is enough for all features.
pub const ENOUGH: f64 = 1.0;

/// The number of elements for each true feature of which half are too many.
pub const TOO_MANY: f64 = 2.0;

impl Settings {
    /// Returns the number of elements of a dictionary with `ratio` elements for each true feature.
    pub fn dictionary(&self, ratio: f64) -> usize {
        (ratio * self.data.features as f64).round() as usize
    }

    /// Returns the numbers of steps of the shorter trainings and of the full ones.
    pub fn budgets(&self) -> [u64; 2] {
        [self.training.steps.div_ceil(3), self.training.steps]
    }
}
