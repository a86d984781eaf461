//! The experiment `l1-geometry`: what minimising the L1 norm of a code does, with perfect reconstruction and no
//! training. All codes are found exactly, up to rounding in f64.

use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::experiment::{About, Cost, Ctx, Experiment, Needs};
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
mod units;

use claims::{COSINE, SPARSEST, TIES, TRANSITION};
pub use identity::{Codes, Point};
pub use plane::{Norm, Place, Used, Weighted};
pub use settings::Settings;
pub use ties::{Gap, Length};
use transition::Law;
pub use transition::Recovered;
use units::{Identities, Piece, Unit};

/// The experiment `l1-geometry`; see the [module](self).
pub struct L1Geometry;

impl Experiment for L1Geometry {
    type Settings = Settings;
    type Unit = Unit;
    type Piece = Piece;

    const SIDE_BY_SIDE: bool = true;

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

    fn units(_: &Settings, seeds: &[u64]) -> Vec<Unit> {
        seeds.iter().flat_map(|&seed| Unit::of_seed(seed)).collect()
    }

    fn name(unit: &Unit) -> String {
        unit.name()
    }

    fn cost(s: &Settings, unit: &Unit, _: &Needs) -> Cost {
        unit.cost(s)
    }

    fn compute(s: &Settings, unit: &Unit, ctx: &Ctx) -> Result<Piece> {
        unit.compute(s, ctx)
    }

    fn conclude(_: &Settings, pieces: Vec<Piece>, ctx: &Ctx) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut used = Vec::new();
        let mut recovered = Vec::new();
        let mut gaps = Vec::new();
        let mut points = Vec::new();
        let mut pieces = pieces.into_iter();
        for &seed in ctx.seeds {
            let mut surveys = Vec::new();
            for piece in pieces.by_ref().take(Unit::of_seed(seed).count()) {
                match piece {
                    Piece::Identities(identities) => {
                        settle_identities(&identities, seed, &mut outcome);
                        used.extend(identities.used);
                        gaps.extend(identities.gaps.into_iter().flatten());
                        points.extend(identities.points);
                    }
                    Piece::Transition(law, rows) => surveys.push((law, rows)),
                }
            }
            settle_transition(&surveys, seed, &mut outcome);
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

/// Settles the claims on small dictionaries, which follow from algebra.
fn settle_identities(identities: &Identities, seed: u64, outcome: &mut Outcome) {
    let [claim, control] = identities.as_claimed;
    outcome.settle(&SPARSEST, seed, [claim], [control]);

    let [claim, control] = identities.gaps.each_ref().map(|gaps| {
        let apart = gaps.iter().filter(|g| g.angle > 0.0);
        let zero = gaps.iter().filter(|g| g.angle == 0.0);
        [
            min(apart.map(Gap::in_roundings)),
            max(zero.map(Gap::in_roundings)),
        ]
    });
    outcome.settle(&TIES, seed, claim, control);

    let [claim, control] = identities.errors;
    outcome.settle(&COSINE, seed, [claim], [control]);
}

/// Settles the claim on the phase transition: holds every law of atoms to the prediction, with crowded atoms under the
/// same codes as the control.
fn settle_transition(surveys: &[(Law, Vec<Recovered>)], seed: u64, outcome: &mut Outcome) {
    for (law, rows) in surveys {
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
}
