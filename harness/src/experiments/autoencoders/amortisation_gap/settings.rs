//! Settings of `amortisation-gap`.

use crate::sae::training::{STEPS, learning_rate};
use crate::settings::range::{above, increasing};

crate::settings! {
    /// Settings of `amortisation-gap`. O'Neill, Gumran and Klindt have N up to 128, M up to 32 and hidden layers of up
    /// to 1,024; `full` has the smaller half of their grid, by cost.
    pub struct Settings {
        /// Numbers of sources N, increasing; 16 or more.
        sources: Vec<usize> = vec![16], full = vec![16, 32, 64], in increasing(1..=16, 16..=1024);
        /// Dimensions M of the data, increasing.
        dimensions: Vec<usize> = vec![8], full = vec![8, 16], in increasing(1..=16, 2..=1024);
        /// Sources that are active in a sample, exactly.
        active: usize = 3, in 1..=16;
        /// Samples that are trained on, all of them in every step, and as many others to judge on.
        samples: usize = 1024, quick = 256, in 16..=1 << 20;
        /// Coefficient of the mean of a code, for a squared error that is a mean as well.
        penalty: f64 = 0.01, in above(0.0).at_most(1e3);
        /// Widths of the hidden layer of the two-layer encoders, increasing.
        hidden: Vec<usize> = vec![32], full = vec![32, 128], in increasing(1..=16, 1..=1 << 16);
        /// Training steps.
        steps: u64 = 1000, quick = 150, full = 1500, in STEPS;
        /// Learning rate of Adam.
        learning_rate: f64 = 1e-3, quick = 5e-3, in learning_rate();
        /// Iterations of sparse coding on all samples before each step of a dictionary.
        iterations: usize = 10, in 1..=10_000;
        /// Most seeds that the experiment runs at.
        most_seeds: usize = 5, in 1..=1000;
    }
}
