//! The tables of `sign-balance`.

use super::directions::Family;

crate::rows! {
    /// The response along a feature with m negative entries at one input level.
    pub struct Point in "curves" {
        /// number of negative entries
        m: usize ["neurons"],
        /// input level
        x: f64 ["1"],
        /// output level
        y: f64 ["1"],
    }
}

crate::rows! {
    /// Non-homogeneity of the response along a feature with m negative entries.
    pub struct NonHomogeneity in "non-homogeneity" {
        /// number of negative entries
        m: usize ["neurons"],
        /// R² of a parabola minus R² of a line, over all levels
        delta_r2: f64 ["1"],
    }
}

crate::rows! {
    /// Non-homogeneity over random directions of one width.
    pub struct Quantiles in "directions" {
        /// signed: Gaussian, normalised; non-negative: the same without their signs
        family: Family [""],
        /// width of the layer
        n: usize ["neurons"],
        /// seed of the directions
        seed: u64 [""],
        /// 5 % quantile of ΔR²
        q05: f64 ["1"],
        /// 25 % quantile of ΔR²
        q25: f64 ["1"],
        /// median of ΔR²
        median: f64 ["1"],
        /// 75 % quantile of ΔR²
        q75: f64 ["1"],
        /// 95 % quantile of ΔR²
        q95: f64 ["1"],
        /// directions that keep at least half of the ΔR² of the all-positive direction; 0 if some ΔR² is not a number
        kept: usize ["directions"],
        /// number of directions; 0 if some ΔR² is not a number
        of: usize ["directions"],
        /// ΔR² of the all-positive direction
        all_positive: f64 ["1"],
    }
}
