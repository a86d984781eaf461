//! Settings of `continuous-latent`.

use crate::sae::training::{self, BATCH, Plan, STEPS};
use crate::settings::range::{above, worded};

crate::settings! {
    /// Settings of `continuous-latent`.
    pub struct Settings {
        /// Width d of the residual stream, and the number of tokens at either place.
        width: usize = 32, full = 64, in 8..=1024;
        /// Width of the hidden layer of each block.
        hidden: usize = 64, full = 128, in 1..=8192;
        /// Number of residual blocks L.
        layers: usize = 8, in 4..=64;
        /// Number of pairs of tokens that the model learns by heart, each with a latent and a class.
        pairs: usize = 256, full = 1024, where s => {
            let most = s.width * s.width;
            worded(format!("16 to width² = {most}"), 16..=most)
        };
        /// Steps of the model's training.
        steps: u64 = 2500, quick = 800, full = 8000, in STEPS;
        /// Pairs in a minibatch of the model's training.
        batch: usize = 64, full = 256, in BATCH;
        /// Learning rate of the model's training.
        learning_rate: f64 = 3e-3, in training::learning_rate();
        /// Share of the pairs that probes are fitted on; they are scored on the others.
        fitted: f64 = 0.75, in 0.1..=0.9;
        /// Ridge of the probes, in units of the mean variance of an entry of the stream.
        ridge: f64 = 0.01, in 0.0..=1e6;
        /// Elements of a dictionary, in multiples of the width.
        ratio: usize = 3, in 1..=64;
        /// L1 coefficient, for a stream scaled to variance 1.
        l1: f64 = 0.2, in worded("above 0 and at most 1e6", above(0.0).at_most(1e6));
        /// Probes for latents dealt anew to the pairs, whose largest cosines are the control.
        shuffles: usize = 5, in 1..=1000;
        /// Most seeds that the experiment runs at.
        most_seeds: usize = 5, quick = 3, in 1..=1000;
        group training: Plan {
            steps = 1500, quick = 500, full = 4000;
            batch = 32, quick = 32, full = 128;
            learning_rate = 0.01;
        }
    }
}
