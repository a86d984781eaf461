//! Tests of second moments: the spectrum of spread directions, and the covariance of samples.

use kernels::{Accumulate, MatMut, matmul};

use super::*;
use crate::stats::eigen::Eigen;

/// Returns a model of features that fire by themselves, with magnitudes so far from 0 that none is cut off.
fn independent() -> Spec {
    let spec = Spec {
        features: 64,
        width: 8,
        directions: Directions::Spread,
        repulsion: 4000,
        rank: 0,
        roots: 0,
        mean: vec![3.0, 2.0],
        deviation: vec![0.2],
        deviation_spread: 0.0,
        bias: 0.7,
        noise: 0.0,
        ..small()
    };
    spec.check().unwrap();
    spec
}

/// Returns VᵀV, d×d.
fn frame(directions: MatRef) -> Vec<f64> {
    let d = directions.cols();
    let mut product = vec![0f32; d * d];
    matmul(
        Exec::serial(kernels::Isa::detect()),
        directions.t(),
        directions,
        Accumulate::Replace,
        MatMut::from_rows(&mut product, d),
    );
    product.iter().map(|&v| v.into()).collect()
}

/// The sum of squared cosines of n unit vectors is least for a tight frame (Benedetto and Fickus, *Finite normalized
/// tight frames*, 2003): VᵀV/n = 1/d, which spreads them over all dimensions alike.
///
/// Near the minimum, a step of Adam moves a coordinate by its rate of 3e-4 at most, so that a row is off by
/// ε = √d · 3e-4, and VᵀV by n (2ε + ε²). Random directions are farther off: their eigenvalues have a deviation of some
/// √(d/n) = 35 % of 1/d (Marchenko and Pastur).
#[test]
fn spread_directions_are_nearly_a_tight_frame() {
    let spec = independent();
    let (n, d) = (spec.features as f64, spec.width as f64);
    let off_by = |directions: Directions| {
        let spec = Spec {
            directions,
            ..spec.clone()
        };
        let of_all = frame(generator(&spec).features());
        let values = Eigen::of(of_all, spec.width).values;
        assert!((values.iter().sum::<f64>() - n).abs() < 1e-4 * n);
        let off = values.iter().map(|value| (value / n - 1.0 / d).abs());
        off.fold(0.0, f64::max)
    };
    let epsilon = d.sqrt() * 3e-4;
    let bound = 2.0 * epsilon + epsilon * epsilon;
    let (spread, random) = (off_by(Directions::Spread), off_by(Directions::Gaussian));
    assert!(spread < bound, "{spread} and {bound}");
    assert!(random > 0.3 / d && random > 10.0 * bound, "{random}");
}

/// x = Vᵀa + b has the covariance Vᵀ Cov(a) V, where Cov(a) is diagonal: an independent feature that fires with
/// probability p, with magnitudes of mean m and deviation s, has the variance p (m² + s²) − p² m².
#[test]
fn samples_have_the_covariance_of_their_features() {
    const SAMPLES: usize = 40_000;
    let spec = independent();
    let d = spec.width;
    let generator = generator(&spec);
    let laws = spec
        .probabilities()
        .into_iter()
        .zip(spec.means())
        .zip(spec.deviations());
    let mut mean: Vec<f64> = generator.bias.iter().map(|&b| b.into()).collect();
    let mut covariance = vec![0f64; d * d];
    for (i, ((p, m), s)) in laws.enumerate() {
        let v = generator.features();
        let variance = p * (m * m + s * s) - (p * m).powi(2);
        for (j, &a) in v.row(i).iter().enumerate() {
            mean[j] += p * m * f64::from(a);
            for (k, &b) in v.row(i).iter().enumerate() {
                covariance[j * d + k] += variance * f64::from(a) * f64::from(b);
            }
        }
    }
    // The mean of N independent products, and the deviation of that mean.
    let batch = generator.batch(SAMPLES, &mut rng(4));
    let (mut sums, mut squares) = (vec![0f64; d * d], vec![0f64; d * d]);
    for x in batch.x.chunks_exact(d) {
        let centred: Vec<f64> = x
            .iter()
            .zip(&mean)
            .map(|(&x, m)| f64::from(x) - m)
            .collect();
        for j in 0..d {
            for k in 0..d {
                let product = centred[j] * centred[k];
                sums[j * d + k] += product;
                squares[j * d + k] += product * product;
            }
        }
    }
    let n = SAMPLES as f64;
    for (place, expected) in covariance.iter().enumerate() {
        let found = sums[place] / n;
        let deviation = ((squares[place] / n - found * found) / n).sqrt();
        assert!(
            (found - expected).abs() < 5.0 * deviation,
            "{place}: {found} and {expected}, deviation {deviation}"
        );
        // The bound tells the covariance from none.
        assert!(place % (d + 1) != 0 || 5.0 * deviation < 0.2 * expected);
    }
}
