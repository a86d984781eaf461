//! Activations: rows in files, checked and read by their numbers, and rows of a synthetic model, drawn by theirs.
//!
//! Files are read where rows are asked for, by their place in the file, and never held in memory: what is resident does
//! not grow with the data. Positioned reads cost a system call a row, well below a hundredth of a training step, and
//! where a file is cut short meanwhile they end in an error; memory-mapped pages would end the process, and count as
//! its memory.

mod files;
mod header;
pub mod npy;
pub mod order;
pub mod safetensors;
mod shard;
pub mod shuffle;
pub mod survey;
mod synthetic;

use std::ops::Range;
use std::path::PathBuf;

use kernels::Exec;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::sae::synthetic::samples::Samples;
use crate::sae::synthetic::spec::Spec;
use crate::session::progress::Show;
use files::Files;
pub use header::{Kind, Layout};
pub use shard::Shard;
use synthetic::{ENDLESS, SURVEYED, Synthetic};

/// The rows of one or more files, in their order, or those of a synthetic model, which never end: N rows of d values.
#[derive(Debug)]
pub struct Rows(Source);

/// The source of rows.
#[derive(Debug)]
enum Source {
    Files(Files),
    Synthetic(Box<Synthetic>),
}

/// The beginning of the name of a synthetic model on the command line.
const SYNTHETIC: &str = "synth:";

impl Rows {
    /// Opens files as [`open`](Self::open) does, or a synthetic model by the name `synth:SPEC`, whose features are
    /// drawn by [`prepare`](Self::prepare).
    ///
    /// # Errors
    /// The errors of [`open`](Self::open); or if there is no such model, or it stands beside files.
    pub fn named(paths: &[PathBuf], tensor: Option<&str>) -> Result<Rows> {
        let Some((path, name)) = synthetic(paths) else {
            return Rows::open(paths, tensor);
        };
        if paths.len() > 1 {
            return Err(Error::input(format!(
                "{path} stands beside other data; a synthetic model has all the rows that are needed, so name it alone"
            )));
        }
        let synthetic = Synthetic::named(name, path)?;
        Ok(Rows(Source::Synthetic(Box::new(synthetic))))
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
        Ok(Rows(Source::Files(Files::open(paths, tensor)?)))
    }

    /// Opens the targets of these rows, as [`open`](Self::open) does: row i of the targets belongs to row i.
    ///
    /// # Errors
    /// If the targets cannot be opened, there are not as many as rows, or these rows are those of a synthetic model.
    pub fn open_target(&self, paths: &[PathBuf], tensor: Option<&str>) -> Result<Rows> {
        if self.spec().is_some() {
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

    /// Draws the features of a synthetic model, which may take a minute; does nothing for files.
    ///
    /// # Errors
    /// If the user interrupts.
    pub fn prepare(&mut self, exec: Exec, show: Show) -> Result<()> {
        match &mut self.0 {
            Source::Files(_) => Ok(()),
            Source::Synthetic(synthetic) => synthetic.prepare(exec, show),
        }
    }

    fn synthetic(&self) -> Option<&Synthetic> {
        match &self.0 {
            Source::Files(_) => None,
            Source::Synthetic(synthetic) => Some(synthetic),
        }
    }

    /// Returns the samples of a synthetic model; `None` for files.
    ///
    /// # Panics
    /// If the features of the model are not [drawn](Self::prepare) yet.
    pub fn samples(&self) -> Option<&Samples> {
        self.synthetic().map(Synthetic::samples)
    }

    /// Returns the specification of a synthetic model; `None` for files.
    pub fn spec(&self) -> Option<&Spec> {
        self.synthetic().map(Synthetic::spec)
    }

    /// Returns the files; none for a synthetic model.
    pub fn shards(&self) -> &[Shard] {
        match &self.0 {
            Source::Files(files) => files.shards(),
            Source::Synthetic(_) => &[],
        }
    }

    /// Returns the name of all rows for a reader: the first file, or the synthetic model.
    pub fn title(&self) -> String {
        match &self.0 {
            Source::Files(files) => files.title(),
            Source::Synthetic(synthetic) => synthetic.title().into(),
        }
    }

    /// Returns a description of the rows for a reader: where they come from, how many, how long, of which type, and how
    /// large in all.
    pub fn in_words(&self) -> String {
        match &self.0 {
            Source::Files(files) => files.in_words(),
            Source::Synthetic(synthetic) => synthetic.in_words(),
        }
    }

    /// Returns the size of all rows in their files in bytes; 0 for a synthetic model.
    pub fn bytes(&self) -> f64 {
        match &self.0 {
            Source::Files(files) => files.bytes(),
            Source::Synthetic(_) => 0.0,
        }
    }

    /// Returns a description of the rows for a manifest.
    pub fn described(&self) -> Value {
        match &self.0 {
            Source::Files(files) => files.described(),
            Source::Synthetic(synthetic) => synthetic.described(),
        }
    }

    /// Returns the rows without those with the numbers `numbers`, which rise; the others are numbered anew. Rows of a
    /// synthetic model stay as they are.
    ///
    /// # Panics
    /// If some rows are left out already.
    pub fn without(self, numbers: &[u64]) -> Rows {
        match self.0 {
            Source::Files(files) => Rows(Source::Files(files.without(numbers))),
            synthetic => Rows(synthetic),
        }
    }

    /// Returns the number of rows that are [left out](Self::without).
    pub fn left_out(&self) -> usize {
        match &self.0 {
            Source::Files(files) => files.left_out(),
            Source::Synthetic(_) => 0,
        }
    }

    /// Returns the number of rows; 2⁶² for a synthetic model.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Source::Files(files) => files.len(),
            Source::Synthetic(_) => ENDLESS,
        }
    }

