//! The effective configuration of a run: preset, then file, then `--set`, then flags.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::experiment::erased::Erased;
use crate::experiment::registry::Registry;
use crate::settings::Preset;
use crate::text::did_you_mean;

/// What the command line asks for, unresolved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Experiments to run; none means all.
    pub experiments: Vec<String>,
    /// `--preset`
    pub preset: Option<Preset>,
    /// `--config`
    pub file: Option<PathBuf>,
    /// `--set`, each `experiment.key=value`
    pub set: Vec<String>,
    /// `--seed`
    pub seed: Option<u64>,
    /// `--seeds`
    pub seeds: Option<u64>,
}

/// Everything that decides the bytes of a run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The preset that the settings started from.
    pub preset: Preset,
    /// Base seed.
    pub seed: u64,
    /// Number of seeds: `seed`, `seed + 1`, ….
    pub seeds: u64,
    /// Instruction set by name, if the file fixes one.
    pub isa: Option<String>,
    /// What runs, in order, with all its settings.
    pub experiments: Vec<Selected>,
}

/// An experiment and its settings.
#[derive(Clone)]
pub struct Selected {
    /// The experiment.
    pub experiment: &'static dyn Erased,
    /// All its settings, checked.
    pub settings: toml::Table,
}

impl std::fmt::Debug for Selected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.experiment.id(), self.settings)
    }
}

/// One setting from a file or from `--set`.
struct Override {
    /// Where it stands, for errors.
    origin: String,
    experiment: &'static dyn Erased,
    key: String,
    value: toml::Value,
}

/// Keys of a configuration file outside the experiments' tables.
const GENERAL: [&str; 5] = ["preset", "seed", "seeds", "isa", "experiments"];

/// What a configuration file says.
#[derive(Default)]
struct File {
    preset: Option<Preset>,
    seed: Option<u64>,
    seeds: Option<u64>,
    isa: Option<String>,
    experiments: Option<Vec<String>>,
    overrides: Vec<Override>,
}

impl Config {
    /// Resolves what was asked for.
    pub fn resolve(registry: &Registry, request: &Request) -> Result<Self> {
        let file = match &request.file {
            Some(path) => File::read(registry, path)?,
            None => File::default(),
        };
        Self::over(registry, file, request)
    }

    /// What the text of a configuration file asks for by itself; `name` stands for the file in errors.
    pub fn from_toml(registry: &Registry, text: &str, name: &str) -> Result<Self> {
        let file = File::parse(registry, text, name)?;
        Self::over(registry, file, &Request::default())
    }

    /// A file with the rest of a request laid over it.
    fn over(registry: &Registry, mut file: File, request: &Request) -> Result<Self> {
        let preset = request.preset.or(file.preset).unwrap_or(Preset::Default);
        let seed = request.seed.or(file.seed).unwrap_or(0);
        let seeds = request.seeds.or(file.seeds).unwrap_or(preset.seeds());
        if !(1..=1000).contains(&seeds) {
            return Err(Error::input(format!(
                "seeds is {seeds}; it must be 1 to 1000"
            )));
        }
        if seed > i64::MAX as u64 - seeds {
            let most = i64::MAX as u64 - seeds;
            return Err(Error::input(format!(
                "seed is {seed}; it must be at most {most}"
            )));
        }

        let wanted = match (&request.experiments, file.experiments) {
            (asked, _) if !asked.is_empty() => asked.clone(),
            (_, Some(listed)) => listed,
            _ => registry.experiments().map(|e| e.id().to_string()).collect(),
        };
        let mut selected = Vec::new();
        for id in &wanted {
            select(registry, registry.get(id)?, &mut selected);
        }

        for text in &request.set {
            file.overrides.push(Override::parse(registry, text)?);
        }
        let mut experiments = Vec::new();
        for experiment in registry.experiments() {
            // Settings of experiments that do not run are checked all the same: a typo is a typo.
            let settings = apply(experiment, preset, &file.overrides)?;
            if selected.contains(&experiment.id()) {
                experiments.push(Selected {
                    experiment,
                    settings,
                });
            }
        }
        Ok(Config {
            preset,
            seed,
            seeds,
            isa: file.isa,
            experiments,
        })
    }

