//! What an experiment is, and the type-erased form in which the rest of the harness sees it.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use kernels::{Exec, Isa};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::claim::{ClaimSpec, Ledger, Measure};
use crate::error::{Result, did_you_mean};
use crate::figure::Figure;
use crate::output::Folder;
use crate::progress::Progress;
use crate::rng::Rng;
use crate::table::{Table, TableSpec, Tables};

/// One experiment: what it asks, what it computes, how it draws and reads its tables.
///
/// Computing and drawing are apart: [`run`](Experiment::run) returns tables and measures,
/// [`figures`](Experiment::figures) and [`findings`](Experiment::findings) see the tables only after
/// they went through their CSV files.
pub trait Experiment: Sync {
    /// The settings, declared by [`settings!`](crate::settings).
    type Settings: Settings;

    /// Name on the command line, in the configuration and of its folder in the output.
    const ID: &'static str;
    /// A short title.
    const TITLE: &'static str;
    /// Two to four sentences: what is asked, and how.
    const SUMMARY: &'static str;
    /// Where in the post.
    const SECTION: Section;
    /// What it settles.
    const CLAIMS: &'static [ClaimSpec];
    /// What it writes.
    const TABLES: &'static [&'static TableSpec];
    /// Names of the figures it draws, in order.
    const FIGURES: &'static [&'static str];
    /// Experiments whose results it reads: they stand before it in the registry and are run along.
    const NEEDS: &'static [&'static str] = &[];

    /// The settings of a preset.
    fn settings(preset: Preset) -> Self::Settings;

    /// Checks ranges. Called before anything runs, whatever the settings came from.
    fn validate(settings: &Self::Settings) -> Result<(), OutOfRange>;

    /// Estimated peak memory, bytes, on so many threads. A float, so that it cannot overflow.
    fn memory(settings: &Self::Settings, threads: usize) -> f64;

    /// At how many of the run's seeds it is run, at most: for experiments that train large models.
    fn most_seeds(_settings: &Self::Settings) -> usize {
        usize::MAX
    }

    /// Computes. Inside the run's thread pool: plain rayon iterators use it.
    fn run(settings: &Self::Settings, ctx: &Ctx) -> Result<Outcome>;

    /// Draws the tables. They may be empty, but have the right columns.
    fn figures(tables: &Tables) -> Vec<Figure>;

    /// Two sentences on what the tables and the verdicts show.
    fn findings(tables: &Tables, ledger: &Ledger) -> String;
}

/// Part of the post that an experiment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Distributed features in one layer.
    DistributedFeatures,
    /// Features computed over many layers.
    MultilayerFeatures,
    /// Why sparse autoencoders work.
    SparseAutoencoders,
}

impl Section {
    /// Heading.
    pub fn title(self) -> &'static str {
        match self {
            Section::DistributedFeatures => "Distributed features in one layer",
            Section::MultilayerFeatures => "Features computed over many layers",
            Section::SparseAutoencoders => "Why sparse autoencoders work",
        }
    }

    /// What its experiments tell together, for the reader of a report.
    pub fn story(self) -> &'static str {
        match self {
            Section::DistributedFeatures => {
                "Non-linearities act on single neurons. A feature that is a direction spread over many neurons moves each \
                 of them only a little, and over a short way every activation function is nearly a straight line: so it \
                 seems that a layer can compute with features only if each has a neuron of its own. How far is that \
                 true? What a non-linearity makes of a spread feature, what scaling it by √n restores, why its signs \
                 must not cancel, and what is paid for it where many features are active at once."
            }
            Section::MultilayerFeatures => {
                "To look for features at a layer is to take for granted that they are complete there. A model that builds \
                 its outputs little by little over many layers holds mostly unfinished ones. Small residual MLPs that have \
                 to learn arbitrary pairs by heart show which way they take, beside models that were made to decide on each \
                 output in one layer."
            }
            Section::SparseAutoencoders => {
                "A sparse autoencoder writes activations as sums of a few elements of a dictionary that it learns, with a \
                 penalty on the sum of the magnitudes and with no more than a linear map to find them. The reasons why this \
                 should work, one at a time: that the penalty picks few elements, that it finds the directions that data \
                 are made of, what it does to magnitudes and what mends that, whether a simple encoder is a handicap, \
                 and what the unfinished features of the section before cost."
            }
        }
    }
}

/// How much to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Every experiment and every claim at reduced sizes and few seeds: seconds.
    Quick,
    /// The default suite: minutes.
    Default,
    /// The post's sizes and more seeds: up to two hours.
    Full,
}

