//! Extremes and shares that keep NaN.
//!
//! `f64::max` and `f64::min` return the other value where one is a NaN, every comparison with a NaN is false, and
//! `f64::total_cmp` puts a NaN first or last by its sign, which is that of the instruction that made it. Folded over
//! measurements, each of them turns what could not be computed into a plain number. These functions do not.

use std::cmp::Ordering;

/// Returns the largest of the values; NaN if one of them is, or there are none.
pub fn max(values: impl IntoIterator<Item = f64>) -> f64 {
    extreme(values, |a, b| a > b)
}

/// Returns the smallest of the values; NaN if one of them is, or there are none.
pub fn min(values: impl IntoIterator<Item = f64>) -> f64 {
    extreme(values, |a, b| a < b)
}

fn extreme(values: impl IntoIterator<Item = f64>, beyond: impl Fn(f64, f64) -> bool) -> f64 {
    let further = |a: f64, b: f64| if b.is_nan() || beyond(b, a) { b } else { a };
    values.into_iter().reduce(further).unwrap_or(f64::NAN)
}

/// Returns the point (x, y) with the largest y, the last of several; the first whose y is NaN, if there is one. `None`
/// if there are no points.
pub fn peak(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let unknown = points.iter().copied().find(|p| p.1.is_nan());
    unknown.or_else(|| points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)))
}

/// Returns the share of the values that fulfil a condition; NaN if one of them is not finite, or there are none.
pub fn share(values: impl IntoIterator<Item = f64>, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut held, mut all) = (0usize, 0usize);
    for value in values {
        if !value.is_finite() {
            return f64::NAN;
        }
        held += usize::from(holds(value));
        all += 1;
    }
    held as f64 / all as f64
}

/// Returns the largest ratio of a value to the one before: below 1 exactly if the values fall at every step. It is NaN
/// if one of them is not finite, or there are fewer than two.
///
/// There is no ratio to a value that is not positive. A step from there counts as 1 if the value stays, ∞ if it rises
/// and 0 if it falls.
pub fn largest_step(values: &[f64]) -> f64 {
    if values.iter().any(|v| !v.is_finite()) {
        return f64::NAN;
    }
    let step = |a: f64, b: f64| match b.total_cmp(&a) {
        _ if a == b => 1.0,
        _ if a > 0.0 => b / a,
        Ordering::Less => 0.0,
        _ => f64::INFINITY,
    };
    max(values.windows(2).map(|w| step(w[0], w[1])))
}

