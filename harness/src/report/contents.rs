//! All that a report is drawn from.

use crate::claim::ledger::Ledger;
use crate::experiment::erased::Erased;
use crate::experiment::registry::Section;
use crate::profile::Profile;
use crate::run::results::Fact;
use crate::table::{Table, Tables};

/// All that a report is drawn from.
pub struct Report {
    /// `run.csv`.
    pub run: Vec<Fact>,
    /// `claims.csv`.
    pub ledger: Ledger,
    /// The sections of the post, in its order, with those of their experiments that the run holds.
    pub sections: Vec<(&'static Section, Vec<Chapter>)>,
    /// The profile, of a run that was profiled.
    pub profile: Option<Profile>,
}

/// An experiment with what its files say.
pub struct Chapter {
    /// The experiment.
    pub experiment: &'static dyn Erased,
    /// Its tables.
    pub tables: Tables,
    /// Its `measures.csv`.
    pub measures: Table,
}
