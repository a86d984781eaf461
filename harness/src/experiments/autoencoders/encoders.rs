//! The experiment `encoders`: does a stronger encoder find better features?
//!
//! A linear encoder, one with a hidden layer and one of unrolled steps (LISTA) are trained side by side, and beside
//! them a dictionary whose codes are optimised freely (FISTA). All encoders start as the same linear one, the transpose
//! of the dictionary, and each is tried at the same learning rates and numbers of steps. Encoder and dictionary are
//! then judged apart: optimal codes on the dictionary that an encoder has learned, and its codes on the true one.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
use crate::experiments::many_layers::multilayer::streams::Streams;
use crate::experiments::many_layers::multilayer::{self, Multilayer};
use crate::figure::Figure;
use crate::table::{Record, Tables};

mod claims;
mod figures;
pub mod free;
mod model;
pub mod reading;
mod settings;
pub mod source;
mod supports;
mod tables;
mod tuning;

use model::{Budget, Encoder, Model};
use reading::Reading;
pub use settings::Settings;
use source::Source;
use tuning::Tried;

/// The experiment `encoders`; see the [module](self).
pub struct Encoders;

impl Experiment for Encoders {
    type Settings = Settings;
    type Unit = Unit;
    type Piece = Piece;

    const ABOUT: &'static About = &About {
        id: "encoders",
        title: "Does a stronger encoder find better features?",
        summary: "The encoder of a sparse autoencoder is one linear map, much simpler than sparse coding by \
        optimisation. A two-layer encoder, unrolled steps of a learnt iteration (LISTA) and freely optimised codes are \
        trained on the same data, synthetic ones with known features, at random or in groups of similar ones, and \
        residual streams of the models of `multilayer`. On synthetic data each is tried at the same learning rates and \
        numbers of steps, and the best is judged. Encoder and dictionary are judged apart: FISTA's and OMP's codes on \
        the dictionary that an encoder has learned, and its own codes on the true features. In the control, data of \
        more features than can be read linearly, every encoder has the features as its dictionary.",
        claims: claims::CLAIMS,
        tables: &[tables::Scores::SPEC, tuning::Tried::SPEC],
        figures: figures::NAMES,
        needs: &["multilayer"],
    };

    fn memory(s: &Settings, needs: &Needs, threads: usize) -> f64 {
        let plainly = Encoder::TRAINED.len() * s.lambdas.len();
        let tuned = plainly * s.rates.len() * s.budgets().len();
        let plain = s.data.memory() + of_source(s, tuned, s.data.width, s.elements(), threads);
        let law = s.compressed;
        let compressed = law.memory() + of_source(s, tuned, law.width, law.features, threads);
        let synthetic = plain.max(compressed);
        if s.stream_seeds == 0 {
            return synthetic;
        }
        let model: &multilayer::Settings = needs.settings(Multilayer::ABOUT.id);
        // A source holds its samples beside the streams that these are from.
        let largest = model.datapoints.iter().copied().max().unwrap_or(0);
        let samples = 8.0 * largest as f64 * model.width as f64;
        let elements = s.stream_ratio * model.width;
        let trained = of_source(s, plainly, model.width, elements, threads);
        synthetic.max(Streams::memory(model) + samples + trained)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(s: &Settings, seeds: &[u64]) -> Vec<Unit> {
        let mut units = Vec::new();
        for (i, &seed) in seeds.iter().enumerate() {
            let mut add = |from| units.push(Unit { from, seed });
            for &coherence in &s.coherences {
                add(From::Coherent(coherence));
                if coherence == 0.0 {
                    add(From::FreelyCoded);
                }
            }
            add(From::Compressed);
            if i < s.stream_seeds {
                (0..source::STREAMS).for_each(|place| add(From::Stream(place)));
            }
        }
        units
    }

    fn name(Unit { from, seed }: &Unit) -> String {
        match from {
            From::Coherent(coherence) => format!("coherence{coherence}-seed{seed}"),
            From::FreelyCoded => format!("free-codes-seed{seed}"),
            From::Compressed => format!("compressed-seed{seed}"),
            From::Stream(place) => format!("stream{place}-seed{seed}"),
        }
    }

    fn cost(s: &Settings, unit: &Unit, needs: &Needs) -> Cost {
        let lambdas = s.lambdas.len() as u64;
        let encoders = lambdas * Encoder::TRAINED.len() as u64;
        let tuned = s.rates.len() as u64 * encoders * s.budgets().iter().sum::<u64>();
        let stream = s.stream_ratio * stream_width(needs);
        let (ticks, elements, width) = match unit.from {
            From::Coherent(_) => (tuned, s.elements(), s.data.width),
            From::Compressed => (tuned, s.compressed.features, s.compressed.width),
            From::FreelyCoded => (lambdas * s.free_steps, s.elements(), s.data.width),
            From::Stream(_) => (encoders * s.stream_steps, stream, stream_width(needs)),
        };
        let by_encoder = PER_SAMPLE + PER_VALUE * (elements * width) as f64;
        let per_sample = match unit.from {
            From::Coherent(_) | From::Stream(_) => by_encoder,
            From::Compressed => OF_CONTROL * by_encoder,
            From::FreelyCoded => PER_CODE + PER_PRODUCT * (elements * elements) as f64,
        };
        Cost {
            ticks,
            seconds: (ticks * s.training.batch as u64) as f64 * per_sample,
        }
    }

    fn compute(s: &Settings, &Unit { from, seed }: &Unit, ctx: &Ctx) -> Result<Piece> {
        let tuned = |source: Source| {
            let (models, tried) = tuning::tuned(&source, s, ctx)?;
            Ok(Piece { models, tried })
        };
        let untuned = |models| {
            let tried = Vec::new();
            Ok(Piece { models, tried })
        };
        match from {
            From::Coherent(coherence) => tuned(Source::synthetic(s, coherence, seed, ctx)),
            From::Compressed => tuned(Source::compressed(s, seed, ctx)),
            From::FreelyCoded => {
                let source = Source::synthetic(s, 0.0, seed, ctx);
                untuned(freely_coded(&source, s, ctx)?)
            }
            From::Stream(place) => match Source::stream(place, seed, s, ctx)? {
                Some(source) => untuned(tuning::plainly(&source, s, s.stream_steps, ctx)?),
                None => {
                    let spared = Encoder::TRAINED.len() * s.lambdas.len();
                    ctx.session
                        .progress
                        .advance(spared as u64 * s.stream_steps)?;
                    untuned(Vec::new())
                }
            },
        }
    }

    fn conclude(s: &Settings, pieces: Vec<Piece>, ctx: &Ctx) -> Result<Outcome> {
        let (mut models, mut tried) = (Vec::new(), Vec::new());
        for piece in pieces {
            models.extend(piece.models);
            tried.extend(piece.tried);
        }
        let mut outcome = Outcome {
            tables: tables::tabulate(&models, &tried),
            ..Outcome::default()
        };
        claims::settle(s, &models, ctx.seeds, &mut outcome);
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}

/// Returns the estimated memory in bytes of `trained` models of a source, as many with each encoder.
fn of_source(s: &Settings, trained: usize, width: usize, elements: usize, threads: usize) -> f64 {
    let models = (trained / Encoder::TRAINED.len()) as f64;
    let threads = threads as f64;
    let sizes = (0..trained).map(|_| elements);
    let plan = s.training.memory(width, sizes);
    let (width, elements) = (width as f64, elements as f64);
    // The matrix of a LISTA step and the Gram matrix of an optimal code, and codes of all held-out samples.
    let square = 4.0 * elements * elements * (8.0 * models + threads);
    let codes = threads * s.held_out as f64 * (8.0 * elements + 12.0 * width);
    let units = (s.hidden_ratio as f64 * width).max(elements + 2.0 * width);
    let hidden = 32.0 * models * units * (width + elements);
    plan + square + codes + hidden
}

/// A part of the computation at one seed that is independent of the rest.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    from: From,
    seed: u64,
}

