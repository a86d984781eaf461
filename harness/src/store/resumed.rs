//! The kind of earlier work in a folder, and the command that goes on with it.

use std::path::Path;

use crate::error::{Error, Result};
use crate::input::read_settings;
use crate::store::names::CONFIG;
use crate::store::system;
use crate::text::quoted_path;

/// The command of a run of the suite.
pub const RUN: &str = "harness run";
/// The command of a training on one layer.
pub const TRAIN: &str = "harness sae train";
/// The command of a training on several layers.
pub const LAYERS: &str = "harness sae layers";

/// Refuses to resume by `command` the work in a folder, if its configuration file is that of another command.
///
/// # Errors
/// If it is that of another command, or if there is no such file or it cannot be read.
pub fn refuse_other(folder: &Path, command: &str) -> Result<()> {
    let (name, file) = (folder.display(), folder.join(CONFIG));
    if !system::exists(&file)? {
        return Err(Error::input(format!(
            "{name} holds nothing to resume: there is no {CONFIG} in it"
        )));
    }
    let table: toml::Table = read_settings(&file)?.parse().unwrap_or_default();
    let (what, theirs) = match (table.contains_key("data"), table.contains_key("same_from")) {
        (true, false) => ("a training on one layer", TRAIN),
        (true, true) => ("a training on several layers", LAYERS),
        (false, _) => ("a run of the suite", RUN),
    };
    match theirs == command {
        true => Ok(()),
        false => Err(Error::input(format!(
            "{name} holds {what}; go on with it by `{theirs} --resume {}`",
            quoted_path(folder)
        ))),
    }
}
