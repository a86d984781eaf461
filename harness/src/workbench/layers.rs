//! `harness sae layers`: one sparse autoencoder for each layer of a model, on the same rows, and what becomes of its
//! elements from layer to layer.
//!
//! An element is held to those of another layer in two ways. *By direction*: the largest cosine of decoder rows. Blocks
//! add to a residual stream, so what a block leaves alone keeps its direction, as long as the layers share one space;
//! where a layer norm stands between them, it stretches the axes a little. *By function*: the largest correlation of
//! activations over the same held-out rows. It needs no common space, and follows an element whose direction is turned.
//! A direction that is used for something else passes the first test alone, a feature that is moved the second alone.
//!
//! Two trainings on one layer do not find the same elements either. So every layer is trained with two seeds, from
//! first weights that differ between layers too: what a second training finds again is what a next layer could have at
//! most.

use std::path::PathBuf;

use kernels::{Exec, Isa};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use crate::activations::Rows;
use crate::activations::survey::Survey;
use crate::error::{Error, Result};
use crate::interchange;
use crate::memory;
use crate::sae::training::Trained;
use crate::session;
use crate::session::progress::Progress;
use crate::store::folder::Folder;
use crate::store::names::REPORT;
use crate::store::resumed;
use crate::table::{Table, Tables, describe};
use crate::workbench::config::{Across, Config};
use crate::workbench::data::{Data, task};
use crate::workbench::job::{self, Job, MODELS, Options, open};
use crate::workbench::measure::Measured;
use crate::workbench::member::Member;
use crate::workbench::settings::{Role, Settings};
use crate::workbench::summary::summary;
use crate::workbench::sweep::members;
use crate::workbench::tables::{Model, Step};
use crate::workbench::warnings::{few_steps, warnings};

mod chance;
mod compare;
mod elements;
mod figures;
mod findings;
mod names;
mod opened;
mod page;
mod probe;
mod tables;
mod targets;

use compare::Reading;
use elements::relate;
use names::names;
use opened::open_all;
use probe::{Sample, probes};
use tables::{Layer, LayerModel, LayerSummary, Probe, SPECS};
use targets::Targets;

/// The largest number of rows on which elements are compared, and the largest number to fit a probe to.
const COMPARED: u64 = 1 << 15;

/// The results of a training on several layers.
#[derive(Debug)]
pub struct Finished {
    /// The folder that holds everything.
    pub folder: Folder,
    /// The layers: the name and the file of each.
    pub layers: Vec<(String, String)>,
    /// The findings, in sentences.
    pub findings: Vec<String>,
    /// The warnings: what a reader should know of the data and the models.
    pub warnings: Vec<String>,
}

impl Finished {
    /// Returns the path of the report.
    pub fn report(&self) -> PathBuf {
        self.folder.path().join(REPORT)
    }
}

/// Trains on every layer, compares the dictionaries and draws the figures. `first` are the rows of the first layer,
/// which are open already.
///
/// # Errors
/// If layers do not belong together, or as for a training.
pub fn layers(config: &Config, first: Rows, isa: Isa, options: &Options) -> Result<Finished> {
    let pool = session::pool(options.threads)?;
    let across = config.across.clone().unwrap_or_default();
    let rows = open_all(config, first)?;
    let targets = match &across.probe_targets {
        Some(path) => Some(Targets::open(path, rows[0].len(), &across.target_names)?),
        None if !across.target_names.is_empty() => {
            return Err(Error::input(
                "there are names of targets, and no targets; name their file with --probe-targets",
            ));
        }
        None => None,
    };
    let names = names(&config.data);
    let sweep = sweep(&config.settings, &names, rows[0].width());
    let memory = needed(&config.settings, rows[0].width(), &sweep, options.threads);
    memory::check(
        "sae layers",
        "harness sae layers --help",
        memory,
        options.threads,
    )?;
    let folder = open(
        &config.to_toml(isa.name()),
        ("layers", resumed::LAYERS),
        options,
    )?;
    let training = Training {
        config,
        across: &across,
        names: &names,
        targets: targets.as_ref(),
        sweep: &sweep,
        job: Job {
            settings: &config.settings,
            isa,
            options,
            folder: &folder,
            memory,
        },
    };
    let computed = pool.install(|| training.compute(rows));
    let (findings, warnings) = folder.telling_again(computed)?;
    let files = config.data.iter().map(|path| path.display().to_string());
    Ok(Finished {
        layers: names.into_iter().zip(files).collect(),
        folder,
        findings,
        warnings,
    })
}

