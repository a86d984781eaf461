//! Settings of `tradeoff`.

use crate::settings::range::{above, different, increasing, up_to};

crate::settings! {
    /// Settings of `tradeoff`; those of the post's own picture are those of the experiments that it reads.
    pub struct Settings {
        /// Number of neurons n of the layer.
        n: usize = 100, in 2..=1 << 16;
        /// Shares of positive entries, increasing: 0.5 for entries of both signs, 1 for positive features.
        positive_shares: Vec<f64> = vec![0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 1.0], in increasing(2.., 0.5..=1.0);
        /// Points of the grid of neurons per feature k, from 2 to n at equal ratios; duplicates are dropped.
        dims_points: usize = 8, quick = 5, in 2..=1000;
        /// Number of features to draw the active ones from.
        features: usize = 100, in 2..=1 << 20;
        /// Number of features of interest to average ΔR² over.
        features_of_interest: usize = 10, where s => up_to(1, "`features`", s.features);
        /// Samples for the ΔR² of a feature of interest while others are active.
        samples: usize = 500, quick = 300, full = 2000, in 100..=1 << 30;
        /// Most features to look for nearly orthogonal ones among.
        most: usize = 1024, full = 2048, in 2..=1 << 24;
        /// Points of the grid of features, from 2 to `most` at equal ratios; duplicates are dropped.
        count_points: usize = 19, full = 21, in 2..=1000;
        /// A response counts as homogeneous where ΔR² is not above this.
        delta_r2_threshold: f64 = 0.1, in above(0.0).below(1.0);
        /// Features count as nearly orthogonal while their mean max cosine similarity is below a threshold: that of the
        /// claim, then others to compare.
        mmcs_thresholds: Vec<f64> = vec![0.3, 0.2, 0.4], in different(above(0.0).below(1.0));
    }
}
