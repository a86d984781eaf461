//! The numbers of one model that the criteria look at.

use super::curves::{Fractions, late_layers};
use super::decisive::Measure;
use super::reading::{Judge, Reading};
use crate::table::record::Word;
use serde::{Deserialize, Serialize};

/// The numbers of one model that the criteria look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// R² of a straight line through the mean loss after each layer of the last half.
    pub late_r2: f64,
    /// The largest change of the mean loss over one of the layers of the last half.
    pub late_change: f64,
    /// The median over the datapoints of the share of the layer that decides, for each measure.
    pub decisive: [f64; 4],
    /// The layers after which datapoints are right, by each judge.
    pub right: Vec<(Judge, Right)>,
}

/// The layers after which datapoints are right, by one judge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Right {
    /// The fraction of the datapoints that are right at the output.
    pub last: f64,
    /// The fraction that are right one layer before the end.
    pub before_last: f64,
    /// The mean fraction after layers 0 … L−1.
    pub area: f64,
    /// The first layer after which half of the datapoints are right, as a share of L.
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
    /// Returns the scores of a model that was read.
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

    /// Returns the layers after which datapoints are right by a judge.
    ///
    /// # Panics
    /// If the model was not read by that judge.
    pub fn right(&self, judge: Judge) -> Right {
        let found = self.right.iter().find(|(j, _)| *j == judge);
        found.expect("a judge that it was read by").1
    }
}
