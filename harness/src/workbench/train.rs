//! From files of activations to models, measures and a report.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kernels::sae::{Parameters, Variant};
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
use crate::store::checksums::Checksums;
use crate::store::folder::Folder;
use crate::store::names::{CHECKPOINTS, CONFIG, MANIFEST, REPORT};
use crate::table::{Record as _, Table, Tables, describe};
use crate::workbench::activity::Activity;
use crate::workbench::cards::{self, Top};
use crate::workbench::config::Config;
use crate::workbench::data::Data;
use crate::workbench::measure::{Measured, measure};
use crate::workbench::page;
use crate::workbench::pca::Pca;
use crate::workbench::settings::{Baselines, NonFinite, Role, Settings};
use crate::workbench::summary::summary;
use crate::workbench::sweep::{Member, members};
use crate::workbench::tables::{Model, SPECS, Step};
use crate::workbench::tokens::Tokens;
use crate::workbench::truth::{self, Truth};
use crate::workbench::warnings::warnings;

/// The folder of the models in that of a training.
pub(super) const MODELS: &str = "models";

/// Elements whose top rows the report shows, and rows for each of them.
const SHOWN: usize = 20;
const TOP: usize = 6;

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
    let width = target.as_ref().map(Rows::width);
    check_memory(&config.settings, &rows, width, &members, options.threads)?;
    let tokens = config.tokens.as_deref();
    let tokens = tokens.map(|path| Tokens::open(path, &rows)).transpose()?;
    let folder = open(&config.to_toml(isa.name()), "sae", options)?;
    let pairs = (rows, target);
    pool.install(|| compute(config, pairs, tokens, isa, options, folder, &members))
}

/// The folder of the results, new or that of the training of the same configuration; `out/STEM-N` if none is named.
pub(super) fn open(text: &str, stem: &str, options: &Options) -> Result<Folder> {
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
        None => Folder::create_numbered(Path::new("out"), stem)?,
    };
    folder.write(CONFIG, text)?;
    Ok(folder)
}

