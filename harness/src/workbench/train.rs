//! From files of activations to models, measures and a report.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kernels::sae::{
    AuxK, BatchTopK, L1, Parameters, Rows as ElementRows, Shape, TiedL1, TopK, Variant,
};
use kernels::{Exec, Isa};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;

use crate::activations::Rows;
use crate::activations::survey::Survey;
use crate::error::{Error, Result};
use crate::input::read_settings;
use crate::interchange;
use crate::memory;
use crate::rng::Rng;
use crate::sae::synthetic::Spec;
use crate::sae::training::{self, Candidate, Plan, Trained};
use crate::session::progress::{Progress, Show};
use crate::session::{self, Session};
use crate::store::checkpoint;
use crate::store::folder::Folder;
use crate::store::names::{CHECKPOINTS, CONFIG, MANIFEST, REPORT};
use crate::table::{Record as _, Table, Tables, describe};
use crate::workbench::config::Config;
use crate::workbench::data::Data;
use crate::workbench::measure::{Measured, measure};
use crate::workbench::page;
use crate::workbench::settings::{Kind, NonFinite, Settings};
use crate::workbench::tables::{Model, SPECS, Step};
use crate::workbench::truth::{self, Truth};

/// The folder of the models in that of a training.
const MODELS: &str = "models";

/// The file with all settings of a synthetic model that was trained on.
const SYNTHETIC: &str = "synthetic.toml";

/// Options of a training beside its configuration: nothing here changes a byte of the results.
#[derive(Debug, Clone)]
pub struct Options {
    /// Size of the thread pool.
    pub threads: usize,
    /// The folder for the results; a fresh folder under `out/` if not set.
    pub out: Option<PathBuf>,
    /// Whether to go on with the training that the folder holds.
    pub resume: bool,
    /// The time between two checkpoints.
    pub checkpoint_every: Duration,
    /// The progress that is shown meanwhile.
    pub show: Show,
}

