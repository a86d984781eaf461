//! The experiment `continuum`: what does a sparse autoencoder make of features that are not discrete?

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::table::{Record, Table, Tables};

mod claims;
mod dictionaries;
mod figures;
mod samples;
mod settings;
mod spread;

use dictionaries::{Cell, Dictionary, Family};
pub use settings::Settings;

/// The experiment `continuum`; see the [module](self).
pub struct Continuum;

impl Experiment for Continuum {
    type Settings = Settings;
    type Unit = Family;
    type Piece = Vec<Dictionary>;

    const SIDE_BY_SIDE: bool = true;

    const ABOUT: &'static About = &About {
        id: "continuum",
        title: "A continuum in place of features",
        summary: "The post closes with a doubt: that networks have no fixed number of discrete features, which are an \
        approximation to something continuous. Here every activation is one point of a sphere in a random subspace, \
        times a magnitude. Sparse autoencoders with more and more elements are trained on the whole sphere and, as the \
        control, on a few points of it. Codes of least loss on their dictionaries, and on as many elements spread \
        evenly over the sphere, tell what limits the loss: the encoder, the dictionary, or that there are only so many \
        elements.",
        claims: &[&claims::GROWTH],
        tables: &[Dictionary::SPEC],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        threads as f64 * Family::memory(s)
    }

    fn most_seeds(s: &Settings) -> usize {
        s.most_seeds
    }

    fn units(s: &Settings, seeds: &[u64]) -> Vec<Family> {
        Family::all(s, seeds)
    }

    fn name(family: &Family) -> String {
        family.name()
    }

    fn cost(s: &Settings, family: &Family, _: &Needs) -> Cost {
        family.cost(s)
    }

    fn compute(s: &Settings, family: &Family, ctx: &Ctx) -> Result<Vec<Dictionary>> {
        family.dictionaries(s, ctx)
    }

    fn conclude(s: &Settings, pieces: Vec<Vec<Dictionary>>, ctx: &Ctx) -> Result<Outcome> {
        let all = pieces.concat();
        let cells = Cell::all(s);
        let mut rows = Vec::new();
        let mut outcome = Outcome::default();
        for &seed in ctx.seeds {
            let of_cell = |cell: &Cell| {
                let ours = |r: &&Dictionary| (r.seed, r.cell()) == (seed, *cell);
                all.iter().filter(ours).cloned().collect::<Vec<_>>()
            };
            let of_seed: Vec<Dictionary> = cells.iter().flat_map(of_cell).collect();
            claims::settle(&of_seed, &cells, seed, s, &mut outcome);
            rows.extend(of_seed);
        }
        outcome.tables = vec![Table::of(&rows)];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}
