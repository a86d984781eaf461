//! Settings of `l1-geometry`.

crate::settings! {
    /// Settings of `l1-geometry`.
    pub struct Settings {
        /// Number of random dictionaries of three directions in the plane, each with one target.
        pub planar: usize,
        /// Dimensions m of the spaces in which random dictionaries are drawn, each 2 to 6.
        pub dimensions: Vec<usize>,
        /// Numbers n of atoms of these dictionaries, each at most 12; those that exceed m are used.
        pub atoms: Vec<usize>,
        /// Random dictionaries for each m and n.
        pub dictionaries: usize,
        /// Targets for each dictionary and number s of atoms that they are built from, s below m.
        pub targets: usize,
        /// Angles between the five atoms and the first one for the comparison of costs: least one above 0, radians.
        pub least_angle: f64,
        /// The largest such angle, radians.
        pub largest_angle: f64,
        /// Number of such angles, at equal ratios.
        pub angles: usize,
        /// Codes on which the identity of L1 norm and cosine is checked.
        pub codes: usize,
    }
}
