//! A linear probe: ridge regression on ±1 labels, in f64.

use kernels::MatRef;
use kernels::profile::{self, Part};

/// Predicts the sign of a label from a vector.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    mean: Vec<f64>,
    pub weights: Vec<f64>,
    intercept: f64,
}

impl Probe {
    /// Least squares with intercept on the rows of `x`; the weights are held down by `ridge` times the
    /// mean variance of a column, so that columns may be parallel.
    pub fn fit(x: MatRef, labels: &[f64], ridge: f64) -> Self {
        let (rows, columns) = (x.rows(), x.cols());
        let row = |i: usize| &x.data()[i * x.row_stride()..][..columns];
        let mut mean = vec![0.0; columns];
        for i in 0..rows {
            mean.iter_mut()
                .zip(row(i))
                .for_each(|(m, &v)| *m += f64::from(v));
        }
        mean.iter_mut().for_each(|m| *m /= rows as f64);
        let intercept = labels.iter().sum::<f64>() / rows as f64;

        // Lower triangle of the covariance, and the covariance with the labels.
        let mut gram = vec![0.0; columns * columns];
        let mut right = vec![0.0; columns];
        let mut centred = vec![0.0; columns];
        for (i, label) in labels.iter().enumerate() {
            let values = centred.iter_mut().zip(row(i)).zip(&mean);
            values.for_each(|((c, &v), m)| *c = f64::from(v) - m);
            for (j, &v) in centred.iter().enumerate() {
                let line = &mut gram[j * columns..][..=j];
                line.iter_mut().zip(&centred).for_each(|(g, c)| *g += v * c);
                right[j] += v * (label - intercept);
            }
        }
        let trace: f64 = (0..columns).map(|j| gram[j * columns + j]).sum();
        // A constant input leaves nothing to fit, and no weight.
        let add = if trace > 0.0 {
            ridge * trace / columns as f64
        } else {
            1.0
        };
        (0..columns).for_each(|j| gram[j * columns + j] += add);
        cholesky_solve(&mut gram, &mut right);
        Probe {
            mean,
            weights: right,
            intercept,
        }
    }

    /// Its output for one vector.
    pub fn output(&self, x: &[f32]) -> f64 {
        let terms = x.iter().zip(&self.mean).zip(&self.weights);
        self.intercept
            + terms
                .map(|((&v, m), w)| w * (f64::from(v) - m))
                .sum::<f64>()
    }

    /// Share of the rows of `x` whose label it gets the sign of.
    pub fn accuracy(&self, x: MatRef, labels: &[f64]) -> f64 {
        let _span = profile::phase(Part::Metrics);
        let row = |i: usize| &x.data()[i * x.row_stride()..][..x.cols()];
        let right = labels.iter().enumerate();
        let right = right.filter(|&(i, &label)| (self.output(row(i)) > 0.0) == (label > 0.0));
        right.count() as f64 / labels.len() as f64
    }
}

/// Solves a positive definite system in place, by its lower triangle.
fn cholesky_solve(a: &mut [f64], b: &mut [f64]) {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let (row_i, row_j) = (&a[i * n..][..j], &a[j * n..][..j]);
            let sum = a[i * n + j] - row_i.iter().zip(row_j).map(|(x, y)| x * y).sum::<f64>();
            a[i * n + j] = if i == j {
                sum.sqrt()
            } else {
                sum / a[j * n + j]
            };
        }
    }
    for i in 0..n {
        let known: f64 = a[i * n..][..i]
            .iter()
            .zip(&b[..i])
            .map(|(a, b)| a * b)
            .sum();
        b[i] = (b[i] - known) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| a[j * n + i] * b[j]).sum();
        b[i] = (b[i] - known) / a[i * n + i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_label_is_learned_with_an_intercept_and_parallel_columns() {
        // label = sign(x₀ − 3), and x₁ = 2x₀.
        let values: Vec<f32> = (0..80)
            .flat_map(|i| [i as f32 / 10.0, i as f32 / 5.0])
            .collect();
        let x = MatRef::new(&values, 80, 2).unwrap();
        let labels: Vec<f64> = (0..80).map(|i| if i > 39 { 1.0 } else { -1.0 }).collect();
        let probe = Probe::fit(x, &labels, 1e-9);
        assert_eq!(probe.accuracy(x, &labels), 1.0);
        let flipped: Vec<f64> = labels.iter().map(|l| -l).collect();
        assert_eq!(probe.accuracy(x, &flipped), 0.0);
    }

    #[test]
    fn cholesky_solves() {
        let mut a = [4.0, 0.0, 2.0, 5.0];
        let mut b = [8.0, 12.0];
        cholesky_solve(&mut a, &mut b);
        // 4x + 2y = 8, 2x + 5y = 12
        assert!(
            (b[0] - 1.0).abs() < 1e-14 && (b[1] - 2.0).abs() < 1e-14,
            "{b:?}"
        );
    }
}
