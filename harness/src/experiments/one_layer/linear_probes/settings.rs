//! Settings of `linear-probes`.

crate::settings! {
    /// Settings of `linear-probes`.
    pub struct Settings {
        /// Number of neurons n of the layer.
        pub n: usize,
        /// Dimensions of the input.
        pub inputs: usize,
        /// A feature that is on puts scale·√n·f on the neurons, f a random unit direction.
        pub scale: f64,
        /// Standard deviation of Gaussian noise on every input dimension; a feature that is on has length 1.
        pub noise: f64,
        /// Examples to fit a probe on, a multiple of 4.
        pub train: usize,
        /// Held-out examples, a multiple of 4.
        pub test: usize,
        /// Ridge penalty of a probe, relative to the mean variance of its inputs.
        pub ridge: f64,
    }
}
