//! The origin of a training in parts: what it was planned with, by the manifest in its folder. All that decides the
//! bytes of a model beside the configuration has to be the same wherever a part is trained.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::input::{read_result, read_settings};
use crate::parts::Commands;
use crate::store::checksums::Checksums;
use crate::store::names::{CONFIG, MANIFEST};
use crate::store::system;
use crate::workbench::config;

/// The commands of a training in parts.
pub const COMMANDS: Commands = Commands {
    plan: "harness sae plan",
    part: "harness sae train",
    merge: "harness sae merge",
};

/// The places in a manifest of the version and the instruction set.
const SET_UP: [&str; 2] = ["/harness", "/isa"];
/// The places in a manifest of the checksums of the data.
const DATA: [&str; 4] = [
    "/data_checksum",
    "/data_checksums",
    "/target/checksum",
    "/eval/checksum",
];

/// The manifest in the folder of a plan.
#[derive(Debug)]
pub struct Origin {
    run: PathBuf,
    manifest: Value,
}

impl Origin {
    /// Reads the manifest in the folder of a plan.
    ///
    /// # Errors
    /// If the folder holds no whole manifest.
    pub fn read(run: &Path) -> Result<Origin> {
        match manifest(run)? {
            Some(manifest) => Ok(Origin {
                run: run.into(),
                manifest,
            }),
            None => Err(Error::input(format!(
                "{} holds no whole {MANIFEST}, which tells what was planned; put it back: {} writes the same",
                run.display(),
                COMMANDS.plan_again(run)
            ))),
        }
    }

    /// Refuses a configuration, given by the text of its file, or a version of the harness that is not that of the
    /// plan.
    pub fn refuse_configuration(&self, text: &str) -> Result<()> {
        let ours = env!("CARGO_PKG_VERSION");
        let theirs = self.manifest["harness"].as_str().unwrap_or_default();
        if theirs != ours {
            return Err(self.refused(&format!(
                "{} was planned by version {theirs} of the harness, and this is {ours}; take one version for all parts",
                self.run.display()
            )));
        }
        let mut now = Checksums::default();
        now.insert(CONFIG, &[text]);
        let now = serde_json::to_value(now).expect("names and words");
        if self.manifest["checksums"][CONFIG] != now[CONFIG] {
            return Err(self.refused(&format!(
                "{} was changed after the plan was made; put it back as it was",
                self.run.join(CONFIG).display()
            )));
        }
        Ok(())
    }

    /// Refuses data that are not those of the plan; `described` is what the manifest of a training on them says.
    pub fn refuse_data(&self, described: &Value) -> Result<()> {
        match difference(&DATA, &self.manifest, described) {
            None => Ok(()),
            Some((place, theirs, ours)) => Err(self.refused(&format!(
                "the data are not those that {} was planned on: {place} was {theirs} and is {ours} now; put them back as \
                 they were",
                self.run.display()
            ))),
        }
    }

    /// Refuses a part that was trained with another configuration than that with the text `text`, or with another
    /// version, instruction set or data than the plan. Returns whether the part says that it is complete.
    pub fn refuse_other(&self, part: &Path, text: &str) -> Result<bool> {
        let other = |theirs: &str, ours: &str| {
            Error::input(format!(
                "{} was trained with {theirs}, and this training has {ours}; remove it, and train it again by {}",
                part.display(),
                COMMANDS.again(part)
            ))
        };
        let config = part.join(CONFIG);
        if system::exists(&config)? {
            let theirs = read_settings(&config)?;
            if let Some((theirs, ours)) = config::text::difference(&theirs, text) {
                return Err(other(&theirs, &ours));
            }
        }
        let Some(manifest) = manifest(part)? else {
            return Ok(false);
        };
        let keys = [&SET_UP[..], &DATA].concat();
        if let Some((place, theirs, ours)) = difference(&keys, &manifest, &self.manifest) {
            return Err(other(&format!("{place} = {theirs}"), &ours));
        }
        Ok(says_complete(&manifest))
    }

    /// Returns an error that a new plan mends.
    fn refused(&self, why: &str) -> Error {
        let again = COMMANDS.plan_again(&self.run);
        Error::input(format!("{why}, or plan the training anew by {again}"))
    }
}

/// Refuses data that are not those that the training in a folder was begun on; `described` is what the manifest of a
/// training on them says.
pub fn refuse_other_data(folder: &Path, described: &Value) -> Result<()> {
    let begun = manifest(folder)?.unwrap_or_else(|| described.clone());
    match difference(&DATA, &begun, described) {
        None => Ok(()),
        Some((place, theirs, ours)) => Err(Error::input(format!(
            "cannot resume the training in {}: the data are not those that it was begun on ({place} was {theirs} and is \
             {ours} now); put the files back as they were, or train in a new folder with --out",
            folder.display()
        ))),
    }
}

/// Returns whether a manifest says that nothing is left to do.
pub fn says_complete(manifest: &Value) -> bool {
    manifest["complete"] == true
}

/// Reads the manifest in a folder; `None` if there is no whole one.
pub fn manifest(folder: &Path) -> Result<Option<Value>> {
    let path = folder.join(MANIFEST);
    if !system::exists(&path)? {
        return Ok(None);
    }
    let bytes = read_result(&path)?;
    Ok(serde_json::from_slice(&bytes).ok())
}

/// Returns the first of these places at which two manifests differ: its name, and the values of `a` and `b` there.
fn difference(places: &[&str], a: &Value, b: &Value) -> Option<(String, String, String)> {
    let at = |manifest: &Value, place: &str| manifest.pointer(place).cloned().unwrap_or_default();
    let differs = places.iter().find(|place| at(a, place) != at(b, place))?;
    let name = differs.trim_start_matches('/').replace('/', " ");
    Some((name, at(a, differs).to_string(), at(b, differs).to_string()))
}
