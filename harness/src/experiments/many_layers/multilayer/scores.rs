//! The numbers of one model that the criteria look at.

use super::curves::{Fractions, late_layers};
use super::decisive::Measure;
use super::reading::{Judge, Reading};
use crate::table::record::Word;

/// The numbers of one model that the criteria look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// R² of a straight line through the mean loss after each layer of the last half.
    pub late_r2: f64,
    /// Largest change of the mean loss over one of these layers.
    pub late_change: f64,
    /// For each measure, the median over the datapoints of the share of the layer that decides.
    pub decisive: [f64; 4],
    /// The layers after which datapoints are right, by each judge.
    pub right: Vec<(Judge, Right)>,
}

/// The layers after which datapoints are right, by one judge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Right {
    /// Fraction at the output.
    pub last: f64,
    /// Fraction one layer before the end.
    pub before_last: f64,
    /// Mean fraction after layers 0 … L−1.
    pub area: f64,
    /// The first layer after which half are right, as a share of L.
    pub depth: f64,
}

impl Right {
    fn of(fractions: &Fractions) -> Right {
        Right {
            last: fractions.last(),
            before_last: fractions.before_last(),
            area: fractions.area(),
            depth: fractions.depth(),
        }
    }
}

impl Scores {
    /// The scores of a model that was read.
    pub fn of(reading: &Reading) -> Scores {
        let (late_r2, late_change) = late_layers(&reading.loss);
        let right = reading.right.iter();
        Scores {
            late_r2,
            late_change,
            decisive: std::array::from_fn(|i| reading.decisive_median(Measure::ALL[i])),
            right: right.map(|(judge, f)| (*judge, Right::of(f))).collect(),
        }
    }

    /// The layers after which datapoints are right by a judge.
    ///
    /// # Panics
    /// If the model was not read by it.
    pub fn right(&self, judge: Judge) -> Right {
        let found = self.right.iter().find(|(j, _)| *j == judge);
        found.expect("a judge that it was read by").1
    }

    /// All numbers, for a checkpoint.
    pub fn numbers(&self) -> Vec<f64> {
        let mut numbers = vec![self.late_r2, self.late_change];
        numbers.extend(self.decisive);
        for (_, right) in &self.right {
            numbers.extend([right.last, right.before_last, right.area, right.depth]);
        }
        numbers
    }

    /// The scores back from their numbers; `None` if there are not as many as there should be.
    pub fn from_numbers(numbers: &[f64], judges: &[Judge]) -> Option<Scores> {
        let (&[late_r2, late_change, a, b, c, d], rest) = numbers.split_first_chunk()?;
        let (rights, []) = rest.as_chunks::<4>() else {
            return None;
        };
        let rights = rights
            .iter()
            .map(|&[last, before_last, area, depth]| Right {
                last,
                before_last,
                area,
                depth,
            });
        let right: Vec<_> = judges.iter().copied().zip(rights).collect();
        (rest.len() == 4 * judges.len()).then_some(Scores {
            late_r2,
            late_change,
            decisive: [a, b, c, d],
            right,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_come_back_from_their_numbers() {
        let judges = [Judge::Loss(0.1), Judge::Argmax];
        let right = |x: f64| Right {
            last: x,
            before_last: x + 1.0,
            area: x + 2.0,
            depth: x + 3.0,
        };
        let scores = Scores {
            late_r2: 0.5,
            late_change: -1.0,
            decisive: [1.0, 2.0, 3.0, 4.0],
            right: vec![(judges[0], right(5.0)), (judges[1], right(9.0))],
        };
        let numbers = scores.numbers();
        assert_eq!(Scores::from_numbers(&numbers, &judges), Some(scores));
        assert_eq!(Scores::from_numbers(&numbers, &judges[..1]), None);
        assert_eq!(Scores::from_numbers(&numbers[..13], &judges), None);
        assert_eq!(Scores::from_numbers(&numbers[..5], &judges), None);
    }
}
