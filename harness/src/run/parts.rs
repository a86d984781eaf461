//! The folders of the parts of a run, in that of the run: each part writes to its own and reads those of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::Result;
use crate::input::read_result;
use crate::run::pieces::unit_of;
use crate::store::folder::Folder;
use crate::store::names::{CHECKPOINTS, PARTS};
use crate::store::system;

/// Most parts of a run.
pub const MOST: usize = 100_000;

/// One of the parts of a run, such as 3/32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Its number, from 1.
    pub part: usize,
    /// How many there are.
    pub parts: usize,
}

impl Share {
    /// The name of its folder, so that names are in the order of numbers.
    pub fn folder(self) -> String {
        let digits = self.parts.to_string().len();
        format!("{:0digits$}-of-{}", self.part, self.parts)
    }

    /// The share whose folder has that name.
    pub fn of_folder(name: &str) -> Option<Share> {
        let (part, parts) = name.split_once("-of-")?;
        let share: Share = format!("{}/{parts}", part.trim_start_matches('0'))
            .parse()
            .ok()?;
        (share.folder() == name).then_some(share)
    }
}

impl Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.parts)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(part, parts)| {
            let [part, parts] = [part.parse().ok()?, parts.parse().ok()?];
            (1..=MOST).contains(&parts).then_some((part, parts))
        });
        let share = numbers.filter(|(part, parts)| (1..=*parts).contains(part));
        let (part, parts) = share.ok_or_else(|| {
            format!("a part is its number and how many there are, such as 3/32, at most {MOST}")
        })?;
        Ok(Share { part, parts })
    }
}

/// The folders of all parts that there are, in order.
pub fn folders(run: &Path) -> Result<Vec<PathBuf>> {
    let parts = run.join(PARTS);
    if !system::exists(&parts)? {
        return Ok(Vec::new());
    }
    let entries = system::entries(&parts)?.into_iter().map(|e| e.path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort_unstable();
    Ok(folders)
}

/// The folders that hold a piece of each unit, by experiment and name.
pub type Holders = BTreeMap<(String, String), Vec<PathBuf>>;

/// The folders among these that hold a piece of each unit of these experiments.
pub fn holders<'a>(
    folders: &[PathBuf],
    experiments: impl Iterator<Item = &'a str> + Clone,
) -> Result<Holders> {
    let mut holders = Holders::new();
    for folder in folders {
        for experiment in experiments.clone() {
            for unit in units(folder, experiment)? {
                let key = (experiment.to_string(), unit);
                holders.entry(key).or_default().push(folder.clone());
            }
        }
    }
    Ok(holders)
}

/// The units of an experiment of which a folder holds a piece.
pub fn units(folder: &Path, experiment: &str) -> Result<BTreeSet<String>> {
    let checkpoints = folder.join(experiment).join(CHECKPOINTS);
    let mut units = BTreeSet::new();
    if system::exists(&checkpoints)? {
        for entry in system::entries(&checkpoints)? {
            let name = entry.file_name();
            let unit = name.to_str().and_then(unit_of);
            // A folder without a file is that of a unit whose piece is just being written.
            if let Some(unit) = unit
                && !system::entries(&entry.path())?.is_empty()
            {
                units.insert(unit.to_string());
            }
        }
    }
    Ok(units)
}

/// The command that computes a part again.
pub fn again(part: &Path, run: &Path) -> String {
    let name = part.file_name().unwrap_or_default().to_string_lossy();
    match Share::of_folder(&name) {
        Some(share) => format!("`harness run --part {share} --out {}`", run.display()),
        None => format!(
            "`harness run --units {}.csv --out {}`",
            name.trim_start_matches("units-"),
            run.display()
        ),
    }
}

/// Copies what an experiment has left in the folders of parts, pieces and checkpoints aside, to that of the run.
pub fn adopt(folder: &Folder, experiment: &str, parts: &[PathBuf]) -> Result<()> {
    for part in parts {
        let from = part.join(experiment);
        if !system::exists(&from)? {
            continue;
        }
        for entry in system::entries(&from)? {
            if entry.path().is_dir() && entry.file_name() != CHECKPOINTS {
                for file in system::entries(&entry.path())? {
                    let name = file.path();
                    let name = name.strip_prefix(part).expect("it lies in the part");
                    folder.write(name, read_result(&file.path())?)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_as_it_is_written() {
        for (text, folder) in [
            ("3/32", "03-of-32"),
            ("1/1", "1-of-1"),
            ("100/100", "100-of-100"),
        ] {
            let share: Share = text.parse().unwrap();
            assert_eq!(
                (share.to_string(), share.folder()),
                (text.into(), folder.into())
            );
            assert_eq!(Share::of_folder(folder), Some(share));
        }
        for wrong in [
            "", "3", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/2", "1/100001",
        ] {
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
        }
        for wrong in ["3-of-32", "units", "00-of-3", "03-of-03"] {
            assert_eq!(Share::of_folder(wrong), None);
        }
    }
}