impl Preset {
    /// All of them, the smallest first.
    pub const ALL: [Preset; 3] = [Preset::Quick, Preset::Default, Preset::Full];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Quick => "quick",
            Preset::Default => "default",
            Preset::Full => "full",
        }
    }

    /// How many seeds a run uses unless told otherwise.
    pub fn seeds(self) -> u64 {
        match self {
            Preset::Quick => 3,
            Preset::Default => 5,
            Preset::Full => 10,
        }
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Preset::ALL
            .into_iter()
            .find(|p| p.name() == name)
            .ok_or_else(|| {
                let names = Preset::ALL.map(Preset::name);
                let hint = did_you_mean(name, names);
                format!("there is no preset `{name}`{hint} ({})", names.join(", "))
            })
    }
}

/// Settings of an experiment; implemented by [`settings!`](crate::settings).
pub trait Settings: Serialize + DeserializeOwned {
    /// Name and description of every setting.
    const DOCS: &'static [(&'static str, &'static str)];
}

/// Declares the settings of an experiment: a struct whose doc comments reach the user through
/// `harness list` and the `config.toml` of a run.
///
/// ```
/// harness::settings! {
///     /// Settings of an experiment.
///     pub struct Settings {
///         /// Number of neurons.
///         pub n: usize,
///         /// Largest input level.
///         pub reach: f64,
///     }
/// }
/// # use harness::experiment::Settings as _;
/// assert_eq!(Settings::DOCS[0], ("n", "Number of neurons."));
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$outer:meta])*
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])+ pub $key:ident : $type:ty, )*
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $key: $type, )*
        }

        impl $crate::experiment::Settings for $name {
            const DOCS: &'static [(&'static str, &'static str)] = &[
                $( (stringify!($key), concat!($($doc),+).trim_ascii()), )*
            ];
        }
    };
}

/// A setting outside its range.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfRange {
    /// Name of the setting.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub allowed: String,
}

/// `Ok` if a setting is in its range, else the error that says which values are.
///
/// ```
/// # use harness::experiment::ensure;
/// assert!(ensure("n", 0, (1..).contains(&0), "at least 1").is_err());
/// ```
pub fn ensure(
    key: &'static str,
    value: impl std::fmt::Debug,
    in_range: bool,
    allowed: impl Into<String>,
) -> Result<(), OutOfRange> {
    if in_range {
        return Ok(());
    }
    Err(OutOfRange {
        key,
        value: format!("{value:?}"),
        allowed: allowed.into(),
    })
}

/// What a run hands to an experiment.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// Id of the experiment.
    pub experiment: &'static str,
    /// Seeds to measure every claim at.
    pub seeds: &'a [u64],
    /// The instruction set that kernels run on.
    pub isa: Isa,
    /// Size of the thread pool.
    pub threads: usize,
    /// Where to report work done; also how an interrupt arrives.
    pub progress: &'a Progress,
    /// How often a long training writes a checkpoint.
    pub checkpoint_every: Duration,
    /// The run's folder, for artefacts that another experiment [needs](Experiment::NEEDS): write
    /// them under the name of this one.
    pub folder: &'a Folder,
    /// Tables of the experiments that this one needs.
    pub inputs: &'a BTreeMap<&'static str, Tables>,
}

impl Ctx<'_> {
    /// Kernels on one thread, for work that is already split over the pool.
    pub fn serial(&self) -> Exec {
        Exec::serial(self.isa)
    }

    /// Kernels on all threads of the pool.
    pub fn parallel(&self) -> Exec {
        Exec::parallel(self.isa)
    }

    /// The random stream number `index` for `purpose` at `seed`: the same for any order and any
    /// number of threads.
    pub fn rng(&self, seed: u64, purpose: &str, index: u64) -> Rng {
        Rng::stream(seed, self.experiment, purpose, index)
    }

    /// The tables of an experiment that this one [needs](Experiment::NEEDS).
    ///
    /// # Panics
    /// If it is not among them.
    #[track_caller]
    pub fn input(&self, experiment: &str) -> &Tables {
        let found = self.inputs.get(experiment);
        found.unwrap_or_else(|| {
            panic!(
                "`{}` does not declare that it needs `{experiment}`",
                self.experiment
            )
        })
    }
}

/// What an experiment found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One table for each of [`Experiment::TABLES`].
    pub tables: Vec<Table>,
    /// Every condition of every claim at every seed, for the claim and for its control.
    pub measures: Vec<Measure>,
}

impl Outcome {
    /// Records what a condition measured for a claim at a seed.
    pub fn measure(&mut self, claim: &'static str, measure: &'static str, seed: u64, value: f64) {
        self.record(claim, measure, seed, false, Ok(value));
    }

    /// Records what a condition measured in the control of a claim at a seed.
    pub fn control(&mut self, claim: &'static str, measure: &'static str, seed: u64, value: f64) {
        self.record(claim, measure, seed, true, Ok(value));
    }

