//! The experiment `recovery`: do sparse autoencoders find the features that synthetic data are made of?
//!
//! At each seed one generator draws the data, and every model of the grid of L1 coefficients and dictionary sizes sees
//! the same batches.

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::sae::reading;
use crate::sae::synthetic::Generator;
use crate::sae::training::{self, Candidate, Plan, Recipe};
use crate::table::{Record, Tables};

mod claims;
mod figures;
pub mod measures;
mod model;
pub mod pairs;
mod settings;
mod tables;

use claims::Family;
use measures::{HeldOut, Reading};
use model::{Encoder, Model, Series, Task};
use pairs::Pair;
pub use settings::Settings;

/// The experiment `recovery`; see the [module](self).
pub struct Recovery;

impl Experiment for Recovery {
    type Settings = Settings;
    type Unit = Series;
    /// The models of a series, and the pairs of elements that are nearly the same of the one whose MMCS is largest.
    type Piece = (Vec<Model>, Vec<Pair>);

    const SIDE_BY_SIDE: bool = true;

    const ABOUT: &'static About = &About {
        id: "recovery",
        title: "Do sparse autoencoders find the true features?",
        summary: "Synthetic activations are sums of a few known features out of many more than there are \
        dimensions. Sparse autoencoders with an L1 penalty, untied and tied, are trained on them over a grid of L1 \
        coefficients and dictionary sizes, all on the same batches. The mean max cosine similarity (MMCS) is the mean \
        over true features of the largest cosine with an element of the dictionary. How wide is the band of coefficients \
        that recovers the features, when does a dictionary hold a direction twice, and how far are the codes from those of \
        least loss on the same dictionary?",
        claims: claims::CLAIMS,
        tables: &[
            tables::Sae::SPEC,
            tables::Neighbours::SPEC,
            pairs::Pair::SPEC,
            tables::Loss::SPEC,
        ],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        let largest = s.dictionary(s.ratios.last().copied().unwrap_or(1.0));
        let sizes = std::iter::repeat_n(largest, s.lambdas.len() + 1);
        let held_out = s.held_out as f64 * (s.data.width as f64 * 4.0 + s.data.active * 8.0 + 8.0);
        // A chunk of codes of the largest model and its cosines, then its Gram matrix.
        let largest = largest as f64;
        let reading = largest * (reading::CHUNK as f64 * 24.0 + 8.0 * largest);
        let training = s.training.memory(s.data.width, sizes);
        threads as f64 * (s.data.memory() + training + held_out + reading)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(s: &Settings, seeds: &[u64]) -> Vec<Series> {
        s.series(seeds)
    }

    fn name(series: &Series) -> String {
        series.name()
    }

    fn cost(s: &Settings, series: &Series, _: &Needs) -> Cost {
        series.cost(s)
    }

    fn compute(s: &Settings, series: &Series, ctx: &Ctx) -> Result<(Vec<Model>, Vec<Pair>)> {
        trained(s, series, ctx)
    }

    fn conclude(s: &Settings, pieces: Vec<(Vec<Model>, Vec<Pair>)>, ctx: &Ctx) -> Result<Outcome> {
        let (models, pairs): (Vec<_>, Vec<_>) = pieces.into_iter().unzip();
        let (models, pairs) = (
            models.into_iter().flatten().collect::<Vec<Model>>(),
            pairs.concat(),
        );
        let mut outcome = Outcome {
            tables: tables::tabulate(s, &models, &pairs),
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

/// Trains and reads the models of a series; where they are untied and trained to the end, the best of them is searched
/// for pairs of elements that are nearly the same.
fn trained(s: &Settings, series: &Series, ctx: &Ctx) -> Result<(Vec<Model>, Vec<Pair>)> {
    let &Series {
        encoder,
        ratio,
        steps,
        seed,
    } = series;
    let tasks = series.tasks(s);
    let generator = Generator::new(s.data, &mut ctx.rng(seed, "features", 0));
    let candidates = tasks.iter().map(|task| Candidate {
        slug: format!("{}-lambda{}", series.name(), task.lambda),
        title: task.to_string(),
        source: 0,
        start: task.start(s, ctx),
        recipe: Recipe::default(),
    });
    let draw = |_, number| {
        generator
            .batch(s.training.batch, &mut ctx.rng(seed, "batch", number))
            .x
    };
    let plan = Plan {
        steps,
        ..s.training
    };
    let trained = training::train(candidates.collect(), &plan, s, &ctx.session, draw)?;

    let mut rng = ctx.rng(seed, "held-out", 0);
    let held_out = HeldOut::draw(&generator, s.held_out, &mut rng);
    let exec = ctx.session.serial();
    let read = |(&task, trained): (&Task, &training::Trained)| {
        crate::session::progress::check()?;
        let parameters = &trained.parameters;
        let read = || Reading::of(exec, parameters, task.lambda, &held_out, s.optimum_samples);
        Ok(Model {
            task,
            elements: parameters.shape().dictionary,
            records: trained.records.clone(),
            reading: trained.divergence.clone().map_or_else(|| Ok(read()), Err),
        })
    };
    let both = tasks.par_iter().with_max_len(1).zip(&trained);
    let models: Vec<Model> = both.map(read).collect::<Result<_>>()?;

    let mut pairs = Vec::new();
    if encoder == Encoder::Untied
        && series.is_full(s)
        && let Ok(best) = Family::new(&models, encoder, steps, seed).best(ratio)
    {
        let place = models.iter().position(|m| std::ptr::eq(m, best));
        let parameters = &trained[place.expect("one of them")].parameters;
        pairs = pairs::of(exec, parameters, &best.task, held_out.samples());
    }
    Ok((models, pairs))
}
