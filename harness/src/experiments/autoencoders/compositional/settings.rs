//! Settings of `compositional`.

use super::data::Size;
use crate::sae::training::Plan;
use crate::settings::range::{above, above_0_at_most_1e6, increasing, so_that, worded};

crate::settings! {
    /// Settings of `compositional`.
    pub struct Settings {
        /// Features k that are active in a sample, exactly.
        active: usize = 10, in 2..=64;
        /// Numbers of features n, increasing; the claim is settled at `point` of them.
        features: Vec<usize> = vec![100], quick = vec![50], full = vec![50, 100, 200], where s => {
            let least = 2 * s.active;
            worded(
                format!("1 to 8 numbers, increasing, each {least} (twice `active`) to 4096"),
                increasing(1..=8, least..=4096),
            )
        };
        /// The number of features of the point setting, one of `features`.
        point: usize = 100, quick = 50, where s => so_that("one of `features`", |n: &usize| s.features.contains(n));
        /// Samples that a reader is fitted to, that known combinations are read on, and that new ones are read on: so
        /// many each.
        samples: usize = 600, quick = 200, in 100..=1 << 20;
        /// Coefficient λ of the L1 norm, for a squared error that is summed over dimensions.
        lambda: f64 = 0.1, in above_0_at_most_1e6();
        /// Ridge of the linear probe, in units of the mean variance of a dimension.
        ridge: f64 = 1e-4, in above(0.0).at_most(1.0);
        /// Most seeds that the experiment runs at.
        most_seeds: usize = 5, full = 10, in 1..=1000;
        group training: Plan {
            steps = 1500, quick = 200, full = 3000;
            batch = 128, full = 128;
            learning_rate = 3e-3;
        }
    }
}

impl Settings {
    /// Every number of features, in few dimensions and then, as the control, in as many as there are features.
    pub fn sizes(&self) -> Vec<Size> {
        let of = |&features: &usize| {
            [
                Size::compressed(features, self.active),
                Size::orthogonal(features, self.active),
            ]
        };
        self.features.iter().flat_map(of).collect()
    }
}