    /// Records what a condition measured for a claim or in its control, or why it could not. A value that is not a
    /// number was not measured.
    pub fn record(
        &mut self,
        claim: &'static str,
        measure: &'static str,
        seed: u64,
        control: bool,
        value: Result<f64, String>,
    ) {
        let (value, missing) = match value {
            Ok(value) if value.is_nan() => (value, "the result is not a number".into()),
            Ok(value) => (value, String::new()),
            Err(why) => (f64::NAN, why),
        };
        self.measures.push(Measure {
            claim,
            measure,
            seed,
            control,
            value,
            missing,
        });
    }
}

/// An experiment with its settings as a TOML table: what the rest of the harness works with.
pub trait Erased: Sync {
    /// See [`Experiment`] for all of these.
    fn id(&self) -> &'static str;
    /// A short title.
    fn title(&self) -> &'static str;
    /// What is asked.
    fn summary(&self) -> &'static str;
    /// Where in the post.
    fn section(&self) -> Section;
    /// What it settles.
    fn claims(&self) -> &'static [ClaimSpec];
    /// What it writes.
    fn tables(&self) -> &'static [&'static TableSpec];
    /// Names of its figures.
    fn figure_names(&self) -> &'static [&'static str];
    /// Experiments it reads the results of.
    fn needs(&self) -> &'static [&'static str];
    /// Name and description of every setting.
    fn setting_docs(&self) -> &'static [(&'static str, &'static str)];
    /// The settings of a preset.
    fn preset(&self, preset: Preset) -> toml::Table;
    /// Checks the type of every setting; the table as it would be written.
    fn canonical(&self, settings: &toml::Table) -> Result<toml::Table, toml::de::Error>;
    /// Checks the range of every setting.
    fn validate(&self, settings: &toml::Table) -> Result<(), OutOfRange>;
    /// Estimated peak memory, bytes.
    fn memory(&self, settings: &toml::Table, threads: usize) -> f64;
    /// At how many seeds, at most.
    fn most_seeds(&self, settings: &toml::Table) -> usize;
    /// Computes.
    fn run(&self, settings: &toml::Table, ctx: &Ctx) -> Result<Outcome>;
    /// Draws.
    fn figures(&self, tables: &Tables) -> Vec<Figure>;
    /// Reads.
    fn findings(&self, tables: &Tables, ledger: &Ledger) -> String;
}

/// Settings that [`Erased::canonical`] has accepted.
fn typed<E: Experiment>(settings: &toml::Table) -> E::Settings {
    settings.clone().try_into().expect("settings were checked")
}

fn as_table<S: Serialize>(settings: &S) -> toml::Table {
    toml::Table::try_from(settings).expect("settings are a flat struct")
}

impl<E: Experiment> Erased for E {
    fn id(&self) -> &'static str {
        E::ID
    }
    fn title(&self) -> &'static str {
        E::TITLE
    }
    fn summary(&self) -> &'static str {
        E::SUMMARY
    }
    fn section(&self) -> Section {
        E::SECTION
    }
    fn claims(&self) -> &'static [ClaimSpec] {
        E::CLAIMS
    }
    fn tables(&self) -> &'static [&'static TableSpec] {
        E::TABLES
    }
    fn figure_names(&self) -> &'static [&'static str] {
        E::FIGURES
    }
    fn needs(&self) -> &'static [&'static str] {
        E::NEEDS
    }
    fn setting_docs(&self) -> &'static [(&'static str, &'static str)] {
        E::Settings::DOCS
    }
    fn preset(&self, preset: Preset) -> toml::Table {
        as_table(&E::settings(preset))
    }
    fn canonical(&self, settings: &toml::Table) -> Result<toml::Table, toml::de::Error> {
        settings
            .clone()
            .try_into::<E::Settings>()
            .map(|s| as_table(&s))
    }
    fn validate(&self, settings: &toml::Table) -> Result<(), OutOfRange> {
        E::validate(&typed::<E>(settings))
    }
    fn memory(&self, settings: &toml::Table, threads: usize) -> f64 {
        E::memory(&typed::<E>(settings), threads)
    }
    fn most_seeds(&self, settings: &toml::Table) -> usize {
        E::most_seeds(&typed::<E>(settings))
    }
    fn run(&self, settings: &toml::Table, ctx: &Ctx) -> Result<Outcome> {
        E::run(&typed::<E>(settings), ctx)
    }
    fn figures(&self, tables: &Tables) -> Vec<Figure> {
        E::figures(tables)
    }
    fn findings(&self, tables: &Tables, ledger: &Ledger) -> String {
        E::findings(tables, ledger)
    }
}
