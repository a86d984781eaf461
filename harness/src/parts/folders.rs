//! The folders of the parts of a computation, inside the folder of the computation: each part writes to its own folder
//! and reads those of the others.

use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use super::share::Share;
use crate::error::Result;
use crate::store::names::PARTS;
use crate::store::system;

/// The key of a unit: the name of its experiment, and the name of the unit.
pub type Key = (String, String);

/// The folders of the parts that hold the result of each unit.
pub type Holders = BTreeMap<Key, Vec<PathBuf>>;

/// Notes that the folder of a part holds the results of `units`.
pub fn take(holders: &mut Holders, folder: &Path, units: Vec<Key>) {
    for unit in units {
        holders.entry(unit).or_default().push(folder.into());
    }
}

/// Returns the folders of those parts that do not share the work with the part in the folder `name`, since they are of
/// another number of parts, or have units from a table: what they hold need not be computed again.
pub fn of_other_divisions(run: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let parts = |name: &str| Share::of_folder(name).map(|share| share.parts);
    let is_other = |folder: &PathBuf| {
        let other = folder.file_name().unwrap_or_default().to_string_lossy();
        other != name && (parts(&other).is_none() || parts(&other) != parts(name))
    };
    let mut others = folders(run)?;
    others.retain(is_other);
    Ok(others)
}

/// Returns the folders of all parts that there are, in order.
pub fn folders(run: &Path) -> Result<Vec<PathBuf>> {
    let parts = run.join(PARTS);
    if !system::exists(&parts)? {
        return Ok(Vec::new());
    }
    let entries = system::entries(&parts)?.into_iter();
    // The listing tells what is a folder: only links are followed one by one.
    let is_folder = |entry: &DirEntry| {
        let kind = entry.file_type();
        kind.is_ok_and(|kind| kind.is_dir() || (kind.is_symlink() && entry.path().is_dir()))
    };
    let folders = entries.filter(is_folder);
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort_unstable();
    Ok(folders)
}
