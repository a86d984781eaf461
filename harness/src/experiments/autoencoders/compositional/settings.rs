//! Settings of `compositional`.

use super::data::Size;
use crate::experiment::Cost;
use crate::sae::training::Plan;
use crate::settings::range::{above, increasing, positive, so_that, worded};

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
        lambda: f64 = 0.1, in positive();
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
    /// Returns the sizes: every number of features in few dimensions and then, as the control, in as many as there are
    /// features.
    pub fn sizes(&self) -> Vec<Size> {
        let of = |&features: &usize| {
            [
                Size::compressed(features, self.active),
                Size::orthogonal(features, self.active),
            ]
        };
        self.features.iter().flat_map(of).collect()
    }
    /// Returns all trainings at `seeds`.
    pub fn tasks(&self, seeds: &[u64]) -> Vec<Task> {
        let sizes = self.sizes();
        let of_seed = |&seed| {
            let sizes = sizes.iter().enumerate();
            sizes.map(move |(number, &size)| Task { seed, size, number })
        };
        seeds.iter().flat_map(of_seed).collect()
    }
}

/// The training of an autoencoder for a size at a seed.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// The seed of all that is drawn.
    pub seed: u64,
    /// The numbers of features and of dimensions.
    pub size: Size,
    /// The number of the size in the list of all sizes.
    pub number: usize,
}

/// The seconds of a step for each sample, with the reading at the end, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_SAMPLE: f64 = 9e-7;
/// The seconds of a step for each sample and weight of the dictionary, with the reading at the end, fitted to runs on
/// Zen 3 with AVX2.
const SECONDS_OF_WEIGHT: f64 = 2.6e-10;

impl Task {
    /// Returns a name that no other training has: that of its unit, and of the folder of its checkpoints.
    pub fn name(&self) -> String {
        let Size {
            features,
            dimensions,
            ..
        } = self.size;
        format!("{features}-in-{dimensions}-seed{}", self.seed)
    }

    /// Returns the cost of the training.
    pub fn cost(&self, s: &Settings) -> Cost {
        let weights = (self.size.features * self.size.dimensions) as f64;
        let of_sample = SECONDS_OF_SAMPLE + SECONDS_OF_WEIGHT * weights;
        Cost {
            ticks: s.training.steps,
            seconds: s.training.steps as f64 * s.training.batch as f64 * of_sample,
        }
    }
}
