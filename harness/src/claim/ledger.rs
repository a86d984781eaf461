//! The ledger of a run: the verdict on every claim (`claims.csv`), and in every cell of its specification curve
//! (`specification.csv`).

use super::evidence::{Basis, Estimate, Evidence};
use super::measures::Measurement;
use super::spec::{ClaimSpec, Condition, Kind};
use super::verdict::{IN_CONTROL, Verdict, verdict};
use crate::stats::observations::Observations as _;
use crate::table::Table;

crate::rows! {
    /// The ledger: one row a claim. Values are means over seeds of the claim's headline measure, with the interval that
    /// the verdict rests on.
    pub struct Entry in "claims" {
        /// name of the claim
        id: String [""],
        /// identity (algebra, which checks the code), law (on random models or on functions; nothing is trained) or finding
        /// (on trained models)
        kind: Kind [""],
        /// what it says
        statement: String [""],
        /// mean over seeds of the headline measure
        value: f64 [""],
        /// lower end of its interval
        low: f64 [""],
        /// upper end of its interval
        high: f64 [""],
        /// what the interval rests on: every seed (smallest to largest), Student's t or the BCa bootstrap at 95 %
        interval: Basis [""],
        /// what settles it, written before the results
        criterion: String [""],
        /// mean over seeds in the control
        control_value: f64 [""],
        /// lower end of the control's interval
        control_low: f64 [""],
        /// upper end of the control's interval
        control_high: f64 [""],
        /// mean over seeds of claim minus control, paired by seed
        difference: f64 [""],
        /// lower end of the difference's interval
        difference_low: f64 [""],
        /// upper end of the difference's interval
        difference_high: f64 [""],
        /// reproduced, not reproduced, reversed, undecided or no power
        verdict: Verdict [""],
        /// number of seeds
        seeds: u64 [""],
        /// settings of its specification curve in which it is reproduced
        settings_held: u64 [""],
        /// settings of its specification curve
        settings: u64 [""],
        /// the experiment that settles it
        experiment: String [""],
        /// name of the headline measure
        measure: String [""],
        /// the setting in which the claim should fail
        control: String [""],
        /// why the verdict is not plain
        reason: String [""],
    }
}

crate::rows! {
    /// The specification curves: the verdict on a claim in every cell of a grid of defensible choices. Values are means
    /// over seeds of the claim's headline measure.
    pub struct Cell in "specification" {
        /// name of the claim
        claim: String [""],
        /// the options of the cell, one for each choice
        setting: String [""],
        /// yes or no: these are the options of the point setting
        point: bool [""],
        /// reproduced, not reproduced, reversed, undecided or no power
        verdict: Verdict [""],
        /// mean over seeds of the headline measure
        value: f64 [""],
        /// lower end of its interval
        low: f64 [""],
        /// upper end of its interval
        high: f64 [""],
        /// mean over seeds in the control
        control_value: f64 [""],
        /// number of seeds
        seeds: u64 [""],
        /// why the verdict is not plain
        reason: String [""],
    }
}

impl Cell {
    /// Returns whether the claim keeps all of its bounds in this cell, whatever the control does.
    pub fn keeps_its_bounds(&self) -> bool {
        match self.verdict {
            Verdict::Reproduced | Verdict::NoPower => true,
            Verdict::Undecided => self.reason.starts_with(IN_CONTROL),
            Verdict::NotReproduced | Verdict::Reversed => false,
        }
    }
}

/// The numbers of cells of a claim's specification curve by their outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Curve {
    /// The number of all cells.
    pub settings: u64,
    /// The number of cells in which the claim is reproduced.
    pub held: u64,
    /// The number of cells in which the claim is reversed.
    pub reversed: u64,
    /// The number of cells in which the claim keeps all of its bounds, whatever the control does.
    pub bounds_kept: u64,
}

impl Curve {
    /// Counts the cells of a claim by their outcome.
    pub fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        let mut curve = Curve {
            settings: 0,
            held: 0,
            reversed: 0,
            bounds_kept: 0,
        };
        for cell in cells {
            curve.settings += 1;
            curve.held += u64::from(cell.verdict == Verdict::Reproduced);
            curve.reversed += u64::from(cell.verdict == Verdict::Reversed);
            curve.bounds_kept += u64::from(cell.keeps_its_bounds());
        }
        curve
    }
}

/// The settled claims of a run, in the order of its experiments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// The verdicts, one row for each claim.
    pub entries: Vec<Entry>,
    /// The cells of the specification curves, one row for each cell.
    pub cells: Vec<Cell>,
}