/// Returns the models of all layers, one layer after the other.
fn sweep(settings: &Settings, names: &[String], width: usize) -> Vec<Member> {
    let of_layer = |(layer, name): (usize, &String)| -> Vec<Member> {
        let all = members(settings, width).into_iter();
        let named = all.map(|member| Member {
            name: format!("{name}-{}", member.name),
            source: layer,
            ..member
        });
        named.collect()
    };
    names.iter().enumerate().flat_map(of_layer).collect()
}

/// Returns the memory that is needed, in bytes.
fn needed(settings: &Settings, width: usize, sweep: &[Member], threads: usize) -> f64 {
    let trained = job::memory(settings, sweep, |elements| {
        task(width, None, false, elements)
    });
    // Compared are elements, and codes by rows and by elements, of the model of a layer and of another seed. Probes
    // take samples.
    let largest = settings.elements.iter().max().map_or(0.0, |&n| n as f64);
    let active = settings
        .k
        .iter()
        .max()
        .map_or(0.0, |&k| k as f64)
        .max(largest / 16.0);
    let rows = COMPARED as f64;
    let read = 2.0 * (4.0 * largest * width as f64 + 16.0 * rows * active.min(largest));
    let probed = threads as f64 * (2.0 * 4.0 * rows * width as f64 + 800.0 * rows);
    let layers = sweep.last().map_or(0, |last| last.source + 1);
    trained.max(layers as f64 * read + probed)
}

/// Everything that decides the course of a training beside its model.
#[derive(Serialize)]
struct Course<'a> {
    data_checksums: Vec<u32>,
    #[serde(flatten)]
    settings: &'a Settings,
}

/// A training on several layers: the models that are asked for, and what it is done with.
struct Training<'a> {
    config: &'a Config,
    across: &'a Across,
    /// The names of the layers, in their order.
    names: &'a [String],
    targets: Option<&'a Targets>,
    sweep: &'a [Member],
    job: Job<'a>,
}

