//! `l1-geometry`: what minimising the L1 norm of a code does, with perfect reconstruction and no training. Exact,
//! in f64.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs, NoUnit};
use crate::figure::Figure;
use crate::stats::{max, min};
use crate::table::{Record, Table, Tables};

mod claims;
mod figures;
mod identity;
mod plane;
pub(super) mod prediction;
mod settings;
mod ties;
mod transition;

use claims::{COSINE, SPARSEST, TIES, TRANSITION};
use identity::Identity;
pub use identity::{Codes, Point};
pub use plane::{Norm, Place, Used, Weighted};
pub use settings::Settings;
pub use ties::{Gap, Length};
use transition::Law;
pub use transition::Recovered;

/// See the [module](self).
pub struct L1Geometry;

impl Experiment for L1Geometry {
    type Settings = Settings;
    type Unit = NoUnit;
    type Piece = ();

    const ABOUT: &'static About = &About {
        id: "l1-geometry",
        title: "The codes of the smallest L1 norm",
        summary: "A code with non-negative weights on unit directions (atoms) reconstructs a target \
        exactly. Among all such codes, which one has the least L1 norm? Linear programs answer that without \
        training. For random dictionaries in many dimensions the share of sparse codes that are found again is held to \
        the phase transition that is known for it; in the plane, where every choice of two atoms is tried, the code is \
        looked at one by one. Then: what it takes for a dense code to cost the same, and what the L1 norm measures.",
        claims: &[&TRANSITION, &SPARSEST, &TIES, &COSINE],
        tables: &[
            Recovered::SPEC,
            Weighted::SPEC,
            Used::SPEC,
            Gap::SPEC,
            Point::SPEC,
        ],
        figures: figures::NAMES,
        needs: &[],
    };

    fn memory(s: &Settings, _: &Needs, threads: usize) -> f64 {
        // The dictionary of either sign, its Gram matrix and one path on each thread; the rows of 100 seeds.
        let largest = s.numbers_of_atoms().into_iter().max().unwrap_or(0);
        let (n, m) = (2.0 * largest as f64, s.dimension as f64);
        let solved = threads as f64 * 8.0 * (n * (n + m + 8.0) + m * m);
        let points = 2.0 * identity::SHOWN.min(s.codes) as f64 * Point::MEMORY;
        let cells = Law::all().count() * s.undersampling.len() * s.active_levels;
        let gaps = 2.0 * (s.angles + 1) as f64 * Gap::MEMORY;
        solved + 100.0 * (points + cells as f64 * Recovered::MEMORY + gaps)
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
        let laws = Law::all().count() * s.undersampling.len();
        ctx.session
            .progress
            .start(ctx.seeds.len() as u64 * (laws as u64 + 3))?;
        let mut outcome = Outcome::default();
        let mut used = Vec::new();
        let mut recovered = Vec::new();
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

            let [claim, control] = [Length::Unit, Length::Stretched].map(|length| {
                let rows = ties::gaps(length, s, seed, &mut ctx.rng(seed, "ties", 0));
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
            let [claim, control] = [true, false].map(|weighted| {
                let of = |code: &identity::Drawn| Identity::of(code, weighted);
                let checked: Vec<Identity> = codes.iter().map(of).collect();
                let shown = checked.iter().take(identity::SHOWN);
                points.extend(shown.filter_map(|one| one.point(seed)));
                [max(checked.iter().map(Identity::error))]
            });
            outcome.settle(&COSINE, seed, claim, control);
            ctx.session.progress.tick()?;

            let surveys = Law::all().map(|law| Ok((law, law.survey(s, seed, ctx)?)));
            let surveys: Vec<(Law, Vec<Recovered>)> = surveys.collect::<Result<_>>()?;
            for (law, rows) in &surveys {
                let crowded = Law {
                    atoms: transition::Atoms::Crowded,
                    ..*law
                };
                if *law == crowded {
                    continue;
                }
                let control = surveys.iter().find(|(law, _)| *law == crowded);
                let control = &control.expect("every law is surveyed").1;
                let [claim, control] = [rows, control].map(|rows| transition::distances(rows));
                outcome.settle_in(&law.setting(), &TRANSITION, seed, claim, control);
            }
            recovered.extend(surveys.into_iter().flat_map(|(_, rows)| rows));
        }
        outcome.tables = vec![
            Table::of(&recovered),
            Table::of(&plane::examples()),
            Table::of(&used),
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
