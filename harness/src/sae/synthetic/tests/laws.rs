//! Tests of the laws of experiments.

use super::*;

/// Draws a batch, and returns the number of firings of each feature with it.
fn counts(generator: &Generator, samples: usize) -> (Vec<f64>, Batch) {
    let batch = generator.batch(samples, &mut rng(1));
    let mut counts = vec![0.0; generator.features().rows()];
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
            let expected = law.spec().probabilities();
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
            // The sum has some ten terms of size 1 at most, in f32.
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
    // Laws that take more settings than experiments have.
    for (law, key) in [
        (
            Law {
                directions: Directions::Spread,
                ..law()
            },
            "directions",
        ),
        (
            Law {
                firing: Firing::PowerLaw,
                ..law()
            },
            "firing",
        ),
        (
            Law {
                magnitudes: Magnitudes::HalfNormal,
                ..law()
            },
            "magnitudes",
        ),
    ] {
        assert_eq!(refused(law), key);
    }
    assert_eq!(
        refused(Law {
            decay: 0.0,
            ..law()
        }),
        "decay"
    );
}
