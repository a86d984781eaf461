//! Settings of `unfinished-features`.

use crate::sae::training::Plan;

crate::settings! {
    /// Settings of `unfinished-features`.
    pub struct Settings {
        /// Elements of a dictionary, in multiples of the width d: 3 is one for each input embedding and each output.
        pub ratio: usize,
        /// L1 coefficients, increasing: the dictionaries trained on every layer, whose stream is scaled to variance 1.
        pub l1: Vec<f64>,
        /// The coefficient whose dictionaries are read: one of `l1`.
        pub read_at: f64,
        /// Cosine above which an element lines up with a direction.
        pub threshold: f64,
        /// Steps of Adam.
        pub steps: u64,
        /// Datapoints in a minibatch.
        pub batch: usize,
        /// Learning rate of Adam.
        pub learning_rate: f64,
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        pub cooldown: f64,
        /// At how many seeds, at most; the models of `multilayer` must have been saved.
        pub most_seeds: usize,
        /// At how many of them the dictionaries that are not read are trained, for the curve over L0.
        pub curve_seeds: usize,
    }
}

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
}
