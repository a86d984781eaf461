//! The options of a run beside its configuration.

use std::path::PathBuf;
use std::time::Duration;

use kernels::Isa;

use crate::session::progress::{Progress, Show};
use crate::session::{CHECKPOINT_EVERY, Session};
use crate::store::folder::Folder;

/// The options of a run beside its configuration: none of them changes a byte of the tables.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The size of the thread pool.
    pub threads: usize,
    /// The folder for the results; a fresh folder under `out/` if not set.
    pub out: Option<PathBuf>,
    /// Whether to go on with the run that the folder holds.
    pub resume: bool,
    /// The time between two checkpoints of a long training.
    pub checkpoint_every: Duration,
    /// The way in which progress is shown meanwhile.
    pub show: Show,
    /// Whether to measure where the time goes.
    pub profile: bool,
    /// The folders of the parts that have computed pieces of this run.
    pub parts: Vec<PathBuf>,
}

impl RunOptions {
    /// Returns the options for a new run in a fresh folder, on `threads` threads.
    pub fn new(threads: usize, show: Show) -> Self {
        RunOptions {
            threads,
            out: None,
            resume: false,
            checkpoint_every: CHECKPOINT_EVERY,
            show,
            profile: false,
            parts: Vec::new(),
        }
    }

    /// Returns the session of an experiment, which writes to its own folder in that of the run.
    pub fn session<'a>(
        &'a self,
        isa: Isa,
        folder: &'a Folder,
        experiment: &'a str,
        progress: &'a Progress,
    ) -> Session<'a> {
        Session {
            isa,
            threads: self.threads,
            progress,
            folder,
            subfolder: experiment,
            checkpoint_every: self.checkpoint_every,
            beside: &self.parts,
        }
    }
}
