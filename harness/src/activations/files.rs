//! Rows in files, one file after the other, which are read by their numbers.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::shard::Shard;
use crate::error::{Error, Result};
use crate::memory::size;

/// The rows of one or more files, in their order.
#[derive(Debug)]
pub struct Files {
    shards: Vec<Shard>,
    /// The number of rows in the files before each shard, and that of all.
    starts: Vec<u64>,
    /// The number of rows that are not left out before each row that is; the left-out rows are in the order of the
    /// files.
    left_out: Vec<u64>,
    width: usize,
}

impl Files {
    /// Opens files, and folders of files in the order of their names. `tensor` names the tensor of `.safetensors` files
    /// that hold several.
    ///
    /// # Errors
    /// If there is no file, one of them cannot be read or is not what its header says, or rows differ in length.
    pub fn open(paths: &[PathBuf], tensor: Option<&str>) -> Result<Files> {
        let mut shards: Vec<Shard> = Vec::new();
        let mut starts = vec![0];
        let mut seen = BTreeSet::new();
        for path in files(paths)? {
            if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                return Err(Error::input(format!(
                    "{} is named twice; its rows would count twice, and those held out of one copy be trained on in the other",
                    path.display()
                )));
            }
            let shard = Shard::open(&path, tensor)?;
            if let Some(first) = shards.first()
                && first.width() != shard.width()
            {
                return Err(Error::input(format!(
                    "{} has rows of {} values, and {} of {}; all files need rows of one length",
                    path.display(),
                    shard.width(),
                    first.path().display(),
                    first.width(),
                )));
            }
            starts.push(starts[starts.len() - 1] + shard.rows());
            shards.push(shard);
        }
        let Some(first) = shards.first() else {
            return Err(Error::input(
                "there are no activations to read; name a .npy or .safetensors file, or a folder of such files",
            ));
        };
        let named = |shard: &Shard| {
            let extension = shard.path().extension();
            extension.is_some_and(|extension| extension == "safetensors")
        };
        if let Some(tensor) = tensor
            && !shards.iter().any(named)
        {
            return Err(Error::input(format!(
                "--tensor is {tensor}, and {} is no .safetensors file, which has tensors of names; leave it out",
                first.path().display()
            )));
        }
        let width = first.width();
        Ok(Files {
            shards,
            starts,
            left_out: Vec::new(),
            width,
        })
    }

    /// Returns the files.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// Returns the number of rows, without those left out.
    pub fn len(&self) -> u64 {
        self.starts[self.shards.len()] - self.left_out.len() as u64
    }

    /// Returns the number of rows that are [left out](Self::without).
    pub fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// Returns the length of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the name of all rows for a reader: the first file.
    pub fn title(&self) -> String {
        self.shards[0].path().display().to_string()
    }

    /// Returns a description of the rows for a reader: where they stand, how many, how long, of which type, and how
    /// large in all.
    pub fn in_words(&self) -> String {
        let width = self.width;
        let others = match self.shards.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let kinds: BTreeSet<&str> = self.shards.iter().map(|s| s.kind().name()).collect();
        let kinds: Vec<&str> = kinds.into_iter().collect();
        format!(
            "{}{others}, {} rows of {width} values, {}, {}",
            self.title(),
            self.len(),
            kinds.join(" and "),
            size(self.bytes())
        )
    }

    /// Returns the size of all rows in the files in bytes, with those left out.
    pub fn bytes(&self) -> f64 {
        let bytes = |s: &Shard| s.rows() as f64 * (self.width * s.kind().bytes()) as f64;
        self.shards.iter().map(bytes).sum()
    }

    /// Returns a description of the files for a manifest.
    pub fn described(&self) -> Value {
        let shards = self.shards.iter();
        let each = shards.map(|s| json!({"path": s.path(), "rows": s.rows(), "width": s.width(), "type": s.kind().name()}));
        each.collect()
    }

    /// Returns the rows without those with the numbers `numbers`, which rise; the others are numbered anew.
    ///
    /// # Panics
    /// If some rows are left out already.
    pub fn without(self, numbers: &[u64]) -> Files {
        assert!(self.left_out.is_empty(), "rows are left out once");
        let before = numbers.iter().zip(0..).map(|(number, i)| number - i);
        Files {
            left_out: before.collect(),
            ..self
        }
    }

    /// Reads rows by their numbers, each to its place in `to`.
    ///
    /// # Panics
    /// If `to` is shorter than all rows, or a row does not exist.
    pub fn gather(&self, rows: impl IntoIterator<Item = u64>, to: &mut [f32]) -> Result<()> {
        let mut places = to.chunks_exact_mut(self.width);
        for row in rows {
            let place = places.next().expect("room for every row");
            let (shard, inside) = self.find(row);
            shard.read(inside, place)?;
        }
        Ok(())
    }

    /// Reads as many consecutive rows from `first` on as `to` has room for.
    ///
    /// # Panics
    /// If there are not that many.
    pub fn read(&self, first: u64, to: &mut [f32]) -> Result<()> {
        let (mut row, mut left) = (first, to);
        while !left.is_empty() {
            let (shard, inside) = self.find(row);
            let here = (shard.rows() - inside)
                .min(self.together(row))
                .min((left.len() / self.width) as u64);
            let (now, later) = left.split_at_mut(here as usize * self.width);
            shard.read(inside, now)?;
            (row, left) = (row + here, later);
        }
        Ok(())
    }

    /// Tells the system that consecutive rows are going to be read.
    pub fn announce(&self, rows: Range<u64>) {
        let mut row = rows.start;
        while row < rows.end {
            let (shard, inside) = self.find(row);
            let here = (shard.rows() - inside).min(rows.end - row);
            shard.announce(inside, here);
            row += here;
        }
    }

    /// Returns the number that a row has where none is left out.
    pub fn in_files(&self, row: u64) -> u64 {
        row + self.left_out_up_to(row) as u64
    }

    /// Returns the name for a reader of the row that has this number where none is left out: its file, and its number
    /// there.
    pub fn name_in_files(&self, row: u64) -> String {
        let (shard, inside) = self.find_in_files(row);
        format!("{}, row {inside}", shard.path().display())
    }

    /// Returns the shard that holds a row, and the row's number there.
    fn find(&self, row: u64) -> (&Shard, u64) {
        self.find_in_files(self.in_files(row))
    }

    fn find_in_files(&self, row: u64) -> (&Shard, u64) {
        let shard = self.starts.partition_point(|&start| start <= row) - 1;
        (&self.shards[shard], row - self.starts[shard])
    }

    /// Returns the number of rows left out before a row.
    fn left_out_up_to(&self, row: u64) -> usize {
        self.left_out.partition_point(|&before| before <= row)
    }

    /// Returns the number of rows, from this one on, that would follow each other in the files if these had one shard.
    fn together(&self, row: u64) -> u64 {
        let next = self.left_out.get(self.left_out_up_to(row));
        next.map_or(u64::MAX, |&before| before - row)
    }
}

