//! A run from configuration to report: compute, write tables, settle claims, then draw everything
//! from the files just written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernels::Isa;

use crate::checkpoint;
use crate::checksums::Checksums;
use crate::claim::{Entry, Ledger, MEASURES, Measure, measures_table, read_measures};
use crate::config::{Config, Selected};
use crate::error::{Error, Result};
use crate::experiment::{Ctx, Erased};
use crate::manifest::Manifest;
use crate::output::{Folder, MANIFEST};
use crate::profile::{self, Profile, Recorder};
use crate::progress::{self, Progress, Show};
use crate::reference;
use crate::report;
use crate::table::{Table, Tables};

/// Folder of an experiment's checkpoints, inside its own: gone once its results are there.
pub const CHECKPOINTS: &str = "checkpoints";

/// Name of the configuration in the folder of a run.
pub const CONFIG: &str = "config.toml";

/// How to run, beside the configuration: nothing here changes a byte of the tables.
#[derive(Debug, Clone)]
pub struct Means {
    /// Size of the thread pool.
    pub threads: usize,
    /// Where to write; a fresh folder under `out/` if not set.
    pub out: Option<PathBuf>,
    /// Whether to go on with the run that is there.
    pub resume: bool,
    /// How often a long training writes a checkpoint.
    pub checkpoint_every: Duration,
    /// What to show meanwhile.
    pub show: Show,
    /// Whether to measure where the time goes.
    pub profile: bool,
}

/// What a run leaves behind.
#[derive(Debug)]
pub struct Finished {
    /// The verdicts.
    pub ledger: Ledger,
    /// The folder that holds everything.
    pub folder: PathBuf,
    /// Where the time went, if that was asked for.
    pub profile: Option<Profile>,
}

/// Runs a configuration.
pub fn run(config: &Config, isa: Isa, means: &Means) -> Result<Finished> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(means.threads)
        .build()
        .map_err(|e| {
            Error::input(format!(
                "cannot start {} threads: {e}; choose fewer with --threads, or raise the limits of this process \
                 (ulimit -a shows them)",
                means.threads
            ))
        })?;
    let folder = match &means.out {
        Some(path) if means.resume => Folder::resume(path)?,
        Some(path) => Folder::create(path)?,
        None => Folder::create_numbered(Path::new("out"), config.preset.name())?,
    };
    let mut manifest = Manifest::new(config, isa, means.threads);
    if means.resume {
        manifest.resume(folder.path())?;
        // A profile is that of a whole run.
        manifest.checksums.remove(profile::FOLDER);
        folder.remove(profile::FOLDER)?;
        verify(config, folder.path(), &manifest.checksums)?;
    }
    folder.write(CONFIG, config.to_toml(isa.name()))?;
    folder.write(MANIFEST, manifest.to_json())?;

    let start = || Recorder::start(isa, means.threads);
    let mut recorder = means.profile.then(start).transpose()?;
    let ledger = pool.install(|| {
        compute(
            config,
            isa,
            means,
            &folder,
            &mut manifest,
            recorder.as_mut(),
        )
    })?;
    let profile = recorder.map(|recorder| recorder.finish(means.show));
    if let Some(profile) = &profile {
        profile.write(&folder)?;
        manifest
            .checksums
            .replace(profile::FOLDER, &folder.checksums());
    }
    // The manifest is complete before the ledger appears, and the report comes last.
    let results = [
        ("run.csv", report::run_table(config, isa).to_csv()),
        ("claims.csv", ledger.to_table().to_csv()),
    ];
    for (name, csv) in &results {
        manifest.checksums.insert(name, csv);
    }
    manifest.finish();
    folder.write(MANIFEST, manifest.to_json())?;
    for (name, csv) in &results {
        folder.write(name, csv)?;
    }
    report::write(&folder)?;
    Ok(Finished {
        ledger,
        folder: folder.path().to_path_buf(),
        profile,
    })
}

