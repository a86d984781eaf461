//! The units of an experiment: the parts of its computation that do not depend on each other. A run computes all of
//! them, a part of a run on a cluster computes some of them, and a process that has the results of all units concludes.

/// The cost of a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// The number of units of progress that the unit reports.
    pub ticks: u64,
    /// The estimated time in seconds on one core.
    pub seconds: f64,
}

/// A unit in a form that is the same for all experiments.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// The name, which no other unit of the experiment has: letters, digits, dots and hyphens.
    pub name: String,
    /// The cost.
    pub cost: Cost,
}

/// The unit of an experiment at one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfSeed(pub u64);

impl OfSeed {
    /// Returns a unit for each seed.
    pub fn each(seeds: &[u64]) -> Vec<OfSeed> {
        seeds.iter().copied().map(OfSeed).collect()
    }

    /// Returns the name of the unit: `seed` and the seed.
    pub fn name(&self) -> String {
        format!("seed{}", self.0)
    }
}

/// The type of the units of an experiment that has none, because it takes so little time that all of it is computed in
/// [`conclude`](super::Experiment::conclude).
#[derive(Debug, Clone, Copy)]
pub enum NoUnit {}

/// Declares, in its `impl Experiment`, that an experiment has no units: all of it is computed in `conclude`.
#[macro_export]
macro_rules! no_units {
    () => {
        type Unit = $crate::experiment::units::NoUnit;
        type Piece = ();

        fn units(_: &Self::Settings, _: &[u64]) -> Vec<Self::Unit> {
            Vec::new()
        }

        fn name(unit: &Self::Unit) -> String {
            match *unit {}
        }

        fn cost(
            _: &Self::Settings,
            unit: &Self::Unit,
            _: &$crate::experiment::needs::Needs,
        ) -> $crate::experiment::units::Cost {
            match *unit {}
        }

        fn compute(
            _: &Self::Settings,
            unit: &Self::Unit,
            _: &$crate::experiment::context::Ctx,
        ) -> $crate::error::Result<()> {
            match *unit {}
        }
    };
}
