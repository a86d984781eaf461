//! `unfinished-features`: what does it cost a sparse code that features are built little by little?
//!
//! For a trained `multilayer` model and a control in which every datapoint is finished in one layer, sparse
//! autoencoders are trained on the residual stream after several layers. What a layer costs, how its elements are used,
//! and whether another training finds them again is set beside the input and the output.

use kernels::sae::{L1, Rows, Shape, Variant};
use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, NoUnit};
use crate::experiments::many_layers::multilayer::data;
use crate::experiments::many_layers::multilayer::streams::{self, Streams};
use crate::experiments::many_layers::multilayer::task::Task;
use crate::experiments::many_layers::multilayer::{self, Multilayer};
use crate::figure::Figure;
use crate::sae::reading;
use crate::sae::training::{self, Candidate, Recipe};
use crate::table::{Record, Tables};

mod claims;
mod cost;
mod dictionary;
mod elements;
mod figures;
mod function;
mod settings;
mod stream;
mod tables;

use dictionary::{Dictionary, Job, KINDS, compare};
use elements::{Directions, Fit};
use function::Properties;
pub use settings::Settings;
use stream::{Activations, Basis};

/// See the [module](self).
pub struct UnfinishedFeatures;

impl Experiment for UnfinishedFeatures {
    type Settings = Settings;
    type Unit = NoUnit;
    type Piece = ();

    const ABOUT: &'static About = &About {
        id: "unfinished-features",
        title: "What unfinished features cost",
        summary: "If outputs are built little by little over many layers, the residual stream in between holds \
        directions that are no longer inputs and not yet outputs. Sparse autoencoders (L1) are trained on the residual \
        stream after several layers of a model of `multilayer`, and of its control, in which every datapoint is \
        finished in one layer. The cost of a layer is the number of active elements that explain 0.95 of its variance. \
        Beside it: what the elements line up with and what they are selective for, whether a second training finds \
        them again, and two fixes, one dictionary for all layers and the coordinates of a tuned lens.",
        claims: claims::CLAIMS,
        tables: &[
            tables::Sae::SPEC,
            tables::LayerCost::SPEC,
            tables::Element::SPEC,
            tables::Similarity::SPEC,
            tables::Stability::SPEC,
        ],
        figures: figures::NAMES,
        needs: &["multilayer"],
    };

    fn memory(s: &Settings, needs: &Needs, threads: usize) -> f64 {
        // The streams of a model, twice as much again of what dictionaries see of them, and the pool of all layers; the
        // dictionaries of a model, which are trained side by side; on each thread the codes of one that is read.
        let model: &multilayer::Settings = needs.settings(Multilayer::ABOUT.id);
        let width = model.width;
        let layers = s.read_layers(model.layers).len();
        let of_ratio =
            |&ratio: &usize| std::iter::repeat_n(ratio * width, (layers + 1) * 4 * s.l1.len());
        let trained = s.training.memory(width, s.ratios.iter().flat_map(of_ratio));
        let n = model.datapoints.iter().copied().max().unwrap_or(0) as f64;
        let seen = 4.0 * 4.0 * n * layers as f64 * width as f64;
        let elements = (s.ratio * width) as f64;
        let read = 4.0 * elements * (n + 2.0 * width as f64 + reading::CHUNK as f64);
        Streams::memory(model) + seen + trained + threads as f64 * read
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
        let blocks = match tasks.first() {
            Some(&(_, task)) => {
                let streams = Streams::of(task, ctx.session.serial(), ctx)?;
                streams.parameters.shape().layers
            }
            None => 0,
        };
        let layers = s.read_layers(blocks);
        let jobs = |(i, task): (usize, Task)| {
            let fixes = i < s.fix_seeds && task.kind == KINDS[0];
            dictionary::of_model(task, s, &layers, fixes)
        };
        let trainings = |jobs: &[Job]| jobs.iter().filter(|job| is_trained(job)).count() as u64;
        let all: u64 = tasks.iter().map(|&task| trainings(&jobs(task))).sum();
        ctx.session.progress.start(all * s.training.steps)?;
        let mut dictionaries = Vec::new();
        for &task in &tasks {
            let streams = Streams::of(task.1, ctx.session.parallel(), ctx)?;
            dictionaries.extend(of_model(&streams, &layers, &jobs(task), s, ctx)?);
        }
        let mut outcome = Outcome {
            tables: tables::tabulate(&dictionaries),
            ..Outcome::default()
        };
        claims::settle(
            s,
            (blocks, &layers),
            &models,
            &dictionaries,
            ctx.seeds,
            &mut outcome,
        );
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}

/// Whether a training of its own stands behind a dictionary: that of all layers is trained once, for the input layer.
fn is_trained(job: &Job) -> bool {
    job.basis != Basis::AllLayers || job.layer == 0
}

