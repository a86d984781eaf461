//! Ranges of settings: the values that each admits, and the words that say so to the user, which complete "it must be
//! …".

use std::borrow::Cow;
use std::ops::{Bound, RangeBounds, RangeInclusive};

/// The values that a setting of type `T` may have.
pub trait Allows<T: ?Sized> {
    /// Returns whether a value is in the range.
    fn admits(&self, value: &T) -> bool;

    /// Returns the range in words.
    fn words(&self) -> String;

    /// Returns the range in words where it is that of each element of a list.
    fn words_of_each(&self) -> String {
        format!("each {}", self.words())
    }
}

/// A number that a range can begin or end with.
pub trait Number: PartialOrd {
    /// Returns the number as a person writes it.
    fn written(&self) -> String;
}

macro_rules! whole_numbers {
    ($($type:ty),*) => { $(
        impl Number for $type {
            fn written(&self) -> String {
                if self.is_power_of_two() && self.ilog2() > 32 {
                    format!("2^{}", self.ilog2())
                } else {
                    self.to_string()
                }
            }
        }
    )* };
}

whole_numbers!(usize, u64);

impl Number for f64 {
    fn written(&self) -> String {
        if *self != 0.0 && !(1e-4..1e6).contains(&self.abs()) {
            format!("{self:e}")
        } else {
            self.to_string()
        }
    }
}

impl<N: Number> Allows<N> for RangeInclusive<N> {
    fn admits(&self, value: &N) -> bool {
        self.contains(value)
    }

    fn words(&self) -> String {
        format!("{} to {}", self.start().written(), self.end().written())
    }
}

/// The finite numbers above a bound, and up to an end if there is one; [`above`] makes this range.
#[derive(Debug, Clone, Copy)]
pub struct Above {
    bound: f64,
    end: Bound<f64>,
}

/// Returns the range of the finite numbers above a bound.
pub fn above(bound: f64) -> Above {
    Above {
        bound,
        end: Bound::Unbounded,
    }
}

impl Above {
    /// Returns the numbers of this range that are at most `most`.
    pub fn at_most(self, most: f64) -> Above {
        Above {
            end: Bound::Included(most),
            ..self
        }
    }

    /// Returns the numbers of this range that are below `end`.
    pub fn below(self, end: f64) -> Above {
        Above {
            end: Bound::Excluded(end),
            ..self
        }
    }
}

impl Allows<f64> for Above {
    fn admits(&self, value: &f64) -> bool {
        value.is_finite() && (Bound::Excluded(self.bound), self.end).contains(value)
    }

    fn words(&self) -> String {
        let end = match self.end {
            Bound::Included(most) => format!("at most {}", most.written()),
            Bound::Excluded(end) => format!("below {}", end.written()),
            Bound::Unbounded => "finite".into(),
        };
        format!("above {} and {end}", self.bound.written())
    }

    fn words_of_each(&self) -> String {
        self.words()
    }
}

/// The multiples of a number within a range; [`multiple_of`] makes it.
#[derive(Debug)]
pub struct MultipleOf {
    factor: usize,
    range: RangeInclusive<usize>,
}

/// Returns the multiples of `factor` in a range.
pub fn multiple_of(factor: usize, range: RangeInclusive<usize>) -> MultipleOf {
    MultipleOf { factor, range }
}

impl Allows<usize> for MultipleOf {
    fn admits(&self, value: &usize) -> bool {
        value.is_multiple_of(self.factor) && self.range.contains(value)
    }

    fn words(&self) -> String {
        let range = self.range.words();
        match self.factor {
            2 => format!("even, {range}"),
            factor => format!("a multiple of {factor}, {range}"),
        }
    }
}

/// The lists of increasing values; [`increasing`] makes this range.
#[derive(Debug)]
pub struct Increasing<C, A> {
    count: C,
    each: A,
}

/// Returns the range of lists of `count` increasing values, each in the range `each`.
pub fn increasing<C: RangeBounds<usize>, A>(count: C, each: A) -> Increasing<C, A> {
    Increasing { count, each }
}

impl<T: PartialOrd, C: RangeBounds<usize>, A: Allows<T>> Allows<Vec<T>> for Increasing<C, A> {
    fn admits(&self, values: &Vec<T>) -> bool {
        self.count.contains(&values.len())
            && values.is_sorted_by(|a, b| a < b)
            && values.iter().all(|value| self.each.admits(value))
    }

    fn words(&self) -> String {
        let least = match self.count.start_bound() {
            Bound::Included(&least) => least,
            Bound::Excluded(&below) => below + 1,
            Bound::Unbounded => 0,
        };
        let count = match (self.count.end_bound(), least) {
            (Bound::Included(most), _) => format!("{least} to {most} numbers"),
            (Bound::Excluded(end), _) => format!("{least} to {} numbers", end - 1),
            (Bound::Unbounded, 1) => "one or more".into(),
            (Bound::Unbounded, 2) => "two or more".into(),
            (Bound::Unbounded, _) => format!("{least} or more"),
        };
        format!("{count}, increasing, {}", self.each.words_of_each())
    }
}

/// The lists of one or more different values; [`different`] makes this range.
#[derive(Debug)]
pub struct Different<A>(A);

