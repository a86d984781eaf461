//! Points spread evenly over a sphere.

use crate::rng::{Rng, random_direction};

/// The number of rounds in which the points move.
const ROUNDS: usize = 300;

/// Returns `points` points of the unit sphere in `dimensions` dimensions that have pushed each other apart, from random
/// ones.
///
/// Each point is driven away from every other at distance r by a force of r^−k, with k = `dimensions`. It is that of
/// the energy r^−(k−1) on a sphere of k − 1 dimensions: points of least energy of this power or a larger one cover the
/// sphere evenly as they get many (Hardin and Saff, 2005). In each round the point that is pushed hardest moves by a
/// length that falls to 0 linearly, and the others in proportion.
pub fn spread(points: usize, dimensions: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
    let mut all: Vec<Vec<f64>> = (0..points)
        .map(|_| random_direction(dimensions, rng))
        .collect();
    // The distance of neighbours, up to a factor.
    let spacing = (points as f64).powf(-1.0 / (dimensions - 1) as f64);
    for round in 0..ROUNDS {
        let longest = spacing * (1.0 - round as f64 / ROUNDS as f64);
        let pushes: Vec<Vec<f64>> = (0..points).map(|i| push(&all, i)).collect();
        let length = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let hardest = pushes.iter().map(|p| length(p)).fold(0.0, f64::max);
        if hardest == 0.0 {
            break;
        }
        for (point, push) in all.iter_mut().zip(&pushes) {
            let terms = point.iter_mut().zip(push);
            terms.for_each(|(x, p)| *x += longest * p / hardest);
            let norm = length(point);
            point.iter_mut().for_each(|x| *x /= norm);
        }
    }
    all
}

/// Returns the sum of the forces on point `i`, along the sphere.
fn push(all: &[Vec<f64>], i: usize) -> Vec<f64> {
    let (point, k) = (&all[i], all[i].len());
    let mut sum = vec![0.0; k];
    for other in all.iter().enumerate().filter(|(j, _)| *j != i) {
        let apart = || point.iter().zip(other.1).map(|(a, b)| a - b);
        // The bound keeps the force of two points in the same place, which has no direction, at 0.
        let squared = apart().map(|v| v * v).sum::<f64>().max(1e-12);
        let scale = squared.powf(-(k as f64 + 1.0) / 2.0);
        sum.iter_mut()
            .zip(apart())
            .for_each(|(s, v)| *s += scale * v);
    }
    let outwards: f64 = sum.iter().zip(point).map(|(s, p)| s * p).sum();
    sum.iter_mut()
        .zip(point)
        .for_each(|(s, p)| *s -= outwards * p);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the cosine of each point with its nearest other one.
    fn nearest(points: &[Vec<f64>]) -> Vec<f64> {
        let cosine = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let of = |i: usize| {
            let others = (0..points.len()).filter(|&j| j != i);
            others
                .map(|j| cosine(&points[i], &points[j]))
                .fold(-1.0, f64::max)
        };
        (0..points.len()).map(of).collect()
    }

    #[test]
    fn few_points_make_regular_figures() {
        // A regular octagon, a tetrahedron, and in four dimensions a simplex and a cross of axes, which are the best
        // possible.
        for (points, dimensions, cosine) in [
            (8, 2, std::f64::consts::FRAC_1_SQRT_2),
            (4, 3, -1.0 / 3.0),
            (5, 4, -0.25),
            (8, 4, 0.0),
        ] {
            let mut rng = Rng::stream(1, "test", "spread", points as u64);
            let found = spread(points, dimensions, &mut rng);
            for near in nearest(&found) {
                assert!(
                    (near - cosine).abs() < 0.02,
                    "{points} {dimensions}: {near}"
                );
            }
        }
    }

    #[test]
    fn many_points_lie_further_apart_than_random_ones() {
        let mut rng = Rng::stream(1, "test", "spread", 100);
        let random: Vec<Vec<f64>> = (0..100).map(|_| random_direction(4, &mut rng)).collect();
        let largest = |points: &[Vec<f64>]| nearest(points).into_iter().fold(-1.0, f64::max);
        // A cap of angle a covers (a − sin a cos a)/π of the sphere in four dimensions, 1/100 at 0.36. All points that
        // are spread are further apart than this angle, while some random ones are not.
        let spread = spread(100, 4, &mut rng);
        assert!(largest(&spread) < 0.36f64.cos() && largest(&random) > 0.36f64.cos());
        assert_eq!(super::spread(1, 3, &mut rng).len(), 1);
    }
}