impl Ledger {
    /// Settles the claims of an experiment from its measures.
    pub fn settle(&mut self, experiment: &str, claims: &[&ClaimSpec], measures: &[Measurement]) {
        for claim in claims {
            let measures: Vec<&Measurement> =
                measures.iter().filter(|m| m.claim == claim.id).collect();
            let cells = cells(claim, &measures);
            let mut entry = Entry::settle(experiment, claim, &at(&measures, ""));
            let curve = Curve::of(&cells);
            (entry.settings_held, entry.settings) = (curve.held, curve.settings);
            self.entries.push(entry);
            self.cells.extend(cells);
        }
    }

    /// Returns the entry of a claim, if it was settled in this run.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.id == id)
    }

    /// Returns the entries of an experiment.
    pub fn of<'a>(&'a self, experiment: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .filter(move |e| e.experiment == experiment)
    }

    /// Returns the cells of a claim's specification curve.
    pub fn cells_of<'a>(&'a self, claim: &'a str) -> impl Iterator<Item = &'a Cell> {
        self.cells.iter().filter(move |c| c.claim == claim)
    }

    /// Counts the cells of a claim's specification curve by their outcome.
    pub fn curve(&self, claim: &str) -> Curve {
        Curve::of(self.cells_of(claim))
    }

    /// Returns the ledger as the tables of `claims.csv` and `specification.csv`.
    pub fn to_tables(&self) -> [Table; 2] {
        [Table::of(&self.entries), Table::of(&self.cells)]
    }

    /// Reads the ledger from the tables of `claims.csv` and `specification.csv`.
    pub fn from_tables(claims: &Table, specification: &Table) -> Self {
        Ledger {
            entries: claims.rows(),
            cells: specification.rows(),
        }
    }
}

impl Entry {
    /// Settles a claim from its measures in one setting; the cells of its specification curve are not counted yet.
    fn settle(experiment: &str, spec: &ClaimSpec, measures: &[&Measurement]) -> Self {
        let (claim, control) = (
            evidence(spec, measures, false),
            evidence(spec, measures, true),
        );
        let (verdict, reason) = verdict(&claim, &control);
        let differences = claim[0].values.iter().zip(&control[0].values);
        let differences: Vec<f64> = differences
            .map(|(claim, control)| claim - control)
            .collect();
        let (value, of_control) = (claim[0].estimate, control[0].estimate);
        let difference = Estimate::of(&differences, spec.kind);
        Entry {
            id: spec.id.into(),
            kind: spec.kind,
            experiment: experiment.into(),
            statement: spec.statement.into(),
            measure: spec.conditions[0].measure.into(),
            value: value.value,
            low: value.low,
            high: value.high,
            interval: value.basis,
            criterion: spec.criterion.into(),
            control: spec.control.into(),
            control_value: of_control.value,
            control_low: of_control.low,
            control_high: of_control.high,
            difference: difference.value,
            difference_low: difference.low,
            difference_high: difference.high,
            verdict,
            seeds: claim[0].values.len() as u64,
            settings_held: 0,
            settings: 0,
            reason,
        }
    }
}

/// Returns the evidence on every condition from all seeds, for the claim or, if `control`, for its control.
fn evidence<'a>(
    spec: &'a ClaimSpec,
    measures: &[&Measurement],
    control: bool,
) -> Vec<Evidence<'a>> {
    let of = |condition: &'a Condition| {
        let rows = measures.iter().filter(|m| m.measure == condition.measure);
        let measured: Vec<(u64, f64, &str)> = rows
            .map(|m| match control {
                false => (m.seed, m.value, m.missing.as_str()),
                true => (m.seed, m.control_value, m.control_missing.as_str()),
            })
            .collect();
        Evidence::of(condition, spec.kind, &measured)
    };
    spec.conditions.iter().map(of).collect()
}

/// Returns the measures in a setting. The point setting of the ledger has the empty name.
fn at<'a>(measures: &[&'a Measurement], setting: &str) -> Vec<&'a Measurement> {
    let ours = measures.iter().filter(|m| m.setting == setting);
    ours.copied().collect()
}

/// Returns the cells of a claim's specification curve, in the order in which they were settled.
fn cells(claim: &ClaimSpec, measures: &[&Measurement]) -> Vec<Cell> {
    let settings = measures.iter().map(|m| m.setting.as_str());
    let settings = settings.filter(|name| !name.is_empty()).distinct();
    let cell = |setting: &str| {
        let ours = at(measures, setting);
        let entry = Entry::settle("", claim, &ours);
        Cell {
            claim: entry.id,
            setting: setting.into(),
            point: ours.iter().any(|m| m.point),
            verdict: entry.verdict,
            value: entry.value,
            low: entry.low,
            high: entry.high,
            control_value: entry.control_value,
            seeds: entry.seeds,
            reason: entry.reason,
        }
    };
    settings.into_iter().map(cell).collect()
}

#[cfg(test)]
mod tests;