    /// Names of the experiments that run, in order.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.experiments.iter().map(|s| s.experiment.id())
    }

    /// The seeds of the run.
    pub fn seed_list(&self) -> Vec<u64> {
        (self.seed..self.seed + self.seeds).collect()
    }

    /// As a configuration file that repeats the run on `isa`, with every setting explained.
    pub fn to_toml(&self, isa: &str) -> String {
        use std::fmt::Write as _;
        let ids: Vec<_> = self.experiments.iter().map(|s| s.experiment.id()).collect();
        let mut text = format!(
            "# The configuration of this run. `harness run --config` on this file repeats it byte for byte.\n\
             preset = \"{}\"\nseed = {}\nseeds = {}\n\
             # Without this line, the best instruction set of the machine: results then differ in their last digits.\n\
             isa = \"{isa}\"\nexperiments = {}\n",
            self.preset.name(),
            self.seed,
            self.seeds,
            toml::Value::try_from(ids).expect("a list of strings"),
        );
        for selected in &self.experiments {
            write!(text, "\n[{}]\n", selected.experiment.id()).expect("writing to a string");
            for (key, about) in selected.experiment.setting_docs() {
                if let Some(value) = selected.settings.get(*key) {
                    write!(text, "# {about}\n{key} = {value}\n").expect("writing to a string");
                }
            }
        }
        text
    }
}

/// Adds an experiment and, before it, what it needs.
fn select(registry: &Registry, experiment: &'static dyn Erased, selected: &mut Vec<&'static str>) {
    for need in experiment.needs() {
        let needed = registry.find(need).expect("needs are registered");
        select(registry, needed, selected);
    }
    if !selected.contains(&experiment.id()) {
        selected.push(experiment.id());
    }
}

/// The settings of a preset with all overrides of the experiment, checked one by one so that an
/// error names where the wrong one stands.
fn apply(
    experiment: &'static dyn Erased,
    preset: Preset,
    overrides: &[Override],
) -> Result<toml::Table> {
    let id = experiment.id();
    let mut settings = experiment.preset(preset);
    let ours = || overrides.iter().filter(|o| o.experiment.id() == id);
    for Override {
        origin, key, value, ..
    } in ours()
    {
        let keys = experiment.setting_docs().iter().map(|(k, _)| *k);
        if !keys.clone().any(|k| k == key) {
            let hint = did_you_mean(key, keys);
            return Err(Error::input(format!(
                "{origin}: `{id}` has no setting `{key}`{hint} (`harness list {id}` shows all of them)"
            )));
        }
        settings.insert(key.clone(), value.clone());
        settings = experiment.canonical(&settings).map_err(|e| {
            Error::input(format!("{origin}: {id}.{key} = {value}: {}", e.message()))
        })?;
    }
    experiment.validate(&settings).map_err(|e| {
        let origin = ours().rfind(|o| o.key == e.key);
        let origin = origin.map_or(String::new(), |o| format!("{}: ", o.origin));
        Error::input(format!(
            "{origin}{id}.{} is {}; it must be {}",
            e.key, e.value, e.allowed
        ))
    })?;
    Ok(settings)
}

impl Override {
    /// From `experiment.key=value`. The value is TOML; a bare word is a string.
    fn parse(registry: &Registry, text: &str) -> Result<Self> {
        let wrong = || Error::input(format!("--set {text}: expected experiment.key=value"));
        let (path, value) = text.split_once('=').ok_or_else(wrong)?;
        let (id, key) = path.split_once('.').ok_or_else(wrong)?;
        let (id, key, value) = (id.trim(), key.trim(), value.trim());
        let experiment = registry
            .get(id)
            .map_err(|e| Error::input(format!("--set {text}: {e}")))?;
        let value = format!("v = {value}")
            .parse::<toml::Table>()
            .ok()
            .and_then(|mut t| (t.len() == 1).then(|| t.remove("v")).flatten())
            .unwrap_or_else(|| toml::Value::String(value.into()));
        Ok(Override {
            origin: format!("--set {text}"),
            experiment,
            key: key.into(),
            value,
        })
    }
}

