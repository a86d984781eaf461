//! Settings of `homogeneity`.

use serde::{Deserialize, Serialize};

use crate::settings::range::{above, different, up_to, worded};

crate::settings! {
    /// Settings of `homogeneity`.
    pub struct Settings {
        /// Number of neurons n of the layer.
        n: usize = 100, in 2..=1 << 16;
        /// Number of features to draw the active ones from.
        features: usize = 100, in 2..=1 << 20;
        /// Number of features of interest to average over.
        features_of_interest: usize = 10, where s => up_to(1, "`features`", s.features);
        /// Samples per cell, a cell being one feature of interest, k and number of active others.
        samples: usize = 2000, quick = 600, full = 5000, in 100..=1 << 30;
        /// Points of the grid of neurons per feature k, from 2 to n at equal ratios; duplicates are dropped.
        dims_points: usize = 20, in 2..=1000;
        /// Points of the grid of active others, 0 and from 1 to n at equal ratios, no more than there are others;
        /// duplicates are dropped.
        active_points: usize = 20, in 2..=1000;
        /// Probability that an entry of a feature is positive: 1 for positive features, 0.5 for entries of both signs.
        positive_share: f64 = 1.0, in 0.5..=1.0;
        /// Reach of the magnitudes of active features: "sqrt-k" for (−√k, √k), "sqrt-n" for (−√n, √n) whatever k is.
        magnitude: Magnitude = Magnitude::SqrtK;
        /// Whether the others are drawn from all features, the one of interest included: where it is drawn, one fewer
        /// other is active.
        include_own: bool = false;
        /// The bias of each neuron is uniform in (0, bias).
        bias: f64 = 0.0, in worded("0 to 1000000", 0.0..=1e6);
        /// Share of the samples held out to score the two fits on.
        test_fraction: f64 = 0.2, in 0.05..=0.95;
        /// The response counts as homogeneous where ΔR² is not above a threshold: that of the claim, then others to
        /// compare.
        thresholds: Vec<f64> = vec![0.1, 0.05, 0.2], in different(above(0.0).below(1.0));
    }
}

/// The range of magnitudes of active features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Magnitude {
    /// The range (−√k, √k).
    SqrtK,
    /// The range (−√n, √n).
    SqrtN,
}
