//! The manifest of a run, `manifest.json`: what was run, on what, when, and checksums of the results.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::input::read_result;
use crate::run::config::Config;
use crate::run::parts::COMMANDS;
use crate::run::time::{Time, Times};
use crate::store::checksums::Checksums;
use crate::store::folder::Folder;
use crate::store::names::{CONFIG, MANIFEST, PLAN};
use crate::store::system;
use crate::text::quoted_path;

/// The contents of the manifest of a run.
#[derive(Debug)]
pub struct Manifest<'a> {
    config: &'a Config,
    isa: &'a str,
    threads: usize,
    started: u64,
    finished: Option<u64>,
    /// Whether the run that was taken over was complete.
    was_complete: bool,
    /// The facts from the manifests of the parts that this run was merged from, by the name of the part.
    pub parts: BTreeMap<String, Value>,
    /// The time that each experiment took.
    pub times: Times,
    /// The checksums of the files of complete experiments.
    pub checksums: Checksums,
}

impl<'a> Manifest<'a> {
    /// Returns the manifest of a run that begins now, on the instruction set of the name `isa`.
    pub fn new(config: &'a Config, isa: &'a str, threads: usize) -> Self {
        Manifest {
            config,
            isa,
            threads,
            started: now(),
            finished: None,
            was_complete: false,
            parts: BTreeMap::new(),
            times: Times::default(),
            checksums: Checksums::default(),
        }
    }

    /// Takes over times and checksums from the manifest of the run in a folder.
    ///
    /// # Errors
    /// If there is no run in the folder, or one of another configuration.
    pub fn resume(&mut self, folder: &Path) -> Result<()> {
        let Some(theirs) = of_run(folder)? else {
            // The run was cut short before anything was computed, or there is no run at all.
            return match system::exists(&folder.join(CONFIG))? {
                true => Ok(()),
                false => Err(Error::input(format!(
                    "{} holds no run to resume: there is no {MANIFEST} in it",
                    folder.display()
                ))),
            };
        };
        if let Some((place, theirs, ours)) = self.difference(&theirs) {
            return Err(Error::input(format!(
                "{}: cannot resume this run: it was run with {place} = {theirs}, not {ours}; leave the configuration out \
                 to resume it as it was, or choose a new folder with --out",
                folder.join(MANIFEST).display()
            )));
        }
        self.take_over(&theirs);
        Ok(())
    }

    /// Takes over times and checksums from the manifest of an earlier run of the same configuration.
    pub fn take_over(&mut self, theirs: &Value) {
        self.was_complete = theirs["complete"] == true;
        self.started = theirs["started_unix"].as_u64().unwrap_or(self.started);
        self.times = Times::read(theirs);
        self.checksums = checksums(theirs).ok().flatten().unwrap_or_default();
    }

    /// Returns the first thing that decides the bytes of a run in which the manifest of another run differs: its name,
    /// their value and ours.
    pub fn difference(&self, theirs: &Value) -> Option<(String, String, String)> {
        let ours: Value = serde_json::from_str(&self.to_json()).expect("JSON of ours");
        let keys = [
            "harness",
            "isa",
            "preset",
            "seeds",
            "experiments",
            "settings",
        ];
        let mut found = keys
            .iter()
            .map(|key| difference(key, &theirs[key], &ours[key]));
        found.find_map(|found| found)
    }

    /// Returns whether the run that was taken over was complete.
    pub fn was_complete(&self) -> bool {
        self.was_complete
    }

    /// Notes what ran where in a part that this run is merged from.
    pub fn add_part(&mut self, part: &Path) -> Result<()> {
        let Some(theirs) = read(part, &way_out_of_part(part))? else {
            return Ok(());
        };
        let kept = [
            "host",
            "threads",
            "started_unix",
            "finished_unix",
            "seconds",
            "cpu_seconds",
        ];
        let kept = kept.map(|key| (key.to_string(), theirs[key].clone()));
        let name = part.file_name().unwrap_or_default().to_string_lossy();
        self.parts
            .insert(name.into_owned(), Value::Object(kept.into_iter().collect()));
        Ok(())
    }

    /// Notes the time of an experiment whose computation ended in an error, for whoever goes on with it. If the
    /// manifest cannot be written, that error is dropped, since the error of the computation is the one to tell.
    pub fn keep_time(&mut self, experiment: &str, time: Time, folder: &Folder) {
        self.times.add(experiment, time);
        folder.write(MANIFEST, self.to_json()).ok();
    }

