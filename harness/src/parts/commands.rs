//! The commands of a computation in parts, for messages that say how to go on.

use std::path::Path;

use super::share::Share;
use crate::error::Error;
use crate::store::checkpoint::Unfit;
use crate::store::names::PARTS;

/// What a part is named after whose units stand in a table.
pub const LISTED: &str = "units-";

/// The commands of a computation in parts.
#[derive(Debug, Clone, Copy)]
pub struct Commands {
    /// The command that plans it.
    pub plan: &'static str,
    /// The command that computes a part, with `--part`.
    pub part: &'static str,
    /// The command that merges the parts.
    pub merge: &'static str,
}

impl Commands {
    /// The command that computes a part again, by the folder of the part.
    pub fn again(&self, part: &Path, run: &Path) -> String {
        let name = part.file_name().unwrap_or_default().to_string_lossy();
        let (command, run) = (self.part, run.display());
        match Share::of_folder(&name) {
            Some(share) => format!("`{command} --part {share} --out {run}`"),
            None => {
                let table = name.strip_prefix(LISTED).unwrap_or(&name);
                format!("`{command} --units {table}.csv --out {run}`")
            }
        }
    }

    /// The error of a file in a part that does not hold what it should.
    pub fn refused(&self, file: &Path, run: &Path, unfit: &Unfit) -> Error {
        let name = file.strip_prefix(run.join(PARTS)).ok();
        let part = name.and_then(|name| name.components().next());
        let again = part.map(|part| self.again(Path::new(&part), run));
        let again = again.unwrap_or_else(|| "its part".into());
        let file = file.display();
        let what = match unfit {
            Unfit::Damaged(why) => format!("is damaged ({why})"),
            Unfit::Foreign(line) => {
                format!("is a piece of another run: it has `{line}`, this one does not")
            }
        };
        Error::input(format!(
            "{file} {what}; remove it, and compute it again by {again}"
        ))
    }
}
