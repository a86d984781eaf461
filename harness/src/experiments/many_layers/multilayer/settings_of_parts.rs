//! The settings of the specification curve and of the search for the most pairs that can be learned.

use crate::sae::training::{self, BATCH, STEPS};
use crate::settings::range::{above, increasing, so_that, worded};

crate::settings! {
    /// Settings of the specification curve: the claims again, for every combination of choices that could have been
    /// made.
    pub struct Curve {
        /// Width d of the models, and of the hidden layers of their blocks.
        width: usize = 48, quick = 24, full = 96, in 2..=8192;
        /// Numbers N of datapoints in units of d, increasing. Each two that follow one another are a cell's smallest
        /// and largest N.
        loads: Vec<f64> = vec![1.25, 5.0], full = vec![1.25, 5.0, 10.0], where s => so_that(
            format!("2 to 8 numbers, increasing, from 1/d to d = {}", s.width),
            |loads: &Vec<f64>| {
                let within = |&l: &f64| l * s.width as f64 >= 1.0 && l <= s.width as f64;
                (2..=8).contains(&loads.len()) && loads.is_sorted_by(|a, b| a < b) && loads.iter().all(within)
            },
        );
        /// Numbers of blocks L.
        layers: Vec<usize> = vec![8, 16], quick = vec![8], in worded(
            "1 to 8 numbers, increasing, each 6 to 256",
            increasing(1..=8, 6..=256),
        );
        /// Learning rates of Adam.
        rates: Vec<f64> = vec![3e-3], full = vec![1e-3, 3e-3], in so_that(
            "1 to 8 numbers, increasing, above 0 and at most 3e38",
            |rates: &Vec<f64>| {
                let within = |&rate: &f64| rate > 0.0 && rate <= f64::from(f32::MAX);
                (1..=8).contains(&rates.len()) && rates.is_sorted_by(|a, b| a < b) && rates.iter().all(within)
            },
        );
        /// Datapoints in a minibatch, where a batch is not all of them.
        batch: usize = 32, in BATCH;
        /// Epochs of the trainings with an equal number of them for every N.
        epochs: u64 = 200, in STEPS;
        /// Steps of the trainings with an equal number of them for every N; the most of those that stop early.
        steps: u64 = 800, quick = 400, full = 1200, in STEPS;
        /// Steps of the trainings on all datapoints at once; the most of those that stop early.
        full_batch_steps: u64 = 300, quick = 150, full = 400, in STEPS;
        /// Most seeds to train at; 0 leaves the curve out.
        seeds: usize = 4, quick = 2, full = 3, in 0..=1000;
    }
}

crate::settings! {
    /// Settings of the search for the largest number of pairs that can be learned.
    pub struct Capacity {
        /// Width d of the models.
        width: usize = 48, quick = 24, in 2..=8192;
        // Narrow, since wide blocks learn all d² pairs that there are, in either way.
        /// Width h of the hidden layers of their blocks.
        hidden: usize = 10, quick = 4, in 1..=65536;
        /// Number of blocks L.
        layers: usize = 8, quick = 4, in 1..=256;
        /// Numbers of pairs that are tried, in units of the pairs that look-up blocks hold, L·h, increasing; all d²
        /// pairs are the most.
        loads: Vec<f64> = vec![1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0], quick = vec![1.0, 4.0, 8.0, 16.0], in so_that(
            "1 to 32 numbers, increasing, above 0 and at most 1000",
            |loads: &Vec<f64>| {
                let within = |&l: &f64| l > 0.0 && l <= 1000.0;
                (1..=32).contains(&loads.len()) && loads.is_sorted_by(|a, b| a < b) && loads.iter().all(within)
            },
        );
        /// Learning rate of Adam.
        learning_rate: f64 = 3e-3, in training::learning_rate();
        /// Datapoints in a minibatch; all of them if there are fewer.
        batch: usize = 128, in BATCH;
        /// Most training steps of a model that is trained end to end, and of each block that is trained by itself.
        steps: u64 = 3000, quick = 600, in STEPS;
        /// Loss below which a datapoint counts as learned.
        threshold: f64 = 0.1, in above(0.0);
        /// Most seeds to train at; 0 leaves the search out.
        seeds: usize = 5, in 0..=1000;
    }
}

impl Curve {
    /// The number of datapoints at a load.
    pub fn datapoints(&self, load: f64) -> usize {
        ((load * self.width as f64).round() as usize).max(1)
    }
}

impl Capacity {
    /// Pairs that look-up blocks hold: one a hidden unit.
    pub fn looked_up(&self) -> usize {
        self.layers * self.hidden
    }

    /// The numbers of pairs that are tried, increasing.
    pub fn datapoints(&self) -> Vec<usize> {
        let most = self.width * self.width;
        let numbers = self.loads.iter().map(|load| {
            let n = (load * self.looked_up() as f64).round() as usize;
            n.clamp(1, most)
        });
        let mut numbers: Vec<usize> = numbers.collect();
        numbers.dedup();
        numbers
    }
}
