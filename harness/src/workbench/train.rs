//! From files of activations to models, measures and a report.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kernels::sae::Task;
use kernels::{Exec, Isa};
use serde::Serialize;
use serde_json::{Value, json};

use crate::activations::Rows;
use crate::activations::survey::Survey;
use crate::error::{Error, Result};
use crate::interchange;
use crate::memory;
use crate::sae::synthetic::Spec;
use crate::sae::training::Trained;
use crate::session;
use crate::session::progress::Progress;
use crate::store::folder::Folder;
use crate::store::names::REPORT;
use crate::table::record::TableSpec;
use crate::table::{Record as _, Table, Tables, describe};
use crate::workbench::activity::Activity;
use crate::workbench::cards::{self, Top};
use crate::workbench::config::Config;
use crate::workbench::data::{Data, task};
use crate::workbench::job::{self, Job, MODELS, Options, open};
use crate::workbench::measure::Measured;
use crate::workbench::member::Member;
use crate::workbench::page;
use crate::workbench::pca::Pca;
use crate::workbench::settings::{Baselines, NonFinite, Role, Settings};
use crate::workbench::summary::summary;
use crate::workbench::sweep::members;
use crate::workbench::tables::{Model, SPECS};
use crate::workbench::tokens::Tokens;
use crate::workbench::truth::{Comparison, Truth};
use crate::workbench::warnings::warnings;

/// Elements whose top rows the report shows, and rows for each of them.
const SHOWN: usize = 20;
const TOP: usize = 6;

/// The file with all settings of a synthetic model that was trained on.
const SYNTHETIC: &str = "synthetic.toml";

/// What a training leaves behind.
#[derive(Debug)]
pub struct Finished {
    /// The folder that holds everything.
    pub folder: Folder,
    /// What held-out rows tell of each model.
    pub models: Vec<Model>,
    /// The models against the true features, if the rows are those of a synthetic model.
    pub truth: Vec<Truth>,
    /// What a reader should know of the data and the models.
    pub warnings: Vec<String>,
    /// Where the time went.
    pub times: Times,
}

/// Where the time of a training went.
#[derive(Debug)]
pub struct Times {
    /// The pass over all rows before the training.
    pub reading: Duration,
    /// The training: batches, steps and checkpoints.
    pub training: Duration,
    /// The steps alone: their sum over models, divided by the number of models that are trained at once.
    pub steps: Duration,
    /// Measures, figures and files.
    pub measuring: Duration,
}

impl Finished {
    /// The report.
    pub fn report(&self) -> PathBuf {
        self.folder.path().join(REPORT)
    }
}

/// Trains every model that the configuration asks for on the rows, measures and draws them.
pub fn train(config: &Config, rows: Rows, isa: Isa, options: &Options) -> Result<Finished> {
    let pool = session::pool(options.threads)?;
    let members = members(&config.settings, rows.width());
    let target = match config.target.is_empty() {
        true => None,
        false => Some(rows.open_target(&config.target, config.tensor.as_deref())?),
    };
    let eval = open_eval(config, &rows)?;
    let measured = eval.as_ref().unwrap_or(&rows);
    let tokens = config.tokens.as_deref();
    let tokens = tokens.map(|path| Tokens::open(path, measured));
    let tokens = tokens.transpose()?;
    let task = |elements| {
        let output = target.as_ref().map(Rows::width);
        task(rows.width(), output, config.skip_connection, elements)
    };
    let drawing = rows.spec().map_or(0.0, Spec::memory);
    let memory = drawing + needed(&config.settings, measured, &members, task);
    memory::check(
        "sae train",
        "harness sae train --help",
        memory,
        options.threads,
    )?;
    let folder = open(&config.to_toml(isa.name()), "sae", options)?;
    let training = Training {
        config,
        members: &members,
        tokens: tokens.as_ref(),
        job: Job {
            settings: &config.settings,
            isa,
            options,
            folder: &folder,
            memory,
        },
    };
    let Written {
        models,
        truth,
        warnings,
        times,
    } = pool.install(|| training.compute(Opened { rows, target, eval }))?;
    Ok(Finished {
        folder,
        models,
        truth,
        warnings,
        times,
    })
}