/// The origin of the samples of a unit, and the way in which their codes are found.
#[derive(Debug, Clone, Copy)]
enum From {
    /// Synthetic data of some coherence, by every encoder at every rate and number of steps.
    Coherent(f64),
    /// Synthetic data without coherence, by free codes.
    FreelyCoded,
    /// The control, by every encoder at every rate and number of steps.
    Compressed,
    /// A residual stream of a model of `multilayer`, by its number, by every encoder.
    Stream(usize),
}

/// The result of a unit.
#[derive(Debug, Serialize, Deserialize)]
pub struct Piece {
    models: Vec<Model>,
    tried: Vec<Tried>,
}

/// The seconds to train on a sample, on one core of Zen 3 with AVX2.
const PER_SAMPLE: f64 = 8e-7;
/// The seconds to train on a sample for each value of the dictionary, on one core of Zen 3 with AVX2.
const PER_VALUE: f64 = 2.3e-10;
/// The factor by which encoders of the control take longer, since their codes are denser and their hidden layers wider.
const OF_CONTROL: f64 = 2.0;

/// The seconds to find the free code of a sample, on one core of Zen 3 with AVX2.
const PER_CODE: f64 = 4.6e-6;
/// The seconds to find the free code of a sample for each value of the Gram matrix of the dictionary, on one core of
/// Zen 3 with AVX2.
const PER_PRODUCT: f64 = 3.2e-10;

/// Returns the width of the residual streams of the models of `multilayer`.
fn stream_width(needs: &Needs) -> usize {
    let model: &multilayer::Settings = needs.settings(Multilayer::ABOUT.id);
    model.width
}

/// Learns a dictionary with free codes for every λ, and returns its readings and those of free codes on the true
/// features.
fn freely_coded(source: &Source, s: &Settings, ctx: &Ctx) -> Result<Vec<Model>> {
    let seed = source.seed;
    let learn = |&lambda: &f64| -> Result<[Model; 2]> {
        let of = |encoder, reading| Model {
            source: source.name.clone(),
            data: source.data,
            encoder,
            lambda,
            budget: Budget::All,
            seed,
            tuned: (1.0, s.free_steps),
            reading,
        };
        let learned = free::learn(source, lambda, s, ctx)?;
        let read = |elements: &[f32]| {
            Reading::of_dictionary(ctx.session.serial(), elements, lambda, source)
        };
        Ok([
            of(Encoder::Free, learned.map(|elements| read(&elements))),
            of(Encoder::Truth, Ok(read(&source.known))),
        ])
    };
    let models: Vec<[Model; 2]> = s
        .lambdas
        .par_iter()
        .with_max_len(1)
        .map(learn)
        .collect::<Result<_>>()?;
    let mut models: Vec<Model> = models.into_iter().flatten().collect();
    models.sort_by_key(|m| m.encoder == Encoder::Truth);
    Ok(models)
}
