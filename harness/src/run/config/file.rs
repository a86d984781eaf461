//! The contents of a configuration file and of `--set`, each value with the place where it stands.

use std::path::Path;

use kernels::Isa;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::error::{Error, Result};
use crate::experiment::erased::Erased;
use crate::experiment::registry::Registry;
use crate::input::read_settings;
use crate::settings::Preset;
use crate::settings::value::{self, cut, shown};
use crate::text::did_you_mean;

/// The largest number of seeds of a run.
pub(super) const MOST_SEEDS: u64 = 1000;

/// A value and the place where it stands, for errors.
#[derive(Debug, Clone)]
pub(super) struct Said<T> {
    pub value: T,
    pub origin: String,
}

impl<T> Said<T> {
    pub fn new(value: T, origin: &str) -> Self {
        Said {
            value,
            origin: origin.into(),
        }
    }
}

/// A value that the user gives to a setting of an experiment.
pub(super) struct Override {
    pub experiment: &'static dyn Erased,
    pub key: String,
    pub said: Said<toml::Value>,
}

/// The contents of a configuration file.
#[derive(Default)]
pub(super) struct File {
    pub preset: Option<Preset>,
    pub seed: Option<Said<u64>>,
    pub seeds: Option<Said<u64>>,
    pub isa: Option<String>,
    pub experiments: Option<Vec<&'static dyn Erased>>,
    pub overrides: Vec<Override>,
}

/// The keys of a configuration file outside the experiments' tables, each with an example of its value.
const GENERAL: [(&str, &str); 5] = [
    ("preset", "\"quick\""),
    ("seed", "7"),
    ("seeds", "5"),
    ("isa", "\"portable\""),
    ("experiments", "[\"response\", \"rescale\"]"),
];

impl Override {
    /// Reads an override from `experiment.key=value`. The value is TOML; a bare word is a string.
    pub fn parse(registry: &Registry, text: &str) -> Result<Self> {
        let wrong = || Error::input(format!("--set {text}: expected experiment.key=value"));
        let (path, value) = text.split_once('=').ok_or_else(wrong)?;
        let (id, key) = path.split_once('.').ok_or_else(wrong)?;
        let (id, key, value) = (id.trim(), key.trim(), value.trim());
        let experiment = registry
            .get(id)
            .map_err(|e| Error::input(format!("--set {text}: {e}")))?;
        Ok(Override {
            experiment,
            key: key.into(),
            said: Said::new(value::parse(value), &format!("--set {text}")),
        })
    }
}

/// The text of a configuration file, and its name in errors.
struct Source<'a> {
    registry: &'a Registry,
    text: &'a str,
    name: &'a str,
}

impl Source<'_> {
    /// Returns the place at a byte offset as `file:line:column`, counted in characters from 1, as editors do.
    fn at(&self, offset: usize) -> String {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        format!("{}:{line}:{column}", self.name)
    }

    /// Returns the error that the text is not TOML, with the words that the parser stumbles over.
    fn broken(&self, e: toml::de::Error) -> Error {
        let span = e.span().unwrap_or_default();
        let place = self.at(span.start);
        // A span may end within a character.
        let what = self.text.get(span).unwrap_or_default();
        let what = what.lines().next().unwrap_or_default();
        let message = e.message();
        Error::input(match what.trim() {
            "" => format!("{place}: {message}"),
            what => format!("{place}: `{}`: {message}", cut(what)),
        })
    }
}

/// A key outside the experiments' tables, and its value.
struct Entry<'a> {
    source: &'a Source<'a>,
    origin: &'a str,
    key: &'a str,
    value: &'a toml::Value,
    example: &'a str,
}

impl Entry<'_> {
    /// Returns the error that the value is not what it must be.
    fn must_be(&self, what: &str) -> Error {
        let Entry {
            origin,
            key,
            example,
            ..
        } = self;
        let value = shown(self.value);
        Error::input(format!(
            "{origin}: {key} is {value}; it must be {what}, such as {key} = {example}"
        ))
    }

    /// Returns the value as a number in a range.
    fn number(&self, range: std::ops::RangeInclusive<i64>) -> Result<Said<u64>> {
        let number = self.value.as_integer().filter(|n| range.contains(n));
        let (least, most) = range.into_inner();
        let number = number.and_then(|n| u64::try_from(n).ok());
        let value = number
            .ok_or_else(|| self.must_be(&format!("a whole number from {least} to {most}")))?;
        Ok(Said::new(value, self.origin))
    }

    /// Returns the value as one of the `known` words.
    fn word(&self, known: &[&str]) -> Result<&str> {
        let word = self.value.as_str();
        word.filter(|w| known.contains(w)).ok_or_else(|| {
            let hint = word.map_or(String::new(), |w| did_you_mean(w, known.iter().copied()));
            let known = known.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>();
            let mut error = self
                .must_be(&format!("one of {}", known.join(", ")))
                .to_string();
            error.push_str(&hint);
            Error::input(error)
        })
    }

    /// Returns the value as a list of experiments by their names; `spans` tells where each stands.
    fn experiments(&self, spans: &DeValue) -> Result<Vec<&'static dyn Erased>> {
        let list = |()| self.must_be("a list of names of experiments in quotes");
        let places = spans.as_array().ok_or(()).map_err(list)?;
        let values = self.value.as_array().ok_or(()).map_err(list)?;
        if values.is_empty() {
            let Entry { origin, key, .. } = self;
            return Err(Error::input(format!(
                "{origin}: {key} is [], which runs nothing; remove the line to run all experiments, or name some, such \
                 as {key} = {}",
                self.example
            )));
        }
        let found = values.iter().zip(places.iter()).map(|(value, place)| {
            let origin = &self.source.at(place.span().start);
            let name = value.as_str().ok_or_else(|| {
                let what = format!(
                    "a list of names of experiments in quotes, without {}",
                    shown(value)
                );
                Entry { origin, ..*self }.must_be(&what)
            })?;
            self.source
                .registry
                .get(name)
                .map_err(|e| Error::input(format!("{origin}: {e}")))
        });
        found.collect()
    }
}

