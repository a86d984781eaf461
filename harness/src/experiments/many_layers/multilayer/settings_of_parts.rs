//! The settings of the specification curve and of the search for the most pairs that can be learned.

use serde::{Deserialize, Serialize};

use crate::sae::training::{self, BATCH, STEPS};
use crate::settings::range::{Allows, above, increasing, so_that, worded};

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
        rates: Vec<f64> = vec![3e-3], full = vec![1e-3, 3e-3], in rates();
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
        // The blocks are narrow, since wide blocks learn all d² pairs that there are, in either way.
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
        group curve: OtherBlocks {}
    }
}

crate::settings! {
    /// Settings of the specification curve of the search for the most pairs: the search is repeated for every
    /// combination of these.
    pub struct OtherBlocks {
        /// Numbers of blocks L.
        layers: Vec<usize> = vec![4, 8, 16], in worded(
            "1 to 8 numbers, increasing, each 1 to 256",
            increasing(1..=8, 1..=256),
        );
        /// Widths h of the hidden layers of the blocks.
        hidden: Vec<usize> = vec![5, 10], in worded(
            "1 to 8 numbers, increasing, each 1 to 65536",
            increasing(1..=8, 1..=65536),
        );
        /// Learning rates of Adam, of both ways to train.
        rates: Vec<f64> = vec![1e-3, 3e-3, 1e-2], in rates();
        /// Most seeds to train at, of those of the search; 0 leaves the curve out.
        seeds: usize = 0, full = 3, in 0..=1000;
    }
}

/// Returns the range of the learning rates of a specification curve.
fn rates() -> impl Allows<Vec<f64>> {
    so_that(
        "1 to 8 numbers, increasing, above 0 and at most 3e38",
        |rates: &Vec<f64>| {
            let within = |&rate: &f64| rate > 0.0 && rate <= f64::from(f32::MAX);
            (1..=8).contains(&rates.len())
                && rates.is_sorted_by(|a, b| a < b)
                && rates.iter().all(within)
        },
    )
}

impl Curve {
    /// Returns the number of datapoints at a load.
    pub fn datapoints(&self, load: f64) -> usize {
        ((load * self.width as f64).round() as usize).max(1)
    }
}

/// Blocks whose pairs are counted, and the learning rate that they are trained at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Blocks {
    /// The number of blocks L.
    pub layers: usize,
    /// The width h of the hidden layers of the blocks.
    pub hidden: usize,
    /// The learning rate of Adam.
    pub rate: f64,
}

impl Blocks {
    /// Returns the number of pairs that look-up blocks of the same size hold: one for each hidden unit.
    pub fn looked_up(&self) -> usize {
        self.layers * self.hidden
    }
}

impl Capacity {
    /// Returns the blocks at the settings of the experiment.
    pub fn blocks(&self) -> Blocks {
        Blocks {
            layers: self.layers,
            hidden: self.hidden,
            rate: self.learning_rate,
        }
    }

    /// Returns the blocks to search with, each with the most seeds to do so at: first those at the settings of the
    /// experiment, then all others of the specification curve, if there is one.
    pub fn searches(&self) -> Vec<(Blocks, usize)> {
        let mut searches = vec![(self.blocks(), self.seeds)];
        let in_curve = self.curve.seeds.min(self.seeds);
        if in_curve > 0 {
            for &layers in &self.curve.layers {
                for &hidden in &self.curve.hidden {
                    let each = self.curve.rates.iter().map(|&rate| Blocks {
                        layers,
                        hidden,
                        rate,
                    });
                    let others = each.filter(|other| *other != self.blocks());
                    searches.extend(others.map(|other| (other, in_curve)));
                }
            }
        }
        searches
    }

    /// Returns the numbers of pairs that are tried with some blocks, increasing.
    pub fn datapoints(&self, blocks: &Blocks) -> Vec<usize> {
        let most = self.width * self.width;
        let numbers = self.loads.iter().map(|load| {
            let n = (load * blocks.looked_up() as f64).round() as usize;
            n.clamp(1, most)
        });
        let mut numbers: Vec<usize> = numbers.collect();
        numbers.dedup();
        numbers
    }
}
