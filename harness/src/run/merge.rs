//! A run as a computation in parts: its units are the pieces of its experiments.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config::Config;
use super::manifest::{self, Manifest};
use super::parts::COMMANDS;
use super::pieces;
use super::results;
use crate::error::{Error, Result};
use crate::parts::Commands;
use crate::parts::folders::Key;
use crate::parts::plan::Planned;
use crate::parts::status::Status;
use crate::parts::whole::{Parted, whole};
use crate::session::progress::Show;
use crate::store::names::{CLAIMS, CONFIG, MANIFEST, REPORT};
use crate::store::system;

/// A run that is planned in a folder.
struct Run<'a> {
    config: &'a Config,
    folder: &'a Path,
    planned: Vec<Planned>,
}

impl Parted for Run<'_> {
    fn commands(&self) -> Commands {
        COMMANDS
    }

    fn run(&self) -> &Path {
        self.folder
    }

    fn planned(&self) -> &[Planned] {
        &self.planned
    }

    fn is_complete(&self, part: &Path) -> Result<bool> {
        is_complete(self.config, planned_isa(self.config), part)
    }

    fn held(&self, part: &Path) -> Result<Vec<Key>> {
        let mut held = Vec::new();
        for id in self.config.ids() {
            let units = pieces::units(part, id)?.into_iter();
            held.extend(units.map(|unit| (id.to_string(), unit)));
        }
        Ok(held)
    }

    fn file(&self, part: &Path, (experiment, unit): &Key) -> Result<PathBuf> {
        Ok(pieces::file(part, experiment, unit))
    }

    fn is_same(&self, [a, b]: [&Path; 2]) -> Result<bool> {
        let [a, b] = [
            pieces::piece(a, self.folder)?,
            pieces::piece(b, self.folder)?,
        ];
        Ok(a.bytes == b.bytes)
    }

    fn report(&self) -> Result<Option<PathBuf>> {
        let is_merged = system::exists(&self.folder.join(CLAIMS))?;
        Ok(is_merged.then(|| self.folder.join(REPORT)))
    }

    fn took(&self, file: &Path) -> Result<Option<f64>> {
        let piece = pieces::piece(file, self.folder)?;
        Ok(Some(piece.core_seconds))
    }
}

/// Returns the folders of all parts of a run, once they have all units of the experiments that are wanted and not
/// concluded yet: see [`whole`].
pub fn parts(
    config: &Config,
    mut planned: Vec<Planned>,
    run: &Path,
    (patience, show): (Duration, Show),
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<PathBuf>> {
    let mut left = BTreeSet::new();
    for experiment in config.experiments.iter().map(|s| s.experiment) {
        if wanted(experiment.id()) && !results::is_complete(run, experiment)? {
            left.insert(experiment.id());
        }
    }
    planned.retain(|unit| left.contains(unit.experiment.as_str()));
    let run = Run {
        config,
        folder: run,
        planned,
    };
    let whole = whole(&run, patience, show)?;
    Ok(whole.folders)
}

/// Reads how far the parts of a run are. The instruction set of the plan need not be that of this machine.
pub fn status(config: &Config, planned: Vec<Planned>, run: &Path) -> Result<Status> {
    Status::read(&Run {
        config,
        folder: run,
        planned,
    })
}

/// Returns the name of the instruction set that a configuration fixes, as that of every plan does.
fn planned_isa(config: &Config) -> &str {
    config.isa.as_deref().unwrap_or_default()
}

/// Refuses a configuration that is not the one that the run in its folder was planned with.
pub fn refuse_changed(config: &Config, run: &Path) -> Result<()> {
    let path = run.join(CONFIG);
    let Some(plan) = manifest::of_run(run)? else {
        return Err(Error::input(format!(
            "{} holds no {MANIFEST}, which tells what was planned; {}",
            run.display(),
            manifest::way_out_of_plan(run)
        )));
    };
    let ours = Manifest::new(config, planned_isa(config), 1);
    match ours.difference(&plan) {
        None => Ok(()),
        Some((place, theirs, ours)) if place == "harness" => Err(Error::input(format!(
            "{} was planned by version {theirs} of the harness, and this is {ours}; take one version for all parts, or \
             plan anew by {}",
            run.display(),
            COMMANDS.plan_again(run)
        ))),
        Some((place, theirs, ours)) => Err(Error::input(format!(
            "{} has {place} = {ours}, and the plan was made with {theirs}; put the file back as it was, or plan anew by {}",
            path.display(),
            COMMANDS.plan_again(run)
        ))),
    }
}

/// Refuses parts, given by their folders, that are of another configuration, version or instruction set.
pub fn refuse_strange(config: &Config, isa: &str, parts: &[PathBuf]) -> Result<()> {
    let mut parts = parts.iter();
    parts.try_for_each(|part| is_complete(config, isa, part).map(drop))
}

/// Returns whether the part in a folder says that it is complete.
///
/// # Errors
/// If the part is of another configuration, version or instruction set.
fn is_complete(config: &Config, isa: &str, part: &Path) -> Result<bool> {
    let mut manifest = Manifest::new(config, isa, 1);
    belongs(&mut manifest, part)?;
    Ok(manifest.was_complete())
}

/// Takes over times and checksums from the manifest of a part, if the part has one.
///
/// # Errors
/// If the part is of another configuration, version or instruction set than this manifest.
pub fn belongs(manifest: &mut Manifest, part: &Path) -> Result<()> {
    let Some(theirs) = manifest::read(part, &manifest::way_out_of_part(part))? else {
        return Ok(());
    };
    if let Some((place, theirs, ours)) = manifest.difference(&theirs) {
        return Err(Error::input(format!(
            "{} was computed with {place} = {theirs}, and this run has {ours}; remove it, and compute it again by {}",
            part.display(),
            COMMANDS.again(part)
        )));
    }
    manifest.take_over(&theirs);
    Ok(())
}
