//! The type-erased form in which the rest of the harness sees an experiment.

use serde::Serialize;

use super::Experiment;
use super::context::Ctx;
use super::needs::Needs;
use crate::claim::ClaimSpec;
use crate::claim::ledger::Ledger;
use crate::claim::outcome::Outcome;
use crate::error::Result;
use crate::figure::Figure;
use crate::settings::{OutOfRange, Preset, Settings};
use crate::table::{TableSpec, Tables};

/// An experiment with its settings as a TOML table: what the rest of the harness works with.
pub trait Erased: Sync {
    /// See [`Experiment`] for all of these.
    fn id(&self) -> &'static str;
    /// A short title.
    fn title(&self) -> &'static str;
    /// What is asked.
    fn summary(&self) -> &'static str;
    /// What it settles.
    fn claims(&self) -> &'static [&'static ClaimSpec];
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
    /// What the settings of a preset may be, each by its name, in words.
    fn ranges(&self, preset: Preset) -> Vec<(&'static str, String)>;
    /// Checks the range of every setting.
    fn check(&self, settings: &toml::Table) -> Result<(), OutOfRange>;
    /// Estimated peak memory, bytes.
    fn memory(&self, settings: &toml::Table, needs: &Needs, threads: usize) -> f64;
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
    fn claims(&self) -> &'static [&'static ClaimSpec] {
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
        as_table(&E::Settings::preset(preset))
    }
    fn canonical(&self, settings: &toml::Table) -> Result<toml::Table, toml::de::Error> {
        settings
            .clone()
            .try_into::<E::Settings>()
            .map(|s| as_table(&s))
    }
    fn ranges(&self, preset: Preset) -> Vec<(&'static str, String)> {
        E::Settings::preset(preset).ranges()
    }
    fn check(&self, settings: &toml::Table) -> Result<(), OutOfRange> {
        typed::<E>(settings).check()
    }
    fn memory(&self, settings: &toml::Table, needs: &Needs, threads: usize) -> f64 {
        E::memory(&typed::<E>(settings), needs, threads)
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
