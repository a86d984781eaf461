//! Settings of `encoders`.

use crate::sae::training::Plan;

crate::synthetic_settings! {
    /// Settings of `encoders`.
    pub struct Settings {
        /// L1 coefficients λ, increasing, for a squared error that is summed over dimensions; residual streams are scaled
        /// to variance 1.
        pub lambdas: Vec<f64>,
        /// Elements of a dictionary for each true feature.
        pub ratio: f64,
        /// Width of the hidden layer of the two-layer encoder, in multiples of the width of its input.
        pub hidden_ratio: usize,
        /// Learning rate of the two-layer encoder, in multiples of that of the others.
        pub two_layer_rate: f64,
        /// Unrolled steps of the LISTA encoder.
        pub unrolled: usize,
        /// Learning rate of Adam.
        pub learning_rate: f64,
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        pub cooldown: f64,
        /// Samples in a batch.
        pub batch: usize,
        /// Training steps, on a new batch each.
        pub steps: u64,
        /// The same for free codes, each of which is optimised to its end.
        pub free_steps: u64,
        /// The same for residual streams.
        pub stream_steps: u64,
        /// Elements of a dictionary of a residual stream, in multiples of its width.
        pub stream_ratio: usize,
        /// At how many seeds, at most, all of this is run.
        pub most_seeds: usize,
        /// At how many of them residual streams are looked at.
        pub stream_seeds: usize,
        /// Held-out samples that codes are compared on.
        pub held_out: usize,
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
