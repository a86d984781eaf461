//! The magnitudes of active features.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// A law of the magnitude of an active feature, by a mean μ and a deviation σ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Magnitudes {
    /// A uniform magnitude of mean μ and deviation σ, cut off at 0.
    Uniform,
    /// A normal magnitude of mean μ and deviation σ, cut off at 0.
    Normal,
    /// The magnitude |μ + σz| for a standard normal z.
    FoldedNormal,
    /// The magnitude μ + σ|z| for a standard normal z, cut off at 0.
    HalfNormal,
}

impl Magnitudes {
    /// Returns the μ and σ where none are named: those of uniform on (0, 1), normal with mean 1 and deviation ¼, or
    /// |z|.
    pub fn standard(self) -> (f64, f64) {
        match self {
            Magnitudes::Uniform => (0.5, 12f64.sqrt().recip()),
            Magnitudes::Normal => (1.0, 0.25),
            Magnitudes::FoldedNormal | Magnitudes::HalfNormal => (0.0, 1.0),
        }
    }
}

/// The law of the magnitude of one feature.
#[derive(Debug, Clone, Copy)]
pub struct Magnitude {
    law: Magnitudes,
    /// The number that is added to `factor` times a standard variable.
    start: f64,
    factor: f64,
}

impl Magnitude {
    /// Returns the law with mean μ and deviation σ.
    pub fn new(law: Magnitudes, mean: f64, deviation: f64) -> Magnitude {
        let (start, factor) = match law {
            // This is uniform on (0, 1) to the last digit.
            Magnitudes::Uniform if (mean, deviation) == law.standard() => (0.0, 1.0),
            Magnitudes::Uniform => {
                let half = 3f64.sqrt() * deviation;
                (mean - half, 2.0 * half)
            }
            _ => (mean, deviation),
        };
        Magnitude { law, start, factor }
    }

    /// Draws a magnitude; 0 where the law is cut off.
    pub fn draw(self, rng: &mut Rng) -> f32 {
        let Magnitude { law, start, factor } = self;
        let value = match law {
            Magnitudes::Uniform => start + factor * f64::from(rng.random::<f32>()),
            Magnitudes::Normal => start + factor * rng.normal(),
            Magnitudes::FoldedNormal => (start + factor * rng.normal()).abs(),
            Magnitudes::HalfNormal => start + factor * rng.normal().abs(),
        };
        value.max(0.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::super::tail::normal_tail;
    use super::*;

    /// Returns the mean and the variance of max(0, μ + σz).
    fn cut_off(mean: f64, deviation: f64) -> (f64, f64) {
        let z = -mean / deviation;
        let above = normal_tail(z);
        let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let first = mean * above + deviation * density;
        let second = (mean * mean + deviation * deviation) * above + mean * deviation * density;
        (first, second - first * first)
    }

    #[test]
    fn moments_are_those_of_the_laws_cut_off_at_0() {
        let half = std::f64::consts::FRAC_2_PI.sqrt();
        let cases = [
            (Magnitudes::Uniform, 2.0, 0.5, (2.0, 0.25)),
            (Magnitudes::Normal, 5.0, 0.5, cut_off(5.0, 0.5)),
            (Magnitudes::Normal, 1.0, 2.0, cut_off(1.0, 2.0)),
            (
                Magnitudes::FoldedNormal,
                0.0,
                2.0,
                (2.0 * half, 4.0 * (1.0 - half * half)),
            ),
            (
                Magnitudes::HalfNormal,
                1.0,
                2.0,
                (1.0 + 2.0 * half, 4.0 * (1.0 - half * half)),
            ),
        ];
        for (law, mean, deviation, (first, variance)) in cases {
            const N: usize = 100_000;
            let mut rng = Rng::stream(1, "test", "magnitudes", law as u64);
            let magnitude = Magnitude::new(law, mean, deviation);
            let values: Vec<f64> = (0..N).map(|_| magnitude.draw(&mut rng).into()).collect();
            assert!(values.iter().all(|&v| v >= 0.0));
            let drawn = values.iter().sum::<f64>() / N as f64;
            let spread = values.iter().map(|v| (v - drawn).powi(2)).sum::<f64>() / N as f64;
            // Five standard errors. No law here has a fourth moment above 5 variances squared.
            assert!(
                (drawn - first).abs() < 5.0 * (variance / N as f64).sqrt(),
                "{law:?}: {drawn}"
            );
            assert!(
                (spread - variance).abs() < 5.0 * variance * (4.0 / N as f64).sqrt(),
                "{law:?}: {spread}"
            );
        }
    }

    #[test]
    fn standard_magnitudes_are_those_of_their_variables_to_the_last_digit() {
        let rng = || Rng::stream(2, "test", "magnitudes", 0);
        let draw = |law: Magnitudes| {
            let (mean, deviation) = law.standard();
            Magnitude::new(law, mean, deviation).draw(&mut rng())
        };
        assert_eq!(draw(Magnitudes::Uniform), rng().random::<f32>());
        assert_eq!(draw(Magnitudes::FoldedNormal), rng().normal().abs() as f32);
        assert_eq!(draw(Magnitudes::HalfNormal), rng().normal().abs() as f32);
        assert_eq!(
            draw(Magnitudes::Normal),
            (1.0 + 0.25 * rng().normal()) as f32
        );
    }
}
