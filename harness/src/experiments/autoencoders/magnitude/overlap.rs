//! Encoders for a dictionary that is held at the true features: how far from the best codes are they, by the number of
//! features and by how much these overlap?

use kernels::sae::{Parameters, Shape};
use kernels::{Exec, MatRef};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::plane::Encoder;
use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::optimum::{Overlap, Problem, active};
use crate::sae::reading;
use crate::sae::synthetic::{Batch, Directions, Generator, Law};
use crate::sae::training::{self, Candidate, Plan, Recipe};
use crate::table::record::Word as _;

crate::rows! {
    /// Encoders that were trained for a dictionary held at the true features, against the codes of least loss ‖x − x̂‖²
    /// + λ Σ f on it, on held-out samples.
    pub struct Encoded in "overlap" {
        /// yes or no: the features are orthogonal, as many as dimensions (the control); else random
        orthogonal: bool [""],
        /// features for each dimension
        ratio: f64 ["1"],
        /// cosine of any two of the four features of a group, beside chance
        coherence: f64 ["1"],
        /// coefficient of the L1 norm
        lambda: f64 ["1"],
        /// tied (only its thresholds are trained) or untied
        encoder: Encoder [""],
        /// seed of features and data
        seed: u64 [""],
        /// loss above that of the best codes, in units of the latter
        excess: f64 ["1"],
        /// F1 of the encoder's active elements against the active features
        f1: f64 ["1"],
        /// F1 of the active elements of the best codes against the active features
        best_f1: f64 ["1"],
    }
}

/// A kind of features, by how many there are and how much they overlap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Whether the features are orthogonal: the control.
    pub orthogonal: bool,
    /// The number of features for each dimension.
    pub ratio: f64,
    /// The cosine of any two features of a group of four, beside chance.
    pub coherence: f64,
}

impl Features {
    /// The features of the control, orthogonal and as many as dimensions.
    pub const ORTHOGONAL: Features = Features {
        orthogonal: true,
        ratio: 1.0,
        coherence: 0.0,
    };

    /// Returns all features that encoders are trained for: the control, and every ratio with every coherence.
    pub fn all(s: &Settings) -> Vec<Features> {
        let random = s.overlap_ratios.iter().flat_map(|&ratio| {
            let coherences = s.overlap_coherences.iter();
            coherences.map(move |&coherence| Features {
                orthogonal: false,
                ratio,
                coherence,
            })
        });
        [Features::ORTHOGONAL].into_iter().chain(random).collect()
    }

    /// Returns the number of features.
    pub fn number(&self, s: &Settings) -> usize {
        (self.ratio * s.overlap_width as f64).round() as usize
    }

    fn law(&self, s: &Settings) -> Law {
        let features = self.number(s);
        Law {
            width: s.overlap_width,
            features,
            active: s.overlap_active,
            coherence: self.coherence,
            groups: features.div_ceil(4),
            directions: match self.orthogonal {
                true => Directions::Orthogonal,
                false => Directions::Gaussian,
            },
            ..s.data
        }
    }
}

/// Returns the number of encoders for the same features.
pub fn encoders(s: &Settings) -> usize {
    s.overlap_lambdas.len() * Encoder::ALL.len()
}

/// Returns the estimated memory for some features in bytes: their encoders, and samples with two codes each.
pub fn memory(s: &Settings, features: Features) -> f64 {
    let law = features.law(s);
    let sizes = std::iter::repeat_n(law.features, encoders(s));
    let samples = s.overlap_samples as f64 * 12.0 * (law.features + law.width) as f64;
    law.memory() + s.training.memory(s.overlap_width, sizes) + samples
}

/// An encoder that was trained for given features.
#[derive(Debug, Serialize, Deserialize)]
pub struct Model {
    /// The features that the encoder was trained for.
    pub features: Features,
    /// The coefficient λ of the L1 norm.
    pub lambda: f64,
    /// The kind of encoder, tied or untied.
    pub encoder: Encoder,
    /// The reading of the encoder, or how its training diverged.
    pub encoded: Result<Encoded, String>,
}

