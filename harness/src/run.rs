//! A run from configuration to ledger: it computes experiments, writes tables, and settles claims.

pub mod config;
pub mod manifest;
pub mod merge;
mod options;
pub mod part;
pub mod parts;
pub mod pieces;
pub mod plan;
pub mod results;
mod time;
mod walk;

use std::path::Path;

use kernels::Isa;

pub use options::RunOptions;

use crate::claim::ledger::Ledger;
use crate::claim::measures::Measurement;
use crate::claim::reference;
use crate::error::Result;
use crate::memory;
use crate::profile::{self, Profile, Recorder};
use crate::run::config::Config;
use crate::run::manifest::Manifest;
use crate::run::pieces::Pieces;
use crate::run::time::Stopwatch;
use crate::run::walk::walk;
use crate::session;
use crate::session::progress::{self, Show};
use crate::stderr::say;
use crate::store::checkpoint;
use crate::store::checksums::Checksums;
use crate::store::folder::Folder;
use crate::store::names::{self, CHECKPOINTS, CONFIG, MANIFEST};
use crate::table::{Record, Table, Tables};

/// The result of a finished run.
#[derive(Debug)]
pub struct Finished {
    /// The ledger with the verdicts on the claims.
    pub ledger: Ledger,
    /// The folder of the run, which holds all its files.
    pub folder: Folder,
    /// The profile, if it was asked for.
    pub profile: Option<Profile>,
}

/// Refuses a configuration with an experiment, among those for whose names `computes` holds, that there is no memory
/// for on `threads` threads.
pub fn check_memory(
    config: &Config,
    threads: usize,
    computes: impl Fn(&str) -> bool,
) -> Result<()> {
    let estimates = config.memory(threads).into_iter();
    let mut estimates = estimates.filter(|(id, _)| computes(id));
    estimates.try_for_each(|(id, needed)| {
        memory::check(id, &format!("harness list {id}"), needed, threads)
    })
}

/// Concludes those experiments of a run in parts that others need, so that the parts of these others find the tables
/// and models in the folder of the run, and need not look for the pieces in the folders of all parts.
pub fn conclude_needed(config: &Config, isa: Isa, options: &RunOptions) -> Result<()> {
    let pool = session::pool(options.threads)?;
    let again = options.out.as_deref().map(parts::conclude_needed);
    let (folder, mut manifest) = begin(config, isa, options, again)?;
    let needed = |id: &str| config.is_needed(id, |_| true);
    let computed =
        pool.install(|| compute(config, isa, options, &folder, &mut manifest, None, &needed));
    folder.telling_again(computed)?;
    Ok(())
}

/// Runs a configuration, and returns its ledger, its folder and its profile, if one was asked for.
pub fn run(config: &Config, isa: Isa, options: &RunOptions) -> Result<Finished> {
    let pool = session::pool(options.threads)?;
    let (folder, mut manifest) = begin(config, isa, options, None)?;

    let start = || Recorder::start(isa, options.threads);
    let mut recorder = options.profile.then(start).transpose()?;
    let ledger = pool.install(|| {
        compute(
            config,
            isa,
            options,
            &folder,
            &mut manifest,
            recorder.as_mut(),
            &|_| true,
        )
    });
    let ledger = folder.telling_again(ledger)?;
    let profile = recorder.map(|recorder| recorder.finish(options.show));
    if let Some(profile) = &profile {
        profile.write(&folder)?;
        manifest
            .checksums
            .replace(profile::FOLDER, &folder.checksums());
    }
    // The manifest is complete before the ledger appears.
    let [claims, specification] = ledger.to_tables();
    let results = [
        (names::RUN, Table::of(&results::facts(config, isa))),
        (names::SPECIFICATION, specification),
        (names::CLAIMS, claims),
    ];
    for (name, table) in &results {
        manifest.checksums.insert(name, &[table.csv()]);
    }
    manifest.finish();
    folder.write(MANIFEST, manifest.to_json())?;
    // The manifest of a run that is merged from parts knows only the time of the merge.
    if options.show != Show::Nothing && options.parts.is_empty() {
        let time = manifest.times.all().text();
        say(&format!("the whole run: done in {time}"));
    }
    for (name, table) in &results {
        folder.write(name, table.csv())?;
    }
    Ok(Finished {
        ledger,
        folder,
        profile,
    })
}

