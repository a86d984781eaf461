//! `l1-geometry`: what minimising the L1 norm of a code does, with perfect reconstruction and no training. Exact,
//! in f64.

use crate::claim::ClaimSpec;
use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::stats::{max, min};
use crate::table::{Cell, Table, TableSpec, Tables};

mod claims;
mod figures;
mod identity;
mod plane;
mod settings;
mod spaces;
mod tables;
mod ties;

use claims::{COSINE, SPARSEST, TIES};
use identity::Identity;
pub use settings::Settings;
use spaces::Space;

/// See the [module](self).
pub struct L1Geometry;

impl Experiment for L1Geometry {
    type Settings = Settings;

    const ID: &'static str = "l1-geometry";
    const TITLE: &'static str = "What a small L1 norm asks of a code";
    const SUMMARY: &'static str = "A code with non-negative weights on unit directions (atoms) reconstructs a target \
        exactly. Among all such codes, which one has the least L1 norm? Linear programs answer that without \
        training: every choice of as many atoms as dimensions is tried. Random dictionaries in the plane and in up to \
        six dimensions show how often the cheapest code is the sparsest, what it takes for a dense code to cost the \
        same, and what the L1 norm measures.";
    const CLAIMS: &'static [&'static ClaimSpec] = &[&SPARSEST, &TIES, &COSINE];
    const TABLES: &'static [&'static TableSpec] = &[
        &tables::EXAMPLES,
        &tables::PLANE,
        &tables::SPACES,
        &tables::TIES,
        &tables::IDENTITY,
    ];
    const FIGURES: &'static [&'static str] = figures::NAMES;

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // The bases of the largest dictionary in use by each thread, 924 of 6×6; table rows twice over.
        let bases = threads as f64 * 924.0 * (36.0 + 6.0 + 6.0) * 8.0;
        let shown = (2 * tables::SHOWN_CODES.min(s.codes) * tables::IDENTITY.columns.len()) as f64;
        let cells = (6 * s.dimensions.len() * s.atoms.len() * tables::SPACES.columns.len()) as f64;
        let rows = 100.0 * (shown + cells + 3.0 * s.angles as f64);
        bases + 2.0 * rows * size_of::<Cell>() as f64 + 16.0 * s.dictionaries as f64
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let spaces = Space::all(s);
        ctx.session
            .progress
            .start(ctx.seeds.len() as u64 * (spaces.len() as u64 + 3))?;
        let mut outcome = Outcome::default();
        let mut examples = Table::new(&tables::EXAMPLES);
        plane::tabulate_examples(&mut examples);
        let mut of_plane = Table::new(&tables::PLANE);
        let mut of_spaces = Table::new(&tables::SPACES);
        let mut of_ties = Table::new(&tables::TIES);
        let mut of_identity = Table::new(&tables::IDENTITY);
        for &seed in ctx.seeds {
            let [claim, control] = [plane::Norm::L1, plane::Norm::L2].map(|norm| {
                let tally = plane::survey(norm, s.planar, &mut ctx.rng(seed, "plane", 0));
                tally.tabulate(norm, seed, &mut of_plane);
                [tally.as_claimed()]
            });
            outcome.settle(&SPARSEST, seed, claim, control);
            ctx.session.progress.tick()?;

            let [claim, control] = [ties::Atoms::Unit, ties::Atoms::Stretched].map(|dictionary| {
                let gaps = ties::gaps(dictionary, s, &mut ctx.rng(seed, "ties", 0));
                for gap in &gaps {
                    gap.tabulate(dictionary, seed, &mut of_ties);
                }
                let apart = gaps
                    .iter()
                    .filter(|g| g.angle > 0.0)
                    .map(|g| g.in_roundings());
                let zero = gaps
                    .iter()
                    .filter(|g| g.angle == 0.0)
                    .map(|g| g.in_roundings());
                [min(apart), max(zero)]
            });
            outcome.settle(&TIES, seed, claim, control);
            ctx.session.progress.tick()?;

            let codes = identity::codes(s.codes, &mut ctx.rng(seed, "identity", 0));
            let [claim, control] = [false, true].map(|shrunk| {
                let of = |code: &identity::Drawn| Identity::of(code, shrunk);
                let checked: Vec<Identity> = codes.iter().map(of).collect();
                for one in checked.iter().take(tables::SHOWN_CODES) {
                    one.tabulate(seed, &mut of_identity);
                }
                let errors = checked.iter().map(Identity::error);
                [max(errors)]
            });
            outcome.settle(&COSINE, seed, claim, control);
            ctx.session.progress.tick()?;

            let shares: Vec<Vec<f64>> = spaces
                .iter()
                .map(|space| {
                    let shares = space.shares(s, seed, ctx);
                    ctx.session.progress.tick()?;
                    Ok(shares)
                })
                .collect::<Result<_>>()?;
            for (space, shares) in spaces.iter().zip(shares) {
                space.tabulate(&shares, s, seed, &mut of_spaces);
            }
        }
        outcome.tables = vec![examples, of_plane, of_spaces, of_ties, of_identity];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}
