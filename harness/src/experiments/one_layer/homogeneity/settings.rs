//! Settings of `homogeneity`.

use serde::{Deserialize, Serialize};

crate::settings! {
    /// Settings of `homogeneity`.
    pub struct Settings {
        /// Number of neurons n of the layer.
        pub n: usize,
        /// Number of features to draw the active ones from.
        pub features: usize,
        /// Number of features of interest to average over.
        pub features_of_interest: usize,
        /// Samples per cell, a cell being one feature of interest, k and number of active others.
        pub samples: usize,
        /// Points of the grid of neurons per feature k, from 2 to n at equal ratios; duplicates are dropped.
        pub dims_points: usize,
        /// Points of the grid of active others, 0 and from 1 to n at equal ratios, no more than there are others; duplicates are dropped.
        pub active_points: usize,
        /// Whether features have entries of both signs rather than positive ones.
        pub signed: bool,
        /// Reach of the magnitudes of active features: "sqrt-k" for (−√k, √k), "sqrt-n" for (−√n, √n) whatever k is.
        pub magnitude: Magnitude,
        /// Whether the others are drawn from all features, the one of interest included, whose magnitudes then add up.
        pub include_own: bool,
        /// The bias of each neuron is uniform in (0, bias).
        pub bias: f64,
        /// Share of the samples held out to score the two fits on.
        pub test_fraction: f64,
        /// The response counts as homogeneous where ΔR² is not above this.
        pub threshold: f64,
    }
}

/// The range of magnitudes of active features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Magnitude {
    /// (−√k, √k)
    SqrtK,
    /// (−√n, √n)
    SqrtN,
}
