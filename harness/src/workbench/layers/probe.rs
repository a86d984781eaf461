//! Linear probes, and how near elements of a dictionary come to what they read.

use kernels::MatRef;

use super::chance::largest_cosine;
use super::tables::{Probe, Score};
use super::targets::{Picked, Targets};
use crate::phase::Phase;
use crate::rng::Rng;
use crate::stats::affine::Affine;
use crate::stats::quantile;

/// The ridge penalty of a probe, in multiples of the mean variance of a column.
const RIDGE: f64 = 1e-4;

/// The number of dictionaries of random rows.
const DRAWS: u64 = 200;

/// Some rows of a layer with their targets.
#[derive(Debug)]
pub struct Sample {
    /// The activations, row after row.
    pub x: Vec<f32>,
    /// The targets of the rows.
    pub y: Picked,
}

/// Fits the probes of a layer, given by its place and its name, to the rows `fitted`, and measures them on `held_out`;
/// `unit` holds the elements of the layer's dictionary at norm 1.
///
/// # Errors
/// If there is nothing to fit, in words.
pub fn probes(
    (layer, name): (usize, &str),
    targets: &Targets,
    fitted: &Sample,
    held_out: &Sample,
    unit: &[f32],
    width: usize,
) -> Result<Vec<Probe>, String> {
    let _span = Phase::Metrics.begin();
    let (x, test) = (
        MatRef::from_rows(&fitted.x, width),
        MatRef::from_rows(&held_out.x, width),
    );
    let columns = fitted.y.columns;
    let map = Affine::fit(x, &fitted.y.values, columns, RIDGE)?;
    let scores: Vec<(Score, f64, f64)> = match targets {
        Targets::Numbers { .. } => (0..columns)
            .map(|column| (Score::R2, map.r2(test, &held_out.y.values, column), 0.0))
            .collect(),
        Targets::Classes { .. } => {
            let score = |predict: &dyn Fn(usize) -> usize| {
                let right = (0..test.rows())
                    .filter(|&i| held_out.y.values[i * columns + predict(i)] == 1.0);
                right.count() as f64 / test.rows() as f64
            };
            let frequent = first_largest(&sums(&fitted.y));
            let accuracy = score(&|i| first_largest(&map.at(test.row(i))));
            vec![(Score::Accuracy, accuracy, score(&|_| frequent)); columns]
        }
    };
    // Of two classes, the probe that tells the one from the other tells the other from the one.
    let told_apart = matches!(targets, Targets::Classes { .. }) && columns == 2;
    let elements = unit.len() / width;
    let centred = Centred::of(x);
    let outputs: Vec<f64> = (0..x.rows()).flat_map(|i| map.at(x.row(i))).collect();
    let picks = picks(x.rows(), elements, layer);
    let of = |(column, (score, held_out, chance)): (usize, (Score, f64, f64))| {
        let direction = normalised(map.direction(column));
        let outputs = outputs.iter().skip(column).step_by(columns).copied();
        let pattern = normalised(centred.covariance(x, &outputs.collect::<Vec<_>>()));
        let near = |to: &[f64]| {
            let cosines = unit.chunks_exact(width).map(|element| {
                let cosine: f64 = element.iter().zip(to).map(|(e, t)| f64::from(*e) * t).sum();
                cosine.abs()
            });
            let cosines: Vec<f64> = cosines.collect();
            let best = first_largest(&cosines);
            let rows = centred.cosines(x, to);
            let largest = picks
                .iter()
                .map(|pick| pick.iter().map(|&i| rows[i as usize]).fold(0.0, f64::max));
            let largest: Vec<f64> = largest.collect();
            let interval = [quantile(&largest, 0.025), quantile(&largest, 0.975)];
            (cosines[best], best, interval)
        };
        let (direction, pattern) = (near(&direction), near(&pattern));
        Probe {
            layer: name.into(),
            target: match told_apart {
                true => targets.names().join(" or "),
                false => targets.names()[column].clone(),
            },
            score,
            held_out,
            chance,
            direction: direction.0,
            direction_element: direction.1,
            direction_rows_low: direction.2[0],
            direction_rows_high: direction.2[1],
            pattern: pattern.0,
            pattern_element: pattern.1,
            pattern_rows_low: pattern.2[0],
            pattern_rows_high: pattern.2[1],
            random_low: largest_cosine(0.025, elements, width),
            random_high: largest_cosine(0.975, elements, width),
        }
    };
    let each = scores.into_iter().enumerate();
    Ok(each
        .take(if told_apart { 1 } else { columns })
        .map(of)
        .collect())
}

/// Returns the place of the largest value, the first of several.
fn first_largest(values: &[f64]) -> usize {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best
}

/// Returns the sum of each column.
fn sums(y: &Picked) -> Vec<f64> {
    let mut sums = vec![0.0; y.columns];
    for row in y.values.chunks_exact(y.columns) {
        sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
    }
    sums
}

/// Returns a vector at norm 1; a vector of zeros stays as it is.
fn normalised(mut v: Vec<f64>) -> Vec<f64> {
    let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
    if norm > 0.0 {
        v.iter_mut().for_each(|v| *v /= norm);
    }
    v
}

/// Draws the random rows of [`DRAWS`] dictionaries of `elements` elements: all rows if there are no more.
fn picks(rows: usize, elements: usize, layer: usize) -> Vec<Vec<u32>> {
    let draw = |index: u64| {
        let mut rng = Rng::stream(index, "sae layers", "rows of a dictionary", layer as u64);
        let pick = rng.choose(rows, elements.min(rows));
        pick.into_iter().map(|i| i as u32).collect()
    };
    (0..DRAWS).map(draw).collect()
}

/// The mean of rows, about which they are taken.
struct Centred {
    mean: Vec<f64>,
}

impl Centred {
    fn of(x: MatRef) -> Centred {
        let mut mean = vec![0.0; x.cols()];
        for i in 0..x.rows() {
            let row = x.row(i).iter();
            mean.iter_mut()
                .zip(row)
                .for_each(|(mean, &v)| *mean += f64::from(v) / x.rows() as f64);
        }
        Centred { mean }
    }

    fn row(&self, row: &[f32]) -> impl Iterator<Item = f64> {
        row.iter()
            .zip(&self.mean)
            .map(|(&v, mean)| f64::from(v) - mean)
    }

    /// Returns Σ (x − mean)(y − mean of y) over rows.
    fn covariance(&self, x: MatRef, y: &[f64]) -> Vec<f64> {
        let centre = y.iter().sum::<f64>() / y.len() as f64;
        let mut sum = vec![0.0; x.cols()];
        for (i, y) in y.iter().enumerate() {
            let row = self.row(x.row(i));
            sum.iter_mut()
                .zip(row)
                .for_each(|(sum, v)| *sum += v * (y - centre));
        }
        sum
    }

    /// Returns the |cosine| of each row about the mean with a direction of norm 1; 0 for a row at the mean.
    fn cosines(&self, x: MatRef, direction: &[f64]) -> Vec<f64> {
        let of = |i: usize| {
            let (mut product, mut square) = (0.0, 0.0);
            for (v, d) in self.row(x.row(i)).zip(direction) {
                product += v * d;
                square += v * v;
            }
            if square > 0.0 {
                product.abs() / f64::sqrt(square)
            } else {
                0.0
            }
        };
        (0..x.rows()).map(of).collect()
    }
}
