//! Settings of `interference`.

use crate::settings::range::{
    Allows as _, above, different, increasing, multiple_of, positive, so_that,
};

crate::settings! {
    /// Settings of `interference`.
    pub struct Settings {
        // The wide layer has at least four neurons: on two, random features with one entry of each sign cancel or are
        // the same.
        /// Number of neurons n of the wide layer, even.
        n: usize = 100, in multiple_of(2, 4..=1 << 20);
        /// Number of neurons of the narrow layer, even.
        n_small: usize = 2, in multiple_of(2, 2..=1 << 20);
        /// Levels of a feature on k neurons run from −reach·√k to reach·√k.
        reach: f64 = 5.0, in positive();
        /// Number of levels of each feature in a heat map.
        points: usize = 100, quick = 50, in 2..=4096;
        /// Number of input levels of a response curve.
        curve_points: usize = 1000, quick = 200, in 20..=1 << 24;
        /// Numbers of neurons k that feature A is on, increasing: 1 for an aligned one, and two or more.
        dims_per_feature: Vec<usize> = vec![1, 2, 3, 4, 6, 10, 20, 50, 100], where s => {
            let words = format!("1 and two or more others, increasing up to n = {}", s.n);
            let starts = |list: &[usize]| list.first() == Some(&1);
            let range = increasing(3.., 1..=s.n);
            so_that(words, move |list: &Vec<usize>| range.admits(list) && starts(list))
        };
        /// Levels of the other feature, in √k: that of the claim, then others to compare.
        levels: Vec<f64> = vec![5.0, 1.0, 2.0], in different(above(0.0).at_most(1e6));
        /// Pairs of features to average ΔR² over.
        pairs: usize = 20, quick = 10, full = 50, in 1..=1 << 20;
    }
}
