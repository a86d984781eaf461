//! Statistics in f64: least squares, R², ranks, quantiles.

pub mod affine;
pub mod cholesky;
pub mod eigen;
mod extremes;
pub mod interval;
mod moments;
pub mod observations;
pub mod orthonormal;

pub use extremes::{all_finite, largest_step, max, min, peak, share};
pub use moments::Moments;

/// A polynomial of degree at most 2 fitted by least squares, with intercept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    centre: f64,
    scale: f64,
    /// The coefficients of 1, t and t², with t = (x − centre) / scale.
    coefficients: [f64; 3],
}

impl Fit {
    /// Returns the straight line fitted to the points.
    ///
    /// # Panics
    /// If `x` and `y` differ in length.
    pub fn linear(x: &[f64], y: &[f64]) -> Self {
        Self::of_degree::<2>(x, y)
    }

    /// Returns the parabola fitted to the points.
    ///
    /// # Panics
    /// If `x` and `y` differ in length.
    pub fn quadratic(x: &[f64], y: &[f64]) -> Self {
        Self::of_degree::<3>(x, y)
    }

    /// Fits by least squares on `TERMS` columns 1, t, t², orthogonalised by modified Gram–Schmidt. The inputs are
    /// centred and scaled to [−1, 1] first, so that the columns are far from parallel; a column without anything new in
    /// it (all x equal, say) gets the coefficient 0. If a point is not finite, neither is the fit.
    fn of_degree<const TERMS: usize>(x: &[f64], y: &[f64]) -> Self {
        assert_eq!(x.len(), y.len(), "x and y differ in length");
        let centre = mean(x);
        let scale = max(x.iter().map(|v| (v - centre).abs()));
        let scale = if scale == 0.0 { 1.0 } else { scale };
        let mut columns: [Vec<f64>; TERMS] = std::array::from_fn(|power| {
            x.iter()
                .map(|v| ((v - centre) / scale).powi(power as i32))
                .collect()
        });
        // columns = Q·R with R unit upper triangular; solve R·coefficients = Qᵀy / diag(QᵀQ).
        let mut r = [[0.0; TERMS]; TERMS];
        let mut projections = [0.0; TERMS];
        let mut residual = y.to_vec();
        for j in 0..TERMS {
            let before = dot(&columns[j], &columns[j]);
            for i in 0..j {
                let (head, tail) = columns.split_at_mut(j);
                let norm = dot(&head[i], &head[i]);
                r[i][j] = if norm > 0.0 {
                    dot(&head[i], &tail[0]) / norm
                } else {
                    0.0
                };
                add_scaled(&mut tail[0], -r[i][j], &head[i]);
            }
            let norm = dot(&columns[j], &columns[j]);
            // Taking a column out of another leaves some ulp of each of its entries.
            if norm <= before * (8.0 * x.len() as f64 * f64::EPSILON).powi(2) {
                columns[j].fill(0.0);
                continue;
            }
            projections[j] = dot(&columns[j], &residual) / norm;
            add_scaled(&mut residual, -projections[j], &columns[j]);
        }
        let mut coefficients = [0.0; 3];
        for j in (0..TERMS).rev() {
            coefficients[j] = projections[j]
                - (j + 1..TERMS)
                    .map(|k| r[j][k] * coefficients[k])
                    .sum::<f64>();
        }
        Fit {
            centre,
            scale,
            coefficients,
        }
    }

    /// Returns the fitted value at `x`.
    pub fn at(&self, x: f64) -> f64 {
        let t = (x - self.centre) / self.scale;
        let [a, b, c] = self.coefficients;
        a + t * (b + t * c)
    }

    /// Returns [R²](r2) of the fit on points that may or may not be those it was fitted to.
    ///
    /// # Panics
    /// If `x` and `y` differ in length.
    pub fn r2(&self, x: &[f64], y: &[f64]) -> f64 {
        assert_eq!(x.len(), y.len(), "x and y differ in length");
        r2(x.iter().map(|&x| self.at(x)), y)
    }
}

/// Returns R² of predictions of `y`: 1 − SS_res / SS_tot, with SS_tot about the mean of these `y`. It is NaN if they
/// are all equal, up to the rounding of their mean.
pub fn r2(predicted: impl Iterator<Item = f64>, y: &[f64]) -> f64 {
    let y_mean = mean(y);
    let total: f64 = y.iter().map(|v| (v - y_mean).powi(2)).sum();
    let errors = y.iter().zip(predicted).map(|(y, predicted)| y - predicted);
    let residual: f64 = errors.map(|error| error.powi(2)).sum();
    if total <= rounding_of_total(y) {
        f64::NAN
    } else {
        1.0 - residual / total
    }
}

