//! The rows of a training on one layer, and the pass over all of them before anything is trained.

use std::collections::BTreeSet;
use std::path::PathBuf;

use kernels::sae::Task;
use kernels::{Exec, Isa};
use serde::Serialize;
use serde_json::{Value, json};

use crate::activations::survey::Survey;
use crate::activations::{Rows, Shard};
use crate::error::{Error, Result};
use crate::sae::synthetic::Spec;
use crate::session::progress::{Progress, Show};
use crate::store::folder::Folder;
use crate::workbench::config::Config;
use crate::workbench::data::{Data, refuse_too_few, task};
use crate::workbench::settings::{NonFinite, Settings};

/// The name of the file with all settings of a synthetic model that was trained on.
const SYNTHETIC: &str = "synthetic.toml";

/// Everything that decides the course of a training beside its model.
#[derive(Serialize)]
pub struct Course<'a> {
    data_checksum: u32,
    /// The checksum of the rows that transcoders reconstruct, and whether models have a skip connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    transcoder: Option<(u32, bool)>,
    #[serde(flatten)]
    settings: &'a Settings,
}

/// The rows of a training, which are open, but not read yet.
pub struct Opened {
    /// The rows that models read.
    rows: Rows,
    /// The rows that transcoders reconstruct.
    target: Option<Rows>,
    /// The rows that models are measured on, where none are held out for that.
    eval: Option<Rows>,
}

/// The rows of a training, after the pass over all of them.
pub struct Surveyed<'a> {
    /// The rows as a training sees them.
    pub data: Data,
    /// The survey of all rows: their mean, variance and checksum.
    pub survey: Survey,
    /// The number of rows that models would be measured on, but that hold a value that is not finite.
    pub left_out_of_eval: u64,
    /// The data and settings that decide the course of a training.
    pub course: Course<'a>,
    /// The description of the rows in the manifest.
    pub described: Value,
}

impl Opened {
    /// Opens the rows that the configuration names beside `rows`: those that transcoders reconstruct, and those that
    /// models are measured on.
    pub fn open(config: &Config, rows: Rows) -> Result<Opened> {
        let target = open_target(config, &rows)?;
        let eval = open_eval(config, &rows)?;
        Ok(Opened { rows, target, eval })
    }

    /// Returns the task of a model with `elements` elements: what it reads and reconstructs.
    pub fn task(&self, config: &Config, elements: usize) -> Task {
        task(
            self.width(),
            self.output(),
            config.skip_connection,
            elements,
        )
    }

    /// Returns the length of a row that transcoders reconstruct; `None` if there are no such rows.
    pub fn output(&self) -> Option<usize> {
        self.target.as_ref().map(Rows::width)
    }

    /// Returns the length of a row.
    pub fn width(&self) -> usize {
        self.rows.width()
    }

    /// Returns the rows that models are measured on, or from which those are held out.
    pub fn measured(&self) -> &Rows {
        self.eval.as_ref().unwrap_or(&self.rows)
    }

    /// Returns the memory, in bytes, that the generator of a synthetic model takes; 0 for rows in files.
    pub fn drawing(&self) -> f64 {
        self.rows.spec().map_or(0.0, Spec::memory)
    }