    /// Returns whether there are no rows: if all are left out, since files without rows are not opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of rows that are surveyed to know what all have in common: all, if they are in files.
    pub fn surveyed(&self) -> u64 {
        match &self.0 {
            Source::Files(files) => files.len(),
            Source::Synthetic(_) => SURVEYED,
        }
    }

    /// Returns the length d of a row.
    pub fn width(&self) -> usize {
        match &self.0 {
            Source::Files(files) => files.width(),
            Source::Synthetic(synthetic) => synthetic.spec().width,
        }
    }

    /// Reads rows by their numbers, each to its place in `to`, B×d.
    ///
    /// # Panics
    /// If `to` is shorter than all rows, or a row does not exist.
    pub fn gather(&self, rows: impl IntoIterator<Item = u64>, to: &mut [f32]) -> Result<()> {
        match &self.0 {
            Source::Files(files) => files.gather(rows, to)?,
            Source::Synthetic(synthetic) => synthetic.gather(rows, to),
        }
        Ok(())
    }

    /// Reads as many consecutive rows from `first` on as `to` has room for.
    ///
    /// # Panics
    /// If there are not that many.
    pub fn read(&self, first: u64, to: &mut [f32]) -> Result<()> {
        match &self.0 {
            Source::Files(files) => files.read(first, to)?,
            Source::Synthetic(synthetic) => {
                let rows = (to.len() / synthetic.spec().width) as u64;
                synthetic.gather(first..first + rows, to);
            }
        }
        Ok(())
    }

    /// Tells the system that consecutive rows are going to be read, so that it may read them ahead; does nothing for a
    /// synthetic model.
    pub fn announce(&self, rows: Range<u64>) {
        if let Source::Files(files) = &self.0 {
            files.announce(rows);
        }
    }

    /// Refuses a row with a value that is no finite number.
    pub fn check(&self, row: u64, values: &[f32]) -> Result<()> {
        match values.iter().all(|v| v.is_finite()) {
            true => Ok(()),
            false => Err(self.not_finite(row)),
        }
    }

    /// Returns the error of a row with a value that is no finite number.
    pub fn not_finite(&self, row: u64) -> Error {
        Error::input(format!(
            "{} holds a NaN, an infinite value, or one beyond ±3.4e38, which single precision cannot hold; remove such rows \
             (`harness sae train` and `harness sae eval` leave them out with --skip-nonfinite)",
            self.name(row)
        ))
    }

    /// Returns the name of a row for a reader: its file, and its number there.
    pub fn name(&self, row: u64) -> String {
        self.name_in_files(self.in_files(row))
    }

    /// Returns the number that a row has where none is left out.
    pub fn in_files(&self, row: u64) -> u64 {
        match &self.0 {
            Source::Files(files) => files.in_files(row),
            Source::Synthetic(_) => row,
        }
    }

    /// Returns the name for a reader of the row that has this number where none is left out.
    pub fn name_in_files(&self, row: u64) -> String {
        match &self.0 {
            Source::Files(files) => files.name_in_files(row),
            Source::Synthetic(synthetic) => format!("{}, sample {row}", synthetic.title()),
        }
    }
}

/// Returns the first of some paths that names a synthetic model, and the name of the model behind `synth:`.
fn synthetic(paths: &[PathBuf]) -> Option<(&str, &str)> {
    let mut names = paths.iter().filter_map(|path| path.to_str());
    names.find_map(|path| Some((path, path.strip_prefix(SYNTHETIC)?)))
}
