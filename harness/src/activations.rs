//! Activations: rows in files, checked and read by their numbers, and rows of a synthetic model, drawn by theirs.
//!
//! Files are read where rows are asked for, by their place in the file, and never held in memory: what is resident does
//! not grow with the data. Positioned reads cost a system call a row, well below a hundredth of a training step, and
//! where a file is cut short meanwhile they end in an error; memory-mapped pages would end the process, and count as its
//! memory.

mod header;
pub mod npy;
pub mod order;
pub mod safetensors;
mod shard;
pub mod survey;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kernels::Exec;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::memory::size;
use crate::sae::synthetic::samples::Samples;
use crate::sae::synthetic::spec::Spec;
use crate::session::progress::{Progress, Show};
pub use header::{Kind, Layout};
pub use shard::Shard;

/// The rows of one or more files, in their order, or those of a synthetic model, which never end: N rows of d values.
#[derive(Debug)]
pub struct Rows {
    /// What rows are drawn from where there are no files.
    synthetic: Option<Box<Synthetic>>,
    shards: Vec<Shard>,
    /// The number of rows in the files before each shard, and that of all.
    starts: Vec<u64>,
    /// For each row of the files that is left out, in their order: the number of rows before it that are not.
    left_out: Vec<u64>,
    width: usize,
}

/// A synthetic model on the command line.
#[derive(Debug)]
struct Synthetic {
    /// What it was called.
    name: String,
    spec: Spec,
    /// Its samples, once its features are drawn.
    samples: Option<Samples>,
}

/// What the name of a synthetic model begins with on the command line.
const SYNTHETIC: &str = "synth:";

/// The number of rows of a synthetic model: as many as an [order](order::Order) can have.
const ENDLESS: u64 = 1 << 62;

/// Rows of a synthetic model that are looked at to know what all have in common.
const SURVEYED: u64 = 1 << 16;

impl Rows {
    /// Opens files as [`open`](Self::open) does, or a synthetic model by the name `synth:SPEC`, whose features are drawn
    /// by [`prepare`](Self::prepare).
    ///
    /// # Errors
    /// Those of [`open`](Self::open); or if there is no such model, or it stands beside files.
    pub fn named(paths: &[PathBuf], tensor: Option<&str>) -> Result<Rows> {
        let Some((path, name)) = synthetic(paths) else {
            return Rows::open(paths, tensor);
        };
        if paths.len() > 1 {
            return Err(Error::input(format!(
                "{path} stands beside other data; a synthetic model has all the rows that are needed, so name it alone"
            )));
        }
        let spec = Spec::read(name)?;
        Ok(Rows {
            shards: Vec::new(),
            starts: vec![ENDLESS],
            left_out: Vec::new(),
            width: spec.width,
            synthetic: Some(Box::new(Synthetic {
                name: path.into(),
                spec,
                samples: None,
            })),
        })
    }

    /// Draws the features of a synthetic model, which may take a minute; nothing for files.
    ///
    /// # Errors
    /// If it is interrupted.
    pub fn prepare(&mut self, exec: Exec, show: Show) -> Result<()> {
        if let Some(synthetic) = &mut self.synthetic {
            let Synthetic {
                name,
                spec,
                samples,
            } = &mut **synthetic;
            let progress = Progress::new(format!("features of {name}"), show);
            progress.start(spec.steps())?;
            *samples = Some(Samples::new(spec.clone(), exec, &progress)?);
            progress.finish();
        }
        Ok(())
    }

    /// The samples of a synthetic model; nothing for files.
    ///
    /// # Panics
    /// If its features are not [drawn](Self::prepare) yet.
    pub fn samples(&self) -> Option<&Samples> {
        let synthetic = self.synthetic.as_ref()?;
        Some(
            synthetic
                .samples
                .as_ref()
                .expect("features are drawn first"),
        )
    }

    /// What a synthetic model is drawn from; nothing for files.
    pub fn spec(&self) -> Option<&Spec> {
        self.synthetic.as_ref().map(|it| &it.spec)
    }

    /// The number of rows that are looked at to know what all have in common: all, if they are in files.
    pub fn surveyed(&self) -> u64 {
        match self.synthetic {
            Some(_) => SURVEYED,
            None => self.len(),
        }
    }

    /// What a reader calls all rows: the first file, or the synthetic model.
    pub fn title(&self) -> String {
        match &self.synthetic {
            Some(it) => it.name.clone(),
            None => self.shards[0].path().display().to_string(),
        }
    }

    /// What the rows are, for a reader: where they stand, how many, how long, of which type, and how large in all.
    pub fn in_words(&self) -> String {
        let (title, width) = (self.title(), self.width);
        if self.synthetic.is_some() {
            return format!("{title}, samples of {width} values without end");
        }
        let others = match self.shards.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let kinds: BTreeSet<&str> = self.shards.iter().map(|s| s.kind().name()).collect();
        let kinds: Vec<&str> = kinds.into_iter().collect();
        let bytes = |s: &Shard| s.rows() as f64 * (width * s.kind().bytes()) as f64;
        format!(
            "{title}{others}, {} rows of {width} values, {}, {}",
            self.len(),
            kinds.join(" and "),
            size(self.shards.iter().map(bytes).sum())
        )
    }

    /// What the rows are, for a manifest.
    pub fn described(&self) -> Value {
        if let Some(spec) = self.spec() {
            return json!([{"path": self.title(), "synthetic": spec}]);
        }
        let shards = self.shards.iter();
        let each = shards.map(|s| json!({"path": s.path(), "rows": s.rows(), "width": s.width(), "type": s.kind().name()}));
        each.collect()
    }

