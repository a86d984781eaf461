//! The data that encoders are trained on.

use kernels::MatRef;
use kernels::sae::Shape;
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::experiments::many_layers::multilayer::streams::{self, Streams, scale};
use crate::rng::Rng;
use crate::sae::synthetic::{Generator, Law};

/// The number of residual streams of a seed that are sources: that after the input layer and that in the middle.
pub const STREAMS: usize = 2;

/// The name of the control in the tables.
pub const COMPRESSED: &str = "compressed";

/// The kind of samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Data {
    /// Synthetic samples, with the cosine of any two features of a group, beside chance.
    Coherent(f64),
    /// Synthetic samples of many more features than dimensions, for encoders of a known dictionary: the control.
    Compressed,
    /// Samples of a residual stream.
    Stream,
}

/// A source of samples at one seed.
pub struct Source {
    /// The name of the source in the tables.
    pub name: String,
    /// The seed of all that is drawn for the source.
    pub seed: u64,
    /// The kind of samples.
    pub data: Data,
    /// The dimension d of a sample.
    pub width: usize,
    /// The number of elements of a dictionary for the source.
    pub elements: usize,
    /// The directions that samples are known to be made of, as rows: features of unit norm, or input embeddings as they
    /// are; empty if the directions are not known.
    pub known: Vec<f32>,
    /// The samples that codes are compared on.
    to_compare: Vec<f32>,
    /// The features that are active in each of the samples that codes are compared on, rising; nothing if they are not
    /// known.
    pub active: Option<Vec<Vec<usize>>>,
    samples: Samples,
}

/// The supply of samples to train on.
enum Samples {
    /// Samples that a generator draws.
    Drawn(Box<Generator>),
    /// All samples that there are, B×d.
    Given(Vec<f32>),
}

impl Source {
    /// Returns synthetic data of some coherence.
    pub fn synthetic(s: &Settings, coherence: f64, seed: u64, ctx: &Ctx) -> Source {
        let law = Law {
            coherence,
            ..s.data
        };
        let name = match coherence {
            0.0 => "synthetic".into(),
            coherence => format!("synthetic, coherence {coherence}"),
        };
        let drawn = |what| ctx.rng(seed, what, 0);
        let (features, held_out) = (drawn("features"), drawn("held-out"));
        Self::drawn(
            name,
            Data::Coherent(coherence),
            law,
            s.elements(),
            seed,
            s,
            [features, held_out],
        )
    }

    /// Returns the control: data of more features than a linear map reads, and a dictionary of these.
    pub fn compressed(s: &Settings, seed: u64, ctx: &Ctx) -> Source {
        let drawn = |what| ctx.rng(seed, what, 0);
        let streams = [drawn("compressed-features"), drawn("compressed-held-out")];
        let law = s.compressed;
        Self::drawn(
            COMPRESSED.into(),
            Data::Compressed,
            law,
            law.features,
            seed,
            s,
            streams,
        )
    }

    /// Returns data of a law, whose features and samples to compare are drawn from two random streams.
    fn drawn(
        name: String,
        data: Data,
        law: Law,
        elements: usize,
        seed: u64,
        s: &Settings,
        [mut of_features, mut of_samples]: [Rng; 2],
    ) -> Source {
        let generator = Generator::new(law, &mut of_features);
        let to_compare = generator.batch(s.held_out, &mut of_samples);
        let active = to_compare.starts.windows(2).map(|w| {
            let features = to_compare.features[w[0]..w[1]].iter();
            features.map(|&f| f as usize).collect()
        });
        let features = generator.features();
        Source {
            name,
            seed,
            data,
            width: law.width,
            elements,
            known: (0..features.rows())
                .flat_map(|i| features.row(i))
                .copied()
                .collect(),
            active: Some(active.collect()),
            to_compare: to_compare.x,
            samples: Samples::Drawn(Box::new(generator)),
        }
    }

    /// Returns the samples by which learning rates and steps are chosen: of synthetic data others than those that codes
    /// are compared on, of a residual stream the same.
    pub fn validation(&self, samples: usize, ctx: &Ctx) -> Vec<f32> {
        match &self.samples {
            Samples::Drawn(generator) => {
                let mut rng = ctx.rng(self.seed, &format!("{}-validation", self.name), 0);
                generator.batch(samples, &mut rng).x
            }
            Samples::Given(_) => self.to_compare.clone(),
        }
    }

    /// Returns one of the residual streams of the trained model that `unfinished-features` looks into, if there is such
    /// a model.
    pub fn stream(place: usize, seed: u64, s: &Settings, ctx: &Ctx) -> Result<Option<Source>> {
        let Ok([trained, _]) = streams::models(seed, ctx) else {
            return Ok(None);
        };
        let streams = Streams::of(trained, ctx.session.parallel(), ctx)?;
        let shape = streams.parameters.shape();
        let layer = [0, shape.layers / 2][place];
        let x = streams.layer(layer);
        let factor = scale(x);
        let all: Vec<f32> = (0..x.rows())
            .flat_map(|i| x.row(i))
            .map(|v| factor * v)
            .collect();
        let embeddings = || {
            let rows = streams.parameters.embeddings();
            rows.into_iter()
                .flat_map(|e| (0..e.rows()).flat_map(move |i| e.row(i)))
                .copied()
                .collect()
        };
        Ok(Some(Source {
            name: format!("stream after layer {layer}"),
            seed,
            data: Data::Stream,
            width: shape.width,
            elements: s.stream_ratio * shape.width,
            active: None,
            known: if layer == 0 { embeddings() } else { Vec::new() },
            to_compare: all[..all.len().min(s.held_out * shape.width)].to_vec(),
            samples: Samples::Given(all),
        }))
    }

    /// Returns whether dictionaries are held at the known directions.
    pub fn is_held(&self) -> bool {
        self.data == Data::Compressed
    }

    /// Returns the shape of a dictionary for the source.
    pub fn shape(&self) -> Shape {
        Shape {
            width: self.width,
            dictionary: self.elements,
        }
    }

    /// Returns the samples that codes are compared on: held-out ones of synthetic data, and some of those that were
    /// trained on of a residual stream, whose datapoints are all there are.
    pub fn samples_to_compare(&self) -> MatRef<'_> {
        MatRef::from_rows(&self.to_compare, self.width)
    }

    /// Returns the directions that samples are known to be made of.
    pub fn known(&self) -> MatRef<'_> {
        MatRef::from_rows(&self.known, self.width)
    }

    /// Draws the batch of a step, `samples`×d.
    pub fn batch(&self, step: u64, samples: usize, ctx: &Ctx) -> Vec<f32> {
        let mut rng = ctx.rng(self.seed, &format!("{}-batch", self.name), step);
        match &self.samples {
            Samples::Drawn(generator) => generator.batch(samples, &mut rng).x,
            Samples::Given(all) => {
                let n = all.len() / self.width;
                let row = |_| {
                    let i = rng.below(n);
                    &all[i * self.width..][..self.width]
                };
                (0..samples).flat_map(row).copied().collect()
            }
        }
    }
}
