//! The trait of an experiment, and what it is given. The rest of the harness sees an experiment in its type-erased
//! form, [`Erased`](erased::Erased).

pub mod bound;
pub mod context;
pub mod erased;
pub mod needs;
pub mod registry;
pub mod units;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::claim::ClaimSpec;
use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::figure::Figure;
use crate::settings::Settings;
use crate::table::{TableSpec, Tables};

pub use context::Ctx;
pub use needs::Needs;
pub use units::{Cost, NoUnit, OfSeed};

/// An experiment: what it asks, what it computes, and how it draws and interprets its tables.
///
/// Computing, concluding and drawing are separate. What takes time is computed in [units](Experiment::units) that do
/// not depend on each other, in any order and on any machine with the same instruction set.
/// [`conclude`](Experiment::conclude) makes tables and measures of their results, and [`figures`](Experiment::figures)
/// and [`findings`](Experiment::findings) see the tables only after these went through their CSV files.
pub trait Experiment: Sync + 'static {
    /// The settings of the experiment, declared by [`settings!`](macro@crate::settings).
    type Settings: Settings;

    /// The description of the experiment.
    const ABOUT: &'static About;

    /// Returns the estimated peak memory in bytes on `threads` threads. `needs` holds the settings of the experiments
    /// that this one [needs](About::needs). The result is a float, so that it cannot overflow.
    fn memory(settings: &Self::Settings, needs: &Needs, threads: usize) -> f64;

    /// Returns the largest number of the run's seeds to compute at: fewer than all for experiments that train large
    /// models.
    fn most_seeds(_settings: &Self::Settings) -> usize {
        usize::MAX
    }

    /// A unit of the computation.
    type Unit: Send + Sync;

    /// The result of a unit, called its piece.
    type Piece: Serialize + DeserializeOwned + Send;

    /// Whether units are computed side by side, on one thread each, if there are at least as many units as threads.
    /// Otherwise they are computed one after the other, each on all threads.
    const SIDE_BY_SIDE: bool = false;

    /// Returns the units of the computation at these seeds, in a fixed order.
    fn units(settings: &Self::Settings, seeds: &[u64]) -> Vec<Self::Unit>;

    /// Returns the name of a unit, which no other unit of the experiment has: letters, digits, dots and hyphens.
    fn name(unit: &Self::Unit) -> String;

    /// Returns the cost of a unit. `needs` holds the settings of the experiments that this one [needs](About::needs).
    fn cost(settings: &Self::Settings, unit: &Self::Unit, needs: &Needs) -> Cost;

    /// Computes a unit, in a rayon pool with the threads of the session, and reports as many units of progress as the
    /// [cost](Experiment::cost) of the unit says.
    fn compute(settings: &Self::Settings, unit: &Self::Unit, ctx: &Ctx) -> Result<Self::Piece>;

    /// Makes the tables and the measures from the results of all units, `pieces`, in the order of the units.
    fn conclude(settings: &Self::Settings, pieces: Vec<Self::Piece>, ctx: &Ctx) -> Result<Outcome>;

    /// Draws the figures from the tables, which may be empty but have the declared columns.
    fn figures(tables: &Tables) -> Vec<Figure>;

    /// Writes what the tables and the verdicts show, in sentences.
    fn findings(tables: &Tables, ledger: &Ledger) -> String;
}

/// The description of an experiment.
#[derive(Debug)]
pub struct About {
    /// The name on the command line, in the configuration and of the folder in the output.
    pub id: &'static str,
    /// A short title.
    pub title: &'static str,
    /// A few sentences on what the experiment asks, and how.
    pub summary: &'static str,
    /// The claims that the experiment settles.
    pub claims: &'static [&'static ClaimSpec],
    /// The tables that the experiment writes.
    pub tables: &'static [&'static TableSpec],
    /// The names of the figures that the experiment draws, in order.
    pub figures: &'static [&'static str],
    /// The names of the experiments whose results this one reads. They stand before it in the registry, and are run if
    /// it is.
    pub needs: &'static [&'static str],
}
