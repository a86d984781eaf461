//! The units of `l1-geometry`: the computation at a seed, in parts that are independent of each other.

use serde::{Deserialize, Serialize};

use super::identity::{self, Drawn, Identity, Point};
use super::plane::{self, Norm, Used};
use super::settings::Settings;
use super::ties::{self, Gap, Length};
use super::transition::{Atoms, Law, Recovered};
use crate::error::Result;
use crate::experiment::{Cost, Ctx};
use crate::stats::max;

/// A part of the computation at a seed.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    seed: u64,
    part: Part,
}

/// The part that a unit computes.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// The measures of small dictionaries, which follow from algebra.
    Identities,
    /// The phase transition of dictionaries of one law.
    Transition(Law),
}

/// The result of a unit.
#[derive(Debug, Serialize, Deserialize)]
pub enum Piece {
    Identities(Identities),
    Transition(Law, Vec<Recovered>),
}

/// The measures of small dictionaries. Where there are two of a kind, they are those of the claim and of its control.
#[derive(Debug, Serialize, Deserialize)]
pub struct Identities {
    /// The targets in the plane by the atoms that their codes use, for the L1 norm and the L2 norm.
    pub used: Vec<Used>,
    /// The share of the targets in the plane whose code is what the claim says.
    pub as_claimed: [f64; 2],
    /// The amounts by which a dense code costs more than a sparse one.
    pub gaps: [Vec<Gap>; 2],
    /// The L1 norms and mean cosines of some codes.
    pub points: Vec<Point>,
    /// The largest error of the identity of L1 norm and mean cosine.
    pub errors: [f64; 2],
}

/// The seconds of the path of a target, for each atom and squared dimension, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_PATH: f64 = 2e-9;

/// The seconds of a target in the plane and of a code of the identity, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_SMALL: f64 = 1.1e-5;

impl Unit {
    /// Returns the units of a seed.
    pub fn of_seed(seed: u64) -> impl Iterator<Item = Unit> {
        let parts = [Part::Identities].into_iter();
        let parts = parts.chain(Law::all().map(Part::Transition));
        parts.map(move |part| Unit { seed, part })
    }

    /// Returns a name that no other unit has.
    pub fn name(&self) -> String {
        let seed = self.seed;
        match self.part {
            Part::Identities => format!("identities-seed{seed}"),
            Part::Transition(Law { codes, atoms }) => {
                format!("transition-{codes}-{atoms}-seed{seed}")
            }
        }
    }

    /// Returns the cost of the unit.
    pub fn cost(&self, s: &Settings) -> Cost {
        match self.part {
            Part::Identities => Cost {
                ticks: 3,
                seconds: SECONDS_OF_SMALL * (s.planar + s.codes) as f64,
            },
            Part::Transition(law) => {
                let numbers = s.numbers_of_atoms().into_iter();
                let atoms: usize = numbers.map(|n| law.atoms_searched(n)).sum();
                // Crowded atoms are alike, and their paths short.
                let share = if law.atoms == Atoms::Crowded {
                    0.5
                } else {
                    1.0
                };
                let paths = share * (s.targets * s.active_levels) as f64;
                Cost {
                    ticks: s.undersampling.len() as u64,
                    seconds: SECONDS_OF_PATH * paths * atoms as f64 * (s.dimension as f64).powi(2),
                }
            }
        }
    }

    /// Computes the unit.
    pub fn compute(&self, s: &Settings, ctx: &Ctx) -> Result<Piece> {
        Ok(match self.part {
            Part::Identities => Piece::Identities(Identities::measure(s, self.seed, ctx)?),
            Part::Transition(law) => Piece::Transition(law, law.survey(s, self.seed, ctx)?),
        })
    }
}

impl Identities {
    fn measure(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Self> {
        let mut used = Vec::new();
        let as_claimed = [Norm::L1, Norm::L2].map(|norm| {
            let tally = plane::survey(norm, s.planar, &mut ctx.rng(seed, "plane", 0));
            used.extend(tally.rows(norm, seed));
            tally.as_claimed()
        });
        ctx.session.progress.tick()?;

        let gaps = [Length::Unit, Length::Stretched]
            .map(|length| ties::gaps(length, s, seed, &mut ctx.rng(seed, "ties", 0)));
        ctx.session.progress.tick()?;

        let codes = identity::codes(s.codes, &mut ctx.rng(seed, "identity", 0));
        let mut points = Vec::new();
        let errors = [true, false].map(|weighted| {
            let of = |code: &Drawn| Identity::of(code, weighted);
            let checked: Vec<Identity> = codes.iter().map(of).collect();
            let shown = checked.iter().take(identity::SHOWN);
            points.extend(shown.filter_map(|one| one.point(seed)));
            max(checked.iter().map(Identity::error))
        });
        ctx.session.progress.tick()?;
        Ok(Identities {
            used,
            as_claimed,
            gaps,
            points,
            errors,
        })
    }
}
