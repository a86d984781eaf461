//! ΔR² over all levels of an interval, as an integral: no level is sampled or held out.

use std::f64::consts::PI;

/// The number of quadrature points on [0, 1].
const POINTS: usize = 16;

/// The Gauss–Legendre quadrature on [0, 1].
#[derive(Debug)]
pub struct Quadrature {
    /// The points with their weights.
    pub points: Vec<(f64, f64)>,
}

impl Default for Quadrature {
    /// Returns the quadrature with as many points as integrate smooth responses to some 10⁻⁹.
    fn default() -> Self {
        Quadrature {
            points: gauss_legendre(POINTS),
        }
    }
}

impl Quadrature {
    /// Returns ΔR² of a response y(t) to levels t uniform on [−1, 1], smooth but for a bend at 0: the share of the
    /// variance of y that a parabola explains beyond a line. It is 0 for a response that does not vary.
    pub fn delta_r2(&self, y: impl Fn(f64) -> f64) -> f64 {
        let [mut mean, mut square, mut with_t_squared] = [0.0; 3];
        for &(t, weight) in &self.points {
            for t in [-t, t] {
                let (y, weight) = (y(t), weight / 2.0);
                mean += weight * y;
                square += weight * y * y;
                with_t_squared += weight * y * t * t;
            }
        }
        let variance = square - mean * mean;
        if variance <= 4.0 * f64::EPSILON * square {
            return 0.0;
        }
        explained_by_t_squared(mean, with_t_squared) / variance
    }
}

/// Returns the part of the variance of y that t² explains, for t uniform on [−1, 1], from the mean `y` of y and the
/// mean `y_t_squared` of yt².
pub fn explained_by_t_squared(y: f64, y_t_squared: f64) -> f64 {
    // The mean of t² is 1/3, its variance 4/45.
    let covariance = y_t_squared - y / 3.0;
    covariance * covariance * 45.0 / 4.0
}

/// Returns the points and weights of the Gauss–Legendre quadrature on [0, 1], found by Newton's method.
fn gauss_legendre(points: usize) -> Vec<(f64, f64)> {
    let n = points as f64;
    let root = |i: usize| {
        let mut x = (PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..20 {
            let (mut p, mut before) = (1.0, 0.0);
            for k in 1..=points {
                let k = k as f64;
                (p, before) = (((2.0 * k - 1.0) * x * p - (k - 1.0) * before) / k, p);
            }
            slope = n * (x * p - before) / (x * x - 1.0);
            x -= p / slope;
        }
        ((x + 1.0) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..points).map(root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrature_is_exact_for_polynomials() {
        let points = gauss_legendre(POINTS);
        for power in [0, 1, 2, 7, 31] {
            let integral: f64 = points.iter().map(|(t, w)| w * t.powi(power)).sum();
            assert!(
                (integral - 1.0 / f64::from(power + 1)).abs() < 1e-14,
                "t^{power}"
            );
        }
    }

    #[test]
    fn lines_are_homogeneous_parabolas_are_not_and_relu_has_three_sixteenths() {
        let of = |y: fn(f64) -> f64| Quadrature::default().delta_r2(y);
        assert!(of(|t| 3.0 - 2.0 * t) < 1e-25);
        assert_eq!(of(|_| 0.3), 0.0);
        assert!((of(|t| t * t) - 1.0).abs() < 1e-13);
        // A line explains 1/3 of the variance of t, t² that of itself: 4/45 of 1/3 + 4/45.
        assert!((of(|t| t + t * t) - 4.0 / 19.0).abs() < 1e-13);
        assert!((of(|t| t.max(0.0)) - 3.0 / 16.0).abs() < 1e-13);
        assert!(of(|_| f64::NAN).is_nan());
    }
}
