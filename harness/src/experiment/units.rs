//! The units of an experiment: the parts of its computation that need no other part. A run computes them all, a part of
//! a run on a cluster some of them, and whoever has the pieces that come out of all of them concludes.

/// What a unit costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Units of progress that it reports.
    pub ticks: u64,
    /// Estimated seconds on one core.
    pub seconds: f64,
}

/// A unit, whatever its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// Its name, which no other unit of its experiment has: letters, digits, dots and hyphens.
    pub name: String,
    /// What it costs.
    pub cost: Cost,
}

/// The unit of an experiment at one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfSeed(pub u64);

impl OfSeed {
    /// A unit for each seed.
    pub fn each(seeds: &[u64]) -> Vec<OfSeed> {
        seeds.iter().copied().map(OfSeed).collect()
    }

    /// Its name.
    pub fn name(&self) -> String {
        format!("seed{}", self.0)
    }
}

/// The units of an experiment that has none: it takes so little time that whoever concludes computes it as well.
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
