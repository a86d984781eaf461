//! The pieces that the parts of a run have computed, and the files that a merged run takes over from them.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::input::read_result;
use crate::parts::Commands;
use crate::store::folder::Folder;
use crate::store::names::CHECKPOINTS;
use crate::store::{system, temporary};
use crate::text::quoted_path;

pub use crate::parts::folders::folders;

/// The commands of a run in parts.
pub const COMMANDS: Commands = Commands {
    plan: "harness plan",
    part: "harness run",
    merge: "harness merge",
};

/// Returns the command that, for the run in a folder, concludes what units of the next round need.
pub fn conclude_needed(run: &Path) -> String {
    format!("`{} --needed {}`", COMMANDS.merge, quoted_path(run))
}

/// Copies the files that an experiment has left in the folders of parts, pieces and checkpoints aside, to the folder of
/// the run.
pub fn adopt(folder: &Folder, experiment: &str, parts: &[PathBuf]) -> Result<()> {
    for part in parts {
        let from = part.join(experiment);
        if !system::exists(&from)? {
            continue;
        }
        for entry in system::entries(&from)? {
            if entry.path().is_dir() && entry.file_name() != CHECKPOINTS {
                let files = system::entries(&entry.path())?.into_iter();
                for file in files.filter(is_finished) {
                    let name = file.path();
                    let name = name.strip_prefix(part).expect("it lies in the part");
                    folder.write(name, read_result(&file.path())?)?;
                }
            }
        }
    }
    Ok(())
}

/// Returns whether an entry of a folder is a file that was written whole.
fn is_finished(entry: &DirEntry) -> bool {
    entry.path().is_file() && !temporary::is_temporary(entry)
}
