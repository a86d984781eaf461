//! The tables of `homogeneity`.

crate::rows! {
    /// Non-homogeneity of the response along a feature, averaged over the features of interest.
    pub struct Cell in "cells" {
        /// neurons that each feature is on
        k: usize ["neurons"],
        /// active features other than the one of interest
        n_on: usize ["1"],
        /// seed of features, samples and biases
        seed: u64 [""],
        /// R² of a parabola minus R² of a line, on held-out samples
        delta_r2: f64 ["1"],
    }
}

crate::rows! {
    /// Most active others with a response that is not homogeneous: the largest n_on whose ΔR² is above the threshold,
    /// interpolated linearly to where ΔR² crosses it; the end of the grid if it is still above there, 0 if it never is.
    /// The threshold of the claim comes first.
    pub struct Limit in "limits" {
        /// neurons that each feature is on
        k: usize ["neurons"],
        /// seed of features, samples and biases
        seed: u64 [""],
        /// the ΔR² above which a response is not homogeneous
        threshold: f64 ["1"],
        /// largest number of active others
        n_on: f64 ["1"],
        /// the same for others on neurons of their own, which do not interfere
        control: f64 ["1"],
    }
}
