//! 95 % confidence intervals of a mean.

use rand::RngExt as _;

use super::{max, mean, min, quantile};
use crate::rng::Rng;

/// The fewest values of a bootstrap interval: below, resampling cannot know the tails, and Student's t is used.
pub const BOOTSTRAP_FROM: usize = 20;

/// The number of resamples of a bootstrap interval.
const RESAMPLES: usize = 10_000;

/// The quantiles of Student's t at 97.5 % for 1, 2, … degrees of freedom.
const STUDENT: [f64; BOOTSTRAP_FROM - 2] = [
    12.706204736,
    4.302652730,
    3.182446305,
    2.776445105,
    2.570581836,
    2.446911851,
    2.364624252,
    2.306004135,
    2.262157163,
    2.228138852,
    2.200985160,
    2.178812830,
    2.160368656,
    2.144786688,
    2.131449546,
    2.119905299,
    2.109815578,
    2.100922040,
];

/// Returns the 95 % confidence interval of the mean of the distribution that the values are drawn from: by Student's t
/// for fewer than [`BOOTSTRAP_FROM`] values, else by the bias-corrected and accelerated bootstrap (Efron, Better
/// bootstrap confidence intervals, 1987). The same values give the same interval. Where one of the values is infinite,
/// the interval is from their smallest to their largest; there is none for fewer than two values, or where one of them
/// is NaN.
pub fn of_mean(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 || values.iter().any(|v| v.is_nan()) {
        return None;
    }
    let (low, high) = (min(values.iter().copied()), max(values.iter().copied()));
    if low == high || !(high - low).is_finite() {
        return Some((low, high));
    }
    Some(match STUDENT.get(values.len() - 2) {
        Some(t) => student(values, *t),
        None => bootstrap(values),
    })
}

fn student(values: &[f64], t: f64) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let half = t * (squares / (n - 1.0) / n).sqrt();
    (mean - half, mean + half)
}

fn bootstrap(values: &[f64]) -> (f64, f64) {
    let n = values.len();
    let mut rng = Rng::stream(0, "statistics", "bootstrap", n as u64);
    let mut resample = || {
        mean(
            &(0..n)
                .map(|_| values[rng.random_range(0..n)])
                .collect::<Vec<_>>(),
        )
    };
    let means: Vec<f64> = (0..RESAMPLES).map(|_| resample()).collect();
    let centre = mean(values);
    // The bias says how far the median of the resampled means is from the mean, in standard deviations. Ties count
    // half.
    let below = means.iter().map(|&m| match m.total_cmp(&centre) {
        std::cmp::Ordering::Less => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Greater => 0.0,
    });
    let bias = normal_quantile(below.sum::<f64>() / RESAMPLES as f64);
    // The acceleration is a sixth of the skewness, from the means that leave one value out.
    let deviations = || values.iter().map(|v| v - centre);
    let (squares, cubes) = (
        deviations().map(|d| d * d).sum::<f64>(),
        deviations().map(|d| d * d * d).sum::<f64>(),
    );
    let acceleration = cubes / (6.0 * squares * squares.sqrt());
    let end = |z: f64| {
        let shifted = bias + z;
        let share = normal_cdf(bias + shifted / (1.0 - acceleration * shifted));
        quantile(&means, share)
    };
    let z = normal_quantile(0.975);
    (end(-z), end(z))
}

/// Returns the standard normal distribution function at `z`.
fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// Returns the value below which a standard normal number lies with a probability, to 1e-12; −8 and 8 stand for all
/// beyond.
fn normal_quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    while high - low > 1e-12 {
        let middle = 0.5 * (low + high);
        if normal_cdf(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<(f64, f64)>, low: f64, high: f64, tolerance: f64) {
        let (l, h) = found.expect("an interval");
        assert!((l - low).abs() <= tolerance, "{l} is not {low}");
        assert!((h - high).abs() <= tolerance, "{h} is not {high}");
    }

    #[test]
    fn a_few_values_have_the_interval_of_student() {
        // scipy.stats.t.interval(0.95, 4, loc=3, scale=scipy.stats.sem([1, 2, 3, 4, 5]))
        let interval = of_mean(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        close(
            interval,
            1.036_756_838_522_438_8,
            4.963_243_161_477_561,
            1e-9,
        );
        // For two values, the half width is 12.7 times half their distance.
        close(
            of_mean(&[0.0, 2.0]),
            1.0 - 12.706204736,
            1.0 + 12.706204736,
            1e-9,
        );
    }

    #[test]
    fn too_few_values_and_values_that_are_not_numbers_have_none() {
        assert_eq!(of_mean(&[]), None);
        assert_eq!(of_mean(&[1.0]), None);
        assert_eq!(of_mean(&[1.0, f64::NAN, 2.0]), None);
        assert_eq!(of_mean(&[3.0; 4]), Some((3.0, 3.0)));
        assert_eq!(of_mean(&[1.0, f64::INFINITY]), Some((1.0, f64::INFINITY)));
        let huge = Some((-f64::MAX, f64::MAX));
        assert_eq!(of_mean(&[-f64::MAX, f64::MAX]), huge);
    }

    #[test]
    fn quantiles_of_the_normal_distribution() {
        // The values are those of tables of the normal distribution.
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.001, -3.090_232_306_167_813_5),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-9, "{p}");
        }
        assert!(normal_quantile(0.0) <= -7.9 && normal_quantile(1.0) >= 7.9);
    }

    /// Of 400 samples of 30 skewed values (exponential, mean 1), the interval holds the mean in about 95 %: in 345 to
    /// 400 of them, where the binomial distribution at 93 %, which such intervals are known to reach at this size, has
    /// all but 1e-6 of its mass.
    #[test]
    fn the_bootstrap_interval_covers_the_mean_of_a_skewed_distribution() {
        let mut rng = Rng::stream(1, "statistics", "coverage", 0);
        let mut sample =
            || -> Vec<f64> { (0..30).map(|_| -(1.0 - rng.random::<f64>()).ln()).collect() };
        let holds = |(low, high): (f64, f64)| low <= 1.0 && 1.0 <= high;
        let covered = (0..400).filter(|_| of_mean(&sample()).is_some_and(holds));
        let covered = covered.count();
        assert!((345..=400).contains(&covered), "{covered} of 400");
    }

    /// The skewed sample's interval reaches further on the side of the long tail; by Student's t it would be symmetric.
    #[test]
    fn the_bootstrap_interval_leans_to_the_long_tail() {
        let values: Vec<f64> = (0..24).map(|i| f64::from(i).exp2()).collect();
        let centre = mean(&values);
        let (low, high) = of_mean(&values).unwrap();
        assert!(
            high - centre > 1.5 * (centre - low),
            "{low} {centre} {high}"
        );
    }
}
