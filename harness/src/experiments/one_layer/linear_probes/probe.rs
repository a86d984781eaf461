//! A linear probe: ridge regression on ±1 labels, in f64, that does not read the rounding of its inputs.

use kernels::MatRef;

use crate::phase::Phase;
use crate::stats::cholesky::Cholesky;

/// A linear probe, which predicts the sign of a label from a vector.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    mean: Vec<f64>,
    pub weights: Vec<f64>,
    intercept: f64,
}

impl Probe {
    /// Fits a probe by least squares with an intercept on the rows of `x`; the weights are held down by `ridge` times
    /// the mean variance of a column, so that columns may be parallel. What is left of a column once others have
    /// explained it is taken for rounding, and not read, up to `rounding` times the column's length.
    ///
    /// The weights are NaN if `x` is not finite, or if `ridge` is so small that it is lost in rounding.
    pub fn fit(x: MatRef, labels: &[f64], ridge: f64, rounding: f64) -> Self {
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

        // The lower triangle of the covariance, and the covariance with the labels, both times the number of rows.
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
        if !trace.is_finite() {
            return Probe {
                mean,
                weights: vec![f64::NAN; columns],
                intercept,
            };
        }
        // A constant input leaves nothing to fit, and no weight.
        let add = if trace > 0.0 {
            ridge * trace / columns as f64
        } else {
            1.0
        };
        // The normal equations square what rounding leaves, (2⁻²⁴)² of single precision, and lose 2⁻⁵³ of each of
        // their sums themselves.
        let lost = rounding * rounding + rows as f64 * 2f64.powi(-53);
        let floor: Vec<f64> = (0..columns)
            .map(|j| lost * (gram[j * columns + j] + rows as f64 * mean[j] * mean[j]))
            .collect();
        cut_rounding(&mut gram, &mut right, &floor);
        (0..columns).for_each(|j| gram[j * columns + j] += add);
        match Cholesky::of(gram, columns) {
            Some(factor) => factor.solve(&mut right),
            None => right.fill(f64::NAN),
        }
        Probe {
            mean,
            weights: right,
            intercept,
        }
    }

    /// Returns the output of the probe for one vector.
    pub fn output(&self, x: &[f32]) -> f64 {
        let terms = x.iter().zip(&self.mean).zip(&self.weights);
        self.intercept
            + terms
                .map(|((&v, m), w)| w * (f64::from(v) - m))
                .sum::<f64>()
    }

    /// Returns the share of the rows of `x` whose label the probe gets the sign of; NaN if an output is not finite.
    pub fn accuracy(&self, x: MatRef, labels: &[f64]) -> f64 {
        let _span = Phase::Metrics.begin();
        let row = |i: usize| &x.data()[i * x.row_stride()..][..x.cols()];
        let mut right = 0usize;
        for (i, &label) in labels.iter().enumerate() {
            let output = self.output(row(i));
            if !output.is_finite() {
                return f64::NAN;
            }
            right += usize::from((output > 0.0) == (label > 0.0));
        }
        right as f64 / labels.len() as f64
    }
}

