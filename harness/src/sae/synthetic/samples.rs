//! An endless list of samples of a synthetic model, each with a number, drawn whenever it is asked for.

use kernels::{Exec, MatRef};
use rayon::prelude::*;

use super::{Batch, Generator, Spec};
use crate::error::Result;
use crate::rng::Rng;
use crate::session::progress::Progress;

/// Samples that a thread draws at a time, at most.
const PIECE: usize = 128;

/// The samples of a synthetic model by their numbers. Sample i is drawn from a random stream of its own.
#[derive(Debug)]
pub struct Samples {
    spec: Spec,
    generator: Generator,
}

impl Samples {
    /// Draws the features of a model whose settings are in range.
    ///
    /// # Errors
    /// If it is interrupted.
    pub fn new(spec: Spec, exec: Exec, progress: &Progress) -> Result<Samples> {
        let mut rng = Rng::stream(spec.seed, "synthetic", "model", 0);
        let generator = Generator::of(&spec, exec, &mut rng, progress)?;
        Ok(Samples { spec, generator })
    }

    /// What the samples are drawn from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The true features, as rows.
    pub fn features(&self) -> MatRef<'_> {
        self.generator.features()
    }

    /// Hands `each` the samples of these numbers, some at a time, on all threads: the place of the first, and the
    /// samples. Results come in the order of the numbers.
    pub fn draw<T: Send>(
        &self,
        numbers: &[u64],
        each: impl Fn(usize, Batch) -> T + Sync,
    ) -> Vec<T> {
        let pieces = numbers.par_chunks(PIECE).enumerate();
        let drawn = pieces.map(|(piece, numbers)| {
            let stream =
                |&number: &u64| Rng::stream(self.spec.seed, "synthetic", "samples", number);
            let mut streams: Vec<Rng> = numbers.iter().map(stream).collect();
            each(
                piece * PIECE,
                self.generator.batch(numbers.len(), &mut streams[..]),
            )
        });
        drawn.collect()
    }

    /// The samples of these numbers.
    pub fn batch(&self, numbers: &[u64]) -> Batch {
        let mut all = Batch {
            starts: vec![0],
            ..Batch::default()
        };
        for batch in self.draw(numbers, |_, batch| batch) {
            let before = all.features.len();
            all.x.extend(batch.x);
            all.starts
                .extend(batch.starts[1..].iter().map(|end| before + end));
            all.features.extend(batch.features);
            all.magnitudes.extend(batch.magnitudes);
        }
        all
    }
}
