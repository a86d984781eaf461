//! The tables of `linear-probes`.

crate::words! {
    /// The values that a probe reads.
    pub enum Stage {
        /// The input itself.
        Input,
        /// The output of the layer without its GELU.
        #[strum(serialize = "linear layer")]
        LinearLayer,
        /// The output of the layer with each feature on a neuron of its own.
        #[strum(serialize = "aligned layer")]
        AlignedLayer,
        /// The output of the layer.
        #[strum(serialize = "gelu layer")]
        GeluLayer,
    }
}

crate::rows! {
    /// Accuracy of a linear probe for the XOR of two features.
    pub struct Accuracy in "accuracy" {
        /// what the probe reads: input, linear layer, aligned layer or gelu layer
        stage: Stage [""],
        /// seed of features and examples
        seed: u64 [""],
        /// share of the fitted examples that it gets right
        train: f64 ["1"],
        /// share of the held-out examples that it gets right
        test: f64 ["1"],
    }
}

crate::rows! {
    /// Accuracy of the probe after layers that write the features along more and more skewed directions.
    pub struct Skew in "skew" {
        /// probability that an entry of a direction is positive
        positive_share: f64 ["1"],
        /// seed of features and examples
        seed: u64 [""],
        /// share of the held-out examples that the probe gets right
        test: f64 ["1"],
    }
}

crate::rows! {
    /// A random probe p on Ax against the probe Aᵀp on x, over the held-out examples.
    pub struct Identity in "identity" {
        /// seed of features, examples and probe
        seed: u64 [""],
        /// largest |p·(Ax)|
        largest: f64 ["1"],
        /// largest |p·(Ax) − (Aᵀp)·x|
        difference: f64 ["1"],
        /// largest difference over the bound on the rounding of that example
        of_bound: f64 ["1"],
    }
}

crate::rows! {
    /// Output of the probes on noiseless inputs with both features at given levels, at the first seed.
    pub struct Output in "plane" {
        /// what the probe reads: input, linear layer, aligned layer or gelu layer
        stage: Stage [""],
        /// level of the first feature
        a: f64 ["1"],
        /// level of the second feature
        b: f64 ["1"],
        /// output of the probe, fitted to 1 where XOR holds and −1 elsewhere
        output: f64 ["1"],
    }
}

crate::rows! {
    /// Some held-out examples of the first seed.
    pub struct Example in "examples" {
        /// level of the first feature, as read from the input
        a: f64 ["1"],
        /// level of the second feature, as read from the input
        b: f64 ["1"],
        /// 1 where exactly one of the two features is on, else 0
        xor: usize [""],
    }
}
