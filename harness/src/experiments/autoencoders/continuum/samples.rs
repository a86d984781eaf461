//! Activations with one feature each, from a sphere or from a few points of it.

use rand::RngExt as _;

use super::spread::spread;
use crate::rng::{Rng, random_direction};
use crate::stats::orthonormal::orthonormal_part;

crate::words! {
    /// The kind of features.
    pub enum Features {
        /// Every point of the sphere.
        Continuum,
        /// A few random points of the sphere: the control.
        Discrete,
    }
}

crate::words! {
    /// The magnitude of a feature.
    pub enum Magnitude {
        /// A magnitude of 1: activations are the points of the sphere.
        One,
        /// A magnitude that is uniform between 0.5 and 1.5.
        Varied,
    }
}

impl Magnitude {
    fn draw(self, rng: &mut Rng) -> f64 {
        match self {
            Magnitude::One => 1.0,
            Magnitude::Varied => 0.5 + rng.random::<f64>(),
        }
    }
}

/// A sphere in a random subspace, and the points of it that are features.
#[derive(Debug)]
pub struct Source {
    width: usize,
    /// The orthonormal directions of the subspace.
    frame: Vec<Vec<f64>>,
    /// The discrete features, in coordinates of the subspace; empty if every point of the sphere is a feature.
    points: Vec<Vec<f64>>,
}

impl Source {
    /// Draws the unit sphere of a random subspace of `sphere` dimensions, and `features` points of it; the subspace is
    /// the same for either kind of features, and the points are dropped for a continuum.
    pub fn new(
        width: usize,
        sphere: usize,
        features: usize,
        kind: Features,
        rng: &mut Rng,
    ) -> Self {
        let mut frame: Vec<Vec<f64>> = Vec::new();
        while frame.len() < sphere {
            let direction = random_direction(width, rng);
            frame.extend(orthonormal_part(direction, &frame));
        }
        let points = (0..features)
            .map(|_| random_direction(sphere, rng))
            .collect();
        Source {
            width,
            frame,
            points: match kind {
                Features::Continuum => Vec::new(),
                Features::Discrete => points,
            },
        }
    }

    /// Returns elements of norm 1 that need no training: for discrete features these, at most `elements` of them; for a
    /// continuum `elements` points spread evenly over the sphere.
    pub fn spread(&self, elements: usize, rng: &mut Rng) -> Vec<f32> {
        let points = match self.points.len() {
            0 => spread(elements, self.frame.len(), rng),
            features => self.points[..features.min(elements)].to_vec(),
        };
        let mut rows = vec![0f32; points.len() * self.width];
        for (row, point) in rows.chunks_exact_mut(self.width).zip(&points) {
            self.place(point, 1.0, row);
        }
        rows
    }

    /// Adds a point of the sphere times a magnitude to `x`.
    fn place(&self, point: &[f64], magnitude: f64, x: &mut [f32]) {
        for (coordinate, direction) in point.iter().zip(&self.frame) {
            let part = magnitude * coordinate;
            x.iter_mut()
                .zip(direction)
                .for_each(|(x, v)| *x += (part * v) as f32);
        }
    }

    /// Draws samples, B×d, with one feature each, and returns them with their magnitudes.
    pub fn draw(
        &self,
        samples: usize,
        magnitude: Magnitude,
        rng: &mut Rng,
    ) -> (Vec<f32>, Vec<f64>) {
        let mut x = vec![0f32; samples * self.width];
        let magnitudes = x.chunks_exact_mut(self.width).map(|x| {
            let drawn;
            let point = match self.points.len() {
                0 => {
                    drawn = random_direction(self.frame.len(), rng);
                    &drawn
                }
                all => &self.points[rng.below(all)],
            };
            let magnitude = magnitude.draw(rng);
            self.place(point, magnitude, x);
            magnitude
        });
        let magnitudes = magnitudes.collect();
        (x, magnitudes)
    }
}

/// Returns the loss of a dictionary with an element for every feature: min over c of (m − c)² + λc, mean over
/// magnitudes.
pub fn least_loss(magnitudes: &[f64], lambda: f64) -> f64 {
    let of = |m: &f64| {
        let code = (m - lambda / 2.0).max(0.0);
        (m - code).powi(2) + lambda * code
    };
    magnitudes.iter().map(of).sum::<f64>() / magnitudes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_lie_in_the_subspace_with_the_norm_of_their_magnitude() {
        for kind in [Features::Continuum, Features::Discrete] {
            let mut rng = Rng::stream(1, "test", "continuum", 0);
            let source = Source::new(6, 3, 5, kind, &mut rng);
            let (x, magnitudes) = source.draw(200, Magnitude::Varied, &mut rng);
            let mut directions: Vec<Vec<f64>> = Vec::new();
            for (x, m) in x.chunks_exact(6).zip(&magnitudes) {
                let x: Vec<f64> = x.iter().map(|&v| v.into()).collect();
                let along = |v: &Vec<f64>| x.iter().zip(v).map(|(a, b)| a * b).sum::<f64>();
                let inside: f64 = source.frame.iter().map(|v| along(v).powi(2)).sum();
                let all: f64 = x.iter().map(|v| v * v).sum();
                assert!((all.sqrt() - m).abs() < 1e-6 && (all - inside).abs() < 1e-6);
                let same = |d: &Vec<f64>| d.iter().zip(&x).all(|(d, x)| (d - x / m).abs() < 1e-5);
                if !directions.iter().any(same) {
                    directions.push(x.iter().map(|x| x / m).collect());
                }
            }
            match kind {
                Features::Discrete => assert_eq!(directions.len(), 5),
                Features::Continuum => assert_eq!(directions.len(), 200),
            }
        }
    }

    #[test]
    fn no_code_is_cheaper_than_the_least_loss() {
        for m in [0.02, 0.7, 1.5] {
            let codes = (0..2000).map(|i| f64::from(i) * 1e-3);
            let losses = codes.map(|c| (m - c) * (m - c) + 0.1 * c);
            let least = losses.fold(f64::INFINITY, f64::min);
            assert!((least_loss(&[m], 0.1) - least).abs() < 1e-6);
        }
    }
}
