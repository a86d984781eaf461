//! What a run hands to an experiment.

use std::collections::BTreeMap;
use std::time::Duration;

use kernels::{Exec, Isa};

use crate::output::Folder;
use crate::progress::Progress;
use crate::rng::Rng;
use crate::table::Tables;

/// What a run hands to an experiment.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// Id of the experiment.
    pub experiment: &'static str,
    /// Seeds to measure every claim at.
    pub seeds: &'a [u64],
    /// The instruction set that kernels run on.
    pub isa: Isa,
    /// Size of the thread pool.
    pub threads: usize,
    /// Where to report work done; also how an interrupt arrives.
    pub progress: &'a Progress,
    /// How often a long training writes a checkpoint.
    pub checkpoint_every: Duration,
    /// The run's folder, for artefacts that another experiment [needs](super::Experiment::NEEDS): write
    /// them under the name of this one.
    pub folder: &'a Folder,
    /// Tables of the experiments that this one needs.
    pub inputs: &'a BTreeMap<&'static str, Tables>,
}

impl Ctx<'_> {
    /// Kernels on one thread, for work that is already split over the pool.
    pub fn serial(&self) -> Exec {
        Exec::serial(self.isa)
    }

    /// Kernels on all threads of the pool.
    pub fn parallel(&self) -> Exec {
        Exec::parallel(self.isa)
    }

    /// The random stream number `index` for `purpose` at `seed`: the same for any order and any
    /// number of threads.
    pub fn rng(&self, seed: u64, purpose: &str, index: u64) -> Rng {
        Rng::stream(seed, self.experiment, purpose, index)
    }

    /// The tables of an experiment that this one [needs](super::Experiment::NEEDS).
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
