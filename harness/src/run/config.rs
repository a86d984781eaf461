//! The effective configuration of a run: the preset, overridden by the file, then by `--set`, then by flags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::experiment::Needs;
use crate::experiment::bound::Bound;
use crate::experiment::erased::Erased;
use crate::experiment::registry::Registry;
use crate::settings::assign::{Owner, assign, refused};
use crate::settings::{Preset, Setting, Settings};

mod file;

use file::{File, MOST_SEEDS, Override, Said};

/// The request of the command line, before it is resolved to a [`Config`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The experiments to run; if there are none, those of the file, or all.
    pub experiments: Vec<String>,
    /// The value of `--preset`.
    pub preset: Option<Preset>,
    /// The value of `--config`.
    pub file: Option<PathBuf>,
    /// The values of `--set`, each `experiment.key=value`.
    pub set: Vec<String>,
    /// The value of `--seed`.
    pub seed: Option<u64>,
    /// The value of `--seeds`.
    pub seeds: Option<u64>,
}

/// The effective configuration of a run: everything that decides its bytes.
#[derive(Debug)]
pub struct Config {
    /// The preset that the settings started from.
    pub preset: Preset,
    /// The first seed.
    pub seed: u64,
    /// The number of seeds: `seed`, `seed + 1`, ….
    pub seeds: u64,
    /// The name of the instruction set, if the file fixes one.
    pub isa: Option<String>,
    /// The experiments that run, in order, with all their settings.
    pub experiments: Vec<Selected>,
}

/// An experiment that runs, and its settings.
pub struct Selected {
    /// The experiment.
    pub experiment: &'static dyn Erased,
    /// The experiment with its settings, all in range.
    pub bound: Box<dyn Bound>,
}

impl std::fmt::Debug for Selected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.experiment.id(), self.bound.settings())
    }
}

impl Config {
    /// Resolves a request to a configuration.
    pub fn resolve(registry: &Registry, request: &Request) -> Result<Self> {
        let file = match &request.file {
            Some(path) => File::read(registry, path)?,
            None => File::default(),
        };
        Self::over(registry, file, request)
    }

    /// Returns the configuration that the text of a configuration file asks for by itself; `name` stands for the file
    /// in errors.
    pub fn from_toml(registry: &Registry, text: &str, name: &str) -> Result<Self> {
        let file = File::parse(registry, text, name)?;
        Self::over(registry, file, &Request::default())
    }

    /// Returns the configuration of a file, where the rest of a request overrides what the file says.
    fn over(registry: &Registry, mut file: File, request: &Request) -> Result<Self> {
        let preset = request.preset.or(file.preset).unwrap_or(Preset::Default);
        let flag = |flag: &str, value: Option<u64>| value.map(|value| Said::new(value, flag));
        let unsaid = |value| Said::new(value, preset.name());
        let seed = flag("--seed", request.seed).or(file.seed);
        let seeds = flag("--seeds", request.seeds).or(file.seeds);
        let Said {
            value: seeds,
            origin,
        } = seeds.unwrap_or(unsaid(preset.seeds()));
        if !(1..=MOST_SEEDS).contains(&seeds) {
            return Err(Error::input(format!(
                "{origin}: seeds is {seeds}; it must be 1 to {MOST_SEEDS}"
            )));
        }
        let Said {
            value: seed,
            origin,
        } = seed.unwrap_or(unsaid(0));
        let most = i64::MAX as u64 - seeds;
        if seed > most {
            return Err(Error::input(format!(
                "{origin}: seed is {seed}; it must be at most {most}"
            )));
        }

        let mut selected = Vec::new();
        if request.experiments.is_empty() {
            let listed = file.experiments.take();
            let listed = listed.unwrap_or_else(|| registry.experiments().collect());
            listed
                .iter()
                .for_each(|&e| select(registry, e, &mut selected));
        }
        for id in &request.experiments {
            select(registry, registry.get(id)?, &mut selected);
        }

        for text in &request.set {
            file.overrides.push(Override::parse(registry, text)?);
        }
        let mut experiments = Vec::new();
        for experiment in registry.experiments() {
            // Settings of experiments that do not run are checked all the same, to find a typo in them.
            let bound = bind(experiment, preset, &file.overrides)?;
            if selected.contains(&experiment.id()) {
                experiments.push(Selected { experiment, bound });
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

    /// Returns the names of the experiments that run, in order.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.experiments.iter().map(|s| s.experiment.id())
    }

    /// Returns the estimated peak memory of each experiment in bytes, on `threads` threads, with the experiment's name.
    pub fn memory(&self, threads: usize) -> Vec<(&'static str, f64)> {
        let all = self.settings();
        let experiments = self.experiments.iter();
        experiments
            .map(|s| (s.experiment.id(), s.bound.memory(&Needs(&all), threads)))
            .collect()
    }

    /// Returns the settings of each experiment by its name, of which [`Needs`] are made.
    pub fn settings(&self) -> BTreeMap<&'static str, &dyn Settings> {
        let experiments = self.experiments.iter();
        experiments
            .map(|s| (s.experiment.id(), s.bound.settings()))
            .collect()
    }

    /// Returns the seeds of the run.
    pub fn seed_list(&self) -> Vec<u64> {
        (self.seed..self.seed + self.seeds).collect()
    }

    /// Returns whether the experiment `id` is needed by one of those experiments of the run for whose names `about`
    /// holds.
    pub fn is_needed(&self, id: &str, about: impl Fn(&str) -> bool) -> bool {
        let abouts = self.experiments.iter().map(|s| s.experiment.about());
        let mut needing = abouts.filter(|other| other.needs.contains(&id));
        needing.any(|other| about(other.id))
    }

    /// Returns the seeds that an experiment runs at: the first seeds of the run, at most as many as the experiment
    /// takes.
    pub fn seeds_of(&self, bound: &dyn Bound) -> Vec<u64> {
        let mut seeds = self.seed_list();
        seeds.truncate(bound.most_seeds());
        seeds
    }

    /// Returns the configuration file that repeats the run on `isa`, with every setting explained.
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
            for Setting { key, about, value } in selected.bound.settings().list() {
                write!(text, "# {about}\n{key} = {value}\n").expect("writing to a string");
            }
        }
        text
    }
}

