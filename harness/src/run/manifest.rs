//! `manifest.json`: what was run, on what, when, and checksums of what came out.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use kernels::Isa;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::input::read_result;
use crate::run::config::Config;
use crate::store::checksums::Checksums;
use crate::store::names::{CONFIG, MANIFEST};
use crate::store::system;

/// What the manifest of a run says.
#[derive(Debug)]
pub struct Manifest<'a> {
    config: &'a Config,
    isa: Isa,
    threads: usize,
    started: u64,
    finished: Option<u64>,
    /// Whether the run that was taken over was complete.
    was_complete: bool,
    /// What the manifests of the parts say that this was merged from.
    pub parts: BTreeMap<String, Value>,
    /// The seconds that each experiment took.
    pub seconds: BTreeMap<String, f64>,
    /// The checksums of the files of complete experiments.
    pub checksums: Checksums,
}

impl<'a> Manifest<'a> {
    /// The manifest of a run that begins now.
    pub fn new(config: &'a Config, isa: Isa, threads: usize) -> Self {
        Manifest {
            config,
            isa,
            threads,
            started: now(),
            finished: None,
            was_complete: false,
            parts: BTreeMap::new(),
            seconds: BTreeMap::new(),
            checksums: Checksums::default(),
        }
    }

    /// Takes over times and checksums from the manifest of the run in a folder.
    ///
    /// # Errors
    /// If there is no run, or one of another configuration.
    pub fn resume(&mut self, folder: &Path) -> Result<()> {
        let path = folder.join(MANIFEST);
        if !system::exists(&path)? {
            // Cut short before anything was computed, or no run at all.
            return match system::exists(&folder.join(CONFIG))? {
                true => Ok(()),
                false => Err(Error::input(format!(
                    "{} holds no run to resume: there is no {MANIFEST} in it",
                    folder.display()
                ))),
            };
        }
        let text = read(&path)?;
        let wrong = |why| Error::input(format!("{}: {why}", path.display()));
        self.take_over(&text).map_err(wrong)
    }

    /// Takes over times and checksums from the text of the manifest of an earlier run.
    ///
    /// # Errors
    /// If it is no manifest, or of a run of another configuration.
    pub fn take_over(&mut self, text: &str) -> Result<(), String> {
        if let Some((place, theirs, ours)) = self.difference(text)? {
            return Err(format!(
                "cannot resume this run: it was run with {place} = {theirs}, not {ours}; leave the \
                 configuration out to resume it as it was, or choose a new folder with --out"
            ));
        }
        let theirs: Value = serde_json::from_str(text).map_err(damaged)?;
        self.was_complete = theirs["complete"] == true;
        self.started = theirs["started_unix"].as_u64().unwrap_or(self.started);
        let seconds = theirs["seconds"].as_object().into_iter().flatten();
        self.seconds = seconds
            .filter_map(|(id, s)| Some((id.clone(), s.as_f64()?)))
            .collect();
        self.checksums = checksums(&theirs)?.unwrap_or_default();
        Ok(())
    }

    /// The first thing that decides the bytes of a run in which the manifest of another differs: its name, theirs and
    /// ours.
    ///
    /// # Errors
    /// If the text is no manifest.
    pub fn difference(&self, text: &str) -> Result<Option<(String, String, String)>, String> {
        let theirs: Value = serde_json::from_str(text).map_err(damaged)?;
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
        Ok(found.find_map(|found| found))
    }

    /// Whether the run that was taken over was complete.
    pub fn was_complete(&self) -> bool {
        self.was_complete
    }

    /// Notes what ran where in a part that this is merged from.
    pub fn add_part(&mut self, part: &Path) -> Result<()> {
        let Some(text) = text(part)? else {
            return Ok(());
        };
        let theirs: Value = serde_json::from_str(&text).unwrap_or_default();
        let kept = [
            "host",
            "threads",
            "started_unix",
            "finished_unix",
            "seconds",
        ];
        let kept = kept.map(|key| (key.to_string(), theirs[key].clone()));
        let name = part.file_name().unwrap_or_default().to_string_lossy();
        self.parts
            .insert(name.into_owned(), Value::Object(kept.into_iter().collect()));
        Ok(())
    }

    /// Notes that the run is over.
    pub fn finish(&mut self) {
        self.finished = Some(now());
    }

    /// The text of the file.
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
        let mut manifest = json!({
            "harness": env!("CARGO_PKG_VERSION"),
            "complete": self.finished.is_some(),
            "isa": self.isa.name(),
            "threads": self.threads,
            "machine": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            "host": system::host(),
            "started_unix": self.started,
            "finished_unix": self.finished,
            "seconds": self.seconds,
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

/// The checksums in the manifest of the run in a folder; `None` if that has no manifest, or one without them.
pub fn read_checksums(folder: &Path) -> Result<Option<Checksums>> {
    let Some(text) = text(folder)? else {
        return Ok(None);
    };
    let path = folder.join(MANIFEST);
    let manifest = serde_json::from_str(&text).map_err(damaged);
    manifest
        .and_then(|manifest| checksums(&manifest))
        .map_err(|why| Error::input(format!("{}: {why}", path.display())))
}

/// The text of the manifest of the run in a folder, if that has one.
pub fn text(folder: &Path) -> Result<Option<String>> {
    let path = folder.join(MANIFEST);
    let there = system::exists(&path)?;
    there.then(|| read(&path)).transpose()
}

fn checksums(manifest: &Value) -> Result<Option<Checksums>, String> {
    let found = manifest.get("checksums");
    found
        .map(Checksums::deserialize)
        .transpose()
        .map_err(damaged)
}

/// Lossily: what is no UTF-8 is no JSON either, or a name that is not known.
fn read(path: &Path) -> Result<String> {
    let bytes = read_result(path)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn damaged(why: serde_json::Error) -> String {
    format!(
        "it is damaged ({why}); put it back as it was, or repeat the run in a new folder: `harness run --config` on \
         the {CONFIG} beside it"
    )
}

/// The first place in which two values differ, and what stands there.
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

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}