    /// Passes over all rows and their targets, and leaves out those that hold a value that is not finite, if the
    /// settings say so. Writes all settings of a synthetic model to the folder.
    ///
    /// # Errors
    /// If a row cannot be read, or holds a value that is not finite and is not to be left out, or if too few rows are
    /// left.
    pub fn survey<'a>(
        self,
        config: &'a Config,
        isa: Isa,
        show: Show,
        folder: &Folder,
    ) -> Result<Surveyed<'a>> {
        let Opened {
            mut rows,
            target,
            eval,
        } = self;
        let settings = &config.settings;
        rows.prepare(Exec::parallel(isa), show)?;
        let skip = settings.nonfinite == NonFinite::Skip;
        let pass = |rows: &Rows, name: &str| {
            let reading = Progress::new(name, show);
            reading.start(rows.surveyed())?;
            let survey = Survey::of(rows, skip, &reading)?;
            reading.finish();
            Ok(survey)
        };
        let mut survey = pass(&rows, "reading")?;
        let of_target = target.as_ref().map(|rows| pass(rows, "reading targets"));
        let of_target = of_target.transpose()?;
        if let Some(of_target) = &of_target {
            // A row counts where both it and its target are finite.
            survey.broken.extend(&of_target.broken);
            survey.broken.sort_unstable();
            survey.broken.dedup();
        }
        let rows = rows.without(&survey.broken);
        if rows.is_empty() {
            return Err(Error::input(format!(
                "every row of {} or its target holds a NaN or an infinite value; save the activations again, in float32 \
                 if they overflowed",
                rows.title()
            )));
        }
        if eval.is_none() {
            refuse_too_few(&rows, settings)?;
        }
        if let Some(spec) = rows.spec() {
            folder.write(SYNTHETIC, spec.to_toml())?;
        }
        let mut described = json!({
            "data": rows.described(),
            "data_checksum": survey.checksum,
            "rows_left_out": survey.broken.len(),
        });
        let mut course = Course {
            data_checksum: survey.checksum,
            transcoder: None,
            settings,
        };
        let mut data = Data::new(rows, &survey, settings);
        if let (Some(rows), Some(of_target)) = (target, of_target) {
            let (checksum, skip) = (of_target.checksum, config.skip_connection);
            described["target"] = json!({"files": rows.described(), "checksum": checksum});
            course.transcoder = Some((checksum, skip));
            let rows = rows.without(&survey.broken);
            data = data.with_target(rows, &of_target, skip, settings);
        }
        let mut left_out_of_eval = 0;
        if let Some(rows) = eval {
            let of_eval = pass(&rows, "reading rows to measure on")?;
            left_out_of_eval = of_eval.broken.len() as u64;
            described["eval"] = json!({
                "files": rows.described(),
                "checksum": of_eval.checksum,
                "rows_left_out": left_out_of_eval,
            });
            data = data.with_eval(rows.without(&of_eval.broken), &of_eval, settings);
        }
        Ok(Surveyed {
            data,
            left_out_of_eval,
            survey,
            course,
            described,
        })
    }
}

/// Opens the rows that transcoders reconstruct of `rows`, if the configuration names some.
pub fn open_target(config: &Config, rows: &Rows) -> Result<Option<Rows>> {
    if config.target.is_empty() {
        return Ok(None);
    }
    let target = rows.open_target(&config.target, config.tensor.as_deref())?;
    Ok(Some(target))
}

/// Opens the rows that models are measured on, if the configuration names some.
///
/// # Errors
/// If they differ in length from those that models are trained on, or a file is among both.
fn open_eval(config: &Config, rows: &Rows) -> Result<Option<Rows>> {
    if config.eval.is_empty() {
        return Ok(None);
    }
    let eval = Rows::open(&config.eval, config.tensor.as_deref())?;
    if eval.width() != rows.width() {
        return Err(Error::input(format!(
            "{} has rows of {} values, and {} of {}; models are measured on rows that are as long as those that they are \
             trained on",
            eval.title(),
            eval.width(),
            rows.title(),
            rows.width()
        )));
    }
    // A link and the file behind it are the same rows.
    let file = |shard: &Shard| {
        let path = shard.path();
        path.canonicalize().unwrap_or_else(|_| path.into())
    };
    let trained_on: BTreeSet<PathBuf> = rows.shards().iter().map(file).collect();
    match eval
        .shards()
        .iter()
        .find(|shard| trained_on.contains(&file(shard)))
    {
        None => Ok(Some(eval)),
        Some(both) => Err(Error::input(format!(
            "{} is among the rows to measure models on (--eval) and among those to train them on; models are measured on \
             rows that they were not trained on, so name it once, or leave --eval out, and some of its rows are held out",
            both.path().display()
        ))),
    }
}
