//! The common parts of all trainings on activations, on one layer or several: options, the folder of the results and
//! its manifest, and the way from the members of a sweep to models that are measured.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernels::Isa;
use kernels::sae::Task;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use crate::activations::Rows;
use crate::error::{Error, Result};
use crate::figure::export::Export;
use crate::input::read_settings;
use crate::memory;
use crate::sae::training::{self, Candidate, TIMED, Trained};
use crate::session::progress::{Progress, Show};
use crate::session::{Session, at_once};
use crate::stderr::say;
use crate::store::checkpoint;
use crate::store::checksums::Checksums;
use crate::store::folder::Folder;
use crate::store::names::{CHECKPOINTS, CONFIG, MANIFEST};
use crate::text::{counted, number, quoted_path};
use crate::workbench::config;
use crate::workbench::config::text::difference;
use crate::workbench::data::{Data, Target};
use crate::workbench::measure::Measured;
use crate::workbench::member::{Member, finish, plan};
use crate::workbench::origin::{self, COMMANDS};
use crate::workbench::settings::Settings;

/// The name of the folder of the models in the folder of a training.
pub const MODELS: &str = "models";

/// Options of a training beside its configuration: nothing here changes a byte of the results.
#[derive(Debug, Clone)]
pub struct Options {
    /// The size of the thread pool.
    pub threads: usize,
    /// The folder for the results; a fresh folder under `out/` if not set.
    pub out: Option<PathBuf>,
    /// Whether to go on with the training that the folder holds.
    pub resume: bool,
    /// The time between two checkpoints.
    pub checkpoint_every: Duration,
    /// The way in which progress is shown.
    pub show: Show,
    /// The export of figures to the formats that were asked for.
    pub export: Export,
    /// The checkpoint at the end of the training of each model, by its name, where parts have trained them all.
    pub parts: BTreeMap<String, PathBuf>,
}

/// Opens the folder of the results of a command: a new one, or the one to resume; `out/STEM-N` if none is named. `text`
/// is the configuration, which is written to the folder.
///
/// # Errors
/// If the folder to resume holds a training of another configuration, or a damaged checkpoint.
pub fn open(text: &str, (stem, command): (&str, &str), options: &Options) -> Result<Folder> {
    let folder = match &options.out {
        Some(path) if options.resume => {
            let folder = Folder::resume(path, [MODELS].into_iter())?;
            let theirs = read_settings(&path.join(CONFIG))?;
            if let Some((theirs, ours)) = difference(&theirs, text) {
                return Err(Error::input(format!(
                    "cannot resume the training in {}: it has {theirs}, not {ours}, and a training keeps the \
                     settings that it was begun with to its end; leave them out to resume it as it was, or train anew, \
                     in a new folder: `{command} --config {}` with what is to differ and --out NEW",
                    path.display(),
                    quoted_path(&config::file(path))
                )));
            }
            checkpoint::verify(&folder, [MODELS])?;
            folder
        }
        Some(path) => Folder::create(path)?,
        None => Folder::create_numbered(Path::new("out"), stem)?,
    };
    let again = match options.parts.is_empty() {
        true => format!("`{command} --resume {}`", quoted_path(folder.path())),
        false => origin::COMMANDS.merge(folder.path()),
    };
    folder.write(CONFIG, text)?;
    Ok(folder.continued_by(again))
}

/// Returns whether a folder holds a training that has nothing left to do.
///
/// # Errors
/// If it holds such a training, but a file is missing or was changed since.
pub fn is_complete(folder: &Path) -> Result<bool> {
    let manifest = origin::manifest(folder)?.unwrap_or_default();
    if !origin::says_complete(&manifest) {
        return Ok(false);
    }
    let checksums = serde_json::from_value(manifest["checksums"].clone());
    let checksums: Checksums = checksums.unwrap_or_default();
    for name in checksums.names() {
        if let Some(wrong) = checksums.wrong(folder, name)? {
            return Err(Error::input(format!(
                "the training in {} is complete, but {} {wrong}; put it back as it was, or repeat the training in a new \
                 folder with --config {}",
                folder.display(),
                folder.join(name).display(),
                quoted_path(&folder.join(CONFIG))
            )));
        }
    }
    Ok(true)
}

/// Returns the estimated memory of the training of members of a sweep, in bytes: the models, and a block of batches of
/// each source. `task` returns what a model with so many elements reads and reconstructs.
pub fn memory(settings: &Settings, members: &[Member], task: impl Fn(usize) -> Task) -> f64 {
    let plan = plan(settings);
    let models = members.iter().map(|m| m.memory(task(m.elements), &plan));
    let sources = members.iter().map(|m| m.source + 1).max().unwrap_or(0);
    models.sum::<f64>() + sources as f64 * plan.room(training::row(task(1)))
}

