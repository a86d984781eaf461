//! The ledger of a run, and `claims.csv`.

use super::verdict::Entry;
use crate::table::Table;

/// The settled claims of a run, in the order of its experiments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger(pub Vec<Entry>);

impl Ledger {
    /// The entry of a claim, if it was settled in this run.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.0.iter().find(|e| e.id == id)
    }

    /// The entries of an experiment.
    pub fn of<'a>(&'a self, experiment: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.0.iter().filter(move |e| e.experiment == experiment)
    }

    /// The ledger as the table of `claims.csv`.
    pub fn to_table(&self) -> Table {
        Table::of(&self.0)
    }

    /// Reads the ledger from the table of `claims.csv`.
    pub fn from_table(table: &Table) -> Self {
        Ledger(table.rows())
    }
}