/// The rows that models are measured on, if the configuration names some.
fn open_eval(config: &Config, rows: &Rows) -> Result<Option<Rows>> {
    if config.eval.is_empty() {
        return Ok(None);
    }
    let eval = Rows::open(&config.eval, config.tensor.as_deref())?;
    match eval.width() == rows.width() {
        true => Ok(Some(eval)),
        false => Err(Error::input(format!(
            "{} has rows of {} values, and {} of {}; models are measured on rows that are as long as those that they are \
             trained on",
            eval.title(),
            eval.width(),
            rows.title(),
            rows.width()
        ))),
    }
}

/// The memory that is needed, bytes, beside what rows are drawn from; models are held to the features of a synthetic
/// model if they are measured on its samples.
fn needed(
    settings: &Settings,
    measured: &Rows,
    members: &[Member],
    task: impl Fn(usize) -> Task,
) -> f64 {
    let training = job::memory(settings, members, &task);
    let Some(spec) = measured.spec() else {
        return training;
    };
    // After the training, its parameters are left of each model; models are measured one by one.
    let models = members.iter().map(|m| task(m.elements).shape());
    let parameters = models
        .clone()
        .map(|s| 8.0 * (s.dictionary * s.width) as f64);
    let measures = models.map(|shape| Comparison::memory(shape, spec.features));
    let measuring = parameters.sum::<f64>() + measures.fold(0.0, f64::max);
    training.max(measuring)
}

/// Everything that decides the course of a training beside its model.
#[derive(Serialize)]
struct Course<'a> {
    data_checksum: u32,
    /// The checksum of what transcoders reconstruct, and whether they have a skip connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    transcoder: Option<(u32, bool)>,
    #[serde(flatten)]
    settings: &'a Settings,
}

/// A training: the models that are asked for, and what it is done with.
struct Training<'a> {
    config: &'a Config,
    members: &'a [Member],
    tokens: Option<&'a Tokens>,
    job: Job<'a>,
}

/// All rows, before anything is known of them.
struct Opened {
    rows: Rows,
    target: Option<Rows>,
    /// Those that models are measured on, where none are held out for that.
    eval: Option<Rows>,
}

/// The rows after the pass over all of them.
struct Surveyed<'a> {
    data: Data,
    survey: Survey,
    /// Number of rows that models would be measured on, but that hold what is no finite number.
    left_out_of_eval: u64,
    /// What decides the course of a training.
    course: Course<'a>,
    /// What the manifest says of them.
    described: Value,
}

/// What stands in the files of a training.
struct Written {
    models: Vec<Model>,
    truth: Vec<Truth>,
    warnings: Vec<String>,
    times: Times,
}