/// Checks that what a run is resumed from is as it was left, before anything is computed or written.
fn verify(config: &Config, run: &Path, checksums: &Checksums) -> Result<()> {
    for experiment in config.experiments.iter().map(|s| s.experiment) {
        if is_complete(run, experiment) {
            checksums.verify_folder(run, experiment.id())?;
            report::csv_files(experiment).try_for_each(|name| checksums.verify(run, &name))?;
        }
    }
    checkpoint::verify(run)
}

/// Whether the results of an experiment are there.
fn is_complete(run: &Path, experiment: &dyn Erased) -> bool {
    run.join(experiment.id()).join("measures.csv").exists()
}

/// Runs the experiments in order and writes their tables as each of them ends.
fn compute(
    config: &Config,
    isa: Isa,
    means: &Means,
    folder: &Folder,
    manifest: &mut Manifest,
    mut recorder: Option<&mut Recorder>,
) -> Result<Ledger> {
    let all_seeds = config.seed_list();
    let mut ledger = Ledger::default();
    let mut finished: BTreeMap<&'static str, Tables> = BTreeMap::new();
    for (
        i,
        Selected {
            experiment,
            settings,
        },
    ) in config.experiments.iter().enumerate()
    {
        progress::check()?;
        let id = experiment.id();
        let name = format!("[{}/{}] {id}", i + 1, config.experiments.len());
        let progress = Progress::new(name, means.show);
        let seeds = &all_seeds[..all_seeds.len().min(experiment.most_seeds(settings))];
        let ctx = Ctx {
            experiment: id,
            seeds,
            isa,
            threads: means.threads,
            progress: &progress,
            checkpoint_every: means.checkpoint_every,
            folder,
            inputs: &finished,
        };
        if let Some(recorder) = &mut recorder {
            recorder.begin();
        }
        if means.resume && is_complete(folder.path(), *experiment) {
            let results = folder.path().join(id);
            let table = Table::read(&MEASURES, &results.join("measures.csv"))?;
            let measures = read_measures(experiment.claims(), &table);
            settle(*experiment, &measures, seeds, &mut ledger);
            let tables = Tables::read(experiment.tables(), &results)?;
            folder.remove(Path::new(id).join(CHECKPOINTS))?;
            finished.insert(id, tables);
            progress.finish();
            continue;
        }
        let outcome = experiment.run(settings, &ctx)?;
        progress::check()?;

        let tables = Tables::new(outcome.tables);
        let names: Vec<_> = tables.iter().map(|t| t.spec().name).collect();
        let declared: Vec<_> = experiment.tables().iter().map(|t| t.name).collect();
        assert_eq!(names, declared, "`{id}` writes the tables that it declares");
        let measures = measures_table(experiment.claims(), &outcome.measures, seeds);
        for table in tables.iter() {
            folder.write(format!("{id}/{}.csv", table.spec().name), table.to_csv())?;
        }
        folder.write(format!("{id}/README.md"), report::columns(*experiment))?;
        // The measures come last: where they are, an experiment is complete, its checksums included.
        let (done, measures) = (format!("{id}/measures.csv"), measures.to_csv());
        manifest.checksums.replace(id, &folder.checksums());
        manifest.checksums.remove(&format!("{id}/{CHECKPOINTS}"));
        manifest.checksums.insert(&done, &measures);
        manifest.seconds.insert(id.into(), progress.finish());
        folder.write(MANIFEST, manifest.to_json())?;
        folder.write(done, measures)?;
        folder.remove(Path::new(id).join(CHECKPOINTS))?;
        if let Some(recorder) = &mut recorder {
            recorder.end(id);
        }
        settle(*experiment, &outcome.measures, seeds, &mut ledger);
        finished.insert(id, tables);
    }
    Ok(ledger)
}

fn settle(experiment: &dyn Erased, measures: &[Measure], seeds: &[u64], ledger: &mut Ledger) {
    for claim in experiment.claims() {
        let mut entry = Entry::settle(experiment.id(), claim, measures, seeds);
        reference::compare(&mut entry, &reference::LEDGER);
        ledger.0.push(entry);
    }
}
