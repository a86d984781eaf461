//! Fits like those of [`Fit`](super::Fit) from sums over the points, for more points than are kept in memory.

/// Sums over points (x, y), x within about [−1, 1].
///
/// An R² from these sums has an absolute error of some 10⁻¹⁵ times the mean of y² over the variance of
/// y: plain sums do well as long as y varies about as much as it is away from 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    /// The sums Σ xᵖ for p = 0 … 4.
    pub x: [f64; 5],
    /// The sums Σ y xᵖ for p = 0, 1, 2.
    pub xy: [f64; 3],
    /// The sum Σ y².
    pub yy: f64,
}

impl Moments {
    /// Returns the sums over the given points.
    pub fn of(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut sums = Moments::default();
        for (x, y) in points {
            let mut power = 1.0;
            for p in 0..5 {
                sums.x[p] += power;
                if p < 3 {
                    sums.xy[p] += y * power;
                }
                power *= x;
            }
            sums.yy += y * y;
        }
        sums
    }

    /// Returns ΔR² of a parabola over a line, fitted on `self` and scored on `test`; as [`delta_r2`](super::delta_r2),
    /// it is 0 where the y to score on do not vary, and NaN where a sum is not finite or there are no points.
    pub fn delta_r2(&self, test: &Moments) -> f64 {
        if !(self.is_known() && test.is_known()) {
            return f64::NAN;
        }
        let [n, ..] = test.x;
        let total = test.yy - test.xy[0] * test.xy[0] / n;
        // Sums of equal values leave their rounding error behind.
        if total <= 1e-14 * test.yy {
            return 0.0;
        }
        (test.residual(&self.coefficients::<2>()) - test.residual(&self.coefficients::<3>()))
            / total
    }

    /// Returns whether there are points, and every sum over them is finite.
    fn is_known(&self) -> bool {
        let mut sums = self.x.iter().chain(&self.xy).chain([&self.yy]);
        self.x[0] > 0.0 && sums.all(|sum| sum.is_finite())
    }

    /// Returns the coefficients of the least-squares fit on 1, …, x^(TERMS − 1), by the normal equations and LDLᵀ. A
    /// power with nothing new in it gets the coefficient 0.
    fn coefficients<const TERMS: usize>(&self) -> [f64; 3] {
        let mut l = [[0.0; TERMS]; TERMS];
        let mut d = [0.0; TERMS];
        let mut c = [0.0; 3];
        for i in 0..TERMS {
            for j in 0..i {
                let inner: f64 = (0..j).map(|k| l[i][k] * d[k] * l[j][k]).sum();
                l[i][j] = if d[j] > 0.0 {
                    (self.x[i + j] - inner) / d[j]
                } else {
                    0.0
                };
            }
            let before: f64 = (0..i).map(|k| l[i][k] * l[i][k] * d[k]).sum();
            let left = self.x[2 * i] - before;
            d[i] = if left > 1e-13 * self.x[2 * i] {
                left
            } else {
                0.0
            };
            c[i] = self.xy[i] - (0..i).map(|k| l[i][k] * c[k]).sum::<f64>();
        }
        for i in (0..TERMS).rev() {
            let above: f64 = (i + 1..TERMS).map(|k| l[k][i] * c[k]).sum();
            c[i] = if d[i] > 0.0 { c[i] / d[i] - above } else { 0.0 };
        }
        c
    }

    /// Returns the sum of squared residuals Σ (y − c₀ − c₁x − c₂x²)².
    fn residual(&self, c: &[f64; 3]) -> f64 {
        let mut sum = self.yy;
        for p in 0..3 {
            sum -= 2.0 * c[p] * self.xy[p];
            for q in 0..3 {
                sum += c[p] * c[q] * self.x[p + q];
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::rng::Rng;
    use crate::stats::delta_r2;

    #[test]
    fn sums_give_the_same_as_the_points() {
        let mut rng = Rng::stream(3, "test", "moments", 0);
        for (curve, noise, shift) in [(0.5, 0.1, 0.0), (0.0, 1.0, 3.0), (2.0, 1e-3, -1.0)] {
            let mut draw = |n: usize| -> (Vec<f64>, Vec<f64>) {
                let x: Vec<f64> = (0..n).map(|_| 2.0 * rng.random::<f64>() - 1.0).collect();
                let y = x
                    .iter()
                    .map(|x| shift + x + curve * x * x + noise * rng.normal());
                let y = y.collect();
                (x, y)
            };
            let (fit, test) = (draw(80), draw(20));
            let exact = delta_r2((&fit.0, &fit.1), (&test.0, &test.1));
            let sums = |(x, y): &(Vec<f64>, Vec<f64>)| {
                Moments::of(x.iter().copied().zip(y.iter().copied()))
            };
            let got = sums(&fit).delta_r2(&sums(&test));
            assert!((got - exact).abs() < 1e-12, "{got}, not {exact}");
        }
    }

    #[test]
    fn no_variation_is_homogeneous_and_equal_inputs_fit_their_mean() {
        let constant = Moments::of([(0.1, 0.3), (0.2, 0.3), (0.7, 0.3)]);
        assert_eq!(constant.delta_r2(&constant), 0.0);
        assert!(Moments::default().delta_r2(&constant).is_nan());
        assert!(constant.delta_r2(&Moments::default()).is_nan());
        let equal = Moments::of([(0.5, 1.0), (0.5, 3.0), (0.5, 4.0)]);
        let test = Moments::of([(0.0, 0.0), (1.0, 5.0)]);
        assert!(equal.delta_r2(&test).abs() < 1e-12);
    }
}