/// Replaces the normal equations G w = b of some columns by those of their part above rounding.
///
/// The Cholesky factors of G are found column by column, the column with the most left to explain first, until nothing
/// left of any column exceeds its `floor`: G ≈ LLᵀ, with one column of L for each direction above rounding. Then G
/// becomes LLᵀ, and b its part in the range of L, the only part that columns with this G can give. If more than
/// rounding is left of every column when its turn comes, nothing changes.
fn cut_rounding(gram: &mut [f64], right: &mut [f64], floor: &[f64]) {
    let n = right.len();
    let entry = |gram: &[f64], i: usize, j: usize| gram[i.max(j) * n + i.min(j)];
    let mut left: Vec<f64> = (0..n).map(|j| gram[j * n + j]).collect();
    let mut waiting: Vec<usize> = (0..n).collect();
    let (mut factors, mut projections): (Vec<Vec<f64>>, Vec<f64>) = Default::default();
    loop {
        let candidates = waiting.iter().copied().filter(|&j| left[j] > floor[j]);
        let Some(pivot) = candidates.max_by(|&a, &b| left[a].total_cmp(&left[b])) else {
            break;
        };
        waiting.retain(|&j| j != pivot);
        let size = left[pivot].sqrt();
        let mut factor = vec![0.0; n];
        factor[pivot] = size;
        for &j in &waiting {
            let known: f64 = factors.iter().map(|f| f[j] * f[pivot]).sum();
            factor[j] = (entry(gram, j, pivot) - known) / size;
            left[j] -= factor[j] * factor[j];
        }
        let known: f64 = factors
            .iter()
            .zip(&projections)
            .map(|(f, p)| f[pivot] * p)
            .sum();
        projections.push((right[pivot] - known) / size);
        factors.push(factor);
    }
    if waiting.is_empty() {
        return;
    }
    for i in 0..n {
        for j in 0..=i {
            gram[i * n + j] = factors.iter().map(|f| f[i] * f[j]).sum();
        }
        right[i] = factors
            .iter()
            .zip(&projections)
            .map(|(f, p)| f[i] * p)
            .sum();
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
        let probe = Probe::fit(x, &labels, 1e-9, 2f64.powi(-24));
        assert_eq!(probe.accuracy(x, &labels), 1.0);
        let flipped: Vec<f64> = labels.iter().map(|l| -l).collect();
        assert_eq!(probe.accuracy(x, &flipped), 0.0);
    }

    #[test]
    fn a_column_that_only_rounds_another_is_not_read() {
        // x₁ is x₀ but for the last digit, which is the label.
        let labels: Vec<f64> = (0..84)
            .map(|i| if i / 7 % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let values: Vec<f32> = (0..84)
            .flat_map(|i| {
                let exact = 1.0 + (i % 7) as f32 / 8.0;
                let last_digit = if labels[i] > 0.0 { f32::EPSILON } else { 0.0 };
                [exact, exact + last_digit]
            })
            .collect();
        let x = MatRef::new(&values, 84, 2).unwrap();
        let probe = Probe::fit(x, &labels, 1e-6, 2.0 * 2f64.powi(-24));
        // One column, twice: the weights are the same, and say nothing of the label.
        let [a, b] = probe.weights[..] else { panic!() };
        assert!((a - b).abs() <= 1e-6 * a.abs(), "{a} and {b}");
        assert!(probe.accuracy(x, &labels) < 0.6);
    }

    #[test]
    fn full_rank_is_left_as_it_is_and_a_cut_solves_for_the_rest() {
        let full = [4.0, 0.0, 2.0, 5.0];
        let (mut gram, mut right) = (full, [8.0, 12.0]);
        cut_rounding(&mut gram, &mut right, &[1e-12, 1e-12]);
        assert_eq!((gram, right), (full, [8.0, 12.0]));
        // The second column is half of the first, but for 1e-14; b is off by 1 along what is cut.
        let (mut gram, mut right) = ([4.0, 0.0, 2.0, 1.0 + 1e-14], [8.0, 5.0]);
        cut_rounding(&mut gram, &mut right, &[1e-12, 1e-12]);
        assert_eq!((gram[0], gram[2], gram[3]), (4.0, 2.0, 1.0));
        assert_eq!(right, [8.0, 4.0]);
        let (mut gram, mut right) = ([0.0; 4], [0.0; 2]);
        cut_rounding(&mut gram, &mut right, &[0.0; 2]);
        assert_eq!((gram, right), ([0.0; 4], [0.0; 2]));
    }

    #[test]
    fn an_input_that_is_not_finite_shows_in_the_accuracy() {
        let labels = [1.0, -1.0, 1.0, -1.0];
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in 0..8 {
                let good = [1.0, 0.0, -1.0, 0.5, 2.0, 1.0, -2.0, 0.25f32];
                let mut bad = good;
                bad[place] = broken;
                let of = |v| MatRef::new(v, 4, 2).unwrap();
                let fitted_on_bad = Probe::fit(of(&bad), &labels, 1e-6, 1e-7);
                assert!(fitted_on_bad.accuracy(of(&good), &labels).is_nan());
                let fitted_on_good = Probe::fit(of(&good), &labels, 1e-6, 1e-7);
                assert!(fitted_on_good.accuracy(of(&bad), &labels).is_nan());
            }
        }
    }
}
