//! How far the parts of a computation are.

use std::collections::BTreeMap;
use std::path::Path;

use super::folders::folders;
use super::plan;
use super::share::Share;
use super::whole::{Parted, holders};
use crate::error::Result;
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

/// The units of a computation, and the parts that there are.
pub struct Status {
    /// Every unit, in the order of the plan.
    pub units: Vec<Standing>,
    /// The shares that have been begun.
    shares: Vec<Begun>,
}

/// A share that has been begun.
struct Begun {
    share: Share,
    /// How many units it has.
    units: usize,
    /// The share of their estimated time that is done.
    done: f64,
}

impl Status {
    /// Looks into the folders of all parts.
    pub fn read(parted: &impl Parted) -> Result<Self> {
        let planned = parted.planned();
        let folders = folders(parted.run())?;
        let holders = holders(parted, &folders)?;
        let name = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        let mut units = Vec::new();
        for unit in planned {
            let holder = holders.get(&unit.key());
            let holder = holder.and_then(|folders| folders.first());
            let took = match holder {
                Some(part) => parted.took(&parted.file(part, &unit.key())?)?,
                None => None,
            };
            units.push(Standing {
                experiment: unit.experiment.clone(),
                unit: unit.unit.clone(),
                part: holder.map(|part| name(part)).unwrap_or_default(),
                estimated: unit.seconds,
                took: took.unwrap_or(f64::NAN),
            });
        }
        let mut shares = Vec::new();
        for folder in &folders {
            let Some(share) = Share::of_folder(&name(folder)) else {
                continue;
            };
            let (mut units, mut done, mut all) = (0, 0.0, 0.0);
            for unit in plan::ours(planned, share) {
                let begun = match holders.contains_key(&unit.key()) {
                    true => 1.0,
                    false => parted.begun(folder, &unit.key())?,
                };
                units += 1;
                done += begun * unit.seconds;
                all += unit.seconds;
            }
            let done = done / all;
            shares.push(Begun { share, units, done });
        }
        Ok(Status { units, shares })
    }

    /// What a user reads.
    pub fn text(&self) -> String {
        let done: Vec<&Standing> = self.units.iter().filter(|u| !u.part.is_empty()).collect();
        let estimated = |units: &mut dyn Iterator<Item = &Standing>| -> f64 {
            units.map(|unit| unit.estimated).sum()
        };
        let all = estimated(&mut self.units.iter());
        let there = estimated(&mut done.iter().copied());
        let took: f64 = done.iter().map(|unit| unit.took).sum();
        let mut text = format!(
            "{} of {} units are there, {} % of the estimated time",
            done.len(),
            self.units.len(),
            number((100.0 * there / all).round()),
        );
        if took > 0.0 {
            let [took, there] = [took, there].map(|seconds| number(seconds.round()));
            put(
                &mut text,
                format_args!("; they took {took} s, estimated were {there} s"),
            );
        }
        text.push('\n');
        let mut by_part: BTreeMap<&str, usize> = BTreeMap::new();
        for unit in &done {
            *by_part.entry(&unit.part).or_default() += 1;
        }
        for Begun { share, units, done } in &self.shares {
            let folder = share.folder();
            let there = by_part.remove(folder.as_str()).unwrap_or(0);
            if there < *units {
                put(
                    &mut text,
                    format_args!(
                        "part {share}: {there} of {units} units, {} % of their time\n",
                        number((100.0 * done).floor())
                    ),
                );
            }
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
