//! The experiment `unfinished-features`: what does it cost a sparse code that features are built little by little?
//!
//! For a trained `multilayer` model and a control in which every datapoint is finished in one layer, sparse
//! autoencoders are trained on the residual stream after several layers. What a layer costs, how its elements are used,
//! and whether another training finds them again is set beside the input and the output.

use kernels::sae::{L1, Rows, Shape, Variant};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
use crate::experiments::many_layers::multilayer::data;
use crate::experiments::many_layers::multilayer::streams::{self, Streams};
use crate::experiments::many_layers::multilayer::task::{Kind, Task};
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
mod findings;
mod function;
mod settings;
mod stream;
mod tables;

use dictionary::{Dictionary, Group, Job, KINDS, compare};
use elements::{Directions, Fit};
use function::Properties;
pub use settings::Settings;
use stream::{Activations, Basis};

/// The experiment `unfinished-features`; see the [module](self).
pub struct UnfinishedFeatures;

impl Experiment for UnfinishedFeatures {
    type Settings = Settings;
    type Unit = Group;
    type Piece = Piece;

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
        // The streams of a model, and four times the size of the layers that are read for what dictionaries see of
        // them; the largest dictionaries of a group, which are trained side by side; on each thread the codes of one
        // that is read.
        let model: &multilayer::Settings = needs.settings(Multilayer::ABOUT.id);
        let width = model.width;
        let layers = s.read_layers(model.layers).len();
        let largest = width * s.ratios.iter().copied().max().unwrap_or(0);
        let group = std::iter::repeat_n(largest, s.l1.len() + 1);
        let trained = s.training.memory(width, group);
        let n = model.datapoints.iter().copied().max().unwrap_or(0) as f64;
        let seen = 4.0 * 4.0 * n * layers as f64 * width as f64;
        let elements = (s.ratio * width) as f64;
        let read = 4.0 * elements * (n + 2.0 * width as f64 + reading::CHUNK as f64);
        Streams::memory(model) + seen + trained + threads as f64 * read
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(s: &Settings, seeds: &[u64]) -> Vec<Group> {
        let seeds = seeds.iter().enumerate();
        let of_seed = |(i, &seed)| {
            let groups = move |kind: Kind| Group::of_model(seed, kind, s, i < s.fix_seeds);
            KINDS.into_iter().flat_map(groups)
        };
        seeds.flat_map(of_seed).collect()
    }

    fn name(unit: &Group) -> String {
        unit.name()
    }

    fn cost(s: &Settings, unit: &Group, needs: &Needs) -> Cost {
        let model: &multilayer::Settings = needs.settings(Multilayer::ABOUT.id);
        let trained = unit.trained(s, &s.read_layers(model.layers));
        let steps = trained as u64 * s.training.steps;
        let values = (s.training.batch * unit.ratio * model.width * model.width) as f64;
        Cost {
            ticks: steps,
            seconds: steps as f64 * (PER_STEP + PER_VALUE * values),
        }
    }

    fn compute(s: &Settings, unit: &Group, ctx: &Ctx) -> Result<Piece> {
        let task = match streams::models(unit.seed, ctx) {
            Ok(tasks) => tasks.into_iter().find(|task| task.kind == unit.kind),
            Err(_) => None,
        };
        let Some(task) = task else {
            let model: &multilayer::Settings = ctx.needs.settings(Multilayer::ABOUT.id);
            let spared = unit.trained(s, &s.read_layers(model.layers)) as u64;
            ctx.session.progress.advance(spared * s.training.steps)?;
            return Ok(None);
        };
        let streams = Streams::of(task, ctx.session.parallel(), ctx)?;
        let shape = streams.parameters.shape();
        let layers = s.read_layers(shape.layers);
        let jobs = unit.jobs(task, s, &layers);
        let dictionaries = match jobs.is_empty() {
            true => Vec::new(),
            false => train(&streams, &layers, &jobs, s, ctx)?,
        };
        Ok(Some(OfGroup {
            width: shape.width,
            blocks: shape.layers,
            dictionaries,
        }))
    }

