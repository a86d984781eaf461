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

/// The file with all settings of a synthetic model that was trained on.
const SYNTHETIC: &str = "synthetic.toml";

/// Everything that decides the course of a training beside its model.
#[derive(Serialize)]
pub struct Course<'a> {
    data_checksum: u32,
    /// The checksum of what transcoders reconstruct, and whether they have a skip connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    transcoder: Option<(u32, bool)>,
    #[serde(flatten)]
    settings: &'a Settings,
}

/// All rows, before anything is known of them.
pub struct Opened {
    /// What is read.
    rows: Rows,
    /// What transcoders reconstruct.
    target: Option<Rows>,
    /// Those that models are measured on, where none are held out for that.
    eval: Option<Rows>,
}

/// The rows after the pass over all of them.
pub struct Surveyed<'a> {
    /// The rows as a training sees them.
    pub data: Data,
    /// What all rows have in common.
    pub survey: Survey,
    /// Number of rows that models would be measured on, but that hold what is no finite number.
    pub left_out_of_eval: u64,
    /// What decides the course of a training.
    pub course: Course<'a>,
    /// What the manifest says of them.
    pub described: Value,
}

impl Opened {
    /// The rows, with those that the configuration names beside them.
    pub fn open(config: &Config, rows: Rows) -> Result<Opened> {
        let target = open_target(config, &rows)?;
        let eval = open_eval(config, &rows)?;
        Ok(Opened { rows, target, eval })
    }

    /// What a model with so many elements reads and reconstructs.
    pub fn task(&self, config: &Config, elements: usize) -> Task {
        task(
            self.width(),
            self.output(),
            config.skip_connection,
            elements,
        )
    }

    /// The length of a row of what transcoders reconstruct.
    pub fn output(&self) -> Option<usize> {
        self.target.as_ref().map(Rows::width)
    }

    /// The length of a row.
    pub fn width(&self) -> usize {
        self.rows.width()
    }

    /// The rows that models are measured on, or from which those are held out.
    pub fn measured(&self) -> &Rows {
        self.eval.as_ref().unwrap_or(&self.rows)
    }

    /// Memory from which samples of a synthetic model are drawn, bytes.
    pub fn drawing(&self) -> f64 {
        self.rows.spec().map_or(0.0, Spec::memory)
    }

    /// Passes over all rows, and over what is to be reconstructed of them, and leaves out those that do not count.
    /// All settings of a synthetic model go to the folder.
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
            // A row counts where both of its sides do.
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

/// What transcoders reconstruct of these rows, if the configuration names it.
pub fn open_target(config: &Config, rows: &Rows) -> Result<Option<Rows>> {
    if config.target.is_empty() {
        return Ok(None);
    }
    let target = rows.open_target(&config.target, config.tensor.as_deref())?;
    Ok(Some(target))
}

/// The rows that models are measured on, if the configuration names some.
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