impl File {
    pub fn read(registry: &Registry, path: &Path) -> Result<Self> {
        Self::parse(registry, &read_settings(path)?, &path.display().to_string())
    }

    /// Reads the text of a configuration file; `name` stands for the file in errors.
    pub fn parse(registry: &Registry, text: &str, name: &str) -> Result<Self> {
        // The byte order mark that some editors put before UTF-8 is no character of the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source = &Source {
            registry,
            text,
            name,
        };
        let spans = DeTable::parse(text).map_err(|e| source.broken(e))?;
        let values: toml::Table = text.parse().map_err(|e| source.broken(e))?;
        let mut file = File::default();
        for (key, spanned) in spans.get_ref() {
            let name = key.get_ref().as_ref();
            file.take(source, key, spanned.get_ref(), &values[name])?;
        }
        Ok(file)
    }

    /// Takes in the value of a key.
    fn take(
        &mut self,
        source: &Source,
        key: &Spanned<DeString>,
        spans: &DeValue,
        value: &toml::Value,
    ) -> Result<()> {
        let origin = source.at(key.span().start);
        let key = key.get_ref().as_ref();
        let Some((_, example)) = GENERAL.iter().find(|(k, _)| *k == key) else {
            return self.take_experiment(source, &origin, key, spans, value);
        };
        let entry = Entry {
            source,
            origin: &origin,
            key,
            value,
            example,
        };
        match key {
            "preset" => {
                let name = entry.word(&Preset::ALL.map(Preset::name))?;
                self.preset = Preset::ALL.into_iter().find(|p| p.name() == name);
            }
            "seed" => self.seed = Some(entry.number(0..=i64::MAX)?),
            "seeds" => self.seeds = Some(entry.number(1..=MOST_SEEDS as i64)?),
            "isa" => self.isa = Some(entry.word(Isa::NAMES)?.into()),
            _ => self.experiments = Some(entry.experiments(spans)?),
        }
        Ok(())
    }

    /// Takes in the settings of an experiment.
    fn take_experiment(
        &mut self,
        source: &Source,
        origin: &str,
        key: &str,
        spans: &DeValue,
        value: &toml::Value,
    ) -> Result<()> {
        let (Some(places), Some(values)) = (spans.as_table(), value.as_table()) else {
            let Some(experiment) = source.registry.find(key) else {
                let general = GENERAL.iter().map(|(k, _)| *k);
                let ids = source.registry.experiments().map(|e| e.id());
                let hint = did_you_mean(key, general.clone().chain(ids));
                let known = general.collect::<Vec<_>>().join(", ");
                return Err(Error::input(format!(
                    "{origin}: there is no key `{key}`{hint} (there are {known} and a table of settings for each \
                     experiment)"
                )));
            };
            let what = match value.as_array() {
                Some(items) if items.iter().any(toml::Value::is_table) => {
                    format!("a list of tables, as [[{key}]] makes one")
                }
                _ => shown(value),
            };
            let settings = experiment.bind(Preset::Default).settings().list();
            let first = settings.first().expect("an experiment has settings");
            return Err(Error::input(format!(
                "{origin}: {key} is {what}; it must be a table of settings: a line [{key}], and below it a line for each \
                 setting, such as {} = {} (`harness list {key}` shows all of them)",
                first.key, first.value
            )));
        };
        let experiment = source
            .registry
            .get(key)
            .map_err(|e| Error::input(format!("{origin}: {e}")))?;
        let settings = experiment.bind(Preset::Default).settings().list();
        let known = |key: &str| settings.iter().any(|s| s.key == key);
        for (name, place, value) in flat(places, values, &known) {
            let origin = source.at(place);
            if GENERAL.iter().any(|(k, _)| *k == name) && !known(&name) {
                return Err(Error::input(format!(
                    "{origin}: `{key}` has no setting `{name}`; to set it for the whole run, move the line above the \
                     first [table]"
                )));
            }
            self.overrides.push(Override {
                experiment,
                key: name,
                said: Said::new(value.clone(), &origin),
            });
        }
        Ok(())
    }
}

/// Returns the keys of a table with their places, as byte offsets, and their values. A table that is not the value of a
/// known setting is a group: the keys within are `group.key`.
fn flat<'a>(
    places: &DeTable,
    values: &'a toml::Table,
    known: &dyn Fn(&str) -> bool,
) -> Vec<(String, usize, &'a toml::Value)> {
    let mut all = Vec::new();
    for (key, place) in places {
        let (name, value) = (key.get_ref().to_string(), &values[key.get_ref().as_ref()]);
        match (place.get_ref().as_table(), value.as_table()) {
            (Some(places), Some(values)) if !known(&name) && !values.is_empty() => {
                let within = flat(places, values, &|key| known(&format!("{name}.{key}")));
                all.extend(
                    within
                        .into_iter()
                        .map(|(key, at, value)| (format!("{name}.{key}"), at, value)),
                );
            }
            _ => all.push((name, key.span().start, value)),
        }
    }
    all
}
