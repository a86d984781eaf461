//! Samples of exactly k of n features, in combinations that are known from training or new.

use rand::RngExt as _;

use crate::rng::{Rng, random_direction};

/// The numbers of features and of dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The number of features n.
    pub features: usize,
    /// The number of features k that are active in a sample.
    pub active: usize,
    /// The number of dimensions m.
    pub dimensions: usize,
    /// Whether the directions of the features are orthogonal: the control.
    pub orthogonal: bool,
}

impl Size {
    /// Returns the size for random directions in ⌈2k ln(n/k)⌉ dimensions.
    pub fn compressed(features: usize, active: usize) -> Size {
        let (n, k) = (features as f64, active as f64);
        Size {
            features,
            active,
            dimensions: (2.0 * k * (n / k).ln()).ceil() as usize,
            orthogonal: false,
        }
    }

    /// Returns the size of the control, with a dimension for each feature.
    pub fn orthogonal(features: usize, active: usize) -> Size {
        Size {
            features,
            active,
            dimensions: features,
            orthogonal: true,
        }
    }
}

/// The combinations of features that are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Combinations {
    /// The combinations of training: half of them known ones, the others of any features but the first.
    Training,
    /// The first feature beside others of the first half.
    Known,
    /// The first feature beside others of the second half, which it never stands beside in training.
    New,
}

/// The directions of the features.
#[derive(Debug)]
pub struct Source {
    /// The numbers of features and of dimensions.
    pub size: Size,
    /// The directions, n×m, with rows of norm 1.
    pub directions: Vec<f32>,
}

/// Samples with the magnitudes of the first feature.
#[derive(Debug)]
pub struct Split {
    /// The samples, B×m.
    pub x: Vec<f32>,
    /// The magnitude of the first feature in each sample, 0 where it is not active.
    pub first: Vec<f64>,
}

impl Source {
    /// Draws the directions of the features; those of the control are the coordinate axes.
    pub fn new(size: Size, rng: &mut Rng) -> Source {
        let (n, m) = (size.features, size.dimensions);
        let directions = match size.orthogonal {
            true => (0..n * m)
                .map(|i| f32::from(u8::from(i / m == i % m)))
                .collect(),
            false => (0..n)
                .flat_map(|_| random_direction(m, rng))
                .map(|v| v as f32)
                .collect(),
        };
        Source { size, directions }
    }

    /// Draws the active features of a sample; if feature 0 is among them, it comes first.
    fn active(&self, which: Combinations, rng: &mut Rng) -> Vec<usize> {
        let Size {
            features, active, ..
        } = self.size;
        let second_half = features - features / 2;
        let beside_first = |rng: &mut Rng, from: usize, end: usize| {
            let others = rng.choose(end - from, active - 1);
            let others = others.into_iter().map(|j| from + j);
            std::iter::once(0).chain(others).collect()
        };
        match which {
            Combinations::Training if rng.random::<bool>() => {
                let any = rng.choose(features - 1, active);
                any.into_iter().map(|j| 1 + j).collect()
            }
            Combinations::Training | Combinations::Known => beside_first(rng, 1, second_half),
            Combinations::New => beside_first(rng, second_half, features),
        }
    }

    /// Draws `samples` samples, with magnitudes uniform on (0, 1).
    pub fn draw(&self, which: Combinations, samples: usize, rng: &mut Rng) -> Split {
        let m = self.size.dimensions;
        let mut x = vec![0f32; samples * m];
        let first = x.chunks_exact_mut(m).map(|x| {
            let mut first = 0.0;
            for j in self.active(which, rng) {
                let magnitude = rng.random::<f32>();
                if j == 0 {
                    first = magnitude.into();
                }
                let direction = &self.directions[j * m..][..m];
                x.iter_mut()
                    .zip(direction)
                    .for_each(|(x, d)| *x += magnitude * d);
            }
            first
        });
        let first = first.collect();
        Split { x, first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_feature_never_stands_beside_the_second_half_in_training() {
        // With as many dimensions as features, a sample shows its magnitudes.
        let size = Size::orthogonal(12, 4);
        let mut rng = Rng::stream(1, "test", "compositional", 0);
        let source = Source::new(size, &mut rng);
        for which in [
            Combinations::Training,
            Combinations::Known,
            Combinations::New,
        ] {
            let split = source.draw(which, 400, &mut rng);
            let mut fired = [0; 12];
            for (x, first) in split.x.chunks_exact(12).zip(&split.first) {
                let active: Vec<usize> = (0..12).filter(|&j| x[j] > 0.0).collect();
                assert_eq!(active.len(), 4);
                assert_eq!(f64::from(x[0]), *first);
                let second = active.iter().any(|&j| j >= 6);
                match which {
                    Combinations::Training => assert!(x[0] == 0.0 || !second),
                    Combinations::Known => assert!(x[0] > 0.0 && !second),
                    Combinations::New => assert!(x[0] > 0.0 && active[1..].iter().all(|&j| j >= 6)),
                }
                active.iter().for_each(|&j| fired[j] += 1);
            }
            // All features that may fire do; in training the first one fires on half of the samples.
            let may = |j: usize| match which {
                Combinations::Training => true,
                Combinations::Known => j < 6,
                Combinations::New => j == 0 || j >= 6,
            };
            assert!((0..12).all(|j| (fired[j] > 0) == may(j)), "{fired:?}");
            let half = (150..250).contains(&fired[0]);
            assert_eq!(half, which == Combinations::Training, "{fired:?}");
        }
        assert_eq!(Size::compressed(100, 10).dimensions, 47);
    }
}