    /// Opens files, and folders of files in the order of their names. `tensor` names the tensor of `.safetensors` files
    /// that hold several.
    ///
    /// # Errors
    /// If there is no file, one of them cannot be read or is not what its header says, or rows differ in length.
    pub fn open(paths: &[PathBuf], tensor: Option<&str>) -> Result<Rows> {
        if let Some((path, name)) = synthetic(paths) {
            return Err(Error::input(format!(
                "{path} has no end, and this reads files; write some of its rows with `harness sae synth {name} \
                 --samples 100000 --out samples.npy`"
            )));
        }
        let mut shards: Vec<Shard> = Vec::new();
        let mut starts = vec![0];
        for path in files(paths)? {
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
        let width = first.width();
        Ok(Rows {
            shards,
            starts,
            left_out: Vec::new(),
            width,
            synthetic: None,
        })
    }

    /// Opens the targets of these rows, as [`open`](Self::open) does: row i of them belongs to row i.
    ///
    /// # Errors
    /// If they cannot be opened, are not as many, or these rows are those of a synthetic model.
    pub fn open_target(&self, paths: &[PathBuf], tensor: Option<&str>) -> Result<Rows> {
        if self.synthetic.is_some() {
            return Err(Error::input(format!(
                "{} has samples without end, and no targets belong to them; write some with `harness sae synth`, and \
                 name that file",
                self.title()
            )));
        }
        let target = Rows::open(paths, tensor)?;
        match target.len() == self.len() {
            true => Ok(target),
            false => Err(Error::input(format!(
                "the targets in {} are {} rows, and the activations in {} are {}; row i of the one belongs to row i of \
                 the other, so there have to be as many",
                target.title(),
                target.len(),
                self.title(),
                self.len(),
            ))),
        }
    }

    /// The files; none of a synthetic model.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The rows without those of these numbers, which rise; the others are numbered anew.
    ///
    /// # Panics
    /// If some are left out already.
    pub fn without(self, numbers: &[u64]) -> Rows {
        assert!(self.left_out.is_empty(), "rows are left out once");
        let before = numbers.iter().zip(0..).map(|(number, i)| number - i);
        Rows {
            left_out: before.collect(),
            ..self
        }
    }

    /// The number of rows; 2⁶² of a synthetic model.
    pub fn len(&self) -> u64 {
        self.starts[self.shards.len()] - self.left_out.len() as u64
    }

    /// Whether there are no rows; never, since files without rows are not opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length d of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Reads rows by their numbers, each to its place in `to`, B×d.
    ///
    /// # Panics
    /// If `to` is shorter than all rows, or a row does not exist.
    pub fn gather(&self, rows: impl IntoIterator<Item = u64>, to: &mut [f32]) -> Result<()> {
        if let Some(samples) = self.samples() {
            let rows: Vec<u64> = rows.into_iter().collect();
            samples.fill(&rows, &mut to[..rows.len() * self.width]);
            return Ok(());
        }
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
        if self.synthetic.is_some() {
            let rows = (to.len() / self.width) as u64;
            return self.gather(first..first + rows, to);
        }
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

    /// Refuses a row with a value that is no finite number.
    pub fn check(&self, row: u64, values: &[f32]) -> Result<()> {
        match values.iter().all(|v| v.is_finite()) {
            true => Ok(()),
            false => Err(self.not_finite(row)),
        }
    }

    /// The error of a row with a value that is no finite number.
    pub fn not_finite(&self, row: u64) -> Error {
        Error::input(format!(
            "{} holds a NaN or an infinite value; remove such rows (training and evaluation leave them out with \
             --skip-nonfinite)",
            self.name(row)
        ))
    }

    /// What a reader calls a row: its file, and its number there.
    pub fn name(&self, row: u64) -> String {
        self.name_in_files(self.in_files(row))
    }

    /// The number that a row has where none is left out.
    pub fn in_files(&self, row: u64) -> u64 {
        row + self.left_out_up_to(row) as u64
    }

    /// What a reader calls the row that has this number where none is left out.
    pub fn name_in_files(&self, row: u64) -> String {
        if self.synthetic.is_some() {
            return format!("{}, sample {row}", self.title());
        }
        let (shard, inside) = self.find_in_files(row);
        format!("{}, row {inside}", shard.path().display())
    }

    /// The shard that holds a row, and its number there.
    fn find(&self, row: u64) -> (&Shard, u64) {
        self.find_in_files(self.in_files(row))
    }

    fn find_in_files(&self, row: u64) -> (&Shard, u64) {
        let shard = self.starts.partition_point(|&start| start <= row) - 1;
        (&self.shards[shard], row - self.starts[shard])
    }

    /// The number of rows left out before a row.
    fn left_out_up_to(&self, row: u64) -> usize {
        self.left_out.partition_point(|&before| before <= row)
    }

    /// The number of rows, from this one on, that follow each other in the files, if these had one shard.
    fn together(&self, row: u64) -> u64 {
        let next = self.left_out.get(self.left_out_up_to(row));
        next.map_or(u64::MAX, |&before| before - row)
    }
}

/// The first of some paths that names a synthetic model, and what it is called behind `synth:`.
fn synthetic(paths: &[PathBuf]) -> Option<(&str, &str)> {
    let mut names = paths.iter().filter_map(|path| path.to_str());
    names.find_map(|path| Some((path, path.strip_prefix(SYNTHETIC)?)))
}

/// The files that are named, those of patterns and folders in the order of their names.
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
                "{} holds no .npy or .safetensors file",
                path.display()
            )));
        }
        files.append(&mut inside);
    }
    Ok(files)
}

/// The paths, and in place of each pattern that is not the name of a file what it matches.
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

/// Whether the name of a file is that of a file of activations.
fn is_shard(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    extension.is_some_and(|e| ["npy", "safetensors"].contains(&e))
}
