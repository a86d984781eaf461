//! Curves over seeds: their means and their ranges.

use crate::figure::{Mark, Panel, Role};
use crate::stats::mean;
use crate::stats::observations::Observations as _;

/// A column of a table, as a function of its rows.
pub type Column<Row> = fn(&Row) -> f64;

/// Returns, for each x, x with the mean, the smallest and the largest of the finite values there.
pub fn over_seeds(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64, f64, f64)> {
    let points: Vec<(f64, f64)> = points.filter(|p| p.1.is_finite()).collect();
    let at = |x: f64| {
        let values: Vec<f64> = points.iter().filter(|p| p.0 == x).map(|p| p.1).collect();
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        (
            x,
            mean(&values),
            values.iter().copied().fold(low, f64::min),
            values.iter().copied().fold(high, f64::max),
        )
    };
    let places = points.iter().map(|p| p.0).levels();
    places.into_iter().map(at).collect()
}

/// Adds the mean over seeds as a line with its points marked, and the range as a band.
pub fn add(panel: Panel, role: Role, label: &str, points: Vec<(f64, f64, f64, f64)>) -> Panel {
    let band = points.iter().map(|&(x, _, low, high)| (x, low, high));
    let points = points.iter().map(|&(x, mean, ..)| (x, mean));
    panel
        .mark(Mark::Band {
            role,
            points: band.collect(),
        })
        .dotted(role, label, points.collect::<Vec<_>>())
}
