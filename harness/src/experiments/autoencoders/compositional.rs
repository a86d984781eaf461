//! `compositional`: is a feature still read where it stands beside others than in training?
//!
//! The data are those of Barin Pacela, Joshi, Camacho, Lacoste-Julien and Klindt, *Stop probing, start coding: why
//! linear probes and sparse autoencoders fail at compositional generalisation*, 2026 (arXiv 2603.28744), as their
//! published code draws them: exactly k of n features, uniform magnitudes, Gaussian directions in m = ⌈2k ln(n/k)⌉
//! dimensions, a first feature that in training never stands beside one half of the others, and in the new combinations
//! beside these alone. The measure is ours: how well that feature is read on samples that contain it, so that nothing
//! but its company differs between known and new combinations. Theirs are the correlation of all codes with the true
//! ones, and how well is told whether the feature is above ½. They learn dictionaries by sparse coding as well, and
//! compare several sparse autoencoders; here there is the plain one.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, NoUnit};
use crate::figure::Figure;
use crate::table::{Record, Table, Tables};

mod claims;
mod data;
mod figures;
mod readers;
mod settings;

pub use readers::Reading;
pub use settings::Settings;

/// See the [module](self).
pub struct Compositional;

impl Experiment for Compositional {
    type Settings = Settings;
    type Unit = NoUnit;
    type Piece = ();

    const ABOUT: &'static About = &About {
        id: "compositional",
        title: "Is a feature read in new company?",
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
        let sizes = s.sizes();
        let largest = sizes.iter().map(|size| size.features).max().unwrap_or(0);
        let plans = sizes.iter().map(|size| {
            let one = std::iter::once(size.features);
            s.training.memory(size.dimensions, one)
        });
        let (n, samples) = (largest as f64, s.samples as f64);
        let codes = 3.0 * samples * 8.0 * n + 12.0 * samples * n + 16.0 * n * n;
        let drawn = 3.0 * samples * 8.0 * n + 4.0 * n * n;
        plans.sum::<f64>() + threads as f64 * codes + sizes.len() as f64 * drawn
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

    fn cost(_: &Settings, unit: &NoUnit, _: &Needs) -> Cost {
        match *unit {}
    }

    fn compute(_: &Settings, unit: &NoUnit, _: &Ctx) -> Result<()> {
        match *unit {}
    }

    fn conclude(s: &Settings, _: Vec<()>, ctx: &Ctx) -> Result<Outcome> {
        let sizes = s.sizes();
        let models = (ctx.seeds.len() * sizes.len()) as u64;
        ctx.session.progress.start(models * s.training.steps)?;
        let mut rows = Vec::new();
        for &seed in ctx.seeds {
            rows.extend(readers::read(&sizes, seed, s, ctx)?);
        }
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

    fn findings(tables: &Tables, _: &Ledger) -> String {
        figures::findings(tables)
    }
}
