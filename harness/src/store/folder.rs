//! The folder of a run. Every file is written whole or not at all, what is there already is never touched, and nothing
//! is written or removed through a symbolic link in it: what a link points to belongs to somebody else.

use std::fs::{self, DirEntry, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::phase::Phase;
use crate::stderr::warn;
use crate::store::checksums::Checksums;
use crate::store::made::{Made, create_folders, missing};
use crate::store::names::MANIFEST;
use crate::store::system::{self, entries, exists};
use crate::store::temporary;
use crate::text::quoted_path;

mod derived;

/// The name of the lock file, which the run that writes a folder holds, and removes when it ends.
const LOCK: &str = ".harness.lock";

/// A folder that this process alone writes to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The command that goes on with what is written here.
    again: String,
    // The lock file, locked until it is dropped.
    _lock: File,
    /// The checksums of what was written here.
    checksums: Mutex<Checksums>,
    /// The folders that were made for this one, if it is new.
    made: Option<Made>,
    /// Whether the user has been told that nothing here can be flushed to disk.
    told_unflushed: AtomicBool,
}

impl Folder {
    /// Returns the folder `path` for a new run: created if it is not there, refused if it holds anything.
    pub fn create(path: &Path) -> Result<Self> {
        if path.exists() && !path.is_dir() {
            return Err(taken(path, "is not a folder"));
        }
        let made = Made::create(path)?;
        Self::refuse_contents(path)?;
        let folder = Self::lock(path)?;
        // The contents are checked again, for a run that began and ended just now.
        Self::refuse_contents(path)?;
        folder.made(made)
    }

    fn refuse_contents(path: &Path) -> Result<()> {
        let names: Vec<_> = entries(path)?.iter().map(DirEntry::file_name).collect();
        match names.iter().find(|name| *name != LOCK) {
            None => Ok(()),
            Some(_) if Self::is_busy(path) => Err(busy(path)),
            Some(_) if names.iter().any(|n| n == MANIFEST) => Err(taken(path, "holds another run")),
            Some(other) => Err(taken(
                path,
                &format!("is not empty (it holds {})", other.display()),
            )),
        }
    }

    /// Checks that no run is writing to a folder at this moment. It neither leaves a lock there nor waits for one.
    pub fn refuse_busy(path: &Path) -> Result<()> {
        match Self::is_busy(path) {
            true => Err(busy(path)),
            false => Ok(()),
        }
    }

    /// Returns whether a run is writing to the folder `path` at this moment.
    pub fn is_busy(path: &Path) -> bool {
        let lock = path.join(LOCK);
        if lock.is_symlink() {
            return false;
        }
        File::open(lock).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Creates the folder `parent/<stem>-<i>`, with the smallest free i from 1.
    pub fn create_numbered(parent: &Path, stem: &str) -> Result<Self> {
        let mut made = Made::create(parent)?;
        for i in 1.. {
            let path = parent.join(format!("{stem}-{i}"));
            match fs::create_dir(&path) {
                Ok(()) => {
                    made.push(path.clone());
                    return Self::lock(&path)?.made(made);
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io("create", &path)(e)),
            }
        }
        unreachable!("some number is free")
    }

    /// Returns the folder as a new one, for which the folders `made` were made.
    fn made(mut self, made: Made) -> Result<Self> {
        self.made = Some(made);
        let made = self.made.iter().flat_map(Made::folders);
        self.flush_names(made.filter_map(|folder| folder.parent()))?;
        Ok(self)
    }

    /// Does some work that writes to this folder. If it fails and the folder is new, all that was written is removed
    /// again, and so is the folder if it was made for this: a command that is refused leaves nothing behind. An
    /// interrupted command leaves all, to go on from there.
    pub fn all_or_nothing<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let done = work();
        if self.made.is_some() && matches!(done, Err(Error::Input(_) | Error::Io { .. })) {
            let mut checksums = self.checksums.lock().expect("no panic while it is held");
            for name in std::mem::take(&mut *checksums).names() {
                // The error of the work says more than one of the removal.
                let path = self.path.join(name);
                let _ = fs::remove_file(&path);
                let inside = path.ancestors().skip(1);
                for folder in inside.take_while(|folder| *folder != self.path) {
                    let _ = fs::remove_dir(folder);
                }
            }
        }
        done
    }

