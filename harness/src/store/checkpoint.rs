//! Checkpoints of a training, from which it goes on as if nothing had happened.
//!
//! A checkpoint is the file `<experiment>/checkpoints/<training>/<step>.ckpt` with a [snapshot](Snapshot). Its metadata
//! hold everything that decides the course of the training, so that it cannot go on under other settings. Random
//! streams are named by step or epoch, so the number of the step restores them.
//!
//! The last two checkpoints are kept: where one is damaged, the run is not resumed until the user has removed it, and
//! then goes on from the one before it. All checkpoints are removed once the results of the experiment are written. The
//! result of a unit of a computation is kept in the same form, each in a file beside the folders of trainings; the
//! results of units of a run in parts stay where they are.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::input::read_result;
use crate::store::folder::Folder;
use crate::store::names::CHECKPOINTS;
use crate::store::snapshot::Snapshot;
use crate::store::system;

/// The number of checkpoints that are kept, so that there is another before a damaged one.
const KEPT: usize = 2;
/// The extension of the name of a checkpoint.
pub const SUFFIX: &str = "ckpt";
/// The key of the metadata that hold what decides the course of the training.
const IDENTITY: &str = "identity";

/// The checkpoints of one training.
#[derive(Debug)]
pub struct Store<'a> {
    run: &'a Folder,
    /// The path of the folder of the checkpoints, relative to that of the run.
    folder: String,
    /// Everything that decides the course of the training.
    identity: String,
    every: Duration,
    written: Cell<Instant>,
}

impl<'a> Store<'a> {
    /// Returns the checkpoints in a folder inside that of a run. `identity` is everything that decides the course of
    /// the training; a checkpoint is due whenever the time `every` has passed.
    pub fn new(run: &'a Folder, folder: String, identity: String, every: Duration) -> Self {
        Store {
            run,
            folder,
            identity,
            every,
            written: Cell::new(Instant::now()),
        }
    }

    /// Returns whether it is time to write a checkpoint.
    pub fn is_due(&self) -> bool {
        self.written.get().elapsed() >= self.every
    }

    /// Writes a checkpoint, and removes those before the last two.
    pub fn write(&self, step: u64, snapshot: Snapshot<'_>) -> Result<()> {
        let file = format!("{}/{step:012}.{SUFFIX}", self.folder);
        write(self.run, Path::new(&file), &self.identity, snapshot)?;
        for old in self.files()?.into_iter().skip(KEPT) {
            std::fs::remove_file(&old).map_err(Error::io("remove", &old))?;
        }
        self.written.set(Instant::now());
        Ok(())
    }

    /// Returns the contents of the last checkpoint, as `read` reads them; `None` if there is none.
    ///
    /// # Errors
    /// If the checkpoint is damaged, or belongs to another training.
    pub fn latest<T>(
        &self,
        read: impl Fn(&Snapshot<'_>) -> Result<T, String>,
    ) -> Result<Option<T>> {
        let Some(file) = self.files()?.into_iter().next() else {
            return Ok(None);
        };
        let state = self.open(&file, read)?;
        let state = state.map_err(|unfit| unfit.refused(&file, self.run.again()))?;
        Ok(Some(state))
    }

    /// Returns the contents of a checkpoint of this training, or why the file is none.
    ///
    /// # Errors
    /// If the file cannot be read at all.
    pub fn open<T>(
        &self,
        file: &Path,
        read: impl Fn(&Snapshot<'_>) -> Result<T, String>,
    ) -> Result<Result<T, Unfit>> {
        open(file, &self.identity, read)
    }

    /// Returns the files of the checkpoints, the last first.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = self.run.list(&self.folder)?;
        files.retain(|file| is_checkpoint(file));
        files.reverse();
        Ok(files)
    }
}

/// Writes a file in the form of a checkpoint to the folder of a run. `identity` is what decides its contents.
pub fn write(run: &Folder, name: &Path, identity: &str, mut snapshot: Snapshot<'_>) -> Result<()> {
    snapshot.put_metadata(IDENTITY, identity);
    run.write_pieces(name, &snapshot.pieces())
}

/// Returns the contents of a file in the form of a checkpoint, as `read` reads them, or why the file is none of the
/// identity `identity`.
///
/// # Errors
/// If the file cannot be read at all.
pub fn open<T>(
    file: &Path,
    identity: &str,
    read: impl Fn(&Snapshot<'_>) -> Result<T, String>,
) -> Result<Result<T, Unfit>> {
    let bytes = read_result(file)?;
    let snapshot = match Snapshot::decode(&bytes) {
        Ok(snapshot) => snapshot,
        Err(why) => return Ok(Err(Unfit::Damaged(why))),
    };
    let theirs = snapshot.metadata(IDENTITY).unwrap_or_default();
    if theirs != identity {
        let mut lines = theirs.lines().zip(identity.lines());
        let line = lines.find(|(a, b)| a != b).map_or(theirs, |(a, _)| a);
        return Ok(Err(Unfit::Foreign(line.into())));
    }
    Ok(read(&snapshot).map_err(Unfit::Damaged))
}

/// The reason why a file is no checkpoint of a training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// The file is damaged in this way.
    Damaged(String),
    /// The file is of another training; this line of its identity differs.
    Foreign(String),
}

impl Unfit {
    /// Returns the error of a file that is unfit for this reason; `again` is the command that computes again what the
    /// file held.
    pub fn refused(&self, file: &Path, again: &str) -> Error {
        let what = match self {
            Unfit::Damaged(why) => format!("is damaged ({why})"),
            Unfit::Foreign(line) => {
                format!("is from another training: it has `{line}`, this one does not")
            }
        };
        Error::input(format!(
            "{} {what}; remove it, and {again} goes on from the checkpoint before it, or computes this anew",
            file.display()
        ))
    }
}

/// Returns the number of steps in the name of the file of a checkpoint.
pub fn steps(file: &Path) -> Option<u64> {
    file.file_stem()?.to_str()?.parse().ok()
}

/// Returns the path of the last checkpoint in a folder, if there is one.
pub fn last(folder: &Path) -> Result<Option<PathBuf>> {
    if !system::exists(folder)? {
        return Ok(None);
    }
    let files = system::entries(folder)?.into_iter().map(|e| e.path());
    Ok(files.filter(|file| is_checkpoint(file)).max())
}

fn is_checkpoint(file: &Path) -> bool {
    file.extension().is_some_and(|e| e == SUFFIX)
}

/// Checks that no checkpoint of the experiments in the folder of a run is damaged.
pub fn verify<'a>(run: &Folder, experiments: impl IntoIterator<Item = &'a str>) -> Result<()> {
    for experiment in experiments {
        let checkpoints = format!("{experiment}/{CHECKPOINTS}");
        for entry in run.list(&checkpoints)? {
            let name = entry.file_name().expect("an entry has a name");
            let mut files = run.list(Path::new(&checkpoints).join(name))?;
            files.push(entry);
            for file in files.into_iter().filter(|file| is_checkpoint(file)) {
                Snapshot::decode(&read_result(&file)?)
                    .map_err(|why| Unfit::Damaged(why).refused(&file, run.again()))?;
            }
        }
    }
    Ok(())
}