/// Returns the files that are named, those of patterns and folders in the order of their names.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in expanded(paths)? {
        let path = &path;
        let kind = std::fs::metadata(path).map_err(Error::io("read", path))?;
        if !kind.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(Error::io("read", path))?;
        let mut inside: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(Error::io("read", path))?;
        inside.retain(|file| is_shard(file));
        inside.sort_unstable();
        if inside.is_empty() {
            return Err(Error::input(format!(
                "{} holds no .npy or .safetensors file; name a folder of them, or convert its files",
                path.display()
            )));
        }
        files.append(&mut inside);
    }
    Ok(files)
}

/// Returns the paths, where each pattern that is not the name of a file is replaced by what it matches.
fn expanded(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']));
        let Some(pattern) = pattern.filter(|_| !path.exists()) else {
            all.push(path.clone());
            continue;
        };
        let wrong = |what: String| Error::input(format!("{pattern} {what}"));
        let found = glob::glob(pattern).map_err(|e| wrong(format!("is no pattern: {e}")))?;
        let before = all.len();
        for path in found {
            all.push(path.map_err(|e| wrong(format!("cannot be followed: {e}")))?);
        }
        if all.len() == before {
            return Err(wrong("matches no file".into()));
        }
    }
    Ok(all)
}

/// Returns whether the name of a file is that of a file of activations.
fn is_shard(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    extension.is_some_and(|e| ["npy", "safetensors"].contains(&e))
}
