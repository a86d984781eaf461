//! The type-erased form in which the rest of the harness sees an experiment.

use super::bound::{Bound, Typed};
use super::{About, Experiment};
use crate::claim::ledger::Ledger;
use crate::figure::Figure;
use crate::settings::{Preset, Settings as _};
use crate::table::Tables;

/// An experiment, whatever the types of its settings and tables.
pub trait Erased: Sync {
    /// Returns the description of the experiment.
    fn about(&self) -> &'static About;
    /// Returns the name of the experiment.
    fn id(&self) -> &'static str {
        self.about().id
    }
    /// Returns the experiment with the settings of a preset.
    fn bind(&self, preset: Preset) -> Box<dyn Bound>;
    /// Draws the figures of the experiment: see [`Experiment::figures`].
    fn figures(&self, tables: &Tables) -> Vec<Figure>;
    /// Writes what the results of the experiment show: see [`Experiment::findings`].
    fn findings(&self, tables: &Tables, ledger: &Ledger) -> String;
}

impl<E: Experiment> Erased for E {
    fn about(&self) -> &'static About {
        E::ABOUT
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
