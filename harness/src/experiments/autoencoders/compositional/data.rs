//! Samples of exactly k of n features, in combinations that are known from training or new.

use rand::RngExt as _;

use crate::rng::{Rng, random_direction};

/// How many features there are, and in how many dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// n.
    pub features: usize,
    /// k.
    pub active: usize,
    /// m.
    pub dimensions: usize,
    /// Whether the directions are orthogonal: the control.
    pub orthogonal: bool,
}

impl Size {
    /// Random directions in ⌈2k ln(n/k)⌉ dimensions.
    pub fn compressed(features: usize, active: usize) -> Size {
        let (n, k) = (features as f64, active as f64);
        Size {
            features,
            active,
            dimensions: (2.0 * k * (n / k).ln()).ceil() as usize,
            orthogonal: false,
        }
    }

    /// A dimension for each feature.
    pub fn orthogonal(features: usize, active: usize) -> Size {
        Size {
            features,
            active,
            dimensions: features,
            orthogonal: true,
        }
    }
}

/// The combinations that are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Combinations {
    /// Those of training: half of them known ones, the others of any features but the first.
    Training,
    /// The first feature beside others of the first half.
    Known,
    /// The first feature beside others of the second half, which it never stands beside in training.
    New,
}

/// The directions of the features.
#[derive(Debug)]
pub struct Source {
    /// How many there are, and in how many dimensions.
    pub size: Size,
    /// n×m, rows of norm 1.
    pub directions: Vec<f32>,
}

/// Some samples.
#[derive(Debug)]
pub struct Split {
    /// B×m.
    pub x: Vec<f32>,
    /// The magnitude of the first feature in each, 0 where it is not active.
    pub first: Vec<f64>,
}

impl Source {
    /// Draws the directions.
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

    /// The active features of a sample, the first of all in front if it is among them.
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

    /// Draws samples with magnitudes uniform on (0, 1).
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
        // As many dimensions as features: a sample shows its magnitudes.
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
            // All that may fire do, in training the first feature on half of the samples.
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
