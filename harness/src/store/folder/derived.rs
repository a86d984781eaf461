//! Files that are made of other files, such as images of drawings.

use std::fs;
use std::path::Path;

use super::Folder;
use crate::error::{Error, Result};

impl Folder {
    /// Writes the file `name`, and the files `made` of it. One of these without contents is not made this time: the
    /// file of its name was made of the earlier contents, and is removed if the contents have changed.
    pub fn write_with(
        &self,
        name: &str,
        contents: &str,
        made: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<()> {
        let before = fs::read(self.path.join(name));
        let changed = !before.is_ok_and(|before| before == contents.as_bytes());
        for (stale, _) in made.iter().filter(|(_, made)| changed && made.is_none()) {
            self.remove_file(Path::new(stale))?;
        }
        self.write(name, contents)?;
        for (name, made) in made {
            made.map_or(Ok(()), |made| self.write(name, made))?;
        }
        Ok(())
    }

    /// Removes a file, if it is there.
    fn remove_file(&self, name: &Path) -> Result<()> {
        let parent = self.place(name.parent().expect("a file lies in a folder"))?;
        let path = parent.join(name.file_name().expect("a file has a name"));
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", &path)(e))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_of_a_file_goes_when_the_file_changes() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::create(&parent.path().join("run")).unwrap();
        let write = |contents: &str, png: Option<&str>| {
            let png = png.map(|png| png.as_bytes().to_vec());
            let made = vec![("e/a.png".to_string(), png), ("e/a.pdf".to_string(), None)];
            folder.write_with("e/a.svg", contents, made).unwrap();
            let entries = fs::read_dir(folder.path().join("e")).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.collect();
            names.sort_unstable();
            names
        };
        assert_eq!(write("one", None), ["a.svg"]);
        assert_eq!(write("one", Some("of one")), ["a.png", "a.svg"]);
        // The drawing is the same again, so its image is still right.
        assert_eq!(write("one", None), ["a.png", "a.svg"]);
        assert_eq!(write("two", None), ["a.svg"]);
        assert_eq!(write("three", Some("of three")), ["a.png", "a.svg"]);
    }
}
