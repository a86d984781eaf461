//! Before the parts of a run are merged: whether they belong together, and whether anything is missing or contradicts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use kernels::Isa;

use super::config::Config;
use super::manifest::{self, Manifest};
use super::parts::{self, Holders, Share};
use super::pieces;
use super::plan::{self, Planned};
use crate::error::{Error, Result};
use crate::session::progress;
use crate::store::names::{MANIFEST, PARTS};

/// Missing units that an error names.
const NAMED: usize = 5;

/// The time between two looks for what a part has written but the file system does not show yet.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The folders of all parts of a run, of which every unit is there once, or several times with the same bytes. What a
/// part says that it has written is waited for: a shared file system may show it late.
///
/// # Errors
/// If a unit is missing, two pieces of it differ, or a part is of another configuration; the message has the command
/// that mends it.
pub fn parts(config: &Config, isa: Isa, run: &Path, patience: Duration) -> Result<Vec<PathBuf>> {
    let planned = plan::plan(config, 1);
    let begun = Instant::now();
    loop {
        progress::check()?;
        let folders = parts::folders(run)?;
        let complete = complete(config, isa, &folders, run)?;
        let holders = parts::holders(&folders, config.ids())?;
        let missing: Vec<&Planned> = planned.iter().filter(|p| !is_held(p, &holders)).collect();
        if missing.is_empty() {
            refuse_contradictions(&holders, run)?;
            return Ok(folders);
        }
        let shares = shares(&folders);
        let late = shares.len() == complete.len() && is_whole(&shares);
        if !late || begun.elapsed() >= patience {
            return Err(incomplete(&planned, &missing, &shares, run, late));
        }
        sleep(BETWEEN_LOOKS);
    }
}

/// The parts that say that they are complete.
fn complete<'a>(
    config: &Config,
    isa: Isa,
    folders: &'a [PathBuf],
    run: &Path,
) -> Result<Vec<&'a PathBuf>> {
    let mut complete = Vec::new();
    for folder in folders {
        let mut manifest = Manifest::new(config, isa, 1);
        belongs(&mut manifest, folder, run)?;
        if manifest.was_complete() {
            complete.push(folder);
        }
    }
    Ok(complete)
}

/// Takes over what the manifest of a part says, if it has one.
///
/// # Errors
/// If the part is of another configuration, version or instruction set than this manifest.
pub fn belongs(manifest: &mut Manifest, part: &Path, run: &Path) -> Result<()> {
    let Some(text) = manifest::text(part)? else {
        return Ok(());
    };
    let path = part.join(MANIFEST);
    let wrong = |why| Error::input(format!("{}: {why}", path.display()));
    if let Some((place, theirs, ours)) = manifest.difference(&text).map_err(wrong)? {
        return Err(Error::input(format!(
            "{} was computed with {place} = {theirs}, and this run has {ours}; remove it, and compute it again by {}",
            part.display(),
            parts::again(part, run)
        )));
    }
    manifest.take_over(&text).map_err(wrong)
}

/// The shares that the folders are named after.
fn shares(folders: &[PathBuf]) -> Vec<Share> {
    let names = folders
        .iter()
        .filter_map(|folder| folder.file_name()?.to_str());
    names.filter_map(Share::of_folder).collect()
}

/// Whether all parts of one partition are among these.
fn is_whole(shares: &[Share]) -> bool {
    shares.iter().any(|one| {
        let same = shares.iter().filter(|other| other.parts == one.parts);
        same.count() == one.parts
    })
}

fn is_held(unit: &Planned, holders: &Holders) -> bool {
    holders.contains_key(&(unit.experiment.clone(), unit.unit.clone()))
}

/// Refuses two pieces of the same unit with other bytes.
fn refuse_contradictions(holders: &Holders, run: &Path) -> Result<()> {
    for ((experiment, unit), folders) in holders {
        let [first, others @ ..] = &folders[..] else {
            continue;
        };
        let file = |folder: &Path| pieces::file(folder, experiment, unit);
        for other in others {
            let [ours, theirs] = [file(first), file(other)];
            if pieces::piece(&ours, run)?.bytes != pieces::piece(&theirs, run)?.bytes {
                return Err(Error::input(format!(
                    "{} and {} are pieces of the same unit, but not the same: one of them was computed by another \
                     version of the harness, on a machine that computes wrongly, or was changed; remove both folders \
                     they lie in, and compute the parts again: {}, {}",
                    ours.display(),
                    theirs.display(),
                    parts::again(first, run),
                    parts::again(other, run)
                )));
            }
        }
    }
    Ok(())
}

/// The error of units that no part has.
fn incomplete(
    planned: &[Planned],
    missing: &[&Planned],
    shares: &[Share],
    run: &Path,
    late: bool,
) -> Error {
    let mut text = format!(
        "{} of the {} units of {} are not there: ",
        missing.len(),
        planned.len(),
        run.display()
    );
    let named = missing
        .iter()
        .take(NAMED)
        .map(|p| format!("{} {}", p.experiment, p.unit));
    text.push_str(&named.collect::<Vec<_>>().join(", "));
    if missing.len() > NAMED {
        text.push_str(", …");
    }
    let Some(parts) = shares.iter().map(|share| share.parts).max() else {
        let text = format!(
            "{text}; there is no part in {}: compute them by `harness run --part 1/N --out {}` up to N/N",
            run.join(PARTS).display(),
            run.display()
        );
        return Error::input(text);
    };
    let owners = plan::shares(planned, parts);
    let is_missing = |unit: &Planned| missing.iter().any(|other| other.key() == unit.key());
    let owning = planned
        .iter()
        .zip(owners)
        .filter(|(unit, _)| is_missing(unit));
    let mut owning: Vec<usize> = owning.map(|(_, owner)| owner + 1).collect();
    owning.sort_unstable();
    owning.dedup();
    let list = owning.iter().map(usize::to_string).collect::<Vec<_>>();
    if late {
        text.push_str(
            "; the parts say that they have written them, so the file system may show them later",
        );
    }
    let (first, run) = (owning[0], run.display());
    write!(
        text,
        "; compute part{} {} again, such as by `harness run --part {first}/{parts} --out {run}`, then merge again",
        if owning.len() == 1 { "" } else { "s" },
        list.join(", ")
    )
    .expect("writing to a string");
    Error::input(text)
}