/// Trains and reads the dictionaries of one model.
fn of_model(
    streams: &Streams,
    layers: &[usize],
    jobs: &[Job],
    s: &Settings,
    ctx: &Ctx,
) -> Result<Vec<Dictionary>> {
    let task = jobs[0].task;
    let plain: Vec<Activations> = layers
        .iter()
        .map(|&l| Activations::stream(streams, l))
        .collect();
    let tuned: Vec<Result<Activations, String>> =
        match jobs.iter().any(|j| j.basis == Basis::TunedLens) {
            true => layers
                .iter()
                .map(|&l| Activations::tuned(streams, l))
                .collect(),
            false => Vec::new(),
        };
    let place = |layer: usize| layers.iter().position(|&l| l == layer).expect("it is read");
    // What a dictionary is read on.
    let activations = |job: &Job| match job.basis {
        Basis::Stream | Basis::AllLayers => Ok(&plain[place(job.layer)]),
        Basis::TunedLens => tuned[place(job.layer)].as_ref(),
    };
    // Sources of batches: the layers, their tuned lenses, and all layers together.
    let source = |job: &Job| match job.basis {
        Basis::Stream => place(job.layer),
        Basis::TunedLens => layers.len() + place(job.layer),
        Basis::AllLayers => 2 * layers.len(),
    };
    let draw = |source: usize, step: u64| -> Vec<f32> {
        let mut rng = ctx.rng(task.seed, "batch", step);
        let rows = (0..s.training.batch).flat_map(|_| {
            let of = match source {
                _ if source < layers.len() => &plain[source],
                _ if source < 2 * layers.len() => {
                    let lens = tuned[source - layers.len()].as_ref();
                    lens.expect("without a lens nothing is trained")
                }
                _ => &plain[rng.below(layers.len())],
            };
            let x = of.matrix();
            x.row(rng.below(x.rows())).to_vec()
        });
        rows.collect()
    };
    let trains = |job: &&Job| is_trained(job) && activations(job).is_ok();
    let to_train: Vec<Job> = jobs.iter().filter(trains).copied().collect();
    let width = streams.parameters.shape().width;
    let candidates = to_train
        .iter()
        .map(|job| job.candidate(width, source(job), ctx));
    let trained = training::train(candidates.collect(), &s.training, s, &ctx.session, draw)?;
    ctx.session.progress.advance({
        let left_out = jobs.iter().filter(|job| is_trained(job)).count() - to_train.len();
        left_out as u64 * s.training.steps
    })?;

    let properties = properties(streams, task);
    let read = |job: &Job| {
        crate::session::progress::check()?;
        let exec = ctx.session.serial();
        let mut elements = Vec::new();
        let fit = activations(job)
            .map_err(|why| why.clone())
            .and_then(|activations| {
                let layer = if job.basis == Basis::AllLayers {
                    0
                } else {
                    job.layer
                };
                let at = to_train
                    .iter()
                    .position(|other| *other == Job { layer, ..*job });
                let trained = &trained[at.expect("it was trained")];
                trained.divergence.clone().map_or(Ok(()), Err)?;
                let (parameters, x) = (&trained.parameters, activations.matrix());
                let (fit, fired) = Fit::of(parameters, x, exec);
                if job.is_read(s) {
                    let directions = Directions::of(&streams.parameters, activations);
                    let with = (&directions, &properties);
                    elements = elements::read(parameters, &fired, x, with, s.threshold, exec);
                }
                Ok(fit)
            });
        Ok(Dictionary {
            job: *job,
            fit,
            elements,
            mmcs: Vec::new(),
            stability: None,
        })
    };
    let read = jobs.par_iter().with_max_len(1).map(read);
    let mut dictionaries: Vec<Dictionary> = read.collect::<Result<_>>()?;
    compare(
        &mut dictionaries,
        s.threshold,
        width,
        ctx.session.parallel(),
    );
    Ok(dictionaries)
}

/// The inputs of the datapoints, and the class that the model says of each.
fn properties(streams: &Streams, task: Task) -> Properties {
    let shape = streams.parameters.shape();
    let output = streams.layer(shape.layers);
    let class = |i: usize| {
        let largest = output
            .row(i)
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1));
        largest.map_or(0, |(class, _)| class)
    };
    let pairs = data::pairs(shape.vocabulary, task.n, task.seed);
    let inputs = pairs
        .iter()
        .map(|&[i, j]| [i as usize, shape.vocabulary + j as usize]);
    Properties {
        inputs: inputs.collect(),
        classes: (0..task.n).map(class).collect(),
        most_inputs: 2 * shape.vocabulary,
        most_classes: shape.width,
    }
}

impl Job {
    /// Its model before training.
    fn candidate(&self, width: usize, source: usize, ctx: &Ctx) -> Candidate {
        let Job {
            task,
            basis,
            layer,
            ratio,
            l1,
            copy,
        } = *self;
        let shape = Shape {
            width,
            dictionary: ratio * width,
        };
        let variant = Variant::L1(L1 {
            lambda: l1 as f32,
            rows: Rows::Unit,
        });
        let purpose = format!("initial {basis} {ratio} {copy}");
        let mut rng = ctx.rng(task.seed, &purpose, layer as u64);
        Candidate {
            slug: format!(
                "{}-{basis}-layer{layer}-ratio{ratio}-lambda{l1}-copy{copy}",
                task.slug()
            ),
            title: format!(
                "dictionary {copy} of layer {layer} ({basis}, ratio {ratio}), λ = {l1}, {task}"
            ),
            source,
            start: training::initial(shape, variant, &mut rng),
            recipe: Recipe::default(),
        }
    }
}
