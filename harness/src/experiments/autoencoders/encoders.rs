//! `encoders`: does a stronger encoder find better features?
//!
//! A linear encoder, one with a hidden layer and one of unrolled steps (LISTA) are trained side by side, and beside
//! them a dictionary whose codes are optimised freely (FISTA). All encoders start as the same linear one, the transpose
//! of the dictionary, and each is tried at the same learning rates and numbers of steps. Encoder and dictionary are
//! then judged apart: optimal codes on the dictionary that an encoder has learned, and its codes on the true one.

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, NoUnit};
use crate::experiments::many_layers::multilayer::streams::Streams;
use crate::experiments::many_layers::multilayer::{self, Multilayer};
use crate::figure::Figure;
use crate::table::{Record, Tables};

mod claims;
mod figures;
mod free;
mod model;
mod reading;
mod settings;
mod source;
mod supports;
mod tables;
mod tuning;

use model::{Budget, Encoder, Model};
use reading::Reading;
pub use settings::Settings;
use source::{Data, Source};

/// See the [module](self).
pub struct Encoders;

impl Experiment for Encoders {
    type Settings = Settings;
    type Unit = NoUnit;
    type Piece = ();

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
        let plain = s.data.memory() + of_source(s, s.data.width, s.elements(), threads);
        let law = s.compressed;
        let compressed = law.memory() + of_source(s, law.width, law.features, threads);
        let synthetic = plain.max(compressed);
        if s.stream_seeds == 0 {
            return synthetic;
        }
        let model: &multilayer::Settings = needs.settings(Multilayer::ABOUT.id);
        // The sources hold their samples beside the streams that these are from, while the synthetic one is still
        // there.
        let largest = model.datapoints.iter().copied().max().unwrap_or(0);
        let samples = source::STREAMS as f64 * 8.0 * largest as f64 * model.width as f64;
        let trained = of_source(s, model.width, s.stream_ratio * model.width, threads);
        synthetic.max(s.data.memory() + Streams::memory(model) + samples + trained)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(_: &Settings, _: &[u64]) -> Vec<NoUnit> {
        Vec::new()
    }

    fn name(unit: &NoUnit) -> String {
        match *unit {}
    }

    fn cost(_: &Settings, unit: &NoUnit) -> Cost {
        match *unit {}
    }

    fn compute(_: &Settings, unit: &NoUnit, _: &Ctx) -> Result<()> {
        match *unit {}
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        let lambdas = s.lambdas.len() as u64;
        let per_source = |steps| 3 * lambdas * steps;
        let seeds = ctx.seeds.len() as u64;
        let streams = seeds.min(s.stream_seeds as u64) * source::STREAMS as u64;
        let tried = ((s.coherences.len() + 1) * s.rates.len()) as u64;
        let synthetic = tried * per_source(s.budgets().iter().sum()) + lambdas * s.free_steps;
        ctx.session
            .progress
            .start(seeds * synthetic + streams * per_source(s.stream_steps))?;

        let mut models = Vec::new();
        let mut tried = Vec::new();
        for (i, &seed) in ctx.seeds.iter().enumerate() {
            let coherent = s.coherences.iter();
            let coherent = coherent.map(|&coherence| Source::synthetic(s, coherence, seed, ctx));
            for source in coherent.chain([Source::compressed(s, seed, ctx)]) {
                let (of_source, of_tuning) = tuning::tuned(&source, s, ctx)?;
                models.extend(of_source);
                tried.extend(of_tuning);
                if source.data == Data::Coherent(0.0) {
                    models.extend(freely_coded(&source, s, ctx)?);
                }
            }
            if i < s.stream_seeds {
                let sources = Source::streams(seed, s, ctx)?;
                let missing = (source::STREAMS - sources.len()) as u64;
                ctx.session
                    .progress
                    .advance(missing * per_source(s.stream_steps))?;
                for source in sources {
                    models.extend(tuning::plainly(&source, s, s.stream_steps, ctx)?);
                }
            }
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

/// Estimated memory of the models of a source, bytes.
fn of_source(s: &Settings, width: usize, elements: usize, threads: usize) -> f64 {
    let trained = 3 * s.lambdas.len() * s.rates.len() * 2;
    let (models, threads) = (trained as f64 / 3.0, threads as f64);
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

/// Learns a dictionary with free codes for every λ; reads it, and free codes on the true features.
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