/// Returns the size of the parameters of members of a sweep, in bytes; `task` returns what a model with so many
/// elements reads and reconstructs.
pub fn parameters(members: &[Member], task: impl Fn(usize) -> Task) -> f64 {
    let models = members.iter().map(|m| task(m.elements).shape());
    models
        .map(|s| 8.0 * (s.dictionary * s.width) as f64)
        .sum::<f64>()
}

/// Returns the estimated memory of reading what parts have trained, in bytes: the parameters of all members, and one of
/// them with all that its training takes.
pub fn memory_of_merge(
    settings: &Settings,
    members: &[Member],
    task: impl Fn(usize) -> Task,
) -> f64 {
    let plan = plan(settings);
    let models = members.iter().map(|m| m.memory(task(m.elements), &plan));
    parameters(members, &task) + models.fold(0.0, f64::max)
}

/// A training under way: its settings and options, and the folder of its results.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The settings of the training.
    pub settings: &'a Settings,
    /// The instruction set of the kernels.
    pub isa: Isa,
    /// The options of the training.
    pub options: &'a Options,
    /// The folder of the results.
    pub folder: &'a Folder,
    /// The estimated memory, in bytes.
    pub memory: f64,
}

impl Job<'_> {
    /// Writes to the manifest what the data are, and that the results are not complete.
    ///
    /// # Errors
    /// If the training that is resumed was begun on other data.
    pub fn begin(&self, of_data: &Value) -> Result<()> {
        if self.options.resume {
            origin::refuse_other_data(self.folder.path(), of_data)?;
        }
        self.write_manifest(of_data, false)
    }

    /// Writes to the manifest that the results are complete, and removes the checkpoints, which nothing needs any more.
    pub fn end(&self, of_data: &Value) -> Result<()> {
        self.write_manifest(of_data, true)?;
        self.folder.remove(Path::new(MODELS).join(CHECKPOINTS))
    }

    /// Writes to the manifest that all models are trained, and leaves their checkpoints.
    pub fn leave(&self, of_data: &Value) -> Result<()> {
        self.write_manifest(of_data, true)
    }

    fn write_manifest(&self, of_data: &Value, complete: bool) -> Result<()> {
        let mut checksums = self.folder.checksums();
        checksums.remove(&format!("{MODELS}/{CHECKPOINTS}"));
        checksums.remove(MANIFEST);
        let mut manifest = json!({
            "harness": env!("CARGO_PKG_VERSION"),
            "complete": complete,
            "isa": self.isa.name(),
            "threads": self.options.threads,
            "checksums": checksums,
        });
        let of_data = of_data.as_object().expect("names and values");
        let all = manifest.as_object_mut().expect("names and values");
        all.extend(of_data.clone());
        let text = serde_json::to_string_pretty(&manifest).expect("numbers and words") + "\n";
        self.folder.write(MANIFEST, text)
    }

    /// Trains all members side by side, each on the data of its source, and returns them in their order. `course` is
    /// everything beside a model that decides the course of its training.
    pub fn train(
        &self,
        members: &[Member],
        data: &[Data],
        course: &impl Serialize,
    ) -> Result<Vec<Trained>> {
        let plan = plan(self.settings);
        let timed = plan.steps.min(TIMED) * members.len() as u64;
        let progress = Progress::new("training", self.options.show).telling_after(timed);
        let session = self.session(&progress);
        progress.start(plan.steps * members.len() as u64)?;
        let candidates = members.iter();
        let candidates =
            candidates.map(|member| member.candidate(&data[member.source], self.settings));
        let candidates: Vec<Candidate> = candidates.collect();
        self.tell(&candidates, data);
        let draw = |source: usize, number, to: &mut [f32]| data[source].batch(number, to);
        let trained = training::train_reading(candidates, &plan, course, &session, draw)?;
        progress.finish();
        Ok(trained)
    }

    /// Reads all members as parts have trained them; the arguments and the result are those of [`train`](Self::train).
    ///
    /// # Errors
    /// If a file is no checkpoint at the end of the training of its member.
    pub fn gather(
        &self,
        members: &[Member],
        data: &[Data],
        course: &impl Serialize,
    ) -> Result<Vec<Trained>> {
        let progress = Progress::new("reading what parts have trained", self.options.show);
        let session = self.session(&progress);
        let plan = plan(self.settings);
        progress.start(members.len() as u64)?;
        let gather = |member: &Member| {
            let candidate = member.candidate(&data[member.source], self.settings);
            let file = &self.options.parts[&member.name];
            let trained = training::at_end(candidate, &plan, course, &session, file)?;
            progress.tick()?;
            trained.map_err(|unfit| COMMANDS.refused(file, self.folder.path(), &unfit))
        };
        let trained = members.iter().map(gather).collect::<Result<_>>()?;
        progress.finish();
        Ok(trained)
    }

    /// Tells the user what is about to be trained: the data, the number of models and rows, and the memory.
    fn tell(&self, candidates: &[Candidate], data: &[Data]) {
        if self.options.show == Show::Nothing {
            return;
        }
        for data in data {
            let target = data.target.as_ref();
            let target = target.map_or(String::new(), |target| {
                format!(", to reconstruct {}", target.rows().in_words())
            });
            say(&format!("data: {}{target}", data.rows().in_words()));
        }
        let of_target = data.iter().filter_map(|data| data.target.as_ref());
        let all = data
            .iter()
            .map(Data::rows)
            .chain(of_target.map(Target::rows));
        let all: Vec<&Rows> = all.collect();
        let bytes: f64 = all.iter().map(|rows| rows.bytes()).sum();
        if bytes > 0.0 {
            let plan = plan(self.settings);
            let read = plan.steps as f64 * plan.batch as f64;
            let of_row = |rows: &&Rows| rows.bytes() / (rows.len() + rows.left_out() as u64) as f64;
            say(&format!(
                "to read: about {} in batches, in {} passes over the rows that are trained on",
                memory::size(read * all.iter().map(of_row).sum::<f64>()),
                number(read / data[0].trained_on() as f64)
            ));
        }
        if self.settings.shuffle_block == 1 && bytes > memory::most() {
            say(&format!(
                "the data are {}, and the memory is {}: single rows in random order are read from the disk slowly, blocks of \
                 them (--set shuffle_block=128) much faster",
                memory::size(bytes),
                memory::size(memory::most())
            ));
        }
        let parameters = candidates.iter().map(|c| c.start.values().len());
        let plan = plan(self.settings);
        say(&format!(
            "models: {}, with {} parameters in all, on {} rows each, {} of {}; about {} of memory",
            candidates.len(),
            parameters.sum::<usize>(),
            plan.rows(),
            counted(plan.steps, "batch", "batches"),
            plan.batch,
            memory::size(self.memory)
        ));
    }

    /// Returns each model, converted to raw activations, and its measures on rows that it was not trained on; those of
    /// the first model hold the activity of its elements, with `top` top rows for each, if `top` is given.
    pub fn measure(
        &self,
        members: &[Member],
        data: &[Data],
        trained: Vec<Trained>,
        top: Option<usize>,
    ) -> Result<Vec<(Trained, Measured)>> {
        let progress = Progress::new("measuring", self.options.show);
        progress.start(members.len() as u64)?;
        let rows = data[0].measured();
        let session = self.session(&progress);
        let exec = match data[0].measured_rows().samples() {
            // All threads draw samples of a synthetic model, and the cosines of all features and elements are there for
            // one model at a time.
            Some(_) => session.parallel(),
            None => session.exec(members.len()),
        };
        let measure = |((place, member), trained): ((usize, &Member), Trained)| {
            let top = top.filter(|_| place == 0);
            let finished = finish(exec, trained, &data[member.source], &rows, top)?;
            progress.tick()?;
            Ok(finished)
        };
        let measured: Result<_> = match exec.is_parallel() {
            true => members
                .iter()
                .enumerate()
                .zip(trained)
                .map(measure)
                .collect(),
            false => members
                .par_iter()
                .enumerate()
                .zip(trained)
                .map(measure)
                .collect(),
        };
        progress.finish();
        measured
    }

    /// Returns the time that steps alone took: their sum over models, divided by the number of models trained at once.
    pub fn stepping(&self, trained: &[Trained]) -> Duration {
        let all = trained.iter().map(|t| t.stepping).sum::<Duration>();
        all / at_once(trained.len(), self.options.threads) as u32
    }

    fn session<'a>(&'a self, progress: &'a Progress) -> Session<'a> {
        Session {
            isa: self.isa,
            threads: self.options.threads,
            progress,
            folder: self.folder,
            subfolder: MODELS,
            checkpoint_every: self.options.checkpoint_every,
            beside: &[],
        }
    }
}