/// Adds an experiment and, before it, the experiments that it needs.
fn select(registry: &Registry, experiment: &'static dyn Erased, selected: &mut Vec<&'static str>) {
    for need in experiment.about().needs {
        let needed = registry.find(need).expect("needs are registered");
        select(registry, needed, selected);
    }
    if !selected.contains(&experiment.id()) {
        selected.push(experiment.id());
    }
}

/// Returns the experiment with the settings of a preset and all overrides, which are taken one by one so that an error
/// names where the wrong one stands.
fn bind(
    experiment: &'static dyn Erased,
    preset: Preset,
    overrides: &[Override],
) -> Result<Box<dyn Bound>> {
    let id = experiment.id();
    let mut bound = experiment.bind(preset);
    let presets = bound.settings().list();
    let owner = Owner {
        prefix: &format!("{id}."),
        name: &format!("`{id}`"),
        shown_by: &format!("harness list {id}"),
    };
    let ours = || overrides.iter().filter(|o| o.experiment.id() == id);
    for Override { key, said, .. } in ours() {
        let settings = bound.settings_mut();
        assign(settings, &presets, owner, key, &said.value, &said.origin)?;
    }
    bound.settings().check().map_err(|out| {
        let said = ours().rfind(|o| o.key == out.key);
        refused(owner, &out, said.map(|o| o.said.origin.as_str()))
    })?;
    Ok(bound)
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
                experiment
                    .about()
                    .needs
                    .iter()
                    .all(|need| ids.contains(need)),
                "{ids:?}"
            );
        }
    }

    #[test]
    fn memory_follows_the_settings_of_what_an_experiment_needs() {
        let memory = |id: &str, set: &str| {
            let request = Request {
                experiments: vec![id.into()],
                set: vec![set.into()],
                ..Request::default()
            };
            let config = Config::resolve(&REGISTRY, &request).unwrap();
            let memory = config.memory(1).into_iter().find(|(i, _)| *i == id);
            memory.unwrap().1
        };
        for id in ["unfinished-features", "encoders"] {
            let narrow = memory(id, "multilayer.width=4096");
            let wide = memory(id, "multilayer.width=8192");
            // The memory of dictionaries for d-dimensional streams, with a multiple of d elements, grows as d².
            assert!(wide > 3.0 * narrow, "{id}: {narrow} to {wide}");
            let few = memory(id, "multilayer.datapoints=[10]");
            let many = memory(id, "multilayer.datapoints=[10, 10000]");
            // There is a stream after the first layer and after each of eight, of 100 floats.
            assert!(
                many - few > 9990.0 * 9.0 * 100.0 * 4.0,
                "{id}: {few} to {many}"
            );
        }
    }

    #[test]
    fn values_of_set_are_toml_or_plain_words() {
        let value = |text| Override::parse(&REGISTRY, text).unwrap().said.value;
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
        // A second line of the value is not read as a second setting.
        assert_eq!(
            value("response.n=1\nm = 2"),
            toml::Value::String("1\nm = 2".into())
        );
    }
    /// Returns the error of a file that sets one setting.
    fn refusal(id: &str, key: &str, value: &str) -> String {
        let text = format!("[{id}]\n{key} = {value}\n");
        match Config::from_toml(&REGISTRY, &text, "c.toml") {
            Ok(_) => panic!("{id}.{key} = {value} is taken"),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn no_setting_takes_a_value_of_another_kind() {
        for experiment in REGISTRY.experiments() {
            let id = experiment.id();
            for Setting { key, value, .. } in experiment.bind(Preset::Default).settings().list() {
                let key = key.as_str();
                let numbers = ["-1", "nan", "inf", "-inf"].into_iter();
                let others = ["2020-01-01", "{}", "{ a = 1 }", "[[1]]", "''", "'x'"];
                for wrong in numbers.chain(others) {
                    let error = refusal(id, key, wrong);
                    let column = key.rfind('.').map_or(1, |dot| dot + 2);
                    let start = format!("c.toml:2:{column}: {id}.{key} is ");
                    assert!(error.starts_with(&start), "{wrong}: {error}");
                    assert!(error.contains("it must be "), "{wrong}: {error}");
                    let codes = ["usize", "u64", "f64", "map", "invalid type", "variant"];
                    assert!(!codes.iter().any(|c| error.contains(c)), "{wrong}: {error}");
                }
                if value.is_array() {
                    refusal(id, key, "[]");
                }
            }
        }
    }
}
