//! The data of `compositional` against their distribution, in f64.

use super::compositional_plain::{ACTIVE, FEATURES, sizes};
use crate::common::plain::{assert_near, dot, mean, residual, rows};
use harness::experiments::autoencoders::compositional::data::{Combinations, Source};
use harness::rng::Rng;

#[test]
fn combinations_follow_their_law() {
    let (n, k, half, samples) = (FEATURES, ACTIVE as f64, 6, 20_000);
    let rng = |purpose| Rng::stream(1, "test", purpose, 0);
    let [compressed, orthogonal] = sizes().map(|size| Source::new(size, &mut rng("directions")));
    let directions = rows(&compressed.directions, 9);
    directions
        .iter()
        .for_each(|d| assert_near(dot(d, d), 1.0, 1e-6, d));
    // The probability that a feature fires which is one of k among n − 1, or one of the k − 1 beside the first, in its
    // half.
    let any = k / (n - 1) as f64;
    let (in_first, in_second) = ((k - 1.0) / 5.0, (k - 1.0) / 6.0);
    for (which, expected) in [
        (
            Combinations::Training,
            [0.5, 0.5 * (any + in_first), 0.5 * any],
        ),
        (Combinations::Known, [1.0, in_first, 0.0]),
        (Combinations::New, [1.0, 0.0, in_second]),
    ] {
        let [compressed, split] =
            [&compressed, &orthogonal].map(|s| s.draw(which, samples, &mut rng("samples")));
        // Where directions are orthogonal, samples are magnitudes.
        let codes = rows(&split.x, n);
        let mut values = Vec::new();
        for (i, code) in codes.iter().enumerate() {
            let active = code.iter().filter(|c| **c > 0.0);
            assert_eq!(active.clone().count(), ACTIVE);
            values.extend(active);
            assert_eq!(code[0], split.first[i]);
            // Sums of three products in f32.
            let x = &rows(&compressed.x[i * 9..][..9], 9)[0];
            assert!(
                residual(x, code, &directions)
                    .iter()
                    .all(|r| r.abs() < 1e-6)
            );
        }
        assert_eq!(compressed.first, split.first);
        for j in 0..n {
            let p = expected[usize::from(j > 0) + usize::from(j >= half)];
            let fired = codes.iter().filter(|c| c[j] > 0.0).count() as f64 / samples as f64;
            let error = (p * (1.0 - p) / samples as f64).sqrt();
            assert_near(fired, p, 5.0 * error, &(which, j));
        }
        // Magnitudes are uniform on (0, 1): means of powers are 1/(p + 1), within five standard errors.
        for power in [1, 2, 4] {
            let found = mean(
                &values
                    .iter()
                    .map(|c: &f64| c.powi(power))
                    .collect::<Vec<_>>(),
            );
            let moment = |p: i32| 1.0 / f64::from(p + 1);
            let variance = moment(2 * power) - moment(power).powi(2);
            let error = (variance / values.len() as f64).sqrt();
            assert_near(found, moment(power), 5.0 * error, &(which, power));
        }
    }
}
