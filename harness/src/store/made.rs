//! Folders that are made for a command, and removed again if it leaves nothing in them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Returns a folder and those that it lies in, as far as they are not there, innermost first.
pub fn missing(path: &Path) -> impl Iterator<Item = &Path> {
    let named = path.ancestors().filter(|folder| *folder != Path::new(""));
    named.take_while(|folder| !folder.exists())
}

/// Creates a folder and those it lies in, as far as they are not there.
pub fn create_folders(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io("create", path))
}

/// Folders that were made, each before the one that it lies in. Those that are empty when this is dropped are removed.
#[derive(Debug)]
pub struct Made(Vec<PathBuf>);

impl Made {
    /// Creates a folder and those it lies in, as far as they are not there.
    pub fn create(path: &Path) -> Result<Made> {
        let made = Made(missing(path).map(Path::to_path_buf).collect());
        create_folders(path)?;
        Ok(made)
    }

    /// Adds a folder that was made in the innermost one.
    pub fn push(&mut self, folder: PathBuf) {
        self.0.insert(0, folder);
    }

    /// Returns the folders, innermost first.
    pub fn folders(&self) -> &[PathBuf] {
        &self.0
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for folder in &self.0 {
            // A folder can be removed only if it is empty.
            let _ = fs::remove_dir(folder);
        }
    }
}
