//! The tables of `near-orthogonality`.

crate::rows! {
    /// Mean max cosine similarity of N random features on k neurons each.
    pub struct Mmcs in "mmcs" {
        /// yes: the same features without their signs
        control: bool [""],
        /// neurons that each feature is on
        k: usize ["neurons"],
        /// number of features N
        features: usize ["1"],
        /// seed of the features
        seed: u64 [""],
        /// mean over the N features of the largest cosine with another one
        mmcs: f64 ["1"],
    }
}

crate::rows! {
    /// Number of nearly orthogonal features: the largest N whose mean max cosine similarity is below a threshold,
    /// interpolated linearly in log N between points of the grid. The ends of the grid stand for what lies beyond them.
    /// The threshold of the claim comes first.
    pub struct Count in "counts" {
        /// the mean max cosine similarity below which features are nearly orthogonal
        threshold: f64 ["1"],
        /// neurons that each feature is on
        k: usize ["neurons"],
        /// seed of the features
        seed: u64 [""],
        /// number of nearly orthogonal features
        features: f64 ["1"],
        /// number of them among the same features without their signs
        control: f64 ["1"],
    }
}
