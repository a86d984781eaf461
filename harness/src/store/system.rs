//! Differences between systems, most of them in files. Many file systems that are mounted over a network or run in user
//! space know no locks or cannot flush to disk; the errors by which they say so are told from those of a disk that is
//! full or fails.

use std::fs::{self, DirEntry, File};
use std::io;
use std::path::Path;

use crate::error::{Error, Result};

/// Returns whether an error says that the system refuses an operation as such, and not that it failed this time.
#[cfg(unix)]
pub fn is_unsupported(error: &io::Error) -> bool {
    use nix::errno::Errno;
    // EPERM and EACCES: a sandbox can forbid locks and flushing to files that it lets be written.
    let refusals = [
        Errno::EACCES,
        Errno::EINVAL,
        Errno::ENOLCK,
        Errno::ENOSYS,
        Errno::ENOTSUP,
        Errno::ENOTTY,
        Errno::EOPNOTSUPP,
        Errno::EPERM,
    ];
    let code = error.raw_os_error().map(Errno::from_raw);
    code.is_some_and(|code| refusals.contains(&code))
}

#[cfg(not(unix))]
pub fn is_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// Closes a file that was written. Where the file could not be flushed, this is the last call that can tell that the
/// disk is full.
pub fn close(file: File) -> io::Result<()> {
    #[cfg(unix)]
    nix::unistd::close(file)?;
    #[cfg(not(unix))]
    drop(file);
    Ok(())
}

/// Flushes the names in a folder to disk, so that a power cut takes back neither a new file nor a new name.
#[cfg(unix)]
pub fn flush_names(folder: &Path) -> io::Result<()> {
    let here = Path::new(".");
    let folder = if folder == Path::new("") {
        here
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

/// Does nothing: folders cannot be opened on this system.
#[cfg(not(unix))]
pub fn flush_names(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns whether an open file is the one at a path.
#[cfg(unix)]
pub fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |m: std::fs::Metadata| (m.dev(), m.ino());
    let (open, named) = (file.metadata().map(place), path.metadata().map(place));
    matches!((open, named), (Ok(open), Ok(named)) if open == named)
}

#[cfg(not(unix))]
pub fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Returns whether there is a file or folder at a path.
///
/// # Errors
/// If the system cannot tell: what cannot be read now is not gone.
pub fn exists(path: &Path) -> Result<bool> {
    path.try_exists().map_err(Error::io("read", path))
}

/// Returns the entries of a folder.
pub fn entries(folder: &Path) -> Result<Vec<DirEntry>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect);
    entries.map_err(Error::io("read", folder))
}

/// Returns the name of this machine, if it has one.
pub fn host() -> Option<String> {
    #[cfg(unix)]
    let name = nix::unistd::gethostname().ok()?.into_string().ok();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").ok();
    name
}

/// Returns the seconds that all threads of this process have had a processor; `None` where the system does not tell.
pub fn cpu_seconds() -> Option<f64> {
    #[cfg(unix)]
    let seconds = {
        use nix::sys::resource::{UsageWho, getrusage};
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        let each = [usage.user_time(), usage.system_time()];
        Some(
            each.map(|t| t.tv_sec() as f64 + 1e-6 * t.tv_usec() as f64)
                .iter()
                .sum(),
        )
    };
    #[cfg(not(unix))]
    let seconds = None;
    seconds
}
