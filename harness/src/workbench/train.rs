//! A training from files of activations to models, measures and a report.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kernels::{Exec, Isa};

use crate::activations::Rows;
use crate::error::Result;
use crate::interchange;
use crate::memory;
use crate::sae::training::Trained;
use crate::session;
use crate::store::folder::Folder;
use crate::store::names::REPORT;
use crate::store::resumed;
use crate::table::record::TableSpec;
use crate::table::{Record as _, Table, Tables, describe};
use crate::workbench::activity::Activity;
use crate::workbench::cards::{self, Top};
use crate::workbench::config::Config;
use crate::workbench::job::{self, Job, MODELS, Options, open};
use crate::workbench::measure::Measured;
use crate::workbench::member::Member;
use crate::workbench::opened::{Opened, Surveyed};
use crate::workbench::origin::Origin;
use crate::workbench::page;
use crate::workbench::pca::Pca;
use crate::workbench::settings::{Baselines, Role};
use crate::workbench::summary::summary;
use crate::workbench::sweep::members;
use crate::workbench::tables::{Model, SPECS};
use crate::workbench::tokens::Tokens;
use crate::workbench::truth::{Comparison, Truth};
use crate::workbench::warnings::{few_steps, warnings};

/// The number of elements whose top rows the report shows.
const SHOWN: usize = 20;
/// The number of top rows that the report shows of each of these elements.
const TOP: usize = 6;

/// The results of a training.
#[derive(Debug)]
pub struct Finished {
    /// The folder that holds everything.
    pub folder: Folder,
    /// The measures of each model on held-out rows.
    pub models: Vec<Model>,
    /// The measures of the models against the true features, if the rows are those of a synthetic model.
    pub truth: Vec<Truth>,
    /// The warnings: what a reader should know of the data and the models.
    pub warnings: Vec<String>,
    /// The times that the training took.
    pub times: Times,
}

/// The times that the phases of a training took.
#[derive(Debug)]
pub struct Times {
    /// The time of the pass over all rows before the training.
    pub reading: Duration,
    /// The time of the training: batches, steps and checkpoints.
    pub training: Duration,
    /// The time of the steps alone: their sum over models, divided by the number of models that are trained at once.
    pub steps: Duration,
    /// The time of measures, figures and files.
    pub measuring: Duration,
}

impl Finished {
    /// Returns the path of the report.
    pub fn report(&self) -> PathBuf {
        self.folder.path().join(REPORT)
    }
}

/// Trains every model that the configuration asks for on `rows`, or reads what parts have trained, and measures and
/// draws the models.
pub fn train(config: &Config, rows: Rows, isa: Isa, options: &Options) -> Result<Finished> {
    let pool = session::pool(options.threads)?;
    let opened = Opened::open(config, rows)?;
    let members = members(&config.settings, opened.width());
    let tokens = config.tokens.as_deref();
    let tokens = tokens.map(|path| Tokens::open(path, opened.measured()));
    let tokens = tokens.transpose()?;
    let task = |elements| opened.task(config, elements);
    let training = match options.parts.is_empty() {
        true => job::memory(&config.settings, &members, task),
        false => job::memory_of_merge(&config.settings, &members, task),
    };
    let measuring = job::parameters(&members, task) + measuring(config, &opened, &members);
    let memory = opened.drawing() + training.max(measuring);
    memory::check(
        "sae train",
        "harness sae train --help",
        memory,
        options.threads,
    )?;
    let folder = open(
        &config.to_toml(isa.name()),
        ("sae", resumed::TRAIN),
        options,
    )?;
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
    } = folder.telling_again(pool.install(|| training.compute(opened)))?;
    Ok(Finished {
        folder,
        models,
        truth,
        warnings,
        times,
    })
}

/// Returns the memory that is needed to measure trained models one by one, beside their parameters, in bytes: to
/// compare them with the features of a synthetic model, and with principal components after that.
fn measuring(config: &Config, opened: &Opened, members: &[Member]) -> f64 {
    let of_truth = opened.measured().spec().map_or(0.0, |spec| {
        let shapes = members
            .iter()
            .map(|m| opened.task(config, m.elements).shape());
        let each = shapes.map(|shape| Comparison::memory(shape, spec.features));
        each.fold(0.0, f64::max)
    });
    let of_components = match has_components(config) {
        true => Pca::memory(opened.width()),
        false => 0.0,
    };
    of_truth.max(of_components)
}

/// Returns whether models are compared with principal components. The components of the rows that a transcoder reads
/// say nothing of those that it reconstructs.
fn has_components(config: &Config) -> bool {
    config.settings.baselines == Baselines::Random && config.target.is_empty()
}

/// A training: the models that are asked for, and what it is done with.
struct Training<'a> {
    config: &'a Config,
    members: &'a [Member],
    tokens: Option<&'a Tokens>,
    job: Job<'a>,
}

/// The results of a training that stand in its files.
struct Written {
    models: Vec<Model>,
    truth: Vec<Truth>,
    warnings: Vec<String>,
    times: Times,
}

impl Training<'_> {
    fn compute(&self, opened: Opened) -> Result<Written> {
        let begun = Instant::now();
        // An error that is found here leaves no folder behind, as those that were found before there was one.
        let folder = self.job.folder;
        let Job { isa, options, .. } = self.job;
        let survey = || opened.survey(self.config, isa, options.show, folder);
        let surveyed = folder.all_or_nothing(survey)?;
        let Surveyed {
            data,
            course,
            described,
            ..
        } = &surveyed;
        let data = std::slice::from_ref(data);
        let merging = !options.parts.is_empty();
        if merging {
            Origin::read(folder.path())?.refuse_data(described)?;
        }
        self.job.begin(described)?;
        let read = Instant::now();
        let trained = match merging {
            true => self.job.gather(self.members, data, course)?,
            false => self.job.train(self.members, data, course)?,
        };
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
        if has_components(self.config) {
            let pca = Pca::new(Exec::parallel(isa), data, &data.measured())?;
            let components = pca.map(|pca| pca.beside(&models));
            models.extend(components.into_iter().flatten());
        }
        let mut warnings = warnings(survey, settings, &models);
        warnings.extend(few_steps(settings));
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

/// Returns the top rows of some elements among the rows that models are measured on: of the [`SHOWN`] elements that
/// stand in the middle when living elements are in order of how often they are active.
fn middle_tops(activity: &Activity, rows: &Rows, tokens: Option<&Tokens>) -> Result<Vec<Top>> {
    let living = |&j: &usize| activity.elements[j].firings > 0;
    let mut elements: Vec<usize> = (0..activity.elements.len()).filter(living).collect();
    elements.sort_by_key(|&j| activity.elements[j].firings);
    let first = elements.len().saturating_sub(SHOWN) / 2;
    let middle = elements.iter().copied().skip(first).take(SHOWN);
    let middle: Vec<usize> = middle.collect();
    cards::tops(activity, &middle, rows, tokens)
}
