//! The check before parts are merged: whether they belong together, and whether anything is missing or contradicts.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::commands::Commands;
use super::folders::{Holders, Key, folders, take};
use super::plan::{self, Planned};
use super::share::Share;
use crate::error::{Error, Result};
use crate::session::progress::{self, Show};
use crate::stderr::say;
use crate::store::folder::Folder;
use crate::store::names::PARTS;
use crate::text::put;

/// The number of missing units that an error names.
const NAMED: usize = 5;

/// The time between two looks for what a part has written but the file system does not show yet.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// A computation whose units are shared by parts, and what parts hold of them.
pub trait Parted {
    /// Returns the commands that plan the computation, compute its parts and merge them.
    fn commands(&self) -> Commands;

    /// Returns the folder of the computation.
    fn run(&self) -> &Path;

    /// Returns all units.
    fn planned(&self) -> &[Planned];

    /// Returns whether the part in the folder `part` says that it is complete.
    ///
    /// # Errors
    /// If the part differs from this computation in anything that decides the bytes of results.
    fn is_complete(&self, part: &Path) -> Result<bool>;

    /// Returns the units whose results a part holds.
    fn held(&self, part: &Path) -> Result<Vec<Key>>;

    /// Returns the file of a part that holds the result of a unit.
    fn file(&self, part: &Path, unit: &Key) -> Result<PathBuf>;

    /// Returns the file or folder to remove so that a unit is computed from its beginning again; `file` is the file of
    /// its result.
    fn whole_of<'a>(&self, file: &'a Path) -> &'a Path {
        file
    }

    /// Returns whether the results of a unit in the files of two parts are the same.
    ///
    /// # Errors
    /// If one of them is damaged.
    fn is_same(&self, files: [&Path; 2]) -> Result<bool>;

    /// Returns the core seconds that a unit took, if the file of its result tells them.
    fn took(&self, _file: &Path) -> Result<Option<f64>> {
        Ok(None)
    }

    /// Returns the path of the report of the merged computation, if the parts have been merged.
    fn report(&self) -> Result<Option<PathBuf>>;

    /// Returns the share of the work on a unit that a part has done, if that is known, where the part does not hold the
    /// result of the unit yet; 0 otherwise.
    fn begun(&self, _part: &Path, _unit: &Key) -> Result<f64> {
        Ok(0.0)
    }
}

/// The parts of a computation that together have every unit.
#[derive(Debug)]
pub struct Whole {
    /// The folders of all parts.
    pub folders: Vec<PathBuf>,
    /// The folders of the parts that hold each unit.
    pub holders: Holders,
}

/// Returns the parts of a computation, of which every unit is there once, or several times with the same bytes. Waits
/// at most `patience` for units that complete parts say that they have written: a shared file system may show them
/// late.
///
/// # Errors
/// If a unit is missing, its results in two parts differ, or a part is of another configuration; the message has the
/// command that mends it.
pub fn whole(parted: &impl Parted, patience: Duration, show: Show) -> Result<Whole> {
    let planned = parted.planned();
    let begun = Instant::now();
    let mut waits = false;
    loop {
        progress::check()?;
        let folders = folders(parted.run())?;
        let mut complete = Vec::new();
        for folder in &folders {
            if parted.is_complete(folder)? {
                complete.push(folder.clone());
            }
        }
        let holders = holders(parted, &folders)?;
        let missing: Vec<&Planned> = planned.iter().filter(|p| !is_held(p, &holders)).collect();
        if missing.is_empty() {
            refuse_contradictions(parted, &holders)?;
            return Ok(Whole { folders, holders });
        }
        let late = is_whole(&shares(&complete));
        if !late || begun.elapsed() >= patience {
            return Err(incomplete(parted, &missing, &shares(&folders), late));
        }
        if !waits && show != Show::Nothing {
            say(&format!(
                "{} units are not there, of parts that say that they have written them: waiting at most {} s for the file \
                 system to show them",
                missing.len(),
                patience.as_secs()
            ));
        }
        waits = true;
        sleep(BETWEEN_LOOKS);
    }
}

/// Returns the folders among `folders` that hold the result of each unit.
fn holders(parted: &impl Parted, folders: &[PathBuf]) -> Result<Holders> {
    let mut holders = Holders::new();
    for folder in folders {
        take(&mut holders, folder, parted.held(folder)?);
    }
    Ok(holders)
}

/// Returns the shares that the folders are named after.
pub fn shares(folders: &[PathBuf]) -> Vec<Share> {
    let names = folders
        .iter()
        .filter_map(|folder| folder.file_name()?.to_str());
    names.filter_map(Share::of_folder).collect()
}

/// Returns whether `shares` has all parts of one division of the work.
fn is_whole(shares: &[Share]) -> bool {
    shares.iter().any(|one| {
        let same = shares.iter().filter(|other| other.parts == one.parts);
        same.count() == one.parts
    })
}

fn is_held(unit: &Planned, holders: &Holders) -> bool {
    holders.contains_key(&unit.key())
}

/// Refuses two results of the same unit that differ.
fn refuse_contradictions(parted: &impl Parted, holders: &Holders) -> Result<()> {
    let commands = parted.commands();
    for (unit, folders) in holders {
        let [first, others @ ..] = &folders[..] else {
            continue;
        };
        for other in others {
            let [ours, theirs] = [parted.file(first, unit)?, parted.file(other, unit)?];
            if !parted.is_same([&ours, &theirs])? {
                return Err(Error::input(format!(
                    "{} and {} are pieces of the same unit, but not the same: one of them was computed by another \
                     version of the harness, on a machine that computes wrongly, or was changed; remove {} and {}, and \
                     compute the parts again: {}, {}",
                    ours.display(),
                    theirs.display(),
                    parted.whole_of(&ours).display(),
                    parted.whole_of(&theirs).display(),
                    commands.again(first),
                    commands.again(other)
                )));
            }
        }
    }
    Ok(())
}

/// Returns the error of units that no part has.
fn incomplete(parted: &impl Parted, missing: &[&Planned], shares: &[Share], late: bool) -> Error {
    let (planned, run, commands) = (parted.planned(), parted.run(), parted.commands());
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
            "{text}; compute them by {} up to N/N",
            commands.compute("1/N", run)
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
    let is_running = |part: &usize| {
        let share = Share { part: *part, parts };
        Folder::is_busy(&run.join(PARTS).join(share.folder()))
    };
    let (running, idle): (Vec<usize>, Vec<usize>) = owning.into_iter().partition(is_running);
    if late {
        text.push_str(
            "; the parts say that they have written them, so the file system may show them later",
        );
    }
    if let [_, ..] = running[..] {
        let named = in_words(&running);
        let are = if running.len() == 1 { "is" } else { "are" };
        put(
            &mut text,
            format_args!("; {named} {are} still being computed"),
        );
    }
    match idle[..] {
        [first, ..] => {
            let first = Share { part: first, parts };
            let (named, again) = (in_words(&idle), commands.compute(first, run));
            put(
                &mut text,
                format_args!("; compute {named} again, such as by {again}, then merge again"),
            );
        }
        [] => text.push_str("; merge again once that has ended"),
    }
    Error::input(text)
}

/// Returns the numbers of parts as words for a message.
fn in_words(parts: &[usize]) -> String {
    let numbers = parts.iter().map(usize::to_string).collect::<Vec<_>>();
    let plural = if parts.len() == 1 { "" } else { "s" };
    format!("part{plural} {}", numbers.join(", "))
}
