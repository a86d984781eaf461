//! The folder of a run. Every file is written whole or not at all; what is there already is never
//! touched.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use kernels::profile::{self, Part};

use crate::error::{Error, Result};
use crate::store::checksums::Checksums;
use crate::store::names::MANIFEST;

/// Held by the run that writes a folder, gone when that run has ended.
const LOCK: &str = ".harness.lock";

/// A folder that this process alone writes to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    // Locked until dropped.
    _lock: File,
    /// Of what was written here.
    checksums: Mutex<Checksums>,
}

impl Folder {
    /// The folder `path` for a new run: created if it is not there, refused if it holds anything.
    pub fn create(path: &Path) -> Result<Self> {
        if path.exists() && !path.is_dir() {
            return Err(taken(path, "is not a folder"));
        }
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        Self::refuse_contents(path)?;
        let folder = Self::lock(path)?;
        // Again, for the run that began and ended just now.
        Self::refuse_contents(path)?;
        Ok(folder)
    }

    fn refuse_contents(path: &Path) -> Result<()> {
        let entries = fs::read_dir(path).map_err(Error::io("read", path))?;
        let names: Vec<_> = entries.flatten().map(|e| e.file_name()).collect();
        match names.iter().find(|name| *name != LOCK) {
            None => Ok(()),
            Some(_) if Self::is_locked(path) => Err(busy(path)),
            Some(_) if names.iter().any(|n| n == MANIFEST) => Err(taken(path, "holds another run")),
            Some(other) => Err(taken(
                path,
                &format!("is not empty (it holds {})", other.display()),
            )),
        }
    }

    /// Whether a run is writing there at this moment.
    fn is_locked(path: &Path) -> bool {
        let lock = File::open(path.join(LOCK));
        lock.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// A fresh folder `parent/<stem>-<i>`, with the smallest free i from 1.
    pub fn create_numbered(parent: &Path, stem: &str) -> Result<Self> {
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        for i in 1.. {
            let path = parent.join(format!("{stem}-{i}"));
            match fs::create_dir(&path) {
                Ok(()) => return Self::lock(&path),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io("create", &path)(e)),
            }
        }
        unreachable!("some number is free")
    }

    /// The folder of a run that was cut short, to go on with it: what was half written is removed.
    pub fn resume(path: &Path) -> Result<Self> {
        let folder = Self::open(path)?;
        sweep(path)?;
        Ok(folder)
    }

    /// Removes a folder in this one, if it is there.
    pub fn remove(&self, name: impl AsRef<Path>) -> Result<()> {
        let path = self.path.join(name);
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", &path)(e))
            }
            _ => Ok(()),
        }
    }

    /// The folder of an earlier run, to draw it again.
    pub fn open(path: &Path) -> Result<Self> {
        fs::read_dir(path).map_err(Error::io("read", path))?;
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self> {
        let file = path.join(LOCK);
        loop {
            let lock = File::options().create(true).append(true).open(&file);
            let lock = lock.map_err(Error::io("write", &file))?;
            match lock.try_lock() {
                // Else it is the lock of a run that ended just now and has removed it.
                Ok(()) if is_at(&lock, &file) => {
                    return Ok(Folder {
                        path: path.to_path_buf(),
                        _lock: lock,
                        checksums: Mutex::default(),
                    });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(busy(path)),
                Err(TryLockError::Error(e)) => return Err(Error::io("lock", &file)(e)),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, and the folders it lies in, under a temporary name first.
    pub fn write(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<()> {
        let _span = profile::phase(Part::Writing);
        let path = self.path.join(&name);
        let parent = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::Builder::new()
                .prefix(TEMPORARY)
                .tempfile_in(parent)?;
            file.write_all(contents.as_ref())?;
            file.as_file().sync_all()?;
            readable_by_all(file.as_file())?;
            file.persist(&path).map_err(|e| e.error)?;
            Ok(())
        };
        write().map_err(Error::io("write", &path))?;
        let mut checksums = self.checksums.lock().expect("no panic while it is held");
        checksums.insert(&name.as_ref().to_string_lossy(), contents);
        Ok(())
    }

    /// Of all that this process has written here.
    pub fn checksums(&self) -> Checksums {
        let checksums = self.checksums.lock().expect("no panic while it is held");
        checksums.clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nobody may be told about a failure here, and a lock left behind does no harm.
        let _ = fs::remove_file(self.path.join(LOCK));
    }
}

/// How the names of files begin that are not written whole yet.
const TEMPORARY: &str = ".tmp-";

/// Removes what a killed run left half written.
fn sweep(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)
        .map_err(Error::io("read", folder))?
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            sweep(&path)?;
        } else if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

fn busy(path: &Path) -> Error {
    let path = path.display();
    Error::input(format!(
        "{path} is being written by another run; wait until it has ended, or choose another folder"
    ))
}

fn taken(path: &Path, what: &str) -> Error {
    let path = path.display();
    Error::input(format!(
        "{path} {what}; choose a new or empty folder with --out"
    ))
}

/// Temporary files are private; results are as readable as any other file.
#[cfg(unix)]
fn readable_by_all(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// Whether an open file is the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |m: fs::Metadata| (m.dev(), m.ino());
    let (open, named) = (file.metadata().map(place), fs::metadata(path).map(place));
    matches!((open, named), (Ok(open), Ok(named)) if open == named)
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let names = fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name());
        names.map(|n| n.into_string().unwrap()).collect()
    }

    #[test]
    fn two_runs_cannot_share_a_folder() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        let first = Folder::create(&path).unwrap();
        let error = Folder::create(&path).unwrap_err().to_string();
        assert!(error.contains("is being written by another run"), "{error}");
        drop(first);
        assert!(names(&path).is_empty());
        Folder::create(&path).unwrap();
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused_and_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("precious"), "x").unwrap();
        let error = Folder::create(parent.path()).unwrap_err().to_string();
        assert!(
            error.contains("is not empty (it holds precious)"),
            "{error}"
        );
        assert_eq!(names(parent.path()), ["precious"]);
    }

    #[test]
    fn numbered_folders_count_up() {
        let parent = tempfile::tempdir().unwrap();
        for i in 1..=3 {
            let folder = Folder::create_numbered(parent.path(), "quick").unwrap();
            assert!(folder.path().ends_with(format!("quick-{i}")));
        }
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::create(&parent.path().join("run")).unwrap();
        folder.write("a", "old").unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        assert!(folder.write("b", "text").is_err());
        assert!(!names(folder.path()).iter().any(|n| n.starts_with(".tmp")));
    }
}
