//! Settings of `interference`.

crate::settings! {
    /// Settings of `interference`.
    pub struct Settings {
        /// Number of neurons n of the wide layer, even.
        pub n: usize,
        /// Number of neurons of the narrow layer, even.
        pub n_small: usize,
        /// Levels of a feature on k neurons run from −reach·√k to reach·√k.
        pub reach: f64,
        /// Number of levels of each feature in a heat map.
        pub points: usize,
        /// Number of input levels of a response curve.
        pub curve_points: usize,
        /// Numbers of neurons k that a distributed feature is on, increasing.
        pub dims_per_feature: Vec<usize>,
        /// Numbers of other features that are on, increasing; every magnitude is uniform in (−√k, √k).
        pub n_on: Vec<usize>,
        /// Number of random features to choose the others from.
        pub features: usize,
        /// Features of interest to average ΔR² over.
        pub of_interest: usize,
        /// Samples for one ΔR² of a distributed feature.
        pub samples: usize,
        /// Share of the levels or samples held out to score the two fits on.
        pub test_fraction: f64,
    }
}
