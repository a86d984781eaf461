//! Synthetic activations with known features: sums of a few unit directions, each with its own probability to fire
//! and a random magnitude.
//!
//! A batch depends on the law, the features and the random stream it is drawn from alone. Name the stream by the
//! number of the batch, and a training can go on from any batch.

pub mod law;

use kernels::MatRef;
use rand::Rng as _;

use crate::phase::Phase;
use crate::rng::{Rng, random_direction};
use crate::stats::orthonormal::orthonormal_part;

pub use law::{Directions, Firing, Law, Magnitudes};

/// Draws batches of data with fixed features.
#[derive(Debug, Clone)]
pub struct Generator {
    law: Law,
    /// The true features, as rows.
    directions: Vec<f32>,
    probabilities: Vec<f64>,
    /// The group of each feature, if they are correlated, and the level that its normal variable must exceed to fire.
    groups: Vec<(usize, f64)>,
}

/// Samples, and what they are made of.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// B×d.
    pub x: Vec<f32>,
    /// The places where the entries of each sample start, and where the last ones end: B + 1 places.
    pub starts: Vec<usize>,
    /// The features that are active, rising in each sample.
    pub features: Vec<u32>,
    /// Their magnitudes.
    pub magnitudes: Vec<f32>,
}

impl Generator {
    /// Draws the features of a law whose settings are in range.
    pub fn new(law: Law, rng: &mut Rng) -> Self {
        let _span = Phase::Data.begin();
        let mut features: Vec<Vec<f64>> = Vec::with_capacity(law.features);
        // What the features of a group have in common.
        let groups = if law.coherence > 0.0 { law.groups } else { 0 };
        let common: Vec<_> = (0..groups)
            .map(|_| random_direction(law.width, rng))
            .collect();
        while features.len() < law.features {
            let mut f = random_direction(law.width, rng);
            if let Some(common) = common.get(features.len() % law.groups) {
                let (own, shared) = ((1.0 - law.coherence).sqrt(), law.coherence.sqrt());
                f.iter_mut()
                    .zip(common)
                    .for_each(|(f, c)| *f = own * *f + shared * c);
            }
            let orthogonal_to = match law.directions {
                Directions::Orthogonal => &features[..],
                Directions::Gaussian => &[],
            };
            // One that lies in the span of those before is drawn anew.
            features.extend(orthonormal_part(f, orthogonal_to));
        }
        let probabilities = law.probabilities();
        let groups = if law.correlation > 0.0 {
            let level = |&p: &f64| (rng.below(law.groups), normal_quantile(1.0 - p));
            probabilities.iter().map(level).collect()
        } else {
            Vec::new()
        };
        Generator {
            law,
            directions: features.iter().flatten().map(|&v| v as f32).collect(),
            probabilities,
            groups,
        }
    }

    /// What the data are drawn from.
    pub fn law(&self) -> &Law {
        &self.law
    }

    /// The true features, as rows.
    pub fn features(&self) -> MatRef<'_> {
        MatRef::from_rows(&self.directions, self.law.width)
    }

    /// Draws a batch.
    pub fn batch(&self, samples: usize, rng: &mut Rng) -> Batch {
        let _span = Phase::Data.begin();
        let d = self.law.width;
        let mut batch = Batch {
            x: vec![0.0; samples * d],
            starts: vec![0],
            ..Batch::default()
        };
        let mut thresholds = thresholds(self.probabilities.iter().copied());
        for sample in batch.x.chunks_exact_mut(d) {
            if !self.groups.is_empty() {
                thresholds = self.given_groups(rng);
            }
            for (i, &threshold) in thresholds.iter().enumerate() {
                if u64::from(rng.next_u32()) >= threshold {
                    continue;
                }
                let magnitude = self.law.magnitudes.draw(rng);
                batch.features.push(i as u32);
                batch.magnitudes.push(magnitude);
                let direction = &self.directions[i * d..][..d];
                sample
                    .iter_mut()
                    .zip(direction)
                    .for_each(|(x, f)| *x += magnitude * f);
            }
            batch.starts.push(batch.features.len());
        }
        batch
    }

    /// Thresholds of one sample of correlated features. Feature i fires if √ρ·g + √(1 − ρ)·ε exceeds its level, with
    /// g the normal variable of its group and ε its own: given g, with a known probability.
    fn given_groups(&self, rng: &mut Rng) -> Vec<u64> {
        let rho = self.law.correlation;
        let shared: Vec<f64> = (0..self.law.groups)
            .map(|_| rho.sqrt() * rng.normal())
            .collect();
        let own = (1.0 - rho).sqrt();
        thresholds(
            self.groups
                .iter()
                .map(|&(group, level)| normal_tail((level - shared[group]) / own)),
        )
    }
}

/// What 32 random bits must be below with these probabilities.
fn thresholds(probabilities: impl Iterator<Item = f64>) -> Vec<u64> {
    probabilities
        .map(|p| (p * 2f64.powi(32)).round() as u64)
        .collect()
}

