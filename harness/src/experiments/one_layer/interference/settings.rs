//! Settings of `interference`.

use crate::settings::range::{above_0_at_most_1e6, increasing, multiple_of, worded};

crate::settings! {
    /// Settings of `interference`.
    pub struct Settings {
        // Of two neurons, random features with one sign each cancel or are the same.
        /// Number of neurons n of the wide layer, even.
        n: usize = 100, in multiple_of(2, 4..=1 << 20);
        /// Number of neurons of the narrow layer, even.
        n_small: usize = 2, in multiple_of(2, 2..=1 << 20);
        /// Levels of a feature on k neurons run from −reach·√k to reach·√k.
        reach: f64 = 5.0, in above_0_at_most_1e6();
        /// Number of levels of each feature in a heat map.
        points: usize = 100, quick = 50, in 2..=4096;
        /// Number of input levels of a response curve.
        curve_points: usize = 1000, in 20..=1 << 24;
        /// Numbers of neurons k that a distributed feature is on, increasing.
        dims_per_feature: Vec<usize> = vec![2, 3, 4, 6, 8, 10], where s => {
            let most = s.n.min(10);
            let words = format!("increasing, 1 to {most} (at most n, and the claim is about k ≤ 10)");
            worded(words, increasing(1.., 1..=most))
        };
        /// Numbers of other features that are on, increasing; every magnitude is uniform in (−√k, √k).
        n_on: Vec<usize> = vec![1, 2, 3, 4], where s => {
            let most = s.features - 1;
            let words = format!("increasing, 1 to {most} (the features other than the one of interest)");
            worded(words, increasing(1.., 1..=most))
        };
        /// Number of random features to choose the others from.
        features: usize = 100, in 2..=1 << 20;
        /// Features of interest to average ΔR² over.
        of_interest: usize = 10, full = 30, where s => {
            worded(format!("1 to {} (`features`)", s.features), 1..=s.features)
        };
        /// Samples for one ΔR² of a distributed feature.
        samples: usize = 5000, quick = 1000, in 20..=1 << 26;
        /// Share of the levels or samples held out to score the two fits on.
        test_fraction: f64 = 0.2, in 0.05..=0.95;
    }
}
