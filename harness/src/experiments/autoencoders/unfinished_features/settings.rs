//! Settings of `unfinished-features`.

use crate::sae::training::Plan;
use crate::settings::range::{above, increasing, so_that, worded};

crate::settings! {
    /// Settings of `unfinished-features`.
    pub struct Settings {
        /// Elements of a dictionary, in multiples of the width d: 3 is one for each input embedding and each output.
        ratio: usize = 3, in 1..=64;
        /// L1 coefficients, increasing: the dictionaries trained on every layer, whose stream is scaled to variance 1.
        l1: Vec<f64> = vec![0.03, 0.1, 0.3], quick = vec![0.1, 0.3], in worded(
            "1 to 16 numbers above 0, increasing",
            increasing(1..=16, above(0.0).at_most(f32::MAX.into())),
        );
        /// L1 coefficient of the dictionaries that are analysed: one of `l1`.
        read_at: f64 = 0.1, where s => so_that("one of `l1`", |l1: &f64| s.l1.contains(l1));
        /// Cosine above which an element lines up with a direction.
        threshold: f64 = 0.8, in worded("between 0 and 1", above(0.0).below(1.0));
        /// Most seeds that the experiment runs at; it needs the models that `multilayer` saves (multilayer.saved_seeds).
        most_seeds: usize = 3, in 1..=1000;
        /// Most seeds at which the dictionaries that are not analysed are trained too, for the curve over L0.
        curve_seeds: usize = 1, in 0..=1000;
        group training: Plan {
            steps = 1000, quick = 1200, full = 2000;
            batch = 256, quick = 128, full = 512;
        }
    }
}
