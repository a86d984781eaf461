//! The numbers that are read from one curve over the layers: of the mean loss, or of the fraction of the datapoints
//! that are right.

use crate::stats::{Fit, max};
use serde::{Deserialize, Serialize};

/// Returns R² of a straight line through the mean loss after each layer of the last half, and the largest change of the
/// mean loss over one of these layers. `loss` holds the mean loss after layers 0 … L.
pub fn late_layers(loss: &[f64]) -> (f64, f64) {
    let layers = loss.len() - 1;
    let late: Vec<usize> = (layers - layers / 2 + 1..=layers).collect();
    let x: Vec<f64> = late.iter().map(|&l| l as f64).collect();
    let y: Vec<f64> = late.iter().map(|&l| loss[l]).collect();
    let changes = late.iter().map(|&l| loss[l] - loss[l - 1]);
    (Fit::linear(&x, &y).r2(&x, &y), max(changes))
}

/// The fractions of the datapoints that are right after layers 0 … L.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fractions(pub Vec<f64>);

impl Fractions {
    /// Returns the fraction at the output.
    pub fn last(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// Returns the fraction one layer before the end.
    pub fn before_last(&self) -> f64 {
        self.0[self.0.len() - 2]
    }

    /// Returns the area under the curve before the last layer: the mean fraction after layers 0 … L−1.
    pub fn area(&self) -> f64 {
        let before = &self.0[..self.0.len() - 1];
        before.iter().sum::<f64>() / before.len() as f64
    }

    /// Returns the first layer after which at least half of the datapoints are right, as a share of L; NaN if there is
    /// none.
    pub fn depth(&self) -> f64 {
        let layers = self.0.len() - 1;
        let first = self.0.iter().position(|&f| f >= 0.5);
        first.map_or(f64::NAN, |l| l as f64 / layers as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_the_late_layers_is_fitted_to_the_last_half() {
        // Whatever happens in the first half, a straight fall after it has R² = 1.
        let straight = [9.0, 1.0, 7.0, 6.0, 5.0, 4.0, 3.0];
        let (r2, change) = late_layers(&straight);
        assert!((r2 - 1.0).abs() < 1e-12);
        assert_eq!(change, -1.0);
        // Of 5, 4, 4: mean 13/3, slope −1/2, so R² = 2·(1/2)² / (2/3) = 3/4; and one step does not fall.
        let (r2, change) = late_layers(&[0.0, 0.0, 0.0, 6.0, 5.0, 4.0, 4.0]);
        assert!((r2 - 0.75).abs() < 1e-12);
        assert_eq!(change, 0.0);
    }

    #[test]
    fn fractions_are_read_before_and_at_the_end() {
        let fractions = Fractions(vec![0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!((fractions.last(), fractions.before_last()), (1.0, 0.75));
        assert_eq!((fractions.area(), fractions.depth()), (0.375, 0.5));
        assert!(Fractions(vec![0.0, 0.49]).depth().is_nan());
        assert_eq!(Fractions(vec![0.5, 0.0]).depth(), 0.0);
    }
}
