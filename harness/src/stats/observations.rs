//! Summaries of observations: the values that occur, and medians over rows that differ by seed alone.

use super::{max, median, min};

/// A number: a measure or a count.
pub trait Number: Copy {
    /// Returns the value as a real number.
    fn real(self) -> f64;
}

impl Number for f64 {
    fn real(self) -> f64 {
        self
    }
}
impl Number for usize {
    fn real(self) -> f64 {
        self as f64
    }
}
impl Number for u64 {
    fn real(self) -> f64 {
        self as f64
    }
}

/// Observations in the order in which they were made.
pub trait Observations: Iterator + Sized {
    /// Returns each value once, in the order in which they first occur: the groups of a figure.
    fn distinct(self) -> Vec<Self::Item>
    where
        Self::Item: PartialEq,
    {
        let mut seen = Vec::new();
        for value in self {
            if !seen.contains(&value) {
                seen.push(value);
            }
        }
        seen
    }

    /// Returns each value once, in increasing order: the grid of an axis, or the steps of a scale.
    fn levels(self) -> Vec<Self::Item>
    where
        Self::Item: Number,
    {
        let mut values: Vec<_> = self.collect();
        increasing(&mut values);
        values
    }

    /// Groups pairs (x, y) by x, in increasing order, and takes the median of each group: a curve out of rows that
    /// differ by seed.
    fn medians<X: Number, Y: Number>(self) -> Vec<(f64, f64)>
    where
        Self: Iterator<Item = (X, Y)>,
    {
        let groups = groups(self).into_iter();
        groups.map(|(x, group)| (x, median(&group))).collect()
    }

    /// Groups pairs as [`medians`](Observations::medians) does, and takes the smallest and the largest of each group:
    /// the band (x, low, high) around their curve.
    fn ranges<X: Number, Y: Number>(self) -> Vec<(f64, f64, f64)>
    where
        Self: Iterator<Item = (X, Y)>,
    {
        let range = |(x, group): (f64, Vec<f64>)| {
            let values = || group.iter().copied();
            (x, min(values()), max(values()))
        };
        groups(self).into_iter().map(range).collect()
    }
}

/// Sorts the values, and leaves each once. This is apart from [`levels`](Observations::levels), since a sort compiles
/// to much code, and there are many types of iterators.
fn increasing<N: Number>(values: &mut Vec<N>) {
    values.sort_by(|a, b| a.real().total_cmp(&b.real()));
    values.dedup_by(|a, b| a.real() == b.real());
}

/// Groups the y of pairs (x, y) by x, in increasing order.
fn groups<X: Number, Y: Number>(pairs: impl Iterator<Item = (X, Y)>) -> Vec<(f64, Vec<f64>)> {
    grouped(pairs.map(|(x, y)| (x.real(), y.real())).collect())
}

/// Groups pairs that are collected as [`groups`] does; it is compiled once for all iterators.
fn grouped(mut pairs: Vec<(f64, f64)>) -> Vec<(f64, Vec<f64>)> {
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let groups = pairs.chunk_by(|a, b| a.0 == b.0);
    groups
        .map(|group| (group[0].0, group.iter().map(|p| p.1).collect()))
        .collect()
}

impl<I: Iterator> Observations for I {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_values_keep_their_order() {
        assert_eq!(["b", "a", "b"].into_iter().distinct(), ["b", "a"]);
    }

    #[test]
    fn levels_increase_and_stand_once_each() {
        assert_eq!([3, 1, 3, 2usize].into_iter().levels(), [1, 2, 3]);
        assert_eq!([0.5, -1.0, 0.5].into_iter().levels(), [-1.0, 0.5]);
    }

    #[test]
    fn medians_are_in_the_order_of_x_one_for_each() {
        let pairs: [(usize, f64); 5] = [(3, 1.0), (1, 5.0), (3, 2.0), (3, 9.0), (1, 7.0)];
        let curve = pairs.into_iter().medians();
        assert_eq!(curve, [(1.0, 6.0), (3.0, 2.0)]);
        let band = pairs.into_iter().ranges();
        assert_eq!(band, [(1.0, 5.0, 7.0), (3.0, 1.0, 9.0)]);
    }
}
