//! The data that a report is drawn from.

use crate::claim::ledger::Ledger;
use crate::experiment::erased::Erased;
use crate::experiment::registry::Section;
use crate::profile::Profile;
use crate::run::results::Fact;
use crate::table::{Table, Tables};

/// The data that a report is drawn from.
pub struct Report {
    /// The facts in `run.csv`.
    pub run: Vec<Fact>,
    /// The ledger in `claims.csv` and `specification.csv`.
    pub ledger: Ledger,
    /// The sections of the post, in the order of the post, with the experiments of each section that the run holds.
    pub sections: Vec<(&'static Section, Vec<Chapter>)>,
    /// The profile, if the run was profiled.
    pub profile: Option<Profile>,
}

/// An experiment with the contents of its files.
pub struct Chapter {
    /// The experiment.
    pub experiment: &'static dyn Erased,
    /// The tables of the experiment.
    pub tables: Tables,
    /// The measures of the experiment in `measures.csv`.
    pub measures: Table,
}