fn compute(
    config: &Config,
    (mut rows, target): (Rows, Option<Rows>),
    tokens: Option<Tokens>,
    isa: Isa,
    options: &Options,
    of_results: Folder,
    members: &[Member],
) -> Result<Finished> {
    let folder = &of_results;
    let settings = &config.settings;
    let begun = Instant::now();
    rows.prepare(Exec::parallel(isa), options.show)?;
    let reading = Progress::new("reading", options.show);
    reading.start(rows.surveyed())?;
    let skip = settings.nonfinite == NonFinite::Skip;
    let mut survey = Survey::of(&rows, skip, &reading)?;
    reading.finish();
    let target = match target {
        None => None,
        Some(rows) => {
            let reading = Progress::new("reading targets", options.show);
            reading.start(rows.len())?;
            let of_target = Survey::of(&rows, skip, &reading)?;
            reading.finish();
            // A row counts where both of its sides do.
            survey.broken.extend(&of_target.broken);
            survey.broken.sort_unstable();
            survey.broken.dedup();
            Some((rows, of_target))
        }
    };
    let rows = rows.without(&survey.broken);
    if rows.is_empty() {
        return Err(Error::input(format!(
            "every row of {} or its target holds a NaN or an infinite value",
            rows.title()
        )));
    }
    let target = target.map(|(rows, of_target)| (rows.without(&survey.broken), of_target));
    let files = rows.described();
    let of_target = target.as_ref();
    let target_checksum = of_target.map(|(_, survey)| survey.checksum);
    let targets = of_target
        .map(|(rows, survey)| json!({"files": rows.described(), "checksum": survey.checksum}));
    if let Some(spec) = rows.spec() {
        folder.write(SYNTHETIC, spec.to_toml())?;
    }
    let manifest = |complete: bool| {
        let checksums = checksums(folder);
        let mut manifest = json!({
            "harness": env!("CARGO_PKG_VERSION"),
            "complete": complete,
            "isa": isa.name(),
            "threads": options.threads,
            "data": files,
            "data_checksum": survey.checksum,
            "rows_left_out": survey.broken.len(),
            "checksums": checksums,
        });
        if let Some(targets) = &targets {
            manifest["target"] = targets.clone();
        }
        serde_json::to_string_pretty(&manifest).expect("numbers and words") + "\n"
    };
    folder.write(MANIFEST, manifest(false))?;
    let mut data = Data::new(rows, &survey, settings);
    if let Some((rows, survey)) = target {
        data = data.with_target(rows, &survey, config.skip_connection, settings);
    }
    let course = Course {
        data_checksum: survey.checksum,
        transcoder: target_checksum.map(|checksum| (checksum, config.skip_connection)),
        settings,
    };

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
    let trained = trained(members, &plan, &course, &survey, &data, &session)?;
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
    // Each of a few models on all threads, many models side by side.
    let exec = match at_once {
        1 => Exec::parallel(isa),
        _ => Exec::serial(isa),
    };
    let folded = trained.into_par_iter().map(|trained| {
        let finished = finish(exec, trained, &data, &survey, &held_out)?;
        progress.tick()?;
        Ok(finished)
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
        steps.extend(curve(member, settings, trained));
        models.push(row(member, settings, &plan, trained, measured));
        if member.role == Role::Model {
            elements.extend(measured.elements(&member.name));
        }
    }
    let exec = Exec::parallel(isa);
    let tops = middle_tops(exec, &measured[0].0.parameters, &data, &held_out, tokens)?;
    // Principal components of what is read say nothing of what a transcoder reconstructs.
    if settings.baselines == Baselines::Random && data.target.is_none() {
        let pca = Pca::new(exec, &data, &survey, &held_out)?;
        let components = pca.map(|pca| pca.beside(&models));
        models.extend(components.into_iter().flatten());
    }
    let warnings = warnings(&survey, &models);
    let each = members.iter().zip(&measured);
    let each = each.map(|(member, (trained, _))| (&*member.name, &trained.parameters));
    let truth = truth::of_all(exec, each, data.rows(), &held_out)?;
    let tables = Tables::new(vec![
        Table::of(&tops),
        Table::of(&steps),
        Table::of(&models),
        Table::of(&summary(&models, &truth)),
        Table::of(&elements),
    ]);
    for table in tables.iter() {
        folder.write(format!("{}.csv", table.spec().name), table.csv())?;
    }
    let mut tables_of = SPECS.to_vec();
    if !truth.is_empty() {
        folder.write("truth.csv", Table::of(&truth).csv())?;
        tables_of.push(Truth::SPEC);
    }
    folder.write(
        "README.md",
        describe::columns("Tables of a training", "By `harness sae train`.", tables_of),
    )?;
    page::draw(folder, config, &survey, &data, &tables, &warnings)?;
    folder.write(MANIFEST, manifest(true))?;
    folder.remove(Path::new(MODELS).join(CHECKPOINTS))?;
    let times = Times {
        reading: read - begun,
        training: ready - read,
        steps: stepping,
        measuring: ready.elapsed(),
    };
    Ok(Finished {
        folder: of_results,
        models,
        truth,
        warnings,
        times,
    })
}

/// The checksums of what a training leaves behind, which its checkpoints are not.
pub(super) fn checksums(folder: &Folder) -> Checksums {
    let mut checksums = folder.checksums();
    checksums.remove(&format!("{MODELS}/{CHECKPOINTS}"));
    checksums
}

/// The held-out rows that switch some elements on most: of those that stand in the middle when living elements are in
/// order of how often they are active.
fn middle_tops(
    exec: Exec,
    parameters: &Parameters,
    data: &Data,
    held_out: &[u64],
    tokens: Option<Tokens>,
) -> Result<Vec<Top>> {
    let activity = Activity::of(exec, parameters, data.rows(), held_out, TOP)?;
    let living = |&j: &usize| activity.elements[j].firings > 0;
    let mut elements: Vec<usize> = (0..activity.elements.len()).filter(living).collect();
    elements.sort_by_key(|&j| activity.elements[j].firings);
    let first = elements.len().saturating_sub(SHOWN) / 2;
    let middle = elements.iter().copied().skip(first).take(SHOWN);
    let middle: Vec<usize> = middle.collect();
    cards::tops(&activity, &middle, data.rows(), tokens.as_ref())
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

fn trained(
    members: &[Member],
    plan: &Plan,
    course: &Course,
    survey: &Survey,
    data: &Data,
    session: &Session,
) -> Result<Vec<Trained>> {
    let candidates = members
        .iter()
        .map(|member| candidate(member, 0, data, survey, course.settings));
    training::train_reading(candidates.collect(), plan, course, session, |_, number| {
        data.batch(number)
    })
}

/// A model of the sweep before its training on the batches of a source: its first weights differ from source to source.
pub(super) fn candidate(
    member: &Member,
    source: usize,
    data: &Data,
    survey: &Survey,
    settings: &Settings,
) -> Candidate {
    let task = data.task(member.elements);
    let purpose = match source {
        0 => "weights".into(),
        source => format!("weights of source {source}"),
    };
    let mut rng = Rng::stream(member.seed, "sae train", &purpose, member.elements as u64);
    let mut start = training::initial(task, member.variant, &mut rng);
    centre(&mut start, survey, data);
    if task.is_transcoder() && member.role == Role::RandomDecoder {
        // That of a transcoder starts from zeros.
        let autoencoder = training::initial(task.shape(), member.variant, &mut rng);
        let [mut rows] = start.tensors_mut(["w_dec"]);
        for j in 0..rows.rows() {
            rows.row_mut(j)
                .copy_from_slice(autoencoder.dictionary().row(j));
        }
    }
    Candidate {
        slug: member.name.clone(),
        title: member.name.clone(),
        source,
        start,
        recipe: member.recipe(settings, &plan(settings)),
    }
}

/// What a training has made, for raw activations, and what held-out rows tell of it.
pub(super) fn finish(
    exec: Exec,
    mut trained: Trained,
    data: &Data,
    survey: &Survey,
    held_out: &[u64],
) -> Result<(Trained, Measured)> {
    let (mean, scale) = match &data.target {
        None => (&data.mean, data.scale),
        Some(target) => {
            let read_raw = interchange::read_raw(trained.parameters, &data.mean, data.scale);
            trained.parameters = read_raw;
            (&target.mean, target.scale)
        }
    };
    trained.parameters = interchange::fold(exec, trained.parameters, mean, scale);
    let pairs = data.pairs(&survey.mean);
    let measured = measure(exec, &trained.parameters, pairs, held_out)?;
    Ok((trained, measured))
}

/// Starts the decoder's bias, if there is one, at the mean of what the model sees.
fn centre(start: &mut Parameters, survey: &Survey, data: &Data) {
    if let Variant::TiedL1(_) = start.variant() {
        return;
    }
    let [mut bias] = start.tensors_mut(["b_dec"]);
    let (mean, subtracted, scale) = match &data.target {
        None => (&survey.mean, &data.mean, data.scale),
        Some(target) => (&target.whole_mean, &target.mean, target.scale),
    };
    let means = mean.iter().zip(subtracted);
    for (bias, (mean, subtracted)) in bias.row_mut(0).iter_mut().zip(means) {
        *bias = (*mean as f32 - subtracted) / scale;
    }
}

/// The plan of a training.
pub(super) fn plan(settings: &Settings) -> Plan {
    Plan {
        steps: settings.samples.div_ceil(settings.batch as u64),
        batch: settings.batch,
        learning_rate: settings.learning_rate,
        cooldown: settings.cooldown,
    }
}

fn check_memory(
    settings: &Settings,
    rows: &Rows,
    target: Option<usize>,
    members: &[Member],
    threads: usize,
) -> Result<()> {
    let plan = plan(settings);
    // Those of a transcoder have two widths, of which each matrix has one.
    let width = rows.width().max(target.unwrap_or(0));
    let extra: f64 = members.iter().map(|m| m.extra_memory(width, &plan)).sum();
    let drawing = rows.spec().map_or(0.0, Spec::memory);
    let needed = plan.memory(width, members.iter().map(|m| m.elements)) + extra + drawing;
    memory::check("sae train", "harness sae train --help", needed, threads)
}

/// The losses that were recorded in the training of a model.
pub(super) fn curve(
    member: &Member,
    settings: &Settings,
    trained: &Trained,
) -> impl Iterator<Item = Step> {
    trained.records.iter().map(move |r| Step {
        model: member.name.clone(),
        samples: r.step * settings.batch as u64,
        reconstruction: r.reconstruction,
        penalty: r.sparsity,
        l0: r.density * member.elements as f64,
        lambda: r.lambda,
    })
}

/// The row of a model in the table of all.
pub(super) fn row(
    member: &Member,
    settings: &Settings,
    plan: &Plan,
    trained: &Trained,
    measured: &Measured,
) -> Model {
    Model {
        model: member.name.clone(),
        cell: member.cell.clone(),
        role: member.role,
        variant: settings.variant,
        elements: member.elements,
        sparsity: match member.target_l0 {
            Some(_) => trained.lambda,
            None => member.sparsity,
        },
        target_l0: member.target_l0.unwrap_or(f64::NAN),
        seed: member.seed,
        end: trained
            .divergence
            .clone()
            .unwrap_or_else(|| "trained".into()),
        samples: plan.steps * settings.batch as u64,
        measures: measured.measures(),
    }
}
