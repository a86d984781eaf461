//! `continuum`: what does a sparse autoencoder make of features that are not discrete?

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, NoUnit};
use crate::figure::Figure;
use crate::table::record::Word as _;
use crate::table::{Record, Table, Tables};

mod claims;
mod dictionaries;
mod figures;
mod samples;
mod settings;
mod spread;

use dictionaries::{Cell, Dictionary, Encoder, dictionaries};
use samples::{Features, Magnitude};
pub use settings::Settings;

/// See the [module](self).
pub struct Continuum;

impl Experiment for Continuum {
    type Settings = Settings;
    type Unit = NoUnit;
    type Piece = ();

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
        let sizes = s.sizes();
        let cells = 8 * s.spheres.len();
        let all = sizes.iter().flat_map(|&n| std::iter::repeat_n(n, cells));
        let samples = cells as f64 * s.held_out as f64 * (4.0 * s.width as f64 + 8.0);
        let largest = sizes.iter().copied().max().unwrap_or(0) as f64;
        let codes =
            s.coded as f64 * (8.0 * largest + 12.0 * s.width as f64) + 4.0 * largest * largest;
        s.training.memory(s.width, all) + samples + threads as f64 * (codes + 1e6)
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
        let mut cells = Vec::new();
        for &sphere in &s.spheres {
            for &magnitude in Magnitude::ALL {
                for &encoder in Encoder::ALL {
                    cells.extend(Features::ALL.iter().map(|&features| Cell {
                        features,
                        sphere,
                        magnitude,
                        encoder,
                    }));
                }
            }
        }
        let models = (ctx.seeds.len() * cells.len() * sizes.len()) as u64;
        ctx.session.progress.start(models * s.training.steps)?;
        let mut rows = Vec::new();
        let mut outcome = Outcome::default();
        for &seed in ctx.seeds {
            let of_seed = dictionaries(&cells, &sizes, seed, s, ctx)?;
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
