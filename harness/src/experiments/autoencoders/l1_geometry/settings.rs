//! Settings of `l1-geometry`.

use crate::settings::range::{above, increasing, up_to, worded};

crate::settings! {
    /// Settings of `l1-geometry`.
    pub struct Settings {
        /// Number of random dictionaries of three directions in the plane, each with one target.
        planar: usize = 10_000, in 2..=10_000_000;
        /// Dimension M of the random dictionaries that are held to the phase transition.
        dimension: usize = 32, quick = 20, full = 80, in 4..=1000;
        /// Dimensions over atoms, M/N, of the random dictionaries that are held to the phase transition.
        undersampling: Vec<f64> = vec![0.2, 0.4, 0.6, 0.8], quick = vec![0.3, 0.6],
            full = vec![0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], where s => {
                let least = (s.dimension as f64 / 10_000.0).max(0.01);
                // There is at least one atom more than there are dimensions.
                let most = s.dimension as f64 / (s.dimension as f64 + 1.0);
                increasing(2..=32, above(least).at_most(most))
            };
        /// Numbers K of active atoms that are looked at, at equal steps up to M.
        active_levels: usize = 16, quick = 10, full = 20, where s => up_to(2, "dimension", s.dimension);
        /// Dictionaries of every law and number of atoms, each with a target for every number of active atoms.
        targets: usize = 10, quick = 15, in 1..=1_000_000;
        /// Cosine of the atoms that come in pairs.
        pair_cosine: f64 = 0.99, in 0.0..=1.0;
        // Below its range the gap drowns in rounding: 5·θ²/8 against 64 ulp.
        /// Smallest angle above 0 between the five atoms and the first one in the comparison of costs, radians.
        least_angle: f64 = 1e-6, in 6e-7..=0.1;
        /// Largest angle between the five atoms and the first one, radians.
        largest_angle: f64 = 1e-3, where s => {
            let words = format!("above least_angle ({}) and at most 0.5", s.least_angle);
            worded(words, above(s.least_angle).at_most(0.5))
        };
        /// Number of angles from the smallest to the largest, at equal ratios.
        angles: usize = 13, in 2..=1000;
        /// Codes on which the identity of L1 norm and cosine is checked.
        codes: usize = 2000, quick = 500, full = 10_000, in 1..=10_000_000;
    }
}

impl Settings {
    /// Returns the numbers N of atoms, the largest first.
    pub fn numbers_of_atoms(&self) -> Vec<usize> {
        let of = |ratio: &f64| (self.dimension as f64 / ratio).round() as usize;
        self.undersampling.iter().map(of).collect()
    }

    /// Returns the numbers K of active atoms, increasing.
    pub fn numbers_active(&self) -> Vec<usize> {
        let levels = self.active_levels;
        (1..=levels).map(|i| i * self.dimension / levels).collect()
    }
}
