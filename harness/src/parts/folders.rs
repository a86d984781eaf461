//! The folders of the parts of a computation, in its own: each part writes to its own and reads those of the others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::store::names::PARTS;
use crate::store::system;

/// The name of a unit: that of its experiment, and its own.
pub type Key = (String, String);

/// The folders that hold what came out of each unit.
pub type Holders = BTreeMap<Key, Vec<PathBuf>>;

/// Notes that the folder of a part holds what came out of these units.
pub fn take(holders: &mut Holders, folder: &Path, units: Vec<Key>) {
    for unit in units {
        holders.entry(unit).or_default().push(folder.into());
    }
}

/// The folders of all parts that there are, in order.
pub fn folders(run: &Path) -> Result<Vec<PathBuf>> {
    let parts = run.join(PARTS);
    if !system::exists(&parts)? {
        return Ok(Vec::new());
    }
    let entries = system::entries(&parts)?.into_iter();
    // The listing tells what is a folder: no file is asked for one by one.
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort_unstable();
    Ok(folders)
}