/// What a training leaves behind.
#[derive(Debug)]
pub struct Finished {
    /// The folder that holds everything.
    pub folder: Folder,
    /// What held-out rows tell of each model.
    pub models: Vec<Model>,
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

/// A model of the sweep: its place in the lists of the settings.
struct Member {
    name: String,
    elements: usize,
    variant: Variant,
    sparsity: f64,
    seed: u64,
}

/// Trains every model that the configuration asks for on the rows, measures and draws them.
pub fn train(config: &Config, rows: Rows, isa: Isa, options: &Options) -> Result<Finished> {
    let pool = session::pool(options.threads)?;
    let members = members(&config.settings, rows.width());
    check_memory(&config.settings, &rows, &members, options.threads)?;
    let folder = open(config, isa, options)?;
    let (models, times) =
        pool.install(|| compute(config, rows, isa, options, &folder, &members))?;
    Ok(Finished {
        folder,
        models,
        times,
    })
}

/// The folder of the results, new or that of the same training.
fn open(config: &Config, isa: Isa, options: &Options) -> Result<Folder> {
    let text = config.to_toml(isa.name());
    let folder = match &options.out {
        Some(path) if options.resume => {
            let folder = Folder::resume(path, [MODELS].into_iter())?;
            let theirs = read_settings(&path.join(CONFIG))?;
            if let Some((theirs, ours)) = theirs.lines().zip(text.lines()).find(|(a, b)| a != b) {
                return Err(Error::input(format!(
                    "cannot resume the training in {}: it has `{theirs}`, not `{ours}`; leave the configuration out to \
                     resume it as it was, or choose a new folder with --out",
                    path.display()
                )));
            }
            checkpoint::verify(&folder, [MODELS])?;
            folder
        }
        Some(path) => Folder::create(path)?,
        None => Folder::create_numbered(Path::new("out"), "sae")?,
    };
    folder.write(CONFIG, text)?;
    Ok(folder)
}

fn compute(
    config: &Config,
    mut rows: Rows,
    isa: Isa,
    options: &Options,
    folder: &Folder,
    members: &[Member],
) -> Result<(Vec<Model>, Times)> {
    let settings = &config.settings;
    let begun = Instant::now();
    rows.prepare(Exec::parallel(isa), options.show)?;
    let reading = Progress::new("reading", options.show);
    reading.start(rows.surveyed())?;
    let survey = Survey::of(&rows, settings.nonfinite == NonFinite::Skip, &reading)?;
    let rows = rows.without(&survey.broken);
    reading.finish();
    let files = rows.described();
    if let Some(spec) = rows.spec() {
        folder.write(SYNTHETIC, spec.to_toml())?;
    }
    let manifest = |complete: bool| {
        let manifest = json!({
            "harness": env!("CARGO_PKG_VERSION"),
            "complete": complete,
            "isa": isa.name(),
            "threads": options.threads,
            "data": files,
            "data_checksum": survey.checksum,
            "rows_left_out": survey.broken.len(),
            "checksums": folder.checksums(),
        });
        serde_json::to_string_pretty(&manifest).expect("numbers and words") + "\n"
    };
    folder.write(MANIFEST, manifest(false))?;
    let data = Data::new(rows, &survey, settings);

    let progress = Progress::new("training", options.show);
    let session = Session {
        isa,
        threads: options.threads,
        progress: &progress,
        folder,
        subfolder: MODELS,
        checkpoint_every: options.checkpoint_every,
    };
    let plan = plan(settings);
    progress.start(plan.steps * members.len() as u64)?;
    let read = Instant::now();
    let trained = trained(members, &plan, settings, &survey, &data, &session)?;
    progress.finish();
    // Models take turns unless there is one for every thread.
    let at_once = match members.len() >= options.threads {
        true => options.threads as u32,
        false => 1,
    };
    let stepping = trained.iter().map(|t| t.stepping).sum::<Duration>() / at_once;
    let ready = Instant::now();

    let progress = Progress::new("measuring", options.show);
    progress.start(members.len() as u64)?;
    let held_out = data.held_out_rows();
    let exec = Exec::serial(isa);
    let folded = trained.into_par_iter().map(|mut trained| {
        trained.parameters = interchange::fold(exec, trained.parameters, &data.mean, data.scale);
        let measured = measure(
            exec,
            &trained.parameters,
            data.rows(),
            &held_out,
            &survey.mean,
        )?;
        progress.tick()?;
        Ok((trained, measured))
    });
    let measured: Vec<(Trained, Measured)> = folded.collect::<Result<_>>()?;
    progress.finish();

    let (mut steps, mut models, mut elements) = (Vec::new(), Vec::new(), Vec::new());
    for (member, (trained, measured)) in members.iter().zip(&measured) {
        interchange::write(
            &trained.parameters,
            folder,
            &format!("{MODELS}/{}", member.name),
        )?;
        let n = member.elements as f64;
        steps.extend(trained.records.iter().map(|r| Step {
            model: member.name.clone(),
            samples: r.step * settings.batch as u64,
            reconstruction: r.reconstruction,
            penalty: r.sparsity,
            l0: r.density * n,
        }));
        models.push(row(member, settings, &plan, trained, measured));
        elements.extend(measured.elements(&member.name));
    }
    let tables = Tables::new(vec![
        Table::of(&steps),
        Table::of(&models),
        Table::of(&elements),
    ]);
    for table in tables.iter() {
        folder.write(format!("{}.csv", table.spec().name), table.csv())?;
    }
    let mut tables_of = SPECS.to_vec();
    if let Some(samples) = data.rows().samples() {
        let exec = Exec::parallel(isa);
        let mut truth = Vec::new();
        for (member, (trained, _)) in members.iter().zip(&measured) {
            truth.extend(truth::measure(
                exec,
                &member.name,
                &trained.parameters,
                samples,
                &held_out,
            )?);
        }
        folder.write("truth.csv", Table::of(&truth).csv())?;
        tables_of.push(Truth::SPEC);
    }
    folder.write(
        "README.md",
        describe::columns("Tables of a training", "By `harness sae train`.", tables_of),
    )?;
    page::draw(folder, config, &survey, &data, &tables)?;
    folder.write(MANIFEST, manifest(true))?;
    folder.remove(Path::new(MODELS).join(CHECKPOINTS))?;
    let times = Times {
        reading: read - begun,
        training: ready - read,
        steps: stepping,
        measuring: ready.elapsed(),
    };
    Ok((models, times))
}

/// Everything that decides the course of a training beside its model.
#[derive(Serialize)]
struct Course<'a> {
    data_checksum: u32,
    #[serde(flatten)]
    settings: &'a Settings,
}

