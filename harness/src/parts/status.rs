//! The status of the parts of a computation: what each has done of its units.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::folders::{Holders, Key, folders, take};
use super::plan;
use super::share::Share;
use super::whole::Parted;
use crate::error::{Error, Result};
use crate::text::{number, put};

crate::rows! {
    /// A unit of work, and what it took if it is done.
    pub struct Standing in "units" {
        /// experiment
        experiment: String [""],
        /// name of the unit in its experiment
        unit: String [""],
        /// folder of the part that has computed it; empty if none has
        part: String [""],
        /// estimated time on one core
        estimated: f64 ["s"],
        /// time that it took, times the threads that it had; NaN if it is not done, or its file does not tell
        took: f64 ["s"],
    }
}

/// The status of a computation: its units, and the parts that there are.
pub struct Status {
    /// Every unit, in the order of the plan.
    pub units: Vec<Standing>,
    /// The shares that have been begun.
    shares: Vec<Begun>,
    /// The parts whose units are listed in tables, with the number of units that they hold.
    listed: Vec<(String, usize)>,
    /// The faults of files and folders that do not count, each with the command that mends it.
    pub unfit: Vec<String>,
    /// The path of the report, if the parts have been merged.
    report: Option<PathBuf>,
}

/// A share that has been begun.
struct Begun {
    share: Share,
    /// The number of units of the share, and the number of those that are there.
    units: usize,
    there: usize,
    /// The estimated seconds of what is done of the units, and of all units of the share.
    done: f64,
    all: f64,
}

impl Status {
    /// Reads the status from the folders of all parts. What is damaged, or of another computation, does not count.
    pub fn read(parted: &impl Parted) -> Result<Self> {
        let planned = parted.planned();
        let mut unfit = Vec::new();
        let folders = folders(parted.run())?;
        let mut holders = Holders::new();
        let (mut kept, mut listed) = (Vec::new(), Vec::new());
        for folder in folders {
            let held = parted.is_complete(&folder);
            let held = held.and_then(|_| parted.held(&folder));
            if let Some(units) = fit(held, &mut unfit)? {
                if Share::of_folder(&name(&folder)).is_none() {
                    listed.push((name(&folder), units.len()));
                }
                take(&mut holders, &folder, units);
                kept.push(folder);
            }
        }
        let mut units = Vec::new();
        let mut done = BTreeSet::new();
        for unit in planned {
            let key = unit.key();
            let mut standing = Standing {
                experiment: unit.experiment.clone(),
                unit: unit.unit.clone(),
                part: String::new(),
                estimated: unit.seconds,
                took: f64::NAN,
            };
            for part in holders.get(&key).into_iter().flatten() {
                let took = parted.file(part, &key).and_then(|file| parted.took(&file));
                if let Some(took) = fit(took, &mut unfit)? {
                    standing.part = name(part);
                    standing.took = took.unwrap_or(f64::NAN);
                    done.insert(key);
                    break;
                }
            }
            units.push(standing);
        }
        Ok(Status {
            units,
            shares: shares(parted, &kept, &done)?,
            listed,
            unfit,
            report: parted.report()?,
        })
    }

    /// Returns the status as text for a user.
    pub fn text(&self) -> String {
        let done: Vec<&Standing> = self.units.iter().filter(|u| !u.part.is_empty()).collect();
        let estimated = |units: &mut dyn Iterator<Item = &Standing>| -> f64 {
            units.map(|unit| unit.estimated).sum()
        };
        let all = estimated(&mut self.units.iter());
        let there = estimated(&mut done.iter().copied());
        let took: f64 = done.iter().map(|unit| unit.took).sum();
        let mut text = String::new();
        if let Some(report) = &self.report {
            put(&mut text, format_args!("merged: {}\n", report.display()));
        }
        put(
            &mut text,
            format_args!(
                "{} of {} units are there, {} % of the estimated time",
                done.len(),
                self.units.len(),
                number((100.0 * share(there, all)).round()),
            ),
        );
        if took > 0.0 {
            let [took, there] = [took, there].map(|seconds| number(seconds.round()));
            put(
                &mut text,
                format_args!("; they took {took} s, estimated were {there} s"),
            );
        }
        text.push('\n');
        for begun in self.shares.iter().filter(|begun| begun.there < begun.units) {
            put(
                &mut text,
                format_args!(
                    "part {}: {} of {} units, {} % of their time\n",
                    begun.share,
                    begun.there,
                    begun.units,
                    number((100.0 * share(begun.done, begun.all)).floor())
                ),
            );
        }
        for (part, units) in &self.listed {
            put(&mut text, format_args!("part {part}: {units} units\n"));
        }
        if let Some(parts) = self.shares.iter().map(|begun| begun.share.parts).max() {
            let begun = |part: &usize| {
                let mut shares = self.shares.iter().map(|begun| begun.share);
                shares.any(|share| (share.part, share.parts) == (*part, parts))
            };
            let idle: Vec<String> = (1..=parts)
                .filter(|part| !begun(part))
                .map(|part| part.to_string())
                .collect();
            if !idle.is_empty() {
                put(
                    &mut text,
                    format_args!("not begun, of {parts} parts: {}\n", idle.join(", ")),
                );
            }
        }
        text
    }
}

/// Returns the shares that the folders of parts are named after, with how far each is, by the units that are done.
fn shares(parted: &impl Parted, parts: &[PathBuf], done: &BTreeSet<Key>) -> Result<Vec<Begun>> {
    let planned = parted.planned();
    let mut shares = Vec::new();
    // The units are dealt to the parts once for each number of parts.
    let mut owners = BTreeMap::new();
    for folder in parts {
        let Some(share) = Share::of_folder(&name(folder)) else {
            continue;
        };
        let owners = owners.entry(share.parts);
        let owners = owners.or_insert_with(|| plan::shares(planned, share.parts));
        let ours = planned.iter().zip(owners.iter());
        let mut begun = Begun {
            share,
            units: 0,
            there: 0,
            done: 0.0,
            all: 0.0,
        };
        for (unit, _) in ours.filter(|(_, owner)| **owner + 1 == share.part) {
            let is_there = done.contains(&unit.key());
            let done = match is_there {
                true => 1.0,
                false => parted.begun(folder, &unit.key())?,
            };
            begun.units += 1;
            begun.there += usize::from(is_there);
            begun.done += done * unit.seconds;
            begun.all += unit.seconds;
        }
        shares.push(begun);
    }
    Ok(shares)
}

/// Returns the name of the folder of a part.
fn name(part: &Path) -> String {
    let name = part.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Returns what was read, or `None` if its file or folder is unfit; the reason is then added to `unfit`.
fn fit<T>(read: Result<T>, unfit: &mut Vec<String>) -> Result<Option<T>> {
    match read {
        Err(Error::Input(why)) => {
            unfit.push(why);
            Ok(None)
        }
        read => read.map(Some),
    }
}

/// Returns the share of a part in a whole, which is 1 if the whole is 0.
fn share(part: f64, whole: f64) -> f64 {
    match whole {
        0.0 => 1.0,
        _ => part / whole,
    }
}
