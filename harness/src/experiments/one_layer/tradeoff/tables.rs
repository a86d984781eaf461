//! The tables of `tradeoff`.

crate::rows! {
    /// Both limits on the number of features, at the k that the two experiments share and the thresholds of their
    /// claims.
    pub struct Limits in "tradeoff" {
        /// neurons that each feature is on
        k: usize ["neurons"],
        /// seed of the features and of the samples
        seed: u64 [""],
        /// largest number of active others before the response is homogeneous
        active: f64 ["1"],
        /// number of nearly orthogonal features
        nearly_orthogonal: f64 ["1"],
        /// ΔR² above which a response is not homogeneous
        delta_r2_threshold: f64 ["1"],
        /// mean max cosine similarity below which features are nearly orthogonal
        mmcs_threshold: f64 ["1"],
    }
}

crate::rows! {
    /// Features of one family: how non-homogeneous the response along one is, and how many are nearly orthogonal.
    pub struct Skew in "skew" {
        /// probability that an entry is positive
        positive_share: f64 ["1"],
        /// neurons that each feature is on
        k: usize ["neurons"],
        /// seed of the features and of the samples
        seed: u64 [""],
        /// ΔR² of the response along a feature with no other active
        delta_r2: f64 ["1"],
        /// largest number of active others before the response is homogeneous
        active: f64 ["1"],
        /// number of nearly orthogonal features
        nearly_orthogonal: f64 ["1"],
        /// ΔR² in the first draw of the control: features with a share of 0.5 whatever the share here
        control_delta_r2: f64 ["1"],
        /// number of nearly orthogonal features in the first draw of the control
        control_nearly_orthogonal: f64 ["1"],
        /// ΔR² above which a response is not homogeneous
        delta_r2_threshold: f64 ["1"],
        /// mean max cosine similarity below which features are nearly orthogonal
        mmcs_threshold: f64 ["1"],
    }
}
