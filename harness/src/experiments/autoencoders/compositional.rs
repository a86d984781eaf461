//! The experiment `compositional`: is a feature still read where it stands beside others than in training?
//!
//! The data are those of Barin Pacela, Joshi, Camacho, Lacoste-Julien and Klindt, *Stop probing, start coding: why
//! linear probes and sparse autoencoders fail at compositional generalisation*, 2026 (arXiv 2603.28744), as their
//! published code draws them: exactly k of n features, uniform magnitudes, Gaussian directions in m = ⌈2k ln(n/k)⌉
//! dimensions, a first feature that in training never stands beside one half of the others, and in the new combinations
//! beside these alone. The measure is ours: how well that feature is read on samples that contain it, so that nothing
//! but its company differs between known and new combinations. Their measures are the correlation of all codes with the
//! true ones, and the accuracy of telling whether the feature is above ½. They learn dictionaries by sparse coding as
//! well, and compare several sparse autoencoders; here there is only the one with an L1 penalty.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::stats::max;
use crate::table::{Record, Table, Tables};

mod claims;
pub mod data;
mod figures;
mod readers;
mod settings;

use data::Size;
pub use readers::Reading;
pub use settings::Settings;
use settings::Task;

/// The experiment `compositional`; see the [module](self).
pub struct Compositional;

impl Experiment for Compositional {
    type Settings = Settings;
    type Unit = Task;
    type Piece = Vec<Reading>;

    const SIDE_BY_SIDE: bool = true;

    const ABOUT: &'static About = &About {
        id: "compositional",
        title: "Is a feature still read in combinations that were not trained?",
        summary: "Exactly k of n features are active in a sample, a sum of their directions in fewer dimensions. In \
        training the first feature never stands beside one half of the others; then it is read where it stands beside \
        known ones, and beside these new ones alone: by a linear probe, by a sparse autoencoder, and by codes of least \
        loss on the autoencoder's dictionary and on the true one. The setting is that of Stop probing, start coding \
        (Barin Pacela and others, 2026).",
        claims: &[&claims::COMPANY],
        tables: &[Reading::SPEC],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        let of = |size: Size| {
            let (n, samples) = (size.features as f64, s.samples as f64);
            let codes = 3.0 * samples * 8.0 * n + 12.0 * samples * n + 16.0 * n * n;
            let drawn = 3.0 * samples * 8.0 * n + 4.0 * n * n;
            let models = [size.features].into_iter();
            s.training.memory(size.dimensions, models) + codes + drawn
        };
        threads as f64 * max(s.sizes().into_iter().map(of))
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(s: &Settings, seeds: &[u64]) -> Vec<Task> {
        s.tasks(seeds)
    }

    fn name(task: &Task) -> String {
        task.name()
    }

    fn cost(s: &Settings, task: &Task, _: &Needs) -> Cost {
        task.cost(s)
    }

    fn compute(s: &Settings, task: &Task, ctx: &Ctx) -> Result<Vec<Reading>> {
        readers::read(task, s, ctx)
    }

    fn conclude(s: &Settings, pieces: Vec<Vec<Reading>>, ctx: &Ctx) -> Result<Outcome> {
        let rows = pieces.concat();
        let mut outcome = Outcome {
            tables: vec![Table::of(&rows)],
            ..Outcome::default()
        };
        claims::settle(&rows, s, ctx.seeds, &mut outcome);
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}
