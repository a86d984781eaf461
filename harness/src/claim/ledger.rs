//! The ledger of a run, and `claims.csv`.

use super::{Entry, Verdict};
use crate::error::{Error, Result};
use crate::table::{Column, Kind, Table, TableSpec};

/// Columns of `claims.csv`.
pub static CLAIMS: TableSpec = TableSpec {
    name: "claims",
    about: "The ledger: one row a claim.",
    columns: &[
        Column {
            name: "id",
            kind: Kind::Text,
            unit: "",
            about: "name of the claim",
        },
        Column {
            name: "statement",
            kind: Kind::Text,
            unit: "",
            about: "what it says",
        },
        Column {
            name: "value",
            kind: Kind::Real,
            unit: "",
            about: "median over seeds of the headline measure",
        },
        Column {
            name: "low",
            kind: Kind::Real,
            unit: "",
            about: "smallest over seeds",
        },
        Column {
            name: "high",
            kind: Kind::Real,
            unit: "",
            about: "largest over seeds",
        },
        Column {
            name: "criterion",
            kind: Kind::Text,
            unit: "",
            about: "fixed in advance",
        },
        Column {
            name: "control_value",
            kind: Kind::Real,
            unit: "",
            about: "median over seeds in the control",
        },
        Column {
            name: "verdict",
            kind: Kind::Text,
            unit: "",
            about: "reproduced, not reproduced, inconclusive or no power",
        },
        Column {
            name: "seeds",
            kind: Kind::Int,
            unit: "",
            about: "number of seeds",
        },
        Column {
            name: "experiment",
            kind: Kind::Text,
            unit: "",
            about: "the experiment that settles it",
        },
        Column {
            name: "measure",
            kind: Kind::Text,
            unit: "",
            about: "name of the headline measure",
        },
        Column {
            name: "control",
            kind: Kind::Text,
            unit: "",
            about: "the setting in which the claim should fail",
        },
        Column {
            name: "reason",
            kind: Kind::Text,
            unit: "",
            about: "why the verdict is not plain",
        },
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
    pub fn from_table(table: &Table) -> Result<Self> {
        let mut entries = Vec::new();
        for row in table.rows() {
            let text = |name| row.text(name).to_string();
            let verdict = text("verdict");
            if !Verdict::ALL.iter().any(|v| v.name() == verdict) {
                return Err(Error::input(format!(
                    "claims.csv: claim `{}` has the unknown verdict `{verdict}`",
                    row.text("id")
                )));
            }
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
                verdict,
                seeds: row.int("seeds") as u64,
                reason: text("reason"),
            });
        }
        Ok(Ledger(entries))
    }
}
