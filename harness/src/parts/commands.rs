//! The commands of a computation in parts, for messages that say how to go on.

use std::path::Path;

use super::share::Share;
use crate::error::Error;
use crate::store::checkpoint::Unfit;
use crate::store::names::{CONFIG, PARTS};
use crate::text::{quoted, quoted_path};

/// The beginning of the name of the folder of a part whose units are listed in a table; the name of the table follows.
pub const LISTED: &str = "units-";

/// The commands of a computation in parts.
#[derive(Debug, Clone, Copy)]
pub struct Commands {
    /// The command that plans the computation.
    pub plan: &'static str,
    /// The command that computes a part, with `--part`.
    pub part: &'static str,
    /// The command that merges the parts.
    pub merge: &'static str,
}

impl Commands {
    /// Returns the command that computes a part of the run in the folder `run`.
    pub fn compute(&self, part: impl std::fmt::Display, run: &Path) -> String {
        format!("`{} --part {part} --out {}`", self.part, quoted_path(run))
    }

    /// Returns the command that writes the files of the plan in a folder once more, to a new folder NEW.
    pub fn plan_again(&self, run: &Path) -> String {
        let config = quoted_path(&run.join(CONFIG));
        format!("`{} --config {config} --out NEW`", self.plan)
    }

    /// Returns the command that merges the run in the folder `run`.
    pub fn merge(&self, run: &Path) -> String {
        format!("`{} {}`", self.merge, quoted_path(run))
    }

    /// Returns the command that computes again what is lost of a folder: that of a part, or of the run.
    pub fn again(&self, folder: &Path) -> String {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let parts = folder.parent().filter(|parent| parent.ends_with(PARTS));
        let Some(run) = parts.and_then(Path::parent) else {
            return self.merge(folder);
        };
        match (Share::of_folder(&name), name.strip_prefix(LISTED)) {
            (Some(share), _) => self.compute(share, run),
            (None, Some(table)) => {
                let (command, table) = (self.part, quoted(&format!("{table}.csv")));
                format!("`{command} --units {table} --out {}`", quoted_path(run))
            }
            (None, None) => self.merge(folder),
        }
    }

    /// Returns the error of a file of a part of the run, or of the run itself, that does not hold what it should.
    pub fn refused(&self, file: &Path, run: &Path, unfit: &Unfit) -> Error {
        let parts = run.join(PARTS);
        let inside = file.strip_prefix(&parts).ok();
        let part = inside.and_then(|inside| inside.components().next());
        let folder = part.map_or(run.to_path_buf(), |part| parts.join(part));
        unfit.refused(file, &self.again(&folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_tells_the_command_that_computes_it() {
        let commands = Commands {
            plan: "plan",
            part: "run",
            merge: "merge",
        };
        for (folder, again) in [
            ("a/parts/02-of-12", "`run --part 2/12 --out a`"),
            ("my run/parts/1-of-2", "`run --part 1/2 --out 'my run'`"),
            ("a/parts/units-some", "`run --units some.csv --out a`"),
            ("a", "`merge a`"),
            ("a/parts/mine", "`merge a/parts/mine`"),
        ] {
            assert_eq!(commands.again(Path::new(folder)), again);
        }
    }
}
