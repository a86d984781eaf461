//! The temporary files that everything is written to first, and what a run that was killed leaves of them.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::store::system::entries;

/// The beginning of the name of a temporary file; some random letters and digits follow.
pub const PREFIX: &str = ".harness-tmp-";

/// The number of these letters and digits.
const RANDOM: usize = 6;

/// Creates a temporary file in a folder, with the permissions of any new file, which the umask decides.
pub fn create_in(folder: &Path) -> io::Result<NamedTempFile> {
    builder().tempfile_in(folder)
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}

/// Whether an entry of a folder is what [`create_in`] makes.
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

/// Removes the temporary files in a folder, if that is one and no symbolic link, and in those that it holds.
pub fn sweep_deep(folder: &Path) -> Result<()> {
    if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    sweep(folder)?;
    let inner = entries(folder)?;
    inner.iter().try_for_each(|entry| sweep_deep(&entry.path()))
}