/// Returns ΔR²: how much better a parabola predicts held-out points than a straight line does, both fitted on the first
/// pair of slices and scored on the second. It is 0 for a homogeneous (or constant) response, and NaN if an input is
/// not finite, or there are no points to fit to or to score on.
pub fn delta_r2(fit: (&[f64], &[f64]), test: (&[f64], &[f64])) -> f64 {
    let values = [fit.0, fit.1, test.0, test.1];
    if values.iter().any(|v| v.is_empty()) || values.concat().iter().any(|v| !v.is_finite()) {
        return f64::NAN;
    }
    let linear = Fit::linear(fit.0, fit.1).r2(test.0, test.1);
    let quadratic = Fit::quadratic(fit.0, fit.1).r2(test.0, test.1);
    // Among finite points, R² is NaN where there is no variance to explain.
    if linear.is_nan() {
        0.0
    } else {
        quadratic - linear
    }
}

/// Returns a bound on Σ(y − ȳ)² of equal values, which rounding causes: the mean of n values is off by up to n ulp/2 of
/// the largest.
fn rounding_of_total(y: &[f64]) -> f64 {
    let n = y.len() as f64;
    let off = n * f64::EPSILON * max(y.iter().map(|v| v.abs()));
    n * off * off
}

/// Returns the arithmetic mean; NaN for no values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the mean of the values that are finite, if there are any.
pub fn mean_of_finite(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    (!values.is_empty()).then(|| mean(&values))
}

/// Returns the quantile `q` of the values, linear between order statistics; NaN if there are no values or one of them
/// is NaN.
///
/// # Panics
/// If `q` is outside [0, 1].
pub fn quantile(values: &[f64], q: f64) -> f64 {
    assert!((0.0..=1.0).contains(&q), "quantile {q} is outside [0, 1]");
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let position = q * (sorted.len() - 1) as f64;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    if low == high {
        sorted[low]
    } else {
        sorted[low] + (position - low as f64) * (sorted[high] - sorted[low])
    }
}

/// Returns the median, as the [`quantile`] 0.5.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Returns Spearman's rank correlation, with ties given their mean rank. It is NaN if either side is constant or holds
/// a value that is not finite.
///
/// # Panics
/// If `x` and `y` differ in length.
pub fn spearman(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "x and y differ in length");
    if x.iter().chain(y).any(|v| !v.is_finite()) {
        return f64::NAN;
    }
    let (x, y) = (ranks(x), ranks(y));
    let (x_mean, y_mean) = (mean(&x), mean(&y));
    let centred: Vec<(f64, f64)> = x
        .iter()
        .zip(&y)
        .map(|(a, b)| (a - x_mean, b - y_mean))
        .collect();
    let covariance: f64 = centred.iter().map(|(a, b)| a * b).sum();
    let variances: (f64, f64) = centred
        .iter()
        .fold((0.0, 0.0), |(u, v), (a, b)| (u + a * a, v + b * b));
    covariance / (variances.0 * variances.1).sqrt()
}

/// Returns [`spearman`] of a curve, where a constant curve has no trend: 0. It is NaN for fewer than two points or one
/// that is not finite.
///
/// # Panics
/// If `x` and `y` differ in length.
pub fn trend(x: &[f64], y: &[f64]) -> f64 {
    let finite = x.iter().chain(y).all(|v| v.is_finite());
    if finite && y.len() >= 2 && y.iter().all(|&v| v == y[0]) {
        0.0
    } else {
        spearman(x, y)
    }
}

/// Returns the exponent p of the power law y ∝ xᵖ through points of positive coordinates: the slope of log y against
/// log x by least squares. It is NaN for fewer than two points, or one that is not positive and finite.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let (x, y): (Vec<_>, Vec<_>) = points.iter().map(|(x, y)| (x.ln(), y.ln())).unzip();
    if points.len() < 2 || x.iter().chain(&y).any(|v| !v.is_finite()) {
        return f64::NAN;
    }
    let line = Fit::linear(&x, &y);
    line.at(1.0) - line.at(0.0)
}

