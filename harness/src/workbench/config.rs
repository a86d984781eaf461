//! What a training is made of: where its activations are, and its settings.

use std::path::{Path, PathBuf};

use toml::Value;

use crate::activations::Rows;
use crate::error::{Error, Result};
use crate::input::read_settings;
use crate::settings::assign::{Owner, assign, refused};
use crate::settings::{Preset, Setting, Settings as _};
use crate::workbench::settings::{Kind, Settings};

/// What the command line asks for, unresolved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Files and folders of activations, or `synth:SPEC`.
    pub data: Vec<PathBuf>,
    /// The tensor to read of `.safetensors` files.
    pub tensor: Option<String>,
    /// `--config`
    pub file: Option<PathBuf>,
    /// `--set KEY=VALUE`, and the flags that stand for a setting: key, value, and where it was said.
    pub set: Vec<(String, Value, String)>,
    /// `--expansion`: numbers of elements, in multiples of the width.
    pub expansion: Vec<f64>,
}

/// Everything that decides the bytes of a training.
#[derive(Debug)]
pub struct Config {
    /// Files and folders of activations, or `synth:SPEC`.
    pub data: Vec<PathBuf>,
    /// The tensor to read of `.safetensors` files.
    pub tensor: Option<String>,
    /// Instruction set by name, if the file fixes one.
    pub isa: Option<String>,
    /// The settings, all in range.
    pub settings: Settings,
}

const OWNER: Owner = Owner {
    prefix: "",
    name: "a training",
    shown_by: "harness sae train --help",
};

impl Config {
    /// Resolves what was asked for, and opens the activations.
    pub fn resolve(request: &Request) -> Result<(Config, Rows)> {
        let mut said = Vec::new();
        let (mut data, mut tensor, mut isa) = (Vec::new(), None, None);
        if let Some(path) = &request.file {
            let name = path.display().to_string();
            let table: toml::Table = read_settings(path)?
                .parse()
                .map_err(|e| Error::input(format!("{name}: {e}")))?;
            for (key, value) in table {
                let must_be = |what: &str| {
                    Error::input(format!("{name}: {key} is {value}; it must be {what}"))
                };
                match key.as_str() {
                    "data" => {
                        let paths = value
                            .as_array()
                            .and_then(|paths| paths.iter().map(Value::as_str).collect());
                        let paths: Vec<&str> =
                            paths.ok_or_else(|| must_be("a list of paths in quotes"))?;
                        data = paths.into_iter().map(PathBuf::from).collect();
                    }
                    "tensor" => {
                        tensor = Some(
                            value
                                .as_str()
                                .ok_or_else(|| must_be("a name in quotes"))?
                                .to_string(),
                        )
                    }
                    "isa" => {
                        isa = Some(
                            value
                                .as_str()
                                .ok_or_else(|| must_be("a name in quotes"))?
                                .to_string(),
                        )
                    }
                    _ => said.push((key, value, name.clone())),
                }
            }
        }
        if !request.data.is_empty() {
            data.clone_from(&request.data);
        }
        tensor = request.tensor.clone().or(tensor);
        said.extend_from_slice(&request.set);
        let rows = Rows::named(&data, tensor.as_deref())?;
        let settings = settings(&said, &request.expansion, &rows)?;
        let config = Config {
            data,
            tensor,
            isa,
            settings,
        };
        Ok((config, rows))
    }

    /// The configuration file that repeats the training on `isa`, with every setting explained.
    pub fn to_toml(&self, isa: &str) -> String {
        use std::fmt::Write as _;
        let paths: Vec<_> = self
            .data
            .iter()
            .map(|path| path.to_string_lossy())
            .collect();
        let mut text = format!(
            "# The configuration of this training. `harness sae train --config` on this file repeats it byte for byte.\n\
             data = {}\n",
            Value::try_from(paths).expect("a list of strings"),
        );
        if let Some(tensor) = &self.tensor {
            writeln!(text, "tensor = {}", Value::from(tensor.as_str()))
                .expect("writing to a string");
        }
        write!(
            text,
            "# Without this line, the best instruction set of the machine: results then differ in their last digits.\n\
             isa = \"{isa}\"\n"
        )
        .expect("writing to a string");
        for Setting { key, about, value } in self.settings.list() {
            write!(text, "# {about}\n{key} = {value}\n").expect("writing to a string");
        }
        text
    }
}

/// The settings that were said, the last of each, over those that suit the activations.
fn settings(said: &[(String, Value, String)], expansion: &[f64], rows: &Rows) -> Result<Settings> {
    let mut settings = Settings::preset(Preset::Default);
    let presets = settings.list();
    settings.elements = vec![8 * rows.width()];
    if rows.spec().is_none() {
        settings.samples = settings.samples.max(rows.len());
    }
    if !expansion.is_empty() {
        let wrong = |ratio: f64| {
            Error::input(format!(
                "--expansion {ratio}: it must be above 0 and at most 1000"
            ))
        };
        let elements = expansion
            .iter()
            .map(|&ratio| match ratio > 0.0 && ratio <= 1000.0 {
                true => Ok(((ratio * rows.width() as f64).round() as usize).max(1)),
                false => Err(wrong(ratio)),
            });
        settings.elements = elements.collect::<Result<_>>()?;
    }
    let mut dead_after = None;
    for (key, value, origin) in said {
        assign(&mut settings, &presets, OWNER, key, value, origin)?;
        if key == "dead_after" {
            dead_after = Some(settings.dead_after);
        }
    }
    settings.dead_after = dead_after.unwrap_or((settings.samples / 16).max(1));
    settings.check().map_err(|out| {
        let origin = said.iter().rfind(|(key, _, _)| *key == out.key);
        refused(OWNER, &out, origin.map(|(_, _, origin)| origin.as_str()))
    })?;
    let (k, fewest) = (settings.k.iter().max(), settings.elements.iter().min());
    if let (Kind::TopK | Kind::BatchTopK, Some(k), Some(fewest)) = (settings.variant, k, fewest)
        && k > fewest
    {
        return Err(Error::input(format!(
            "k is {k}, and a dictionary has {fewest} elements; no more than all of them can be active"
        )));
    }
    Ok(settings)
}

/// What `--set KEY=VALUE` says: the value is TOML, and a bare word is a string.
///
/// # Errors
/// If there is no equals sign.
pub fn parse_set(text: &str) -> Result<(String, Value, String)> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| Error::input(format!("--set {text}: expected KEY=VALUE")))?;
    Ok((
        key.trim().into(),
        crate::settings::value::parse(value.trim()),
        format!("--set {text}"),
    ))
}

/// The folder of a training, from its configuration file.
pub fn file(folder: &Path) -> PathBuf {
    folder.join(crate::store::names::CONFIG)
}