    /// Returns the folder of a run that was cut short, to go on with it: half-written files are removed, in the folder
    /// and in those that the run made inside it under the names `own`.
    pub fn resume<'a>(path: &Path, own: impl Iterator<Item = &'a str> + Clone) -> Result<Self> {
        let folder = Self::open(path, own.clone())?;
        temporary::sweep(path)?;
        for name in own {
            temporary::sweep_deep(&path.join(name))?;
        }
        Ok(folder)
    }

    /// Returns the folder `path` for what is drawn from the run in `run`: created like that of a new run, but refused
    /// inside of that run's folder.
    pub fn create_beside(path: &Path, run: &Path) -> Result<Self> {
        let whole = |path: &Path| fs::canonicalize(path).map_err(Error::io("read", path));
        let there = path.ancestors().find(|folder| folder.exists());
        let there = there.unwrap_or(Path::new("."));
        if whole(there)?.starts_with(whole(run)?) {
            return Err(taken(path, &format!("lies in {}", run.display())));
        }
        Self::create(path)
    }

    /// Returns the folder of an earlier run, to write there again; `own` are the names of the folders that a run makes
    /// inside it.
    pub fn open<'a>(path: &Path, own: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        fs::read_dir(path).map_err(Error::io("read", path))?;
        for name in own {
            refuse_link(&path.join(name))?;
        }
        Self::lock(path)
    }

    /// Removes a folder in this one, if it is there.
    pub fn remove(&self, name: impl AsRef<Path>) -> Result<()> {
        let path = self.place(name.as_ref())?;
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", &path)(e))
            }
            _ => Ok(()),
        }
    }

    /// Returns the paths of what a folder in this one holds, in order; none if it is not there.
    pub fn list(&self, name: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        let path = self.place(name.as_ref())?;
        if !exists(&path)? || path.is_file() {
            return Ok(Vec::new());
        }
        let mut paths: Vec<_> = entries(&path)?.iter().map(DirEntry::path).collect();
        paths.sort_unstable();
        Ok(paths)
    }

    /// Returns the path of a file or folder in this one.
    ///
    /// # Errors
    /// If it, or a folder that it lies in, is a symbolic link.
    fn place(&self, name: &Path) -> Result<PathBuf> {
        let mut path = self.path.clone();
        for part in name {
            path.push(part);
            refuse_link(&path)?;
        }
        Ok(path)
    }

    fn lock(path: &Path) -> Result<Self> {
        let file = path.join(LOCK);
        let mut more_tries = 0..100;
        let (lock, unlocked) = loop {
            refuse_link(&file)?;
            let lock = File::options().create(true).append(true).open(&file);
            let lock = lock.map_err(Error::io("write", &file))?;
            match lock.try_lock() {
                Ok(()) if system::is_at(&lock, &file) => break (lock, None),
                // The lock is that of a run that ended just now and has removed it.
                Ok(()) if more_tries.next().is_some() => {}
                Ok(()) => break (lock, Some("it does not tell one file from another".into())),
                Err(TryLockError::WouldBlock) => return Err(busy(path)),
                Err(TryLockError::Error(e)) if system::is_unsupported(&e) => {
                    break (lock, Some(e.to_string()));
                }
                Err(TryLockError::Error(e)) => return Err(Error::io("lock", &file)(e)),
            }
        };
        if let Some(why) = unlocked {
            warn(&format!(
                "the file system of {} has no locks ({why}); see to it that no other run writes there meanwhile",
                path.display()
            ));
        }
        Ok(Folder {
            path: path.to_path_buf(),
            again: format!("`--resume {}`", quoted_path(path)),
            _lock: lock,
            checksums: Mutex::default(),
            made: None,
            told_unflushed: AtomicBool::new(false),
        })
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the same folder, of which messages say that this command goes on with what is written there.
    pub fn continued_by(mut self, command: String) -> Self {
        self.again = command;
        self
    }

    /// Returns the same result, where an interrupt names the command that goes on with what is written here.
    pub fn telling_again<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error {
            Error::Interrupted(None) => Error::Interrupted(Some(self.again.clone())),
            other => other,
        })
    }

    /// Returns the command that goes on with what is written here.
    pub fn again(&self) -> &str {
        &self.again
    }

    /// Writes a file, and the folders that it lies in; the file has a temporary name until it is whole.
    pub fn write(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<()> {
        self.write_pieces(name, &[contents])
    }

    /// Writes a file as [`write`](Self::write) does, from pieces one after another.
    pub fn write_pieces(&self, name: impl AsRef<Path>, pieces: &[impl AsRef<[u8]>]) -> Result<()> {
        let _span = Phase::Writing.begin();
        let name = name.as_ref();
        let parent = self.place(name.parent().expect("a file lies in a folder"))?;
        let mut changed: Vec<&Path> = missing(&parent).filter_map(Path::parent).collect();
        changed.push(&parent);
        create_folders(&parent)?;
        let path = self.path.join(name);
        let failed = |action| Error::io(action, &path);
        let created = temporary::create_in(&parent);
        let (mut file, temporary_path) = created.map_err(failed("write"))?;
        for piece in pieces {
            file.write_all(piece.as_ref()).map_err(failed("write"))?;
        }
        self.flushed(&path, file.sync_all())?;
        system::close(file).map_err(failed("write"))?;
        let renamed = temporary_path.persist(&path).map_err(|e| e.error);
        renamed.map_err(failed("rename the finished file to"))?;
        self.flush_names(changed)?;
        let mut checksums = self.checksums.lock().expect("no panic while it is held");
        checksums.insert(&name.to_string_lossy(), pieces);
        Ok(())
    }

    /// Flushes the names in folders to disk.
    fn flush_names<'p>(&self, folders: impl IntoIterator<Item = &'p Path>) -> Result<()> {
        let mut folders = folders.into_iter();
        folders.try_for_each(|path| self.flushed(path, system::flush_names(path)))
    }

    /// Takes the result of an attempt to flush to disk. Where that cannot be done at all, the user is told, once.
    fn flushed(&self, path: &Path, result: std::io::Result<()>) -> Result<()> {
        match result {
            Err(e) if system::is_unsupported(&e) => {
                if !self.told_unflushed.swap(true, Ordering::Relaxed) {
                    warn(&format!(
                        "the file system of {} cannot flush to disk ({e}); a power cut may damage the files written last",
                        self.path.display()
                    ));
                }
                Ok(())
            }
            result => result.map_err(Error::io("flush", path)),
        }
    }

    /// Returns the checksums of all that this process has written to the folder.
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

