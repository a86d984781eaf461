//! The temporary files to which everything is written first, and the removal of those that a killed run leaves.

use std::fs::{self, DirEntry, File};
use std::io;
use std::path::Path;

use tempfile::TempPath;

use crate::error::{Error, Result};
use crate::store::system::entries;

/// The beginning of the name of a temporary file; some random letters and digits follow.
pub const PREFIX: &str = ".harness-tmp-";

/// The number of random letters and digits in the name of a temporary file.
const RANDOM: usize = 6;

/// Creates a temporary file in a folder, with the permissions of any new file, which the umask decides. The file is
/// removed when its path is dropped, unless it was given another name before. The errors are those of the system,
/// without the file's name, which a user never gave.
pub fn create_in(folder: &Path) -> io::Result<(File, TempPath)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).rand_bytes(RANDOM);
    let create = |path: &Path| File::options().write(true).create_new(true).open(path);
    Ok(builder.make_in(folder, create)?.into_parts())
}

/// Returns whether an entry of a folder is a temporary file as [`create_in`] makes it.
pub fn is_temporary(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    random.is_some_and(|r| r.len() == RANDOM && r.bytes().all(|b| b.is_ascii_alphanumeric()))
        && entry.file_type().is_ok_and(|kind| kind.is_file())
}

/// Removes the temporary files in a folder, but not those in folders that it holds.
pub fn sweep(folder: &Path) -> Result<()> {
    for entry in entries(folder)?.iter().filter(|entry| is_temporary(entry)) {
        let path = entry.path();
        fs::remove_file(&path).map_err(Error::io("remove", &path))?;
    }
    Ok(())
}

/// Removes the temporary files in a folder and in the folders that it holds, unless it is no folder or a symbolic link.
pub fn sweep_deep(folder: &Path) -> Result<()> {
    if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    sweep(folder)?;
    let inner = entries(folder)?;
    inner.iter().try_for_each(|entry| sweep_deep(&entry.path()))
}