/// Returns the range of lists of one or more different values, each in the range `each`, in any order.
pub fn different<A>(each: A) -> Different<A> {
    Different(each)
}

impl<T: PartialEq, A: Allows<T>> Allows<Vec<T>> for Different<A> {
    fn admits(&self, values: &Vec<T>) -> bool {
        let mut earlier = (0..values.len()).map(|i| (&values[i], &values[..i]));
        !values.is_empty() && earlier.all(|(v, before)| self.0.admits(v) && !before.contains(v))
    }

    fn words(&self) -> String {
        format!("one or more, all different, {}", self.0.words_of_each())
    }
}

/// A range with words of its own; [`worded`] makes it.
#[derive(Debug)]
pub struct Worded<A> {
    words: Cow<'static, str>,
    range: A,
}

/// Returns a range with words of its own.
pub fn worded<A>(words: impl Into<Cow<'static, str>>, range: A) -> Worded<A> {
    let words = words.into();
    Worded { words, range }
}

impl<T, A: Allows<T>> Allows<T> for Worded<A> {
    fn admits(&self, value: &T) -> bool {
        self.range.admits(value)
    }

    fn words(&self) -> String {
        self.words.clone().into_owned()
    }
}

/// Returns the range from a number to `most`, which the words call `name`.
pub fn up_to(least: usize, name: &str, most: usize) -> Worded<RangeInclusive<usize>> {
    worded(format!("{least} to {name} ({most})"), least..=most)
}

/// Returns the range of the positive numbers up to a million that are neither 0 nor nearly so in single precision.
pub fn positive() -> Worded<RangeInclusive<f64>> {
    worded("1e-30 to 1e6", 1e-30..=1e6)
}

/// The values that fulfil a condition; [`so_that`] makes this range.
#[derive(Debug)]
pub struct SoThat<F> {
    words: Cow<'static, str>,
    condition: F,
}

/// Returns the range of the values that fulfil a condition, with the words for it.
pub fn so_that<T, F: Fn(&T) -> bool>(
    words: impl Into<Cow<'static, str>>,
    condition: F,
) -> SoThat<F> {
    let words = words.into();
    SoThat { words, condition }
}

impl<T, F: Fn(&T) -> bool> Allows<T> for SoThat<F> {
    fn admits(&self, value: &T) -> bool {
        (self.condition)(value)
    }

    fn words(&self) -> String {
        self.words.clone().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says<T>(range: impl Allows<T>, words: &str, inside: &[T], outside: &[T]) {
        assert_eq!(range.words(), words);
        assert!(inside.iter().all(|v| range.admits(v)), "{words}");
        assert!(!outside.iter().any(|v| range.admits(v)), "{words}");
    }

    #[test]
    fn ranges_of_numbers_admit_what_they_say() {
        says(
            2..=1 << 24,
            "2 to 16777216",
            &[2, 1 << 24],
            &[0usize, 1, (1 << 24) + 1],
        );
        says(
            1..=1 << 40,
            "1 to 2^40",
            &[1, 1 << 40],
            &[0u64, (1 << 40) + 1],
        );
        let not_numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        says(0.05..=0.95, "0.05 to 0.95", &[0.05, 0.95], &not_numbers);
        says(1e-9..=1e9, "1e-9 to 1e9", &[1e-9, 1e9], &[0.0, 1.1e9]);
        says(
            above(0.0),
            "above 0 and finite",
            &[1e-300, f64::MAX],
            &not_numbers,
        );
        let share = above(0.0).below(1.0);
        says(share, "above 0 and below 1", &[0.5], &[0.0, 1.0, f64::NAN]);
        let most = above(0.0).at_most(1e6);
        says(
            most,
            "above 0 and at most 1e6",
            &[0.1, 1e6],
            &[0.0, 1.1e6, f64::NAN],
        );
        says(
            multiple_of(2, 4..=10),
            "even, 4 to 10",
            &[4, 10],
            &[2, 5, 12],
        );
        says(
            multiple_of(4, 4..=10),
            "a multiple of 4, 4 to 10",
            &[4, 8],
            &[0, 6, 12],
        );
        says(up_to(2, "`most`", 9), "2 to `most` (9)", &[2, 9], &[1, 10]);
    }

    #[test]
    fn lists_are_long_enough_increasing_and_each_in_range() {
        says(
            increasing(2.., 1..=9),
            "two or more, increasing, each 1 to 9",
            &[vec![1usize, 9]],
            &[
                vec![],
                vec![1],
                vec![2, 1],
                vec![1, 1],
                vec![0, 1],
                vec![1, 10],
            ],
        );
        says(
            different(1..=9),
            "one or more, all different, each 1 to 9",
            &[vec![1usize], vec![3, 1, 2]],
            &[vec![], vec![1, 2, 1], vec![0]],
        );
        says(
            increasing(1..=2, above(0.0).at_most(3.0)),
            "1 to 2 numbers, increasing, above 0 and at most 3",
            &[vec![1.0], vec![1.0, 3.0]],
            &[vec![], vec![f64::NAN], vec![0.0], vec![1.0, 2.0, 3.0]],
        );
    }
}
