//! The ledger of a run, and `claims.csv`.

use super::{Entry, Verdict};
use crate::table::{Column, Table, TableSpec};

const VERDICTS: [&str; 4] = [
    Verdict::ALL[0].name(),
    Verdict::ALL[1].name(),
    Verdict::ALL[2].name(),
    Verdict::ALL[3].name(),
];

/// Columns of `claims.csv`.
pub static CLAIMS: TableSpec = TableSpec {
    name: "claims",
    about: "The ledger: one row a claim.",
    columns: &[
        Column::text("id", "name of the claim"),
        Column::text("statement", "what it says"),
        Column::real("value", "", "median over seeds of the headline measure"),
        Column::real("low", "", "smallest over seeds"),
        Column::real("high", "", "largest over seeds"),
        Column::text("criterion", "fixed in advance"),
        Column::real("control_value", "", "median over seeds in the control"),
        Column::word(
            "verdict",
            &VERDICTS,
            "reproduced, not reproduced, inconclusive or no power",
        ),
        Column::int("seeds", "", "number of seeds"),
        Column::text("experiment", "the experiment that settles it"),
        Column::text("measure", "name of the headline measure"),
        Column::text("control", "the setting in which the claim should fail"),
        Column::text("reason", "why the verdict is not plain"),
    ],
};

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

    /// As the table of `claims.csv`.
    pub fn to_table(&self) -> Table {
        let mut table = Table::new(&CLAIMS);
        for e in &self.0 {
            table.push([
                e.id.as_str().into(),
                e.statement.as_str().into(),
                e.value.into(),
                e.low.into(),
                e.high.into(),
                e.criterion.as_str().into(),
                e.control_value.into(),
                e.verdict.as_str().into(),
                e.seeds.into(),
                e.experiment.as_str().into(),
                e.measure.as_str().into(),
                e.control.as_str().into(),
                e.reason.as_str().into(),
            ]);
        }
        table
    }

    /// From the table of `claims.csv`.
    pub fn from_table(table: &Table) -> Self {
        let mut entries = Vec::new();
        for row in table.rows() {
            let text = |name| row.text(name).to_string();
            entries.push(Entry {
                id: text("id"),
                experiment: text("experiment"),
                statement: text("statement"),
                measure: text("measure"),
                value: row.real("value"),
                low: row.real("low"),
                high: row.real("high"),
                criterion: text("criterion"),
                control: text("control"),
                control_value: row.real("control_value"),
                verdict: text("verdict"),
                seeds: row.int("seeds") as u64,
                reason: text("reason"),
            });
        }
        Ledger(entries)
    }
}