/// Returns the ranks from 1 of the values, with ties given their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let first = order.partition_point(|&i| values[i] < values[tied[0]]);
        let rank = first as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|&i| ranks[i] = rank);
    }
    ranks
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_is_recovered_far_from_the_origin() {
        let x: Vec<f64> = (0..50).map(|i| 1e4 + f64::from(i)).collect();
        let y: Vec<f64> = x.iter().map(|x| 3.0 - 2.0 * x + 0.5 * x * x).collect();
        let fit = Fit::quadratic(&x, &y);
        for at in [1e4 - 10.0, 1e4 + 25.5, 1e4 + 100.0] {
            let exact = 3.0 - 2.0 * at + 0.5 * at * at;
            assert!((fit.at(at) - exact).abs() < 1e-11 * exact, "{at}");
        }
        assert!(fit.r2(&x, &y) > 1.0 - 1e-12);
    }

    #[test]
    fn a_line_through_anscombes_first_set() {
        // Anscombe 1973: slope 0.500, intercept 3.00, R² 0.667.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [
            8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
        ];
        let fit = Fit::linear(&x, &y);
        assert!((fit.at(0.0) - 3.0000909).abs() < 1e-6);
        assert!((fit.at(1.0) - fit.at(0.0) - 0.5000909).abs() < 1e-6);
        assert!((fit.r2(&x, &y) - 0.6665425).abs() < 1e-6);
    }

    #[test]
    fn equal_inputs_fit_their_mean_and_equal_outputs_are_homogeneous() {
        let fit = Fit::quadratic(&[2.0, 2.0], &[1.0, 3.0]);
        assert_eq!(fit.at(2.0), 2.0);
        assert_eq!(fit.at(5.0), 2.0);
        let (x, y) = ([1.0, 2.0, 3.0], [4.0, 4.0, 4.0]);
        assert!(Fit::linear(&x, &y).r2(&x, &y).is_nan());
        assert_eq!(delta_r2((&x, &y), (&x, &y)), 0.0);
        assert!(delta_r2((&x, &y), (&[], &[])).is_nan());
    }

    #[test]
    fn equal_outputs_are_homogeneous_however_their_mean_rounds() {
        for n in [3, 10, 77, 1000] {
            for value in [0.1, -0.7, 1e9 / 3.0, 1e-20 / 3.0] {
                let x: Vec<f64> = (0..n).map(|i| f64::from(i) / f64::from(n)).collect();
                let y = vec![value; x.len()];
                assert!(Fit::linear(&x, &y).r2(&x, &y).is_nan(), "{n} times {value}");
                assert_eq!(delta_r2((&x, &y), (&x, &y)), 0.0, "{n} times {value}");
            }
        }
    }

    #[test]
    fn delta_r2_of_relu_on_a_symmetric_interval_is_three_sixteenths() {
        // y = x/2 + |x|/2 on [−1, 1]: var(x/2) = 1/12, var(|x|/2) = 1/48, and x² explains 15/16 of
        // the variance of |x|: ΔR² = (15/16 · 1/48) / (1/12 + 1/48) = 3/16.
        let x: Vec<f64> = (0..=20_000).map(|i| f64::from(i) / 1e4 - 1.0).collect();
        let y: Vec<f64> = x.iter().map(|x| x.max(0.0)).collect();
        assert!((delta_r2((&x, &y), (&x, &y)) - 3.0 / 16.0).abs() < 1e-4);
    }

    #[test]
    fn spearman_with_ties() {
        // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) = 0.8207826816681233
        let rho = spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0]);
        assert!((rho - 0.820_782_681_668_123_3).abs() < 1e-14);
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[9.0, 4.0, 1.0]), -1.0);
        assert!(spearman(&[1.0, 2.0], &[3.0, 3.0]).is_nan());
        assert!(spearman(&[1.0, f64::NAN], &[3.0, 4.0]).is_nan());
        assert_eq!(trend(&[1.0, 2.0, 3.0], &[9.0, 4.0, 1.0]), -1.0);
        assert_eq!(trend(&[1.0, 2.0], &[3.0, 3.0]), 0.0);
        assert!(trend(&[1.0], &[3.0]).is_nan());
        assert!(trend(&[1.0, 2.0], &[f64::NAN, 3.0]).is_nan());
    }

    #[test]
    fn quantiles() {
        let values = [3.0, 1.0, 2.0, 4.0];
        assert_eq!(median(&values), 2.5);
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 1.0), 4.0);
        assert_eq!(quantile(&[1.0, f64::INFINITY], 1.0), f64::INFINITY);
        assert!(median(&[]).is_nan());
        assert!(median(&[1.0, f64::NAN]).is_nan());
    }

    #[test]
    fn the_exponent_is_that_of_a_power_law() {
        let law = |p: f64| [1.0, 3.0, 10.0, 80.0].map(|x: f64| (x, 7.0 * x.powf(p)));
        for p in [-1.0, 0.0, 0.5] {
            assert!((exponent(&law(p)) - p).abs() < 1e-13, "{p}");
        }
        assert!(exponent(&[(1.0, 2.0)]).is_nan());
        assert!(exponent(&[(1.0, 2.0), (2.0, 0.0)]).is_nan());
        assert!(exponent(&[(1.0, 2.0), (2.0, f64::INFINITY)]).is_nan());
    }
}
