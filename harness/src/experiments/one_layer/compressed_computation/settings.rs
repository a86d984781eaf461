//! Settings of `compressed-computation`.

use crate::sae::training;
use crate::settings::range::{above, so_that, up_to};

crate::settings! {
    /// Settings of `compressed-computation`.
    pub struct Settings {
        /// Number of features, each an entry of the input; as many outputs.
        features: usize = 100, in 2..=4096;
        /// Number of ReLU neurons.
        neurons: usize = 50, where s => up_to(1, "`features`", s.features);
        /// Probability that a feature is active.
        probability: f64 = 0.01, in above(0.0).at_most(1.0);
        /// Standard deviations of the entries of the noise matrix M, increasing, none of them 0: the noiseless target
        /// is the control.
        scales: Vec<f64> = vec![0.01, 0.02, 0.04], quick = vec![0.02],
            full = vec![0.005, 0.01, 0.02, 0.04], in so_that(
            "1 to 32 numbers, increasing, each above 0 and at most 1",
            |scales: &Vec<f64>| (1..=32).contains(&scales.len())
                && scales.iter().all(|s| *s > 0.0 && *s <= 1.0)
                && scales.windows(2).all(|w| w[0] < w[1]),
        );
        /// Training steps.
        steps: u64 = 2000, quick = 600, full = 10_000, in 1..=10_000_000;
        /// Samples in a batch.
        batch: usize = 512, quick = 256, full = 2048, in 1..=1 << 20;
        /// Learning rate of AdamW at the first step; it falls to 0 along half a cosine.
        learning_rate: f64 = 3e-3, in training::learning_rate();
        /// Weight decay of AdamW.
        decay: f64 = 0.01, in 0.0..=10.0;
        /// Held-out samples that the loss is measured on.
        held_out: usize = 100_000, quick = 30_000, full = 1_000_000, in 1..=1 << 28;
        /// Most seeds to train at.
        most_seeds: usize = 5, in 1..=1000;
    }
}
