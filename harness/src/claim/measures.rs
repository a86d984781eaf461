//! What was measured for every claim, and `measures.csv`.

use super::spec::ClaimSpec;
use super::verdict::{Measure, find};
use crate::table::Table;

crate::rows! {
    /// Every condition of every claim at every seed.
    pub struct Measurement in "measures" {
        /// name of the claim
        claim: String [""],
        /// what is bounded
        measure: String [""],
        /// the bound it must keep
        bound: String [""],
        /// seed
        seed: u64 [""],
        /// measured for the claim
        value: f64 [""],
        /// measured in the control
        control_value: f64 [""],
        /// yes or no: the claim keeps the bound
        holds: bool [""],
        /// yes or no: the control keeps it
        control_holds: bool [""],
        /// why the value is missing, where that is known
        missing: String [""],
        /// why the control's value is missing, where that is known
        control_missing: String [""],
    }
}

/// The table of an experiment's measures.
pub fn measures_table(claims: &[&ClaimSpec], measures: &[Measure], seeds: &[u64]) -> Table {
    let mut rows = Vec::new();
    for spec in claims {
        for condition in &spec.conditions {
            for &seed in seeds {
                let read = |control| {
                    let found = find(measures, spec.id, condition.measure, seed, control);
                    found.map_or((f64::NAN, String::new()), |m| (m.value, m.missing.clone()))
                };
                let (value, missing) = read(false);
                let (control_value, control_missing) = read(true);
                rows.push(Measurement {
                    claim: spec.id.into(),
                    measure: condition.measure.into(),
                    bound: condition.bound.to_string(),
                    seed,
                    value,
                    control_value,
                    holds: condition.bound.holds(value),
                    control_holds: condition.bound.holds(control_value),
                    missing,
                    control_missing,
                });
            }
        }
    }
    Table::of(&rows)
}

/// The measures back from their table.
pub fn read_measures(claims: &[&'static ClaimSpec], table: &Table) -> Vec<Measure> {
    let mut measures = Vec::new();
    for row in table.rows::<Measurement>() {
        let claim = claims.iter().find(|c| c.id == row.claim);
        let condition = claim.and_then(|c| {
            let found = c.conditions.iter().find(|k| k.measure == row.measure);
            Some((c.id, found?.measure))
        });
        let Some((claim, measure)) = condition else {
            continue;
        };
        for (control, value, missing) in [
            (false, row.value, row.missing),
            (true, row.control_value, row.control_missing),
        ] {
            measures.push(Measure {
                claim,
                measure,
                seed: row.seed,
                control,
                value,
                missing,
            });
        }
    }
    measures
}