/// Creates or resumes the folder of a run, and makes its manifest. Messages say that the command `again` goes on with
/// the folder; if none is given, it is that of the run that the folder holds.
fn begin<'a>(
    config: &'a Config,
    isa: Isa,
    options: &RunOptions,
    again: Option<String>,
) -> Result<(Folder, Manifest<'a>)> {
    let folder = match &options.out {
        Some(path) if options.resume => {
            Folder::resume(path, config.ids().chain([profile::FOLDER]))?
        }
        Some(path) => Folder::create(path)?,
        None => Folder::create_numbered(Path::new("out"), config.preset.name())?,
    };
    let again = again.map_or_else(|| results::again(folder.path()), Ok)?;
    let folder = folder.continued_by(again);
    let mut manifest = Manifest::new(config, isa.name(), options.threads);
    if options.resume {
        manifest.resume(folder.path())?;
        verify(config, &folder, &manifest.checksums)?;
        // A profile covers a whole run, not one that is resumed.
        manifest.checksums.remove(profile::FOLDER);
        folder.remove(profile::FOLDER)?;
    }
    for part in &options.parts {
        manifest.add_part(part)?;
    }
    folder.write(CONFIG, config.to_toml(isa.name()))?;
    folder.write(MANIFEST, manifest.to_json())?;
    Ok((folder, manifest))
}

/// Checks that what a run is resumed from is as it was left, before anything is computed or written.
fn verify(config: &Config, folder: &Folder, checksums: &Checksums) -> Result<()> {
    let (run, again) = (folder.path(), folder.again());
    for experiment in config.experiments.iter().map(|s| s.experiment) {
        if results::is_complete(run, experiment)? {
            checksums.verify_folder(run, experiment.id(), again)?;
            let mut names = results::csv_files(experiment);
            names.try_for_each(|name| checksums.verify(run, &name, again))?;
        }
    }
    checkpoint::verify(folder, config.ids())
}

/// Runs those experiments that are wanted, in order, and writes their tables as each of them ends.
fn compute(
    config: &Config,
    isa: Isa,
    options: &RunOptions,
    folder: &Folder,
    manifest: &mut Manifest,
    mut recorder: Option<&mut Recorder>,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Ledger> {
    let mut ledger = Ledger::default();
    walk(config, isa, options, folder, |step| {
        let (experiment, progress) = (step.experiment, step.ctx.session.progress);
        let (id, about) = (experiment.id(), experiment.about());
        if !wanted(id) {
            return Ok(None);
        }
        let watch = Stopwatch::start();
        if let Some(recorder) = &mut recorder {
            recorder.begin();
        }
        if options.resume && results::is_complete(folder.path(), experiment)? {
            let results = folder.path().join(id);
            let table = Table::read(Measurement::SPEC, &results.join(names::MEASURES))?;
            ledger.settle(id, about.claims, &table.rows());
            let tables = Tables::read(about.tables, &results)?;
            folder.remove(Path::new(id).join(CHECKPOINTS))?;
            progress.finish();
            return Ok(Some(tables));
        }
        parts::adopt(folder, id, &options.parts)?;
        let pieces = Pieces::new(step.bound, step.ctx, &options.parts)?;
        let conclude = || {
            pieces.compute(&pieces.numbers())?;
            let outcome = pieces.conclude()?;
            progress::check()?;
            Ok(outcome)
        };
        let outcome = conclude().inspect_err(|_| manifest.keep_time(id, watch.time(), folder))?;

        let tables = Tables::new(outcome.tables);
        let names: Vec<_> = tables.iter().map(|t| t.spec().name).collect();
        let declared: Vec<_> = about.tables.iter().map(|t| t.name).collect();
        assert_eq!(names, declared, "`{id}` writes the tables that it declares");
        let measures = Table::of(&outcome.measures);
        results::write_tables(folder, experiment, &tables)?;
        // The measures are written last: where they are, an experiment is complete, its checksums included.
        let done = format!("{id}/{}", names::MEASURES);
        manifest.checksums.replace(id, &folder.checksums());
        manifest.checksums.remove(&format!("{id}/{CHECKPOINTS}"));
        manifest.checksums.insert(&done, &[measures.csv()]);
        manifest.times.add(id, watch.time());
        folder.write(MANIFEST, manifest.to_json())?;
        folder.write(done, measures.csv())?;
        folder.remove(Path::new(id).join(CHECKPOINTS))?;
        if let Some(recorder) = &mut recorder {
            recorder.end(id);
        }
        ledger.settle(id, about.claims, &outcome.measures);
        progress.finish();
        Ok(Some(tables))
    })?;
    for entry in &mut ledger.entries {
        reference::compare(entry, &reference::LEDGER);
    }
    Ok(ledger)
}
