//! Settings of `continuum`.

use crate::sae::training::Plan;
use crate::settings::range::{above, increasing, positive, so_that, worded};

crate::settings! {
    /// Settings of `continuum`.
    pub struct Settings {
        /// Dimension d of the activations.
        width: usize = 8, full = 16, in 2..=1024;
        /// Dimensions k of the subspaces whose unit sphere the features lie on: 2 is a circle.
        spheres: Vec<usize> = vec![4], full = vec![2, 4, 8], where s => {
            worded(
                format!("1 to 8 numbers, increasing, each 2 to width ({})", s.width),
                increasing(1..=8, 2..=s.width),
            )
        };
        /// The sphere of the point setting, one of `spheres`.
        sphere: usize = 4, where s => so_that("one of `spheres`", |k: &usize| s.spheres.contains(k));
        /// Number of features of the control, random points of the same sphere.
        features: usize = 32, in 2..=10_000;
        /// Elements of the largest dictionary for each feature of the control: dictionaries have half as many elements
        /// as there are features, and from there on twice as many each up to this.
        largest: usize = 4, full = 8, in 2..=64;
        /// Coefficient λ of the L1 norm.
        lambda: f64 = 0.1, in positive();
        /// Held-out samples that dictionaries are read on.
        held_out: usize = 4096, full = 16_384, in 100..=1 << 20;
        /// Number of the held-out samples, counted from the first, that codes of least loss are found for.
        coded: usize = 256, quick = 128, full = 512, in 100..=1 << 20;
        /// Share of the samples that an element fires on to count as living.
        living: f64 = 0.001, in worded("above 0 and below 1", above(0.0).below(1.0));
        /// Most seeds that the experiment runs at.
        most_seeds: usize = 5, quick = 3, in 1..=1000;
        group training: Plan {
            steps = 1500, quick = 300, full = 6000;
            batch = 128, quick = 128, full = 256;
            learning_rate = 0.01;
        }
    }
}

impl Settings {
    /// Returns the numbers of elements of the dictionaries, increasing.
    pub fn sizes(&self) -> Vec<usize> {
        let doubled = std::iter::successors(Some(self.features), |n| Some(2 * n));
        let most = self.largest * self.features;
        let sizes = [self.features.div_ceil(2)].into_iter();
        sizes.chain(doubled.take_while(|&n| n <= most)).collect()
    }
}