/// Trains and reads every encoder for the features at place `number` of [all](Features::all), at a seed.
pub fn train(s: &Settings, number: usize, seed: u64, ctx: &Ctx) -> Result<Vec<Model>> {
    let features = Features::all(s)[number];
    let mut rng = ctx.rng(seed, "overlapping features", number as u64);
    let generator = Generator::new(features.law(s), &mut rng);
    let lambdas = s.overlap_lambdas.iter();
    let of = |&lambda: &f64| Encoder::ALL.iter().map(move |&encoder| (lambda, encoder));
    let tasks: Vec<(f64, Encoder)> = lambdas.flat_map(of).collect();
    let candidates = tasks.iter().enumerate().map(|(i, &(lambda, encoder))| {
        let rows = generator.features();
        let shape = Shape {
            width: rows.cols(),
            dictionary: rows.rows(),
        };
        let mut start = Parameters::zeros(shape, encoder.variant(lambda as f32));
        set_features(&mut start, rows);
        Candidate {
            slug: format!("overlap{number}-{i}-seed{seed}"),
            title: format!("{encoder} encoder of given features, λ = {lambda}, seed {seed}"),
            source: 0,
            start,
            recipe: Recipe {
                held: vec!["w_dec", "b_dec"],
                ..Recipe::default()
            },
        }
    });
    let purpose = format!("overlapping batch {number}");
    let draw = |_, step: u64| {
        let mut rng = ctx.rng(seed, &purpose, step);
        generator.batch(s.training.batch, &mut rng).x
    };
    let plan = Plan {
        steps: s.overlap_steps,
        ..s.training
    };
    let trained = training::train(candidates.collect(), &plan, s, &ctx.session, draw)?;
    let mut rng = ctx.rng(seed, "overlapping held-out", number as u64);
    let held_out = generator.batch(s.overlap_samples, &mut rng);
    let exec = ctx.session.serial();
    let read = |(&(lambda, encoder), trained): (&(f64, Encoder), &training::Trained)| {
        crate::session::progress::check()?;
        let encoded = || {
            let read = read(exec, &trained.parameters, lambda, &held_out);
            Encoded {
                orthogonal: features.orthogonal,
                ratio: features.ratio,
                coherence: features.coherence,
                lambda,
                encoder,
                seed,
                excess: read.excess,
                f1: read.f1,
                best_f1: read.best_f1,
            }
        };
        let diverged = trained.divergence.clone();
        Ok(Model {
            features,
            lambda,
            encoder,
            encoded: diverged.map_or_else(|| Ok(encoded()), Err),
        })
    };
    let pairs = tasks.par_iter().with_max_len(1).zip(&trained);
    pairs.map(read).collect()
}

/// Writes the features to the rows of the dictionary, and of the matrix of the encoder if there is one.
fn set_features(parameters: &mut Parameters, features: MatRef) {
    let names: Vec<&str> = parameters.tensors().map(|(name, _)| name).collect();
    for name in names.into_iter().filter(|n| ["w_dec", "w_enc"].contains(n)) {
        let [mut rows] = parameters.tensors_mut([name]);
        for j in 0..features.rows() {
            rows.row_mut(j).copy_from_slice(features.row(j));
        }
    }
}

/// Reads an encoder whose element j is feature j: its distance from the best codes, and the F1 of its active elements
/// and of those of the best codes.
fn read(exec: Exec, parameters: &Parameters, lambda: f64, held_out: &Batch) -> Read {
    let Shape { width, dictionary } = parameters.shape();
    let x = MatRef::from_rows(&held_out.x, width);
    let elements = reading::elements(exec, parameters);
    let problem = Problem::new(exec, MatRef::from_rows(&elements, width), x, lambda);
    let best = problem.best();
    let codes = reading::dense_codes(exec, parameters, x);
    let true_f1 = |codes: &[f32]| {
        let mut overlap = Overlap::NOTHING;
        for (i, code) in codes.chunks_exact(dictionary).enumerate() {
            let features = &held_out.features[held_out.starts[i]..held_out.starts[i + 1]];
            let features: Vec<usize> = features.iter().map(|&f| f as usize).collect();
            overlap.add(&active(code), &features);
        }
        overlap.f1()
    };
    Read {
        excess: problem.distance(&codes, best.as_deref()).excess,
        f1: true_f1(&codes),
        best_f1: best.as_deref().map_or(f64::NAN, true_f1),
    }
}

/// The measures of an encoder.
struct Read {
    excess: f64,
    f1: f64,
    best_f1: f64,
}

/// Returns the excess of the loss of an encoder for some features over that of the best codes, or how it diverged.
pub fn excess(
    models: &[Model],
    features: Features,
    lambda: f64,
    encoder: Encoder,
) -> Result<f64, String> {
    let of = |m: &&Model| (m.features, m.lambda, m.encoder) == (features, lambda, encoder);
    let model = models.iter().find(of).expect("all are trained");
    match &model.encoded {
        Ok(encoded) => Ok(encoded.excess),
        Err(how) => Err(format!("the {encoder} encoder of given features {how}")),
    }
}
