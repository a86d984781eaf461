//! The text of configuration files: the one that repeats a training, the one that explains all settings, and the
//! settings in which two of them differ.

use std::collections::BTreeSet;
use std::path::PathBuf;

use textwrap::wrap;
use toml::Value;

use super::{Across, Config, of_layers};
use crate::settings::{Preset, Setting, Settings as _};
use crate::text::put;
use crate::workbench::settings::Settings;

impl Config {
    /// Returns the text of the configuration file that repeats the training on `isa`, with every setting explained.
    pub fn to_toml(&self, isa: &str) -> String {
        let list = |paths: &[PathBuf]| {
            let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
            Value::try_from(paths).expect("a list of strings")
        };
        let command = match self.across {
            Some(_) => "layers",
            None => "train",
        };
        let mut text = format!(
            "# The configuration of this training. `harness sae {command} --config` on this file repeats it byte for byte.\n\
             data = {}\n",
            list(&self.data),
        );
        if !self.target.is_empty() {
            let (target, skip) = (list(&self.target), self.skip_connection);
            put(
                &mut text,
                format_args!("target = {target}\nskip_connection = {skip}\n"),
            );
        }
        if !self.eval.is_empty() {
            let eval = list(&self.eval);
            put(
                &mut text,
                format_args!(
                    "# Models are measured on these rows, at most `measured` of them, and none of the data are held \
                     out.\neval = {eval}\n"
                ),
            );
        }
        if let Some(tensor) = &self.tensor {
            let tensor = Value::from(tensor.as_str());
            put(&mut text, format_args!("tensor = {tensor}\n"));
        }
        if let Some(tokens) = &self.tokens {
            let tokens = Value::from(tokens.to_string_lossy().into_owned());
            put(&mut text, format_args!("tokens = {tokens}\n"));
        }
        if let Some(across) = &self.across {
            across.put_lines(&mut text);
        }
        put(
            &mut text,
            format_args!(
                "# Without this line, the best instruction set of the machine: results then differ in their last digits.\n\
                 isa = \"{isa}\"\n"
            ),
        );
        for Setting { key, about, value } in self.settings.list() {
            put(&mut text, format_args!("# {about}\n{key} = {value}\n"));
        }
        text
    }
}

impl Across {
    fn put_lines(&self, text: &mut String) {
        if let Some(path) = &self.probe_targets {
            let path = Value::from(path.to_string_lossy().into_owned());
            put(text, format_args!("probe_targets = {path}\n"));
        }
        if !self.target_names.is_empty() {
            let names = Value::from(self.target_names.clone());
            put(text, format_args!("target_names = {names}\n"));
        }
        put(
            text,
            format_args!(
                "# Cosine or correlation from which two elements count as the same.\nsame_from = {:?}\n",
                self.same_from()
            ),
        );
    }
}

/// Returns the text of a file that explains every setting of a training and says its range. The file sets none of them:
/// some follow from the activations unless they are set, so each value stands in a comment. A training across layers
/// has some defaults of its own.
pub fn explained(across_layers: bool) -> String {
    let mut settings = Settings::preset(Preset::Default);
    if across_layers {
        for (key, value) in of_layers() {
            settings.set(key, value).expect("a setting of that type");
        }
    }
    let ranges = settings.ranges();
    let mut text = String::from(
        "# All settings of a training, with their defaults. Some follow from the data or the variant unless they are set,\n\
         # and say so. To change a setting, remove the # before its name, and give the file to --config.\n",
    );
    for Setting { key, about, value } in settings.list() {
        text.push('\n');
        let mut put_words = |words: &str| {
            for line in wrap(words, 100) {
                put(&mut text, format_args!("# {line}\n"));
            }
        };
        put_words(about);
        for (_, range) in ranges.iter().filter(|(limited, _)| *limited == key) {
            put_words(&format!("It must be {range}."));
        }
        put(&mut text, format_args!("#{key} = {value}\n"));
    }
    text
}

/// Returns the settings in which the texts of two configuration files differ, with their values in `theirs` and in
/// `ours`; `None` if there are none. The instruction set, which the machine chooses unless told otherwise, counts only
/// if nothing else differs.
pub fn difference(theirs: &str, ours: &str) -> Option<(String, String)> {
    let table = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
    let (theirs, ours) = (table(theirs), table(ours));
    let keys: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let mut keys: Vec<&String> = keys.into_iter().collect();
    keys.retain(|key| theirs.get(*key) != ours.get(*key));
    if keys.len() > 1 {
        keys.retain(|key| *key != "isa");
    }
    let shown = |table: &toml::Table| {
        let each = keys.iter().map(|key| match table.get(*key) {
            Some(value) => format!("`{key} = {value}`"),
            None => format!("no `{key}`"),
        });
        each.collect::<Vec<_>>().join(", ")
    };
    (!keys.is_empty()).then(|| (shown(&theirs), shown(&ours)))
}