    /// Notes that the run is over.
    pub fn finish(&mut self) {
        self.finished = Some(now());
    }

    /// Returns the text of the manifest's file.
    pub fn to_json(&self) -> String {
        let selected = &self.config.experiments;
        let experiments: Vec<_> = selected.iter().map(|s| s.experiment.id()).collect();
        let settings: BTreeMap<_, _> = selected
            .iter()
            .map(|s| {
                let settings = s.bound.settings().list().into_iter();
                let settings = settings.map(|setting| (setting.key, setting.value));
                (s.experiment.id(), settings.collect::<toml::Table>())
            })
            .collect();
        let [seconds, cpu_seconds] = self.times.to_json();
        let mut manifest = json!({
            "harness": env!("CARGO_PKG_VERSION"),
            "complete": self.finished.is_some(),
            "isa": self.isa,
            "threads": self.threads,
            "machine": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            "host": system::host(),
            "started_unix": self.started,
            "finished_unix": self.finished,
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "checksums": self.checksums,
            "preset": self.config.preset.name(),
            "seed": self.config.seed,
            "seeds": self.config.seed_list(),
            "experiments": experiments,
            "settings": settings,
        });
        if !self.parts.is_empty() {
            manifest["parts"] = json!(self.parts);
        }
        serde_json::to_string_pretty(&manifest).expect("JSON of plain values") + "\n"
    }
}

/// Returns the checksums in the manifest of the run in a folder; `None` if the folder has no manifest, or one without
/// checksums.
pub fn read_checksums(folder: &Path) -> Result<Option<Checksums>> {
    let manifest = of_run(folder)?;
    Ok(manifest.and_then(|manifest| checksums(&manifest).ok().flatten()))
}

/// Returns the manifest of the run in a folder, if the folder has one.
pub fn of_run(folder: &Path) -> Result<Option<Value>> {
    read(folder, &way_out(folder)?)
}

/// Returns the manifest in a folder, if the folder has one.
///
/// # Errors
/// If the manifest is damaged; the message ends in `way_out`.
pub fn read(folder: &Path, way_out: &str) -> Result<Option<Value>> {
    let path = folder.join(MANIFEST);
    if !system::exists(&path)? {
        return Ok(None);
    }
    let bytes = read_result(&path)?;
    parse(&bytes).map(Some).map_err(|why| {
        Error::input(format!(
            "{}: it is damaged ({why}); {way_out}",
            path.display()
        ))
    })
}

/// Reads a manifest from the bytes of its file.
pub fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
    let manifest = serde_json::from_slice(bytes)?;
    checksums(&manifest)?;
    Ok(manifest)
}

/// Returns what a user can do where the manifest of a part of a run is damaged.
pub fn way_out_of_part(part: &Path) -> String {
    format!(
        "remove it, and compute its part again by {}",
        COMMANDS.again(part)
    )
}

/// Returns what a user can do where the manifest of a planned run is damaged or lost.
pub fn way_out_of_plan(run: &Path) -> String {
    format!(
        "put it back as it was, or copy NEW/{MANIFEST} there, which {} writes, and remove the folders of experiments that \
         are concluded there: they are concluded again from the parts",
        COMMANDS.plan_again(run)
    )
}

/// Returns what a user can do where the manifest of a run is damaged.
fn way_out(run: &Path) -> Result<String> {
    Ok(match system::exists(&run.join(PLAN))? {
        true => way_out_of_plan(run),
        false => format!(
            "put it back as it was, or repeat the run in a new folder: `harness run --config {}`",
            quoted_path(&run.join(CONFIG))
        ),
    })
}

fn checksums(manifest: &Value) -> serde_json::Result<Option<Checksums>> {
    let found = manifest.get("checksums");
    found.map(Checksums::deserialize).transpose()
}

/// Returns the first place in which two values differ, and what stands there in each.
fn difference(place: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    if a == b {
        return None;
    }
    if let (Some(inner), Some(other)) = (a.as_object(), b.as_object()) {
        let keys = inner.keys().chain(other.keys());
        let mut differences =
            keys.map(|key| difference(&format!("{place}.{key}"), &a[key], &b[key]));
        return differences.find_map(|found| found);
    }
    Some((place.into(), a.to_string(), b.to_string()))
}

/// Returns the seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}
