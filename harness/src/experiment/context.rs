//! The context that a run hands to an experiment.

use std::collections::BTreeMap;

use super::needs::Needs;
use crate::rng::Rng;
use crate::session::Session;
use crate::table::Tables;

/// The context that a run hands to an experiment.
#[derive(Debug, Clone, Copy)]
pub struct Ctx<'a> {
    /// The session of the computation, with the folder for files that another experiment [needs](super::About::needs).
    pub session: Session<'a>,
    /// The name of the experiment.
    pub experiment: &'static str,
    /// The seeds to measure every claim at.
    pub seeds: &'a [u64],
    /// The settings of the experiments of the run.
    pub needs: Needs<'a>,
    /// The tables of the experiments that this one needs, by their names.
    pub inputs: &'a BTreeMap<&'static str, Tables>,
}

impl Ctx<'_> {
    /// Returns the random stream with number `index` for `purpose` at `seed`. It is the same for any order of
    /// computation and any number of threads.
    pub fn rng(&self, seed: u64, purpose: &str, index: u64) -> Rng {
        Rng::stream(seed, self.experiment, purpose, index)
    }

    /// Returns the tables of an experiment that this one [needs](super::About::needs).
    ///
    /// # Panics
    /// If this experiment does not need that one.
    #[track_caller]
    pub fn input(&self, experiment: &str) -> &Tables {
        let found = self.inputs.get(experiment);
        found.unwrap_or_else(|| {
            panic!(
                "`{}` does not declare that it needs `{experiment}`",
                self.experiment
            )
        })
    }
}
