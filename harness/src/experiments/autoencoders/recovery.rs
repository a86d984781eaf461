//! `recovery`: do sparse autoencoders find the features that synthetic data are made of?
//!
//! At each seed one generator draws the data, and every model of the grid of L1 coefficients and dictionary sizes sees
//! the same batches.

use rayon::prelude::*;

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::sae::reading;
use crate::sae::synthetic::Generator;
use crate::sae::training::{self, Candidate};
use crate::table::{Record, Tables};

mod claims;
mod figures;
pub mod measures;
mod model;
pub mod optimum;
mod settings;
mod tables;

use measures::{HeldOut, Reading};
use model::{Model, Task};
use optimum::Comparison;
use settings::JUDGED_RATIO;
pub use settings::Settings;

/// See the [module](self).
pub struct Recovery;

impl Experiment for Recovery {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "recovery",
        title: "Do sparse autoencoders find the true features?",
        summary: "Synthetic activations are sums of a few known features out of many more than there are \
        dimensions. Sparse autoencoders with an L1 penalty, untied and tied, are trained on them over a grid of L1 \
        coefficients and dictionary sizes, all on the same batches. The mean max cosine similarity (MMCS) is the mean \
        over true features of the largest cosine with an element of the dictionary. How wide is the band of coefficients \
        that recovers the features, does the dictionary hold anything twice, and how far are the codes from the cheapest \
        ones for the same reconstruction?",
        claims: claims::CLAIMS,
        tables: &[
            tables::Sae::SPEC,
            tables::Neighbours::SPEC,
            optimum::Cheapest::SPEC,
            tables::Loss::SPEC,
        ],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        let tasks = s.tasks(0, s.tied_seeds > 0);
        let sizes = tasks.iter().map(|t| s.dictionary(t.ratio));
        let largest = s.dictionary(s.ratios.last().copied().unwrap_or(1.0)) as f64;
        let held_out = s.held_out as f64 * (s.data.width as f64 * 4.0 + s.data.active * 8.0 + 8.0);
        // Per thread a chunk of codes of the largest model and its cosines, then its Gram matrix.
        let reading = threads as f64 * largest * (reading::CHUNK as f64 * 24.0 + 8.0 * largest);
        s.data.memory() + s.training.memory(s.data.width, sizes) + held_out + reading
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let tied = |i: usize| i < s.tied_seeds;
        let models = (0..ctx.seeds.len()).map(|i| s.tasks(0, tied(i)).len() as u64);
        ctx.session
            .progress
            .start(models.sum::<u64>() * s.training.steps)?;
        let mut models = Vec::new();
        let mut comparisons = Vec::new();
        for (i, &seed) in ctx.seeds.iter().enumerate() {
            let tasks = s.tasks(seed, tied(i));
            let of_seed = grid(s, seed, &tasks, ctx, &mut comparisons)?;
            models.extend(of_seed);
        }
        let mut outcome = Outcome {
            tables: tables::tabulate(&models, &comparisons),
            ..Outcome::default()
        };
        claims::settle(s, &models, &comparisons, ctx.seeds, &mut outcome);
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}

/// Trains and reads the models of one seed; compares the codes of the best one at the judged ratio, and of the one that it
/// started from, with the cheapest codes.
fn grid(
    s: &Settings,
    seed: u64,
    tasks: &[Task],
    ctx: &Ctx,
    comparisons: &mut Vec<Comparison>,
) -> Result<Vec<Model>> {
    let generator = Generator::new(s.data, &mut ctx.rng(seed, "features", 0));
    let candidates = tasks.iter().map(|task| Candidate {
        slug: format!(
            "{}-lambda{}-ratio{}-seed{seed}",
            task.encoder, task.lambda, task.ratio
        ),
        title: task.to_string(),
        source: 0,
        start: task.start(s, ctx),
        rate: 1.0,
    });
    let draw = |_, number| {
        generator
            .batch(s.training.batch, &mut ctx.rng(seed, "batch", number))
            .x
    };
    let trained = training::train(candidates.collect(), &s.training, s, &ctx.session, draw)?;

    let mut rng = ctx.rng(seed, "held-out", 0);
    let held_out = HeldOut::draw(&generator, s.held_out, &mut rng);
    let read = |(&task, trained): (&Task, &training::Trained)| {
        crate::session::progress::check()?;
        let read = || {
            Reading::of(
                ctx.session.serial(),
                &trained.parameters,
                task.lambda,
                &held_out,
            )
        };
        Ok(Model {
            task,
            elements: trained.parameters.shape().dictionary,
            records: trained.records.clone(),
            reading: trained.divergence.clone().map_or_else(|| Ok(read()), Err),
        })
    };
    let pairs = tasks.par_iter().with_max_len(1).zip(&trained);
    let models: Vec<Model> = pairs.map(read).collect::<Result<_>>()?;

    if let Ok(best) = claims::best(&models, seed, JUDGED_RATIO) {
        let place = models.iter().position(|m| std::ptr::eq(m, best));
        let parameters = &trained[place.expect("one of them")].parameters;
        let start = best.task.start(s, ctx);
        for (kind, parameters) in [
            (optimum::Kind::Trained, parameters),
            (optimum::Kind::Untrained, &start),
        ] {
            let x = held_out.first(s.optimum_samples);
            let compared = optimum::compare(ctx.session.serial(), kind, seed, parameters, x)?;
            comparisons.extend(compared);
        }
    }
    Ok(models)
}
