//! What is read from one curve over the layers: of the mean loss, or of the fraction of the datapoints that are right.

use crate::stats::{Fit, max};

/// R² of a straight line through the mean loss after each layer of the last half, and the largest change of the mean
/// loss over one of these layers. `loss` holds the mean loss after layers 0 … L.
pub fn late_layers(loss: &[f64]) -> (f64, f64) {
    let layers = loss.len() - 1;
    let late: Vec<usize> = (layers - layers / 2 + 1..=layers).collect();
    let x: Vec<f64> = late.iter().map(|&l| l as f64).collect();
    let y: Vec<f64> = late.iter().map(|&l| loss[l]).collect();
    let changes = late.iter().map(|&l| loss[l] - loss[l - 1]);
    (Fit::linear(&x, &y).r2(&x, &y), max(changes))
}

/// The fractions of the datapoints that are right after layers 0 … L.
#[derive(Debug, Clone, PartialEq)]
pub struct Fractions(pub Vec<f64>);

impl Fractions {
    /// The fraction at the output.
    pub fn last(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// The fraction one layer before the end.
    pub fn before_last(&self) -> f64 {
        self.0[self.0.len() - 2]
    }

    /// The area under the curve before the last layer: the mean fraction after layers 0 … L−1.
    pub fn area(&self) -> f64 {
        let before = &self.0[..self.0.len() - 1];
        before.iter().sum::<f64>() / before.len() as f64
    }

    /// The first layer after which at least half of the datapoints are right, as a share of L; not a number if there is
    /// none.
    pub fn depth(&self) -> f64 {
        let layers = self.0.len() - 1;
        let first = self.0.iter().position(|&f| f >= 0.5);
        first.map_or(f64::NAN, |l| l as f64 / layers as f64)
    }
}
