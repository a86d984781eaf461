//! Settings of `linear-probes`.

use crate::settings::range::{Allows as _, increasing, multiple_of, positive, so_that};

crate::settings! {
    /// Settings of `linear-probes`.
    pub struct Settings {
        /// Number of neurons n of the layer.
        n: usize = 100, in 2..=4096;
        /// Dimensions of the input.
        inputs: usize = 100, in 2..=4096;
        /// A feature that is on puts scale·√n·f on the neurons, f a random unit direction.
        scale: f64 = 2.0, in positive();
        /// Shares of positive entries of the directions, increasing from 0.5, which is that of random directions.
        positive_shares: Vec<f64> = vec![0.5, 0.6, 0.7, 0.8, 0.9, 1.0], in so_that(
            "increasing from 0.5, up to 1",
            |list: &Vec<f64>| increasing(1.., 0.5..=1.0).admits(list) && list[0] == 0.5
        );
        /// Standard deviation of Gaussian noise on every input dimension; a feature that is on has length 1.
        noise: f64 = 0.1, in 0.0..=1e6;
        /// Examples to fit a probe on, a multiple of 4.
        train: usize = 4000, quick = 2000, in multiple_of(4, 4..=1 << 24);
        /// Held-out examples, a multiple of 4.
        test: usize = 4000, quick = 2000, in multiple_of(4, 4..=1 << 24);
        /// Ridge penalty of a probe, relative to the mean variance of its inputs.
        ridge: f64 = 1e-6, in 1e-9..=1e9;
    }
}