fn trained(
    members: &[Member],
    plan: &Plan,
    settings: &Settings,
    survey: &Survey,
    data: &Data,
    session: &Session,
) -> Result<Vec<Trained>> {
    let candidates = members.iter().map(|member| {
        let shape = Shape {
            width: data.width(),
            dictionary: member.elements,
        };
        let mut rng = Rng::stream(member.seed, "sae train", "weights", member.elements as u64);
        let mut start = training::initial(shape, member.variant, &mut rng);
        centre(&mut start, survey, data);
        Candidate {
            slug: member.name.clone(),
            title: member.name.clone(),
            source: 0,
            start,
            rate: (16384.0 / member.elements as f64).sqrt(),
        }
    });
    let course = Course {
        data_checksum: survey.checksum,
        settings,
    };
    training::train_reading(candidates.collect(), plan, &course, session, |_, number| {
        data.batch(number)
    })
}

/// Starts the decoder's bias, if there is one, at the mean of what the model sees.
fn centre(start: &mut Parameters, survey: &Survey, data: &Data) {
    if let Variant::TiedL1(_) = start.variant() {
        return;
    }
    let [mut bias] = start.tensors_mut(["b_dec"]);
    let means = survey.mean.iter().zip(&data.mean);
    for (bias, (mean, subtracted)) in bias.row_mut(0).iter_mut().zip(means) {
        *bias = (*mean as f32 - subtracted) / data.scale;
    }
}

fn plan(settings: &Settings) -> Plan {
    Plan {
        steps: settings.samples.div_ceil(settings.batch as u64),
        batch: settings.batch,
        learning_rate: settings.learning_rate,
        cooldown: settings.cooldown,
    }
}

/// Every combination of the lists of the settings.
fn members(settings: &Settings, width: usize) -> Vec<Member> {
    let mut members = Vec::new();
    let dead_after = settings.dead_after.div_ceil(settings.batch as u64);
    for &elements in &settings.elements {
        let variants: Vec<(String, f64, Variant)> = match settings.variant {
            Kind::TopK | Kind::BatchTopK => {
                let aux = (settings.auxiliary > 0.0).then(|| AuxK {
                    k: (width / 2).clamp(1, elements),
                    coefficient: settings.auxiliary as f32,
                    dead_after: dead_after.min(u32::MAX.into()) as u32,
                });
                let each = settings.k.iter();
                each.map(|&k| {
                    let variant = match settings.variant {
                        Kind::BatchTopK => Variant::BatchTopK(BatchTopK { k, aux }),
                        _ => Variant::TopK(TopK { k, aux }),
                    };
                    (format!("k{k}"), k as f64, variant)
                })
                .collect()
            }
            Kind::L1 | Kind::L1Tied => {
                let each = settings.lambda.iter();
                each.map(|&lambda| {
                    let name = format!("lambda{lambda}");
                    let variant = match settings.variant {
                        Kind::L1Tied => Variant::TiedL1(TiedL1 {
                            lambda: lambda as f32,
                        }),
                        _ => Variant::L1(L1 {
                            lambda: lambda as f32,
                            rows: ElementRows::Unit,
                        }),
                    };
                    (name, lambda, variant)
                })
                .collect()
            }
        };
        for (sparsity_name, sparsity, variant) in variants {
            members.extend(
                (settings.seed..settings.seed + settings.seeds).map(|seed| Member {
                    name: format!(
                        "{}-n{elements}-{sparsity_name}-seed{seed}",
                        settings.variant
                    ),
                    elements,
                    variant,
                    sparsity,
                    seed,
                }),
            );
        }
    }
    members
}

fn check_memory(
    settings: &Settings,
    rows: &Rows,
    members: &[Member],
    threads: usize,
) -> Result<()> {
    let plan = plan(settings);
    let drawing = rows.spec().map_or(0.0, Spec::memory);
    let needed = drawing + plan.memory(rows.width(), members.iter().map(|m| m.elements));
    memory::check("sae train", "harness sae train --help", needed, threads)
}

/// The row of a model in the table of all.
fn row(
    member: &Member,
    settings: &Settings,
    plan: &Plan,
    trained: &Trained,
    measured: &Measured,
) -> Model {
    Model {
        model: member.name.clone(),
        variant: settings.variant,
        elements: member.elements,
        sparsity: member.sparsity,
        seed: member.seed,
        end: trained
            .divergence
            .clone()
            .unwrap_or_else(|| "trained".into()),
        samples: plan.steps * settings.batch as u64,
        measures: measured.measures(),
    }
}
