//! What an experiment is. The rest of the harness sees it in its type-erased form, [`Erased`](erased::Erased).

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

/// One experiment: what it asks, what it computes, how it draws and reads its tables.
///
/// Computing, concluding and drawing are apart. What takes time is computed in [units](Experiment::units) that need
/// no other, in any order and on any machine of an instruction set. [`conclude`](Experiment::conclude) makes tables and
/// measures of what came out of them, and [`figures`](Experiment::figures) and [`findings`](Experiment::findings) see
/// the tables only after they went through their CSV files.
pub trait Experiment: Sync + 'static {
    /// The settings, declared by [`settings!`](macro@crate::settings).
    type Settings: Settings;

    /// What the experiment says of itself.
    const ABOUT: &'static About;

    /// Estimated peak memory, bytes, on so many threads, with those settings of the experiments that it
    /// [needs](About::needs). A float, so that it cannot overflow.
    fn memory(settings: &Self::Settings, needs: &Needs, threads: usize) -> f64;

    /// The largest number of the run's seeds to run at: fewer than all for experiments that train large models.
    fn most_seeds(_settings: &Self::Settings) -> usize {
        usize::MAX
    }

    /// A unit of the computation.
    type Unit: Send + Sync;

    /// What comes out of a unit.
    type Piece: Serialize + DeserializeOwned + Send;

    /// Whether units are computed side by side, on one thread each, if there is one for every thread. Otherwise one
    /// follows the other, and each has all threads.
    const SIDE_BY_SIDE: bool = false;

    /// The units of the computation at these seeds, in a fixed order.
    fn units(settings: &Self::Settings, seeds: &[u64]) -> Vec<Self::Unit>;

    /// The name of a unit, which no other has: letters, digits, dots and hyphens.
    fn name(unit: &Self::Unit) -> String;

    /// The cost of a unit, with those settings of the experiments that this one [needs](About::needs).
    fn cost(settings: &Self::Settings, unit: &Self::Unit, needs: &Needs) -> Cost;

    /// Computes a unit, in a rayon pool with the threads of the session. It reports as much progress as its cost says.
    fn compute(settings: &Self::Settings, unit: &Self::Unit, ctx: &Ctx) -> Result<Self::Piece>;

    /// Makes the tables and the measures of what came out of all units, in their order.
    fn conclude(settings: &Self::Settings, pieces: Vec<Self::Piece>, ctx: &Ctx) -> Result<Outcome>;

    /// Draws the figures from the tables, which may be empty but have the declared columns.
    fn figures(tables: &Tables) -> Vec<Figure>;

    /// Writes what the tables and the verdicts show, in sentences.
    fn findings(tables: &Tables, ledger: &Ledger) -> String;
}

/// What an experiment says of itself.
#[derive(Debug)]
pub struct About {
    /// Name on the command line, in the configuration and of its folder in the output.
    pub id: &'static str,
    /// A short title.
    pub title: &'static str,
    /// A few sentences: what is asked, and how.
    pub summary: &'static str,
    /// The claims that it settles.
    pub claims: &'static [&'static ClaimSpec],
    /// The tables that it writes.
    pub tables: &'static [&'static TableSpec],
    /// Names of the figures that it draws, in order.
    pub figures: &'static [&'static str],
    /// Experiments whose results it reads: they stand before it in the registry and are run along.
    pub needs: &'static [&'static str],
}