/// Probability of a standard normal number above z.
pub(crate) fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The quantile p of the standard normal distribution, by bisection.
fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if 1.0 - normal_tail(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Preset, Settings as _};

    fn law() -> Law {
        Law {
            width: 16,
            features: 32,
            decay: 0.95,
            groups: 4,
            ..Law::preset(Preset::Default)
        }
    }

    fn rng(index: u64) -> Rng {
        Rng::stream(1, "test", "synthetic", index)
    }

    /// Firing counts of each feature, and of pairs (i, i + 1).
    fn counts(generator: &Generator, samples: usize) -> (Vec<f64>, Batch) {
        let batch = generator.batch(samples, &mut rng(1));
        let mut counts = vec![0.0; generator.law().features];
        batch
            .features
            .iter()
            .for_each(|&i| counts[i as usize] += 1.0);
        (counts, batch)
    }

    #[test]
    fn every_law_fires_as_often_as_it_says_correlated_or_not() {
        for firing in [Firing::Constant, Firing::Decaying, Firing::Zipf] {
            for correlation in [0.0, 0.5] {
                let law = Law {
                    firing,
                    correlation,
                    ..law()
                };
                law.check().unwrap();
                let samples = 20_000;
                let generator = Generator::new(law, &mut rng(0));
                let (counts, _) = counts(&generator, samples);
                let expected = law.probabilities();
                assert!((expected.iter().sum::<f64>() - 3.0).abs() < 1e-12);
                for (count, p) in counts.iter().zip(expected) {
                    let deviation = (p * (1.0 - p) * samples as f64).sqrt();
                    assert!(
                        (count - p * samples as f64).abs() < 5.0 * deviation,
                        "{firing:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn features_of_one_group_fire_together_more_often() {
        let pairs = |correlation| {
            let law = Law {
                correlation,
                groups: 1,
                firing: Firing::Constant,
                ..law()
            };
            let batch = Generator::new(law, &mut rng(0)).batch(5000, &mut rng(1));
            let sizes = batch.starts.windows(2).map(|w| (w[1] - w[0]) as f64);
            sizes.map(|k| k * (k - 1.0)).sum::<f64>()
        };
        assert!(pairs(0.5) > 1.5 * pairs(0.0));
    }

    #[test]
    fn samples_are_the_sums_of_their_features() {
        for magnitudes in [
            Magnitudes::Uniform,
            Magnitudes::Normal,
            Magnitudes::FoldedNormal,
        ] {
            let generator = Generator::new(
                Law {
                    magnitudes,
                    ..law()
                },
                &mut rng(0),
            );
            let batch = generator.batch(50, &mut rng(2));
            for (i, x) in batch.x.chunks_exact(16).enumerate() {
                let entries = batch.starts[i]..batch.starts[i + 1];
                let mut sum = [0f64; 16];
                for k in entries {
                    assert!(batch.magnitudes[k] >= 0.0);
                    let f = generator.features();
                    for (s, f) in sum.iter_mut().zip(f.row(batch.features[k] as usize)) {
                        *s += f64::from(batch.magnitudes[k]) * f64::from(*f);
                    }
                }
                // Some ten terms of size 1 at most in f32.
                assert!(
                    x.iter()
                        .zip(sum)
                        .all(|(x, s)| (f64::from(*x) - s).abs() < 1e-5)
                );
            }
        }
    }

    #[test]
    fn directions_have_norm_1_and_orthogonal_ones_are_orthogonal() {
        let product = |f: MatRef, i: usize, j: usize| -> f64 {
            f.row(i)
                .iter()
                .zip(f.row(j))
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        for directions in [Directions::Gaussian, Directions::Orthogonal] {
            let law = Law {
                directions,
                features: 16,
                ..law()
            };
            let generator = Generator::new(law, &mut rng(3));
            let f = generator.features();
            for i in 0..16 {
                assert!((product(f, i, i) - 1.0).abs() < 1e-6);
                let off = (0..i).map(|j| product(f, i, j).abs()).fold(0.0, f64::max);
                assert!(directions == Directions::Gaussian || off < 1e-6);
            }
        }
    }

    #[test]
    fn features_of_one_group_are_as_coherent_as_asked() {
        let law = Law {
            width: 512,
            coherence: 0.7,
            ..law()
        };
        let generator = Generator::new(law, &mut rng(4));
        let f = generator.features();
        for i in 0..32 {
            for j in 0..i {
                let terms = f.row(i).iter().zip(f.row(j));
                let cosine: f64 = terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                let expected = if i % law.groups == j % law.groups {
                    0.7
                } else {
                    0.0
                };
                // Cosines of random directions deviate by 1/√512.
                assert!(
                    (cosine - expected).abs() < 5.0 / 512f64.sqrt(),
                    "{i} {j} {cosine}"
                );
            }
        }
    }

    #[test]
    fn quantiles_invert_the_tail() {
        for p in [1e-6, 0.01, 0.5, 0.9, 0.9999] {
            assert!((1.0 - normal_tail(normal_quantile(p)) - p).abs() < 1e-12);
        }
        // The upper 2.5 % point of the standard normal distribution.
        assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |law: Law| law.check().unwrap_err().key;
        assert_eq!(
            refused(Law {
                active: 40.0,
                ..law()
            }),
            "active"
        );
        assert_eq!(
            refused(Law {
                active: f64::NAN,
                ..law()
            }),
            "active"
        );
        let orthogonal = Directions::Orthogonal;
        assert_eq!(
            refused(Law {
                directions: orthogonal,
                ..law()
            }),
            "features"
        );
        assert_eq!(
            refused(Law {
                directions: orthogonal,
                features: 16,
                coherence: 0.1,
                ..law()
            }),
            "coherence"
        );
        assert_eq!(
            refused(Law {
                correlation: 1.0,
                ..law()
            }),
            "correlation"
        );
        assert_eq!(
            refused(Law {
                decay: 0.0,
                ..law()
            }),
            "decay"
        );
    }
}
