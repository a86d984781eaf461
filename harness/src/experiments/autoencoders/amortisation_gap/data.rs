//! Synthetic data with known codes: samples in M dimensions, in each of which exactly K of N sources are active.

use rand::RngExt as _;

use crate::rng::{Rng, random_direction};

/// The numbers of sources and of dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The number of sources N.
    pub sources: usize,
    /// The number of dimensions M.
    pub dimensions: usize,
    /// Whether the directions of the sources are orthogonal: the control, where N = M.
    pub orthogonal: bool,
}

/// The directions of the sources, with samples to train on and others to judge on.
#[derive(Debug)]
pub struct Data {
    /// The numbers of sources and of dimensions.
    pub size: Size,
    /// The directions of the sources, N×M, of norm 1.
    pub dictionary: Vec<f32>,
    /// The samples to train on.
    pub training: Split,
    /// The samples to judge on.
    pub test: Split,
}

/// Samples with their true codes.
#[derive(Debug)]
pub struct Split {
    /// The codes, B×N.
    pub codes: Vec<f32>,
    /// The samples, B×M.
    pub x: Vec<f32>,
}

impl Data {
    /// Draws the directions of the sources, which are coordinate axes where they are orthogonal, and `samples` samples
    /// each to train and to judge on. In each, `active` sources have magnitudes |z| with z standard normal.
    pub fn draw(size: Size, active: usize, samples: usize, rng: &mut Rng) -> Data {
        let Size {
            sources,
            dimensions,
            orthogonal,
        } = size;
        let dictionary: Vec<f32> = match orthogonal {
            true => (0..sources * dimensions)
                .map(|i| f32::from(u8::from(i / dimensions == i % dimensions)))
                .collect(),
            false => (0..sources)
                .flat_map(|_| random_direction(dimensions, rng))
                .map(|v| v as f32)
                .collect(),
        };
        let mut split = || {
            let (mut codes, mut x) = (
                vec![0f32; samples * sources],
                vec![0f32; samples * dimensions],
            );
            let rows = codes
                .chunks_exact_mut(sources)
                .zip(x.chunks_exact_mut(dimensions));
            for (code, x) in rows {
                for j in rng.choose(sources, active.min(sources)) {
                    code[j] = rng.normal().abs() as f32;
                    let direction = &dictionary[j * dimensions..][..dimensions];
                    x.iter_mut()
                        .zip(direction)
                        .for_each(|(x, d)| *x += code[j] * d);
                }
            }
            Split { codes, x }
        };
        let (training, test) = (split(), split());
        Data {
            size,
            dictionary,
            training,
            test,
        }
    }
}

/// Draws the weights of a layer, `outputs`×`inputs`, uniformly within ±1/√inputs.
pub fn layer(outputs: usize, inputs: usize, rng: &mut Rng) -> Vec<f32> {
    let most = 1.0 / (inputs as f32).sqrt();
    (0..outputs * inputs)
        .map(|_| most * (2.0 * rng.random::<f32>() - 1.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_sums_of_exactly_so_many_sources() {
        let size = Size {
            sources: 16,
            dimensions: 8,
            orthogonal: false,
        };
        let data = Data::draw(size, 3, 50, &mut Rng::stream(1, "test", "gap", 0));
        for split in [&data.training, &data.test] {
            for (code, x) in split.codes.chunks_exact(16).zip(split.x.chunks_exact(8)) {
                assert_eq!(code.iter().filter(|c| **c > 0.0).count(), 3);
                for (m, x) in x.iter().enumerate() {
                    let terms = code.iter().enumerate();
                    let sum: f64 = terms
                        .map(|(j, c)| f64::from(*c) * f64::from(data.dictionary[j * 8 + m]))
                        .sum();
                    assert!((sum - f64::from(*x)).abs() < 1e-5);
                }
            }
        }
        assert_ne!(data.training.x, data.test.x);
    }
}
