//! What a run hands to an experiment.

use std::collections::BTreeMap;

use super::needs::Needs;
use crate::rng::Rng;
use crate::session::Session;
use crate::table::Tables;

/// What a run hands to an experiment.
#[derive(Debug, Clone, Copy)]
pub struct Ctx<'a> {
    /// The means of the computation, and the folder for what another experiment [needs](super::About::needs).
    pub session: Session<'a>,
    /// Id of the experiment.
    pub experiment: &'static str,
    /// Seeds to measure every claim at.
    pub seeds: &'a [u64],
    /// The settings of the experiments of the run.
    pub needs: Needs<'a>,
    /// Tables of the experiments that this one needs.
    pub inputs: &'a BTreeMap<&'static str, Tables>,
}

impl Ctx<'_> {
    /// The random stream number `index` for `purpose` at `seed`: the same for any order and any
    /// number of threads.
    pub fn rng(&self, seed: u64, purpose: &str, index: u64) -> Rng {
        Rng::stream(seed, self.experiment, purpose, index)
    }

    /// The tables of an experiment that this one [needs](super::About::needs).
    ///
    /// # Panics
    /// If it is not among them.
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