impl Training<'_> {
    fn compute(&self, opened: Opened) -> Result<Written> {
        let begun = Instant::now();
        // What is found here is refused as what was found before there was a folder.
        let folder = self.job.folder;
        let surveyed = folder.all_or_nothing(|| self.survey(opened))?;
        let Surveyed {
            data,
            course,
            described,
            ..
        } = &surveyed;
        let data = std::slice::from_ref(data);
        self.job.begin(described)?;
        let read = Instant::now();
        let trained = self.job.train(self.members, data, course)?;
        let steps = self.job.stepping(&trained);
        let ready = Instant::now();
        let measured = self.job.measure(self.members, data, trained, Some(TOP))?;
        let (models, truth, warnings) = self.write(&surveyed, &measured)?;
        self.job.end(described)?;
        let times = Times {
            reading: read - begun,
            training: ready - read,
            steps,
            measuring: ready.elapsed(),
        };
        Ok(Written {
            models,
            truth,
            warnings,
            times,
        })
    }

    /// Passes over all rows, and over what is to be reconstructed of them, and leaves out those that do not count.
    fn survey(&self, opened: Opened) -> Result<Surveyed<'_>> {
        let Opened {
            mut rows,
            target,
            eval,
        } = opened;
        let Job {
            settings,
            isa,
            options,
            folder,
            ..
        } = self.job;
        rows.prepare(Exec::parallel(isa), options.show)?;
        let skip = settings.nonfinite == NonFinite::Skip;
        let pass = |rows: &Rows, name: &str| {
            let reading = Progress::new(name, options.show);
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
                "every row of {} or its target holds a NaN or an infinite value",
                rows.title()
            )));
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
            let (checksum, skip) = (of_target.checksum, self.config.skip_connection);
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

    /// Writes models, tables, figures and the report.
    fn write(
        &self,
        surveyed: &Surveyed,
        measured: &[(Trained, Measured)],
    ) -> Result<(Vec<Model>, Vec<Truth>, Vec<String>)> {
        let Surveyed { data, survey, .. } = surveyed;
        let Job {
            settings,
            isa,
            folder,
            options,
            ..
        } = self.job;
        let (mut steps, mut models, mut elements) = (Vec::new(), Vec::new(), Vec::new());
        let mut truth = Vec::new();
        for (member, (trained, measured)) in self.members.iter().zip(measured) {
            let place = format!("{MODELS}/{}", member.name);
            interchange::write(&trained.parameters, folder, &place)?;
            steps.extend(member.curve(settings, trained));
            models.push(member.row(settings, trained, measured));
            truth.extend(measured.truth(&member.name));
            if member.role == Role::Model {
                elements.extend(measured.elements(&member.name));
            }
        }
        let activity = measured[0].1.activity.as_ref();
        let activity = activity.expect("that of the first model");
        let tops = middle_tops(activity, data.measured_rows(), self.tokens)?;
        // Principal components of what is read say nothing of what a transcoder reconstructs.
        if settings.baselines == Baselines::Random && data.target.is_none() {
            let pca = Pca::new(Exec::parallel(isa), data, &data.measured())?;
            let components = pca.map(|pca| pca.beside(&models));
            models.extend(components.into_iter().flatten());
        }
        let mut warnings = warnings(survey, &models);
        if let n @ 1.. = surveyed.left_out_of_eval {
            warnings.push(format!(
                "{n} of the rows to measure models on hold a NaN or an infinite value and are left out."
            ));
        }
        let tables = Tables::new(vec![
            Table::of(&steps),
            Table::of(&models),
            Table::of(&summary(&models, &truth)),
            Table::of(&elements),
            Table::of(&tops),
            Table::of(&truth),
        ]);
        let written = |spec: &TableSpec| spec.name != Truth::SPEC.name || !truth.is_empty();
        for table in tables.iter().filter(|table| written(table.spec())) {
            folder.write(format!("{}.csv", table.spec().name), table.csv())?;
        }
        let specs = SPECS.into_iter().filter(|spec| written(spec));
        let about = describe::columns("Tables of a training", "By `harness sae train`.", specs);
        folder.write("README.md", about)?;
        page::draw(
            (folder, &options.export),
            self.config,
            survey,
            data,
            &tables,
            &warnings,
        )?;
        Ok((models, truth, warnings))
    }
}

/// The held-out rows that switch some elements on most: of those that stand in the middle when living elements are in
/// order of how often they are active.
fn middle_tops(activity: &Activity, rows: &Rows, tokens: Option<&Tokens>) -> Result<Vec<Top>> {
    let living = |&j: &usize| activity.elements[j].firings > 0;
    let mut elements: Vec<usize> = (0..activity.elements.len()).filter(living).collect();
    elements.sort_by_key(|&j| activity.elements[j].firings);
    let first = elements.len().saturating_sub(SHOWN) / 2;
    let middle = elements.iter().copied().skip(first).take(SHOWN);
    let middle: Vec<usize> = middle.collect();
    cards::tops(activity, &middle, rows, tokens)
}
