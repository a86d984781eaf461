//! The units that a part computes: a share of all units, or those that a table lists.

use std::collections::BTreeSet;
use std::path::Path;

use super::commands::LISTED;
use super::folders::Key;
use super::plan::{Planned, ours};
use super::share::Share;
use crate::error::{Error, Result};
use crate::table::{Record as _, Table};

/// The units that a part computes.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The name of the folder of the part.
    pub folder: String,
    /// The units, by experiment and name.
    pub units: BTreeSet<Key>,
    /// Whether these are all units of the part.
    pub is_whole: bool,
}

impl Wanted {
    /// Returns the units of a share.
    pub fn share(share: Share, planned: &[Planned]) -> Self {
        Wanted {
            folder: share.folder(),
            units: ours(planned, share).map(Planned::key).collect(),
            is_whole: true,
        }
    }

    /// Returns the units that a table lists in lines of the plan; the part is named after the file.
    ///
    /// # Errors
    /// If the file is no such table, lists nothing, or lists a unit that is not planned.
    pub fn listed(path: &Path, planned: &[Planned]) -> Result<Self> {
        let units: Vec<Planned> = Table::read(Planned::SPEC, path)?.rows();
        let known: BTreeSet<_> = planned.iter().map(Planned::key).collect();
        let wrong = |what: &str| {
            let path = path.display();
            Error::input(format!(
                "{path} {what}; write lines of plan.csv to it, and its first one"
            ))
        };
        if units.is_empty() {
            return Err(wrong("lists no unit"));
        }
        if let Some(other) = units.iter().find(|unit| !known.contains(&unit.key())) {
            return Err(wrong(&format!(
                "lists the unit `{}` of `{}`, which this plan does not have",
                other.unit, other.experiment
            )));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Wanted {
            folder: format!("{LISTED}{name}"),
            units: units.iter().map(Planned::key).collect(),
            is_whole: true,
        })
    }

    /// Returns the same without the units of rounds after the first `rounds`.
    pub fn of_rounds(mut self, rounds: usize, planned: &[Planned]) -> Self {
        let later = planned.iter().filter(|unit| unit.round > rounds);
        for key in later.map(Planned::key) {
            self.is_whole &= !self.units.remove(&key);
        }
        self
    }

    /// Returns whether the part has units of an experiment.
    pub fn has(&self, experiment: &str) -> bool {
        self.units.iter().any(|(of, _)| of == experiment)
    }
}
