//! An endless list of samples of a synthetic model, each with a number, drawn whenever it is asked for.

use kernels::{Exec, MatRef};
use rayon::prelude::*;

use super::{Batch, Generator, Spec};
use crate::error::Result;
use crate::rng::Rng;
use crate::session::progress::Progress;

/// The largest number of samples that a thread draws at a time.
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

    /// Returns the synthetic model that the samples are drawn from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Returns the true features, as rows.
    pub fn features(&self) -> MatRef<'_> {
        self.generator.features()
    }

    /// Returns the vector that is added to all samples.
    pub fn bias(&self) -> &[f32] {
        self.generator.bias()
    }

    /// Writes the samples of these numbers to `to`, B×d; all threads draw.
    pub fn fill(&self, numbers: &[u64], to: &mut [f32]) {
        let pieces = to
            .par_chunks_mut(PIECE * self.spec.width)
            .zip(numbers.par_chunks(PIECE));
        pieces.for_each(|(to, numbers)| to.copy_from_slice(&self.piece(numbers).x));
    }

    /// Returns the samples of these numbers, with the features and magnitudes that they are made of; all threads draw.
    pub fn batch(&self, numbers: &[u64]) -> Batch {
        let pieces = numbers.par_chunks(PIECE).map(|numbers| self.piece(numbers));
        let mut all = Batch {
            starts: vec![0],
            ..Batch::default()
        };
        for piece in pieces.collect::<Vec<_>>() {
            let before = all.features.len();
            all.x.extend(piece.x);
            all.starts
                .extend(piece.starts[1..].iter().map(|end| before + end));
            all.features.extend(piece.features);
            all.magnitudes.extend(piece.magnitudes);
        }
        all
    }

    fn piece(&self, numbers: &[u64]) -> Batch {
        let stream = |&number: &u64| Rng::stream(self.spec.seed, "synthetic", "samples", number);
        let mut streams: Vec<Rng> = numbers.iter().map(stream).collect();
        self.generator.batch(numbers.len(), &mut streams[..])
    }
}