    fn conclude(s: &Settings, pieces: Vec<Piece>, ctx: &Ctx) -> Result<Outcome> {
        let models = ctx.seeds.iter().map(|&seed| streams::models(seed, ctx));
        let models: Vec<Result<[Task; 2], String>> = models.collect();
        let blocks = pieces.iter().flatten().map(|piece| piece.blocks).next();
        let blocks = blocks.unwrap_or(0);
        let mut dictionaries = Vec::new();
        let mut groups = Self::units(s, ctx.seeds).into_iter().zip(pieces).peekable();
        while let Some((Group { seed, kind, .. }, first)) = groups.next() {
            let same = |(other, _): &(Group, Piece)| (other.seed, other.kind) == (seed, kind);
            let rest = std::iter::from_fn(|| groups.next_if(same)).map(|(_, piece)| piece);
            let mut of_model = Vec::new();
            let mut width = 0;
            for group in std::iter::once(first).chain(rest).flatten() {
                width = group.width;
                of_model.extend(group.dictionaries);
            }
            compare(&mut of_model, s.threshold, width, ctx.session.parallel());
            dictionaries.extend(of_model);
        }
        let mut outcome = Outcome {
            tables: tables::tabulate(&dictionaries),
            ..Outcome::default()
        };
        claims::settle(
            s,
            (blocks, &s.read_layers(blocks)),
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
        findings::findings(tables, ledger)
    }
}

/// The result of a unit: nothing if there is no model to look into.
type Piece = Option<OfGroup>;

/// The dictionaries of a group.
#[derive(Debug, Serialize, Deserialize)]
pub struct OfGroup {
    /// The width of the residual stream of the model.
    width: usize,
    /// The number of residual blocks of the model.
    blocks: usize,
    /// The dictionaries of the group.
    dictionaries: Vec<Dictionary>,
}

/// The seconds of a step, on one core of Zen 3 with AVX2.
const PER_STEP: f64 = 9e-5;
/// The seconds of a step for each value of the dictionary and sample of the batch, on one core of Zen 3 with AVX2.
const PER_VALUE: f64 = 8e-11;

/// Trains and reads the dictionaries of `jobs`, which are all of one model.
fn train(
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
    let is_tuned = |&layer: &usize| {
        let mut jobs = jobs.iter();
        jobs.any(|job| (job.basis, job.layer) == (Basis::TunedLens, layer))
    };
    let tuned = layers.iter().map(|layer| match is_tuned(layer) {
        true => Activations::tuned(streams, *layer),
        false => Err("it is of no dictionary here".into()),
    });
    let tuned: Vec<Result<Activations, String>> = tuned.collect();
    let place = |layer: usize| layers.iter().position(|&l| l == layer).expect("it is read");
    // The activations that a dictionary is read on.
    let activations = |job: &Job| match job.basis {
        Basis::Stream | Basis::AllLayers => Ok(&plain[place(job.layer)]),
        Basis::TunedLens => tuned[place(job.layer)].as_ref(),
    };
    // The number of the source of batches: the layers come first, then their tuned lenses, then all layers together.
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
    let trains = |job: &&Job| job.is_trained() && activations(job).is_ok();
    let to_train: Vec<Job> = jobs.iter().filter(trains).copied().collect();
    let width = streams.parameters.shape().width;
    let candidates = to_train
        .iter()
        .map(|job| job.candidate(width, source(job), s, ctx));
    let trained = training::train(candidates.collect(), &s.training, s, &ctx.session, draw)?;
    ctx.session.progress.advance({
        let left_out = jobs.iter().filter(|job| job.is_trained()).count() - to_train.len();
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
                    let (model, classes) = (&streams.parameters, properties.most_classes);
                    let directions = Directions::of(model, classes, activations);
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
    read.collect()
}

/// Returns the inputs of the datapoints, and the class that the model predicts for each.
fn properties(streams: &Streams, task: Task) -> Properties {
    let shape = streams.parameters.shape();
    // There are as many classes as values of an input; a model built by hand holds a code beside their logits.
    let classes = shape.vocabulary;
    let output = streams.layer(shape.layers);
    let class = |i: usize| {
        let largest = output.row(i)[..classes]
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
        most_classes: classes,
    }
}

impl Job {
    /// Returns the sparse autoencoder of the job before training.
    fn candidate(&self, width: usize, source: usize, s: &Settings, ctx: &Ctx) -> Candidate {
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
            recipe: Recipe {
                penalty_warm_up: (s.warm_up * s.training.steps as f64) as u64,
                ..Recipe::default()
            },
        }
    }
}
