//! What was measured for every claim, and `measures.csv`.

use super::{ClaimSpec, Measure, find};
use crate::table::{Column, Table, TableSpec};

const YES_NO: [&str; 2] = ["yes", "no"];

/// Columns of each experiment's `measures.csv`.
pub static MEASURES: TableSpec = TableSpec {
    name: "measures",
    about: "Every condition of every claim at every seed.",
    columns: &[
        Column::text("claim", "name of the claim"),
        Column::text("measure", "what is bounded"),
        Column::text("bound", "the bound it must keep"),
        Column::int("seed", "", "seed"),
        Column::real("value", "", "measured for the claim"),
        Column::real("control_value", "", "measured in the control"),
        Column::word("holds", &YES_NO, "yes or no: the claim keeps the bound"),
        Column::word("control_holds", &YES_NO, "yes or no: the control keeps it"),
        Column::text("missing", "why the value is missing, where that is known"),
        Column::text(
            "control_missing",
            "why the control's value is missing, where that is known",
        ),
    ],
};

/// The table of an experiment's measures.
pub fn measures_table(claims: &[&ClaimSpec], measures: &[Measure], seeds: &[u64]) -> Table {
    let yes_no = |holds: bool| YES_NO[usize::from(!holds)];
    let mut table = Table::new(&MEASURES);
    for spec in claims {
        for condition in &spec.conditions {
            for &seed in seeds {
                let find = |control| find(measures, spec.id, condition.measure, seed, control);
                let read = |control| {
                    find(control).map_or((f64::NAN, ""), |m| (m.value, m.missing.as_str()))
                };
                let ((value, missing), (control, control_missing)) = (read(false), read(true));
                table.push([
                    spec.id.into(),
                    condition.measure.into(),
                    condition.bound.to_string().into(),
                    seed.into(),
                    value.into(),
                    control.into(),
                    yes_no(condition.bound.holds(value)).into(),
                    yes_no(condition.bound.holds(control)).into(),
                    missing.into(),
                    control_missing.into(),
                ]);
            }
        }
    }
    table
}

/// The measures back from their table.
pub fn read_measures(claims: &[&'static ClaimSpec], table: &Table) -> Vec<Measure> {
    let mut measures = Vec::new();
    for row in table.rows() {
        let claim = claims.iter().find(|c| c.id == row.text("claim"));
        let condition = claim.and_then(|c| {
            let found = c
                .conditions
                .iter()
                .find(|k| k.measure == row.text("measure"));
            Some((c.id, found?.measure))
        });
        let Some((claim, measure)) = condition else {
            continue;
        };
        for (control, value, missing) in [
            (false, "value", "missing"),
            (true, "control_value", "control_missing"),
        ] {
            measures.push(Measure {
                claim,
                measure,
                seed: row.int("seed") as u64,
                control,
                value: row.real(value),
                missing: row.text(missing).into(),
            });
        }
    }
    measures
}
