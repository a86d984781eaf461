//! Checksums of a run's results, by which files that were changed after they were written are found and named in
//! errors.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::input::read_result;
use crate::store::names::MANIFEST;

/// The CRC-32 checksums of files, as hexadecimal digits, by the names of the files in the folder of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Checksums(BTreeMap<String, String>);

impl Checksums {
    /// Notes the checksum of a file whose contents are `pieces`, one after another.
    pub fn insert(&mut self, name: &str, pieces: &[impl AsRef<[u8]>]) {
        self.0.insert(name.into(), checksum(pieces));
    }

    /// Returns the names of the files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Replaces the checksums of the files in `folder` by those that `other` has.
    pub fn replace(&mut self, folder: &str, other: &Checksums) {
        self.0.retain(|name, _| !is_in(folder, name));
        let theirs = other.0.iter().filter(|(name, _)| is_in(folder, name));
        self.0
            .extend(theirs.map(|(n, sum)| (n.clone(), sum.clone())));
    }

    /// Removes the checksum of a file, or those of the files of a folder.
    pub fn remove(&mut self, of: &str) {
        self.0.retain(|name, _| name != of && !is_in(of, name));
    }

    /// Checks a file of the run in the folder `run`, which the command `again` goes on with.
    ///
    /// # Errors
    /// If the file cannot be read, is not among these or is not what it was; the message names it.
    pub fn verify(&self, run: &Path, name: &str, again: &str) -> Result<()> {
        let Some(wrong) = self.wrong(run, name)? else {
            return Ok(());
        };
        let remove = run.join(name.split('/').next().unwrap_or(name));
        Err(Error::input(format!(
            "{} {wrong}; put it back as it was, or remove {} and let {again} compute it again",
            run.join(name).display(),
            remove.display()
        )))
    }

    /// Returns what is wrong with a file of the run in the folder `run`, if it is not what it was.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn wrong(&self, run: &Path, name: &str) -> Result<Option<String>> {
        let contents = match read_result(&run.join(name)) {
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => None,
            read => Some(read?),
        };
        let found = contents.map(|contents| checksum(&[contents]));
        Ok(match (self.0.get(name), found) {
            (Some(sum), Some(found)) if *sum == found => None,
            (Some(sum), Some(found)) => Some(format!(
                "was changed after the run: its CRC-32 is {found}, and {sum} in {MANIFEST}"
            )),
            (_, None) => Some("is missing".into()),
            (None, _) => Some(format!("is not among the checksums in {MANIFEST}")),
        })
    }

    /// [Verifies](Self::verify) all files that have checksums and lie in `folder`, a folder of the run in `run`.
    pub fn verify_folder(&self, run: &Path, folder: &str, again: &str) -> Result<()> {
        let mut names = self.0.keys().filter(|name| is_in(folder, name));
        names.try_for_each(|name| self.verify(run, name, again))
    }
}

fn is_in(folder: &str, name: &str) -> bool {
    let rest = name.strip_prefix(folder);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

fn checksum(pieces: &[impl AsRef<[u8]>]) -> String {
    let mut sum = crc32fast::Hasher::new();
    pieces.iter().for_each(|piece| sum.update(piece.as_ref()));
    format!("{:08x}", sum.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_a_strange_and_a_missing_file_are_named() {
        let run = tempfile::tempdir().unwrap();
        std::fs::create_dir(run.path().join("e")).unwrap();
        let write = |name: &str, text| std::fs::write(run.path().join(name), text).unwrap();
        write("e/a.csv", "123456789");
        let mut sums = Checksums::default();
        sums.insert("e/a.csv", &["1234", "56789"]);
        sums.insert("else/a.csv", &[""]);
        // The check value of CRC-32.
        assert_eq!(sums.0["e/a.csv"], "cbf43926");
        sums.verify_folder(run.path(), "e", "`again`").unwrap();

        write("e/a.csv", "123456788");
        let error = sums
            .verify_folder(run.path(), "e", "`again`")
            .unwrap_err()
            .to_string();
        for part in ["e/a.csv was changed", "cbf43926", "let `again`", "remove"] {
            assert!(error.contains(part), "{error}");
        }
        write("e/b.csv", "");
        let error = sums
            .verify(run.path(), "e/b.csv", "`again`")
            .unwrap_err()
            .to_string();
        assert!(error.contains("e/b.csv is not among"), "{error}");
        std::fs::remove_file(run.path().join("e/a.csv")).unwrap();
        let error = sums
            .verify_folder(run.path(), "e", "`again`")
            .unwrap_err()
            .to_string();
        assert!(error.contains("e/a.csv is missing"), "{error}");
    }

    #[test]
    fn the_files_of_a_folder_are_replaced_together() {
        let (mut ours, mut theirs) = (Checksums::default(), Checksums::default());
        ours.insert("e/old", &[""]);
        ours.insert("ee/kept", &[""]);
        theirs.insert("e/new", &[""]);
        theirs.insert("e/checkpoints/1", &[""]);
        theirs.insert("f/other", &[""]);
        theirs.remove("e/checkpoints");
        ours.replace("e", &theirs);
        assert_eq!(ours.0.keys().collect::<Vec<_>>(), ["e/new", "ee/kept"]);
    }
}
