//! Tests of samples by their numbers, of bias and noise, and of firings of a fixed number.

use super::super::samples::Samples;
use super::*;

#[test]
fn a_sample_depends_on_its_number_alone() {
    let spec = Spec {
        noise: 0.1,
        ..small()
    };
    let progress =
        crate::session::progress::Progress::new("", crate::session::progress::Show::Nothing);
    let exec = Exec::serial(kernels::Isa::detect());
    let samples = Samples::new(spec.clone(), exec, &progress).unwrap();
    let numbers: Vec<u64> = (0..300).chain([1 << 62, 7, 1 << 40]).collect();
    let all = samples.batch(&numbers);
    for (place, number) in [
        (0, 0),
        (17, 17),
        (127, 127),
        (128, 128),
        (300, 1 << 62),
        (301, 7),
    ] {
        let one = samples.batch(&[number]);
        assert_eq!(one.x, &all.x[place * 8..][..8], "{number}");
        assert_eq!(one.codes(80).row(0), all.codes(80).row(place), "{number}");
    }
    assert_ne!(all.x[..8], all.x[8..16]);
    // Another seed is another model with other samples.
    let other = Samples::new(Spec { seed: 1, ..spec }, exec, &progress).unwrap();
    assert_ne!(other.batch(&[0]).x, &all.x[..8]);
}

#[test]
fn bias_and_noise_are_as_large_as_asked() {
    let spec = Spec {
        noise: 0.3,
        ..small()
    };
    let (with, without) = (generator(&spec), generator(&small()));
    // Firings and magnitudes are the same, as noise is drawn last.
    let x = |generator: &Generator| -> Vec<f32> {
        let each = (0..4000).map(|i| generator.batch(1, &mut rng(10 + i)).x);
        each.flatten().collect()
    };
    let noise: Vec<f64> = x(&with)
        .iter()
        .zip(x(&without))
        .map(|(a, b)| f64::from(a - b))
        .collect();
    let n = noise.len() as f64;
    let variance = noise.iter().map(|v| v * v).sum::<f64>() / n;
    // Five standard errors of the variance of normal numbers.
    assert!(
        (variance / 0.09 - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
        "{variance}"
    );
    let norm = without
        .bias
        .iter()
        .map(|&b| f64::from(b).powi(2))
        .sum::<f64>()
        .sqrt();
    assert!((norm - 0.7).abs() < 1e-6);
}

#[test]
fn exactly_as_many_features_fire_and_all_as_likely() {
    let spec = Spec {
        firing: Firing::Exactly,
        active: 5.0,
        rank: 0,
        roots: 0,
        features: 20,
        mean: vec![],
        deviation: vec![0.0],
        deviation_spread: 0.0,
        ..small()
    };
    spec.check().unwrap();
    let batch = generator(&spec).batch(8000, &mut rng(6));
    assert!(batch.starts.windows(2).all(|w| w[1] - w[0] == 5));
    let mut counts = [0f64; 20];
    batch
        .features
        .iter()
        .for_each(|&f| counts[f as usize] += 1.0);
    // Each count is distributed as Binomial(8000, 1/4).
    assert!(
        counts
            .iter()
            .all(|c| (c - 2000.0).abs() < 5.0 * 1500f64.sqrt()),
        "{counts:?}"
    );
}
