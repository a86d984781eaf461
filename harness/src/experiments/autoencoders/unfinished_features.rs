//! `unfinished-features`: how much of a dictionary is spent on directions that are neither an input nor an
//! output?
//!
//! For a trained `multilayer` model and a look-up model of the same data, a sparse autoencoder is trained on the
//! residual stream after every layer, and each element of its dictionary is set beside the input embeddings and the
//! output directions of the model.

use kernels::sae::{L1, Rows, Shape, Variant};
use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::experiments::many_layers::multilayer::streams::{self, Streams};
use crate::experiments::many_layers::multilayer::task::Task;
use crate::experiments::many_layers::multilayer::{self, Multilayer};
use crate::figure::Figure;
use crate::sae::reading;
use crate::sae::training::{self, Candidate};
use crate::table::{Record, Tables};

mod claims;
mod dictionary;
mod elements;
mod figures;
mod settings;
mod tables;

use dictionary::{Dictionary, Job, compare_layers};
use elements::{Directions, Fit};
pub use settings::Settings;

/// See the [module](self).
pub struct UnfinishedFeatures;

impl Experiment for UnfinishedFeatures {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "unfinished-features",
        title: "What unfinished features cost",
        summary: "If outputs are built little by little over many layers, the residual stream in \
        between holds directions that are no longer inputs and not yet outputs. A sparse autoencoder (L1) is \
        trained on the residual stream after every layer of a model of the preceding experiment, and of a \
        look-up model of the same data, built by hand. An element of the dictionary that lines up with neither an \
        input embedding nor an output direction is counted as unfinished.",
        claims: claims::CLAIMS,
        tables: &[
            tables::Sae::SPEC,
            tables::Element::SPEC,
            tables::Similarity::SPEC,
        ],
        figures: figures::NAMES,
        needs: &["multilayer"],
    };

    fn memory(s: &Settings, needs: &Needs, threads: usize) -> f64 {
        // The streams of a model; the dictionaries of all its layers, which are trained side by side, each layer with
        // batches of its own; on each thread the codes and cosines of one that is read.
        let model: &multilayer::Settings = needs.settings(Multilayer::ABOUT.id);
        let elements = s.ratio * model.width;
        let layers = model.layers as f64 + 1.0;
        let trained = s
            .training
            .memory(model.width, s.l1.iter().map(|_| elements));
        let read = elements as f64 * (8.0 * model.width as f64 + 16.0 * reading::CHUNK as f64);
        Streams::memory(model) + layers * trained + threads as f64 * read
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let models: Vec<Result<[Task; 2], String>> = ctx
            .seeds
            .iter()
            .map(|&seed| streams::models(seed, ctx))
            .collect();
        let tasks: Vec<(usize, Task)> = models
            .iter()
            .enumerate()
            .flat_map(|(i, tasks)| tasks.iter().flatten().map(move |&task| (i, task)))
            .collect();
        let layers = match tasks.first() {
            Some(&(_, task)) => {
                Streams::of(task, ctx.session.serial(), ctx)?
                    .parameters
                    .shape()
                    .layers
            }
            None => 0,
        };
        let trainings = |i: usize| if i < s.curve_seeds { s.l1.len() } else { 1 };
        let all: usize = tasks
            .iter()
            .map(|&(i, _)| trainings(i) * (layers + 1))
            .sum();
        ctx.session.progress.start(all as u64 * s.training.steps)?;
        let mut dictionaries = Vec::new();
        for &(i, task) in &tasks {
            let streams = Streams::of(task, ctx.session.parallel(), ctx)?;
            let l1 = if i < s.curve_seeds {
                &s.l1[..]
            } else {
                &[s.read_at][..]
            };
            dictionaries.extend(of_model(task, &streams, l1, s, ctx)?);
        }
        let mut outcome = Outcome {
            tables: tables::tabulate(&dictionaries),
            ..Outcome::default()
        };
        claims::settle(layers, &models, &dictionaries, ctx.seeds, &mut outcome);
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}

/// Trains and reads the dictionaries of one model.
fn of_model(
    task: Task,
    streams: &Streams,
    l1: &[f64],
    s: &Settings,
    ctx: &Ctx,
) -> Result<Vec<Dictionary>> {
    let layers = streams.parameters.shape().layers;
    let jobs: Vec<Job> = (0..=layers)
        .flat_map(|layer| l1.iter().map(move |&l1| Job { task, layer, l1 }))
        .collect();
    let scales: Vec<f32> = (0..=layers)
        .map(|l| streams::scale(streams.layer(l)))
        .collect();
    let candidates = jobs.iter().map(|job| job.candidate(streams, s, ctx));
    let draw = |layer: usize, step: u64| {
        let x = streams.layer(layer);
        let mut rng = ctx.rng(task.seed, "batch", step);
        let rows = (0..s.training.batch).map(|_| x.row(rng.below(x.rows())));
        rows.flatten().map(|v| scales[layer] * v).collect()
    };
    let trained = training::train(candidates.collect(), &s.training, s, &ctx.session, draw)?;

    let directions = Directions::of(&streams.parameters);
    let read = |(&job, trained): (&Job, &training::Trained)| {
        crate::session::progress::check()?;
        let (exec, x) = (ctx.session.serial(), streams.layer(job.layer));
        let mut elements = Vec::new();
        let fit = trained.divergence.clone().map_or(Ok(()), Err).map(|()| {
            let (fit, fired) = Fit::of(&trained.parameters, x, exec);
            if job.l1 == s.read_at {
                let parameters = &trained.parameters;
                elements =
                    elements::read(parameters, &fired, x.rows(), &directions, s.threshold, exec);
            }
            fit
        });
        Ok(Dictionary {
            job,
            fit,
            elements,
            mmcs: Vec::new(),
        })
    };
    let pairs = jobs.par_iter().with_max_len(1).zip(&trained);
    let mut dictionaries: Vec<Dictionary> = pairs.map(read).collect::<Result<_>>()?;
    let width = streams.parameters.shape().width;
    compare_layers(
        &mut dictionaries,
        s.threshold,
        width,
        ctx.session.parallel(),
    );
    Ok(dictionaries)
}

impl Job {
    /// Its model before training. The stream is scaled to a mean squared distance of 1 from its mean, which changes
    /// no direction.
    fn candidate(&self, streams: &Streams, s: &Settings, ctx: &Ctx) -> Candidate {
        let Job { task, layer, l1 } = *self;
        let width = streams.parameters.shape().width;
        let shape = Shape {
            width,
            dictionary: s.ratio * width,
        };
        let variant = Variant::L1(L1 {
            lambda: l1 as f32,
            rows: Rows::Unit,
        });
        let mut rng = ctx.rng(task.seed, "initial", layer as u64);
        Candidate {
            slug: format!("{}-layer{layer}-lambda{l1}", task.slug()),
            title: format!("dictionary of layer {layer}, λ = {l1}, {task}"),
            source: layer,
            start: training::initial(shape, variant, &mut rng),
            rate: 1.0,
        }
    }
}