impl File {
    fn read(registry: &Registry, path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        Self::parse(registry, &text, &path.display().to_string())
    }

    fn parse(registry: &Registry, text: &str, name: &str) -> Result<Self> {
        let at = |offset: usize| {
            let before = &text[..offset];
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
            format!("{name}:{line}:{column}")
        };
        let broken = |e: toml::de::Error| {
            let place = at(e.span().map_or(0, |s| s.start));
            Error::input(format!("{place}: {}", e.message()))
        };
        let spans = toml::de::DeTable::parse(text).map_err(broken)?;
        let values: toml::Table = text.parse().map_err(broken)?;

        let mut file = File::default();
        for (key, spanned) in spans.get_ref() {
            let origin = at(key.span().start);
            let key = key.get_ref().as_ref();
            let value = values[key].clone();
            if let Some(table) = spanned
                .get_ref()
                .as_table()
                .filter(|_| !GENERAL.contains(&key))
            {
                let experiment = registry
                    .get(key)
                    .map_err(|e| Error::input(format!("{origin}: {e}")))?;
                for name in table.keys() {
                    let origin = at(name.span().start);
                    let name = name.get_ref().as_ref();
                    let value = value[name].clone();
                    file.overrides.push(Override {
                        origin,
                        experiment,
                        key: name.into(),
                        value,
                    });
                }
                continue;
            }
            let shown = value.to_string();
            let wrong = |what: String| Error::input(format!("{origin}: {key} = {shown}: {what}"));
            match key {
                "preset" => {
                    file.preset = Some(
                        typed::<String>(value)
                            .and_then(|name| name.parse())
                            .map_err(wrong)?,
                    )
                }
                "seed" => file.seed = Some(typed(value).map_err(wrong)?),
                "seeds" => file.seeds = Some(typed(value).map_err(wrong)?),
                "isa" => file.isa = Some(typed(value).map_err(wrong)?),
                "experiments" => file.experiments = Some(typed(value).map_err(wrong)?),
                _ => {
                    let known = GENERAL
                        .into_iter()
                        .chain(registry.experiments().map(|e| e.id()));
                    let hint = did_you_mean(key, known);
                    return Err(Error::input(format!(
                        "{origin}: there is no key `{key}`{hint}"
                    )));
                }
            }
        }
        Ok(file)
    }
}

fn typed<T: serde::de::DeserializeOwned>(value: toml::Value) -> Result<T, String> {
    value
        .try_into()
        .map_err(|e: toml::de::Error| e.message().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::REGISTRY;

    #[test]
    fn an_experiment_brings_what_it_needs() {
        for experiment in REGISTRY.experiments() {
            let request = Request {
                experiments: vec![experiment.id().into()],
                ..Request::default()
            };
            let config = Config::resolve(&REGISTRY, &request).unwrap();
            let ids: Vec<_> = config
                .experiments
                .iter()
                .map(|s| s.experiment.id())
                .collect();
            assert!(ids.contains(&experiment.id()));
            assert!(
                experiment.needs().iter().all(|need| ids.contains(need)),
                "{ids:?}"
            );
        }
    }

    #[test]
    fn values_of_set_are_toml_or_plain_words() {
        let value = |text| Override::parse(&REGISTRY, text).unwrap().value;
        assert_eq!(value("response.n=3"), toml::Value::Integer(3));
        assert_eq!(
            value("response.n = [1, 2]"),
            toml::Value::try_from([1, 2]).unwrap()
        );
        assert_eq!(value("response.n=word"), toml::Value::String("word".into()));
        assert_eq!(
            value("response.n=\"word\""),
            toml::Value::String("word".into())
        );
        // A second line is no second setting.
        assert_eq!(
            value("response.n=1\nm = 2"),
            toml::Value::String("1\nm = 2".into())
        );
    }
}
