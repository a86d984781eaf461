//! The type-erased form in which the rest of the harness sees an experiment.

use super::Experiment;
use super::bound::{Bound, Typed};
use crate::claim::ClaimSpec;
use crate::claim::ledger::Ledger;
use crate::figure::Figure;
use crate::settings::{Preset, Settings as _};
use crate::table::{TableSpec, Tables};

/// An experiment, whatever the types of its settings and tables.
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
    /// The experiment with the settings of a preset.
    fn bind(&self, preset: Preset) -> Box<dyn Bound>;
    /// Draws.
    fn figures(&self, tables: &Tables) -> Vec<Figure>;
    /// Reads.
    fn findings(&self, tables: &Tables, ledger: &Ledger) -> String;
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
    fn bind(&self, preset: Preset) -> Box<dyn Bound> {
        Box::new(Typed::<E>(E::Settings::preset(preset)))
    }
    fn figures(&self, tables: &Tables) -> Vec<Figure> {
        E::figures(tables)
    }
    fn findings(&self, tables: &Tables, ledger: &Ledger) -> String {
        E::findings(tables, ledger)
    }
}