impl Training<'_> {
    /// Trains, compares and writes the results; returns the findings and the warnings.
    fn compute(&self, rows: Vec<Rows>) -> Result<(Vec<String>, Vec<String>)> {
        let Job {
            settings,
            isa,
            options,
            folder,
            ..
        } = self.job;
        let reading = Progress::new("reading", options.show);
        reading.start(rows.iter().map(Rows::len).sum())?;
        let surveys = rows.iter().map(|rows| Survey::of(rows, false, &reading));
        let surveys: Vec<Survey> = folder.all_or_nothing(|| surveys.collect::<Result<_>>())?;
        reading.finish();
        let course = Course {
            data_checksums: surveys.iter().map(|survey| survey.checksum).collect(),
            settings,
        };
        let described = json!({
            "data": rows.iter().map(Rows::described).collect::<Vec<Value>>(),
            "data_checksums": course.data_checksums,
        });
        self.job.begin(&described)?;
        let of_layer = rows.into_iter().zip(&surveys);
        let data: Vec<Data> = of_layer
            .map(|(rows, survey)| Data::new(rows, survey, settings))
            .collect();
        let trained = self.job.train(self.sweep, &data, &course)?;
        let trained = self.job.measure(self.sweep, &data, trained, None)?;

        let mut steps: Vec<Step> = Vec::new();
        let mut models: Vec<LayerModel> = Vec::new();
        for (member, (trained, measured)) in self.sweep.iter().zip(&trained) {
            let place = format!("{MODELS}/{}", member.name);
            interchange::write(&trained.parameters, folder, &place)?;
            steps.extend(member.curve(settings, trained));
            models.push(LayerModel {
                layer: self.names[member.source].clone(),
                model: member.row(settings, trained, measured),
            });
        }
        let (mut summaries, mut notes) = (Vec::new(), Vec::new());
        for (layer, survey) in self.names.iter().zip(&surveys) {
            let ours = models.iter().filter(|m| m.layer == *layer);
            let ours: Vec<Model> = ours.map(|m| m.model.clone()).collect();
            let summary = summary(&ours, &[]).into_iter();
            summaries.extend(summary.map(|summary| LayerSummary {
                layer: layer.clone(),
                summary,
            }));
            let of_layer = warnings(survey, settings, &ours).into_iter();
            notes.extend(of_layer.map(|warning| format!("{layer}: {warning}")));
        }
        notes.extend(few_steps(settings));
        let chosen = self.chosen(0).into_iter().enumerate();
        let layers = chosen.map(|(place, model)| Layer {
            place,
            layer: self.names[place].clone(),
            file: self.config.data[place].display().to_string(),
            model: self.sweep[model].name.clone(),
        });
        let layers: Vec<Layer> = layers.collect();
        // Elements are compared on the same rows of every layer, spread over those that are held out.
        let held_out = data[0].measured();
        let every = held_out.len().div_ceil(COMPARED as usize);
        let compared: Vec<u64> = held_out.into_iter().step_by(every).collect();
        let first = self.read(0, &trained, &data, &compared)?;
        let second = match settings.seeds {
            1 => Vec::new(),
            _ => self.read(1, &trained, &data, &compared)?,
        };
        let progress = Progress::new("comparing", options.show);
        progress.start((first.len() * first.len()) as u64)?;
        let exec = Exec::parallel(isa);
        let same_from = self.across.same_from();
        let related = relate(exec, self.names, &first, &second, same_from, &progress)?;
        progress.finish();
        let probes = self.probes(&first, &data, &compared)?;
        let tables = Tables::new(vec![
            Table::of(&steps),
            Table::of(&layers),
            Table::of(&models),
            Table::of(&summaries),
            Table::of(&related.persistence),
            Table::of(&related.elements),
            Table::of(&related.similarity),
            Table::of(&probes),
        ]);
        for table in tables.iter() {
            folder.write(format!("{}.csv", table.spec().name), table.csv())?;
        }
        let about = describe::columns("Tables of all layers", "By `harness sae layers`.", SPECS);
        folder.write("README.md", about)?;
        let findings = findings::findings(&tables, same_from);
        page::draw(
            (folder, &options.export),
            self.config,
            (&data[0], compared.len()),
            &tables,
            &findings,
            notes.clone(),
        )?;
        self.job.end(&described)?;
        Ok((findings, notes))
    }

    /// Returns for each layer the index in the sweep of the model whose elements are compared: among the largest
    /// dictionaries that with the middle one of the sparsities, and of its seeds number `seed`, from 0.
    fn chosen(&self, seed: u64) -> Vec<usize> {
        let seed = self.job.settings.seed + seed;
        let largest = self.sweep.iter().map(|member| member.elements).max();
        let all = self.sweep.iter().enumerate();
        let ours: Vec<(usize, usize)> = all
            .filter(|(_, m)| m.role == Role::Model && Some(m.elements) == largest && m.seed == seed)
            .map(|(place, m)| (m.source, place))
            .collect();
        let each = ours.chunk_by(|a, b| a.0 == b.0);
        each.map(|of_layer| of_layer[of_layer.len() / 2].1)
            .collect()
    }

    /// Reads the dictionaries that are compared, one for each layer, on the rows with the numbers `rows`.
    fn read(
        &self,
        seed: u64,
        trained: &[(Trained, Measured)],
        data: &[Data],
        rows: &[u64],
    ) -> Result<Vec<Reading>> {
        let exec = Exec::serial(self.job.isa);
        let chosen = self.chosen(seed);
        let each = chosen.par_iter().zip(data);
        let read = each.map(|(&place, data)| {
            Reading::of(exec, &trained[place].0.parameters, data.rows(), rows)
        });
        read.collect()
    }

    /// Returns the probes of all layers; none if there are no targets.
    fn probes(&self, readings: &[Reading], data: &[Data], rows: &[u64]) -> Result<Vec<Probe>> {
        let Some(targets) = self.targets else {
            return Ok(Vec::new());
        };
        let progress = Progress::new("probing", self.job.options.show);
        progress.start(data.len() as u64)?;
        let to_fit = data[0].some_trained_on(COMPARED);
        let sample = |data: &Data, rows: &[u64]| -> Result<Sample> {
            let mut x = vec![0f32; rows.len() * data.width()];
            data.rows().gather(rows.iter().copied(), &mut x)?;
            let y = targets.of(rows)?;
            Ok(Sample { x, y })
        };
        let each = data.par_iter().zip(readings).enumerate();
        let found = each.map(|(layer, (data, reading))| {
            let (fitted, held_out) = (sample(data, &to_fit)?, sample(data, rows)?);
            let found = probes(
                (layer, &self.names[layer]),
                targets,
                &fitted,
                &held_out,
                &reading.unit,
                data.width(),
            );
            progress.tick()?;
            found.map_err(|why| {
                let name = &self.names[layer];
                Error::input(format!("no probe can be fitted to {name}: {why}"))
            })
        });
        let found: Vec<Vec<Probe>> = found.with_max_len(1).collect::<Result<_>>()?;
        progress.finish();
        Ok(found.into_iter().flatten().collect())
    }
}
