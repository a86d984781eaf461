//! The samples of `continuum` by plain loops in f64, and their distribution.
//!
//! Random numbers come from the streams that the experiment draws from, so that samples are the same to the last bit.

use crate::common::plain::{centre, dot};
use crate::common::sae_plain::{direction, rows};
use harness::rng::Rng;
use kernels::MatRef;
use rand::RngExt as _;

pub const SEED: u64 = 3;
pub const WIDTH: usize = 5;
pub const SPHERE: usize = 3;
pub const FEATURES: usize = 4;

/// Returns a random stream of the experiment.
pub fn rng(purpose: &str, index: u64) -> Rng {
    Rng::stream(SEED, "continuum", purpose, index)
}

/// The kind of samples that a dictionary is trained on, and the kind of its encoder.
#[derive(Clone, Copy)]
pub struct Case {
    pub discrete: bool,
    pub varied: bool,
    pub tied: bool,
}

/// The unit sphere of a random subspace, and some points of it as discrete features.
pub struct World {
    /// Orthonormal directions of the subspace.
    pub frame: Vec<Vec<f64>>,
    /// The discrete features, in coordinates of the subspace.
    pub points: Vec<Vec<f64>>,
}

impl World {
    pub fn draw() -> World {
        let mut rng = rng("sphere", SPHERE as u64);
        let mut frame: Vec<Vec<f64>> = Vec::new();
        for _ in 0..SPHERE {
            let mut v = direction(WIDTH, &mut rng);
            // Gram–Schmidt, twice for the accuracy of the last digits.
            for _ in 0..2 {
                for other in &frame {
                    let along = dot(&v, other);
                    v.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
                }
            }
            let norm = dot(&v, &v).sqrt();
            frame.push(v.into_iter().map(|v| v / norm).collect());
        }
        let points = (0..FEATURES).map(|_| direction(SPHERE, &mut rng));
        World {
            points: points.collect(),
            frame,
        }
    }

    /// Returns a point of the sphere times a magnitude, in single precision as samples are.
    fn place(&self, point: &[f64], magnitude: f64) -> Vec<f32> {
        let entry = |i: usize| {
            let parts = point.iter().zip(&self.frame);
            parts.fold(0f32, |x, (c, v)| x + (magnitude * c * v[i]) as f32)
        };
        (0..WIDTH).map(entry).collect()
    }

    /// Returns samples and their magnitudes: a point of the sphere, or one of the discrete features, times 1 or a
    /// number uniform between 0.5 and 1.5.
    pub fn samples(&self, of: Case, count: usize, rng: &mut Rng) -> (Vec<f32>, Vec<f64>) {
        let (mut x, mut magnitudes) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let point = match of.discrete {
                true => self.points[rng.below(FEATURES)].clone(),
                false => direction(SPHERE, rng),
            };
            let magnitude = match of.varied {
                true => 0.5 + rng.random::<f64>(),
                false => 1.0,
            };
            x.extend(self.place(&point, magnitude));
            magnitudes.push(magnitude);
        }
        (x, magnitudes)
    }

    /// Returns elements without training: the discrete features as far as there is room, or points that have pushed
    /// each other apart by forces of r^−k on a sphere in k dimensions. In each of 300 rounds the points move in
    /// proportion to the forces, the one that is pushed hardest by a length that falls to 0 along a line from
    /// n^(−1/(k−1)).
    pub fn spread(&self, discrete: bool, n: usize) -> Vec<f32> {
        if discrete {
            let points = self.points.iter().take(n);
            return points.flat_map(|point| self.place(point, 1.0)).collect();
        }
        let mut rng = rng(&format!("spread continuum {SPHERE}"), n as u64);
        let mut points: Vec<Vec<f64>> = (0..n).map(|_| direction(SPHERE, &mut rng)).collect();
        let k = SPHERE as i32;
        for round in 0..300 {
            let force = |i: usize| {
                let mut sum = [0.0; SPHERE];
                for j in (0..n).filter(|&j| j != i) {
                    let apart: Vec<f64> =
                        (0..SPHERE).map(|c| points[i][c] - points[j][c]).collect();
                    let r = dot(&apart, &apart).sqrt();
                    (0..SPHERE).for_each(|c| sum[c] += apart[c] / r * r.powi(-k));
                }
                let outwards = dot(&sum, &points[i]);
                (0..SPHERE).for_each(|c| sum[c] -= outwards * points[i][c]);
                sum
            };
            let forces: Vec<[f64; SPHERE]> = (0..n).map(force).collect();
            let hardest = forces.iter().map(|f| dot(f, f).sqrt()).fold(0.0, f64::max);
            let length =
                (n as f64).powf(-1.0 / f64::from(k - 1)) * (1.0 - f64::from(round) / 300.0);
            for (point, force) in points.iter_mut().zip(&forces) {
                (0..SPHERE).for_each(|c| point[c] += length * force[c] / hardest);
                let norm = dot(point, point).sqrt();
                point.iter_mut().for_each(|v| *v /= norm);
            }
        }
        points
            .iter()
            .flat_map(|point| self.place(point, 1.0))
            .collect()
    }
}

/// Claims: no-plateau-on-a-continuum
#[test]
fn samples_are_uniform_on_the_sphere_or_on_its_points() {
    let world = World::draw();
    let (count, dimensions) = (20_000, SPHERE as f64);
    for discrete in [false, true] {
        let case = Case {
            discrete,
            varied: true,
            tied: false,
        };
        let (x, magnitudes) = world.samples(case, count, &mut rng("law", 0));
        // Means of 20,000 numbers hold within five standard errors. Magnitudes have the standard deviation 1/√12, and
        // all other numbers below are at most 1 in size.
        let room = 5.0 / (count as f64).sqrt();
        let mean = magnitudes.iter().sum::<f64>() / count as f64;
        assert!((mean - 1.0).abs() < room / 12f64.sqrt(), "{mean}");
        assert!(magnitudes.iter().all(|m| (0.5..1.5).contains(m)));
        let points: Vec<Vec<f64>> = rows(MatRef::from_rows(&x, WIDTH))
            .iter()
            .zip(&magnitudes)
            .map(|(x, m)| world.frame.iter().map(|v| dot(x, v) / m).collect())
            .collect();
        for point in &points {
            // Three sums of three products in f32.
            assert!((dot(point, point) - 1.0).abs() < 1e-5);
        }
        if discrete {
            for feature in &world.points {
                let share = points
                    .iter()
                    .filter(|p| dot(p, feature) > 1.0 - 1e-5)
                    .count();
                let share = share as f64 / count as f64;
                assert!((share - 1.0 / FEATURES as f64).abs() < room, "{share}");
            }
            continue;
        }
        // A point on the sphere in k dimensions has mean 0, second moments 1/k and 0, and the fourth moment 3/(k(k +
        // 2)).
        for (i, mean) in centre(&points).into_iter().enumerate() {
            assert!(mean.abs() < room, "{i}: {mean}");
            for j in 0..=i {
                let moment = points.iter().map(|p| p[i] * p[j]).sum::<f64>() / count as f64;
                let expected = if i == j { 1.0 / dimensions } else { 0.0 };
                assert!((moment - expected).abs() < room, "{i} {j}: {moment}");
            }
            let fourth = points.iter().map(|p| p[i].powi(4)).sum::<f64>() / count as f64;
            let expected = 3.0 / (dimensions * (dimensions + 2.0));
            assert!((fourth - expected).abs() < room, "{i}: {fourth}");
        }
    }
}
