//! Settings of `l1-geometry`.

use crate::settings::range::{above, increasing, worded};

crate::settings! {
    /// Settings of `l1-geometry`.
    pub struct Settings {
        /// Number of random dictionaries of three directions in the plane, each with one target.
        planar: usize = 10_000, in 2..=10_000_000;
        /// Dimensions m of the spaces in which random dictionaries are drawn, each 2 to 6.
        dimensions: Vec<usize> = vec![3, 4, 5, 6], in increasing(1.., 2..=6);
        /// Numbers n of atoms of these dictionaries, each at most 12; those that exceed m are used.
        atoms: Vec<usize> = vec![4, 6, 8, 10, 12], in increasing(1.., 3..=12);
        /// Random dictionaries for each m and n.
        dictionaries: usize = 100, quick = 20, full = 400, in 1..=10_000_000;
        /// Targets for each dictionary and number s of atoms that they are built from, s below m.
        targets: usize = 10, quick = 5, full = 25, in 1..=10_000_000;
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