/// Refuses a symbolic link where a run has a file or a folder of its own.
fn refuse_link(path: &Path) -> Result<()> {
    if !path.is_symlink() {
        return Ok(());
    }
    Err(Error::input(format!(
        "{} is a symbolic link, and a run changes nothing outside its folder; put what it points to in its place, or \
         remove it",
        path.display()
    )))
}

/// Returns the error of a folder that another run is writing.
pub fn busy(path: &Path) -> Error {
    let path = path.display();
    Error::input(format!(
        "{path} is being written by another run; wait until it has ended, or choose another folder"
    ))
}

fn taken(path: &Path, what: &str) -> Error {
    let path = path.display();
    Error::input(format!("{path} {what}; choose a new or empty folder"))
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
    fn a_folder_that_was_made_for_nothing_is_removed_with_those_around_it() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("there")).unwrap();
        for path in ["run", "a/b/run", "there", "there/run"] {
            drop(Folder::create(&parent.path().join(path)).unwrap());
            assert_eq!(names(parent.path()), ["there"], "{path}");
            assert!(names(&parent.path().join("there")).is_empty());
        }
        drop(Folder::create_numbered(&parent.path().join("out"), "quick").unwrap());
        assert_eq!(names(parent.path()), ["there"]);
        let folder = Folder::create(&parent.path().join("a/run")).unwrap();
        folder.write("file", "").unwrap();
        drop(folder);
        assert_eq!(names(&parent.path().join("a/run")), ["file"]);
    }

    #[test]
    fn work_that_is_refused_leaves_nothing_in_a_new_folder_and_all_in_another() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        let ended_in = |folder: Folder, error: Error| {
            let done: Result<()> = folder.all_or_nothing(|| {
                folder.write("e/f/a", "new")?;
                folder.write("b", "new")?;
                Err(error)
            });
            done.unwrap_err();
            assert!(folder.path().exists());
        };
        ended_in(Folder::create(&path).unwrap(), Error::input("no"));
        assert!(names(parent.path()).is_empty());
        // What is interrupted can be resumed, and what is resumed was there before.
        ended_in(Folder::create(&path).unwrap(), Error::Interrupted(None));
        let resumed = Folder::resume(&path, ["e"].into_iter()).unwrap();
        ended_in(resumed, Error::input("no"));
        let mut left = names(&path);
        left.sort_unstable();
        assert_eq!(left, ["b", "e"]);
        assert!(path.join("e/f/a").exists());
        // What others put into the folder meanwhile is theirs.
        fs::remove_dir_all(&path).unwrap();
        let folder = Folder::create(&path).unwrap();
        fs::write(path.join("precious"), "").unwrap();
        ended_in(folder, Error::input("no"));
        assert_eq!(names(&path), ["precious"]);
    }

    #[test]
    fn numbered_folders_count_up() {
        let parent = tempfile::tempdir().unwrap();
        for i in 1..=3 {
            let folder = Folder::create_numbered(parent.path(), "quick").unwrap();
            assert!(folder.path().ends_with(format!("quick-{i}")));
            folder.write("a", "").unwrap();
        }
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::create(&parent.path().join("run")).unwrap();
        folder.write("a", "old").unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        assert!(folder.write("b", "text").is_err());
        assert!(
            !names(folder.path())
                .iter()
                .any(|n| n.starts_with(temporary::PREFIX))
        );
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_done_through_a_link_at_any_depth() {
        let parent = tempfile::tempdir().unwrap();
        let foreign = parent.path().join("foreign");
        fs::create_dir_all(foreign.join("inner")).unwrap();
        fs::write(foreign.join("inner/precious"), "x").unwrap();
        let folder = Folder::create(&parent.path().join("run")).unwrap();
        folder.write("e/a", "").unwrap();
        std::os::unix::fs::symlink("../../foreign", folder.path().join("e/link")).unwrap();
        for refused in [
            folder.write("e/link/new", ""),
            folder.write("e/link/inner/new", ""),
            folder.remove("e/link"),
            folder.remove("e/link/inner"),
            folder.list("e/link/inner").map(drop),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("run/e/link is a symbolic link"), "{error}");
        }
        assert_eq!(names(&foreign), ["inner"]);
        assert_eq!(names(&foreign.join("inner")), ["precious"]);
        // The folder itself may be named by a link.
        let linked = parent.path().join("linked");
        std::os::unix::fs::symlink(folder.path(), &linked).unwrap();
        drop(folder);
        let resumed = Folder::resume(&linked, ["e"].into_iter()).unwrap();
        resumed.write("e/b", "").unwrap();
        assert!(parent.path().join("run/e/b").exists());
    }
}