/// Returns the values, if all are finite; else the error says which of them is not, under the name `what`.
pub fn all_finite<'a>(what: &str, values: &'a [f64]) -> Result<&'a [f64], String> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(values),
        Some(i) => Err(format!(
            "{what}: value {} of {} is {}",
            i + 1,
            values.len(),
            values[i]
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{Fit, Moments, delta_r2, mean, median, quantile, spearman, trend};

    /// Generates some values from −5 to 5, and the index of one to break.
    fn values_and_place() -> impl Strategy<Value = (Vec<f64>, usize)> {
        prop::collection::vec(-5.0..5.0f64, 3..12)
            .prop_flat_map(|values| (Just(values.clone()), 0..values.len()))
    }

    /// Generates a NaN of either sign, as x86 makes the one and constants are the other, or an infinity.
    fn broken() -> impl Strategy<Value = f64> {
        prop::sample::select(vec![f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
    }

    proptest! {
        #[test]
        fn nothing_swallows_what_is_not_finite((values, place) in values_and_place(), broken in broken()) {
            let mut bad = values.clone();
            bad[place] = broken;
            let x: Vec<f64> = (0..bad.len()).map(|i| i as f64).collect();
            prop_assert!(largest_step(&bad).is_nan());
            prop_assert!(share(bad.iter().copied(), |v| v > 0.0).is_nan());
            let named = format!("them: value {} of {} is {broken}", place + 1, bad.len());
            prop_assert_eq!(all_finite("them", &bad), Err(named));
            prop_assert!(!mean(&bad).is_finite());
            for (x, y) in [(&x, &bad), (&bad, &x)] {
                prop_assert!(spearman(x, y).is_nan());
                prop_assert!(trend(x, y).is_nan());
                prop_assert!(!Fit::linear(x, y).r2(x, y).is_finite());
                let good = (&values[..], &values[..]);
                prop_assert!(delta_r2((x, y), good).is_nan());
                prop_assert!(delta_r2(good, (x, y)).is_nan());
                let sums = |x: &[f64], y: &[f64]| Moments::of(x.iter().copied().zip(y.iter().copied()));
                let good = sums(&values, &values);
                prop_assert!(sums(x, y).delta_r2(&good).is_nan());
                prop_assert!(good.delta_r2(&sums(x, y)).is_nan());
            }
            let points: Vec<_> = x.iter().copied().zip(bad.iter().copied()).collect();
            if broken.is_nan() {
                prop_assert!(max(bad.iter().copied()).is_nan());
                prop_assert!(min(bad.iter().copied()).is_nan());
                prop_assert_eq!(peak(&points).unwrap().0, place as f64);
                prop_assert!(median(&bad).is_nan() && quantile(&bad, 0.0).is_nan());
                let constant = vec![broken; 3];
                prop_assert!(trend(&x[..3], &constant).is_nan());
            }
        }

        #[test]
        fn of_numbers_they_are_what_their_names_say((values, _) in values_and_place()) {
            let sorted = { let mut v = values.clone(); v.sort_by(f64::total_cmp); v };
            prop_assert_eq!(min(values.iter().copied()), sorted[0]);
            prop_assert_eq!(max(values.iter().copied()), sorted[sorted.len() - 1]);
            let points: Vec<_> = values.iter().map(|&y| (-y, y)).collect();
            prop_assert_eq!(peak(&points).unwrap().1, sorted[sorted.len() - 1]);
            let above = values.iter().filter(|v| **v > 1.0).count() as f64;
            prop_assert_eq!(share(values.iter().copied(), |v| v > 1.0), above / values.len() as f64);
            prop_assert_eq!(all_finite("them", &values), Ok(&values[..]));
            let falls = values.windows(2).all(|w| w[1] < w[0]);
            prop_assert_eq!(largest_step(&values) < 1.0, falls);
            let falling: Vec<f64> = sorted.into_iter().rev().collect();
            prop_assert_eq!(largest_step(&falling) < 1.0, falling.windows(2).all(|w| w[1] < w[0]));
        }
    }

    #[test]
    fn steps_from_0_and_below() {
        assert_eq!(largest_step(&[4.0, 2.0, 1.5]), 0.75);
        assert_eq!(largest_step(&[0.1, 0.0, 0.0]), 1.0);
        assert_eq!(largest_step(&[0.1, 0.0, -0.0]), 1.0);
        assert_eq!(largest_step(&[0.0, 0.1]), f64::INFINITY);
        assert_eq!(largest_step(&[-2.0, -1.0]), f64::INFINITY);
        assert_eq!(largest_step(&[0.0, -1.0, -2.0]), 0.0);
        assert!(largest_step(&[1.0]).is_nan());
    }

    #[test]
    fn of_nothing_nothing_is_known() {
        assert!(max([]).is_nan() && min([]).is_nan() && share([], |_| true).is_nan());
        assert_eq!(peak(&[]), None);
        assert_eq!(
            peak(&[(1.0, 2.0), (2.0, 2.0), (3.0, 1.0)]),
            Some((2.0, 2.0))
        );
    }

    #[test]
    fn the_value_that_is_not_finite_is_named() {
        let found = all_finite("ΔR² by width", &[0.5, f64::NAN, f64::INFINITY]);
        assert_eq!(found.unwrap_err(), "ΔR² by width: value 2 of 3 is NaN");
    }
}
