//! Settings of `unfinished-features`.

use crate::sae::training::Plan;
use crate::settings::range::{above, increasing, so_that, worded};

crate::settings! {
    /// Settings of `unfinished-features`.
    pub struct Settings {
        /// Sizes of the dictionaries, in multiples of the width d of the stream.
        ratios: Vec<usize> = vec![3], full = vec![1, 3], in increasing(1..=8, 1..=64);
        /// The size of the point setting, one of `ratios`: 3 is one for each input embedding and each output.
        ratio: usize = 3, where s => so_that("one of `ratios`", |ratio: &usize| s.ratios.contains(ratio));
        /// L1 coefficients, increasing: dictionaries are trained with each of them, on streams scaled to variance 1.
        l1: Vec<f64> = vec![0.05, 0.2, 0.4], full = vec![0.005, 0.05, 0.2, 0.4], in worded(
            "2 to 16 numbers above 0, increasing",
            increasing(2..=16, above(0.0).at_most(f32::MAX.into())),
        );
        /// L1 coefficient of the dictionaries whose elements are looked at: one of `l1`.
        read_at: f64 = 0.2, where s => so_that("one of `l1`", |l1: &f64| s.l1.contains(l1));
        /// Number of layers whose stream is read, at equal steps from the input to the output.
        layers: usize = 5, in 5..=257;
        /// Cosine above which an element lines up with a direction, or with an input or a class in what it fires on.
        threshold: f64 = 0.8, in worded("between 0 and 1", above(0.0).below(1.0));
        /// Most seeds that the experiment runs at; it needs the models that `multilayer` saves
        /// (multilayer.saved_seeds).
        most_seeds: usize = 5, quick = 3, in 1..=1000;
        /// Most seeds at which the fixes are tried: one dictionary for all layers, and the coordinates of a tuned lens.
        fix_seeds: usize = 2, in 0..=1000;
        /// Share of the steps, at the start, over which the L1 coefficients rise from 0 along a line: an element that
        /// is penalised before it has learned anything may die.
        warm_up: f64 = 0.0, full = 0.3, in 0.0..=1.0;
        group training: Plan {
            steps = 800, quick = 400, full = 1000;
            batch = 32, quick = 32, full = 256;
            // At a width of 500 and a rate of 0.01, up to 99 % of the elements die, and explained variances are as low
            // as 0.04. With a rate of 0.003 and a warm-up of 0.3 all is well but for the last layer, of which no more
            // than 0.90 is explained. With 0.002, the L1 coefficient 0.005 takes each layer beyond 0.95. (Pilots on
            // 2026-11-27 at seed 0, on models of 1,000 pairs, looking at explained variance and dead elements alone.)
            learning_rate = 0.01, full = 2e-3;
        }
    }
}

impl Settings {
    /// Returns the layers that are read of a model of `blocks` blocks, increasing.
    pub fn read_layers(&self, blocks: usize) -> Vec<usize> {
        let steps = self.layers - 1;
        let mut layers: Vec<usize> = (0..=steps)
            .map(|i| (i * blocks + steps / 2) / steps)
            .collect();
        layers.dedup();
        layers
    }
}
