//! The session of a long computation, whatever it computes: how to run, where to write, and how to report.

pub mod progress;
pub mod signals;
pub mod training;

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use kernels::{Exec, Isa};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::session::progress::Progress;
use crate::store::checkpoint::Store;
use crate::store::folder::Folder;
use crate::store::names::CHECKPOINTS;

/// The default time between two checkpoints.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// The session of one long computation.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// The instruction set that kernels run on.
    pub isa: Isa,
    /// The size of the thread pool.
    pub threads: usize,
    /// The progress, to which work done is reported, and from which an interrupt arrives.
    pub progress: &'a Progress,
    /// The folder of the run.
    pub folder: &'a Folder,
    /// The name of the folder of this computation in that of the run: what it leaves for others goes there.
    pub subfolder: &'a str,
    /// The time between two checkpoints of a long training.
    pub checkpoint_every: Duration,
    /// The folders of other parts of the same run, which are only read.
    pub beside: &'a [PathBuf],
}

/// Returns a pool of `threads` threads for a long computation.
///
/// # Errors
/// If the system does not start as many threads.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|e| {
        Error::input(format!(
            "cannot start {threads} threads: {e}; choose fewer with --threads, or raise the limits of this process \
             (ulimit -a shows them)"
        ))
    })
}

/// Returns the number of models that are computed at once: one on each thread if there are at least as many models as
/// threads, else one on all threads.
pub fn at_once(models: usize, threads: usize) -> usize {
    match models >= threads {
        true => threads,
        false => 1,
    }
}

impl<'a> Session<'a> {
    /// Returns the kernels for the computation of `models` models: on one thread each if there is a model for every
    /// thread, else on all threads, one model after the other.
    pub fn exec(&self, models: usize) -> Exec {
        match at_once(models, self.threads) {
            1 if self.threads > 1 => self.parallel(),
            _ => self.serial(),
        }
    }

    /// Returns the kernels on one thread, for work that is already split over the pool.
    pub fn serial(&self) -> Exec {
        Exec::serial(self.isa)
    }

    /// Returns the kernels on all threads of the pool.
    pub fn parallel(&self) -> Exec {
        Exec::parallel(self.isa)
    }

    /// Returns the path of a file in the folder of the run, or in that of another part of the same run if only that has
    /// it.
    pub fn find(&self, name: &str) -> PathBuf {
        let own = self.folder.path().join(name);
        let others = self.beside.iter().map(|folder| folder.join(name));
        let mut found = std::iter::once(own.clone()).chain(others);
        found.find(|path| path.exists()).unwrap_or(own)
    }

    /// Returns the text of all that decides the results of a computation: version, instruction set, the name of the
    /// computation in messages, and its settings.
    pub fn identity(&self, computation: impl Display, settings: &impl Serialize) -> String {
        let settings = toml::to_string(settings).expect("settings are a flat struct");
        let (version, isa) = (env!("CARGO_PKG_VERSION"), self.isa.name());
        format!("harness {version}, {isa}\n{computation}\n{settings}")
    }

    /// Returns the checkpoints of a training: `slug` is the name of their folder, `training` the name of the training
    /// in messages, and `settings` are the settings that decide its course.
    pub fn checkpoints(
        &self,
        slug: &str,
        training: impl Display,
        settings: &impl Serialize,
    ) -> Store<'a> {
        Store::new(
            self.folder,
            format!("{}/{CHECKPOINTS}/{slug}", self.subfolder),
            self.identity(training, settings),
            self.checkpoint_every,
        )
    }
}
