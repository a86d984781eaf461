//! `l1-geometry`: what minimising the L1 norm of a code does, with perfect reconstruction and no training. Exact,
//! in f64.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Ctx, Experiment, Needs};
use crate::figure::Figure;
use crate::stats::{max, min};
use crate::table::{Record, Table, Tables};

mod claims;
mod figures;
mod identity;
mod plane;
mod settings;
mod spaces;
mod ties;

use claims::{COSINE, SPARSEST, TIES};
use identity::Identity;
pub use identity::{Codes, Point};
pub use plane::{Norm, Place, Used, Weighted};
pub use settings::Settings;
pub use spaces::Share;
use spaces::Space;
pub use ties::{Atoms, Gap};

/// See the [module](self).
pub struct L1Geometry;

impl Experiment for L1Geometry {
    type Settings = Settings;

    const ABOUT: &'static About = &About {
        id: "l1-geometry",
        title: "The codes of the smallest L1 norm",
        summary: "A code with non-negative weights on unit directions (atoms) reconstructs a target \
        exactly. Among all such codes, which one has the least L1 norm? Linear programs answer that without \
        training: every choice of as many atoms as dimensions is tried. Random dictionaries in the plane and in up to \
        six dimensions show how often the cheapest code is the sparsest, what it takes for a dense code to cost the \
        same, and what the L1 norm measures.",
        claims: &[&SPARSEST, &TIES, &COSINE],
        tables: &[
            Weighted::SPEC,
            Used::SPEC,
            Share::SPEC,
            Gap::SPEC,
            Point::SPEC,
        ],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // The bases of the largest dictionary in use by each thread, 924 of 6×6; the rows of 100 seeds; targets.
        let bases = threads as f64 * 924.0 * (36.0 + 6.0 + 6.0) * 8.0;
        let points = 2.0 * identity::SHOWN.min(s.codes) as f64 * Point::MEMORY;
        let shares = 6.0 * (s.dimensions.len() * s.atoms.len()) as f64 * Share::MEMORY;
        let gaps = 2.0 * (s.angles + 1) as f64 * Gap::MEMORY;
        bases + 100.0 * (points + shares + gaps) + 16.0 * s.dictionaries as f64
    }

    fn run(s: &Settings, ctx: &Ctx) -> Result<Outcome> {
        let spaces = Space::all(s);
        ctx.session
            .progress
            .start(ctx.seeds.len() as u64 * (spaces.len() as u64 + 3))?;
        let mut outcome = Outcome::default();
        let mut used = Vec::new();
        let mut shares = Vec::new();
        let mut gaps = Vec::new();
        let mut points = Vec::new();
        for &seed in ctx.seeds {
            let [claim, control] = [Norm::L1, Norm::L2].map(|norm| {
                let tally = plane::survey(norm, s.planar, &mut ctx.rng(seed, "plane", 0));
                used.extend(tally.rows(norm, seed));
                [tally.as_claimed()]
            });
            outcome.settle(&SPARSEST, seed, claim, control);
            ctx.session.progress.tick()?;

            let [claim, control] = [Atoms::Unit, Atoms::Stretched].map(|atoms| {
                let rows = ties::gaps(atoms, s, seed, &mut ctx.rng(seed, "ties", 0));
                let apart = rows.iter().filter(|g| g.angle > 0.0);
                let zero = rows.iter().filter(|g| g.angle == 0.0);
                let ends = [
                    min(apart.map(Gap::in_roundings)),
                    max(zero.map(Gap::in_roundings)),
                ];
                gaps.extend(rows);
                ends
            });
            outcome.settle(&TIES, seed, claim, control);
            ctx.session.progress.tick()?;

            let codes = identity::codes(s.codes, &mut ctx.rng(seed, "identity", 0));
            let [claim, control] = [false, true].map(|shrunk| {
                let of = |code: &identity::Drawn| Identity::of(code, shrunk);
                let checked: Vec<Identity> = codes.iter().map(of).collect();
                let shown = checked.iter().take(identity::SHOWN);
                points.extend(shown.filter_map(|one| one.point(seed)));
                [max(checked.iter().map(Identity::error))]
            });
            outcome.settle(&COSINE, seed, claim, control);
            ctx.session.progress.tick()?;

            for space in &spaces {
                shares.extend(space.shares(s, seed, ctx));
                ctx.session.progress.tick()?;
            }
        }
        outcome.tables = vec![
            Table::of(&plane::examples()),
            Table::of(&used),
            Table::of(&shares),
            Table::of(&gaps),
            Table::of(&points),
        ];
        Ok(outcome)
    }

    fn figures(tables: &Tables) -> Vec<Figure> {
        figures::draw(tables)
    }

    fn findings(tables: &Tables, ledger: &Ledger) -> String {
        figures::findings(tables, ledger)
    }
}
