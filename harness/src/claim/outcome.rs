//! The outcome of an experiment: its tables, and the measures that settle its claims.

use super::measures::Measurement;
use super::setting::Setting;
use super::spec::Claim;
use crate::table::Table;

/// The outcome of an experiment.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The tables, one for each that the experiment declares.
    pub tables: Vec<Table>,
    /// The measurements of every condition of every claim at every seed, for the claim and for its control.
    pub measures: Vec<Measurement>,
}

impl Outcome {
    /// Records the measurements of a claim's conditions at a seed and at the point setting: `values` for the claim and
    /// `control` for its control, both in the order of the conditions.
    pub fn settle<const N: usize>(
        &mut self,
        claim: &'static Claim<N>,
        seed: u64,
        values: [impl Measured; N],
        control: [impl Measured; N],
    ) {
        self.record(None, claim, seed, values, control);
    }

    /// Records the measurements of a claim's conditions at a seed in a cell of the claim's specification curve. The
    /// cell of the point setting settles the claim at the point setting too, unless that was done before at this seed.
    pub fn settle_in<const N: usize>(
        &mut self,
        setting: &Setting,
        claim: &'static Claim<N>,
        seed: u64,
        values: [impl Measured; N],
        control: [impl Measured; N],
    ) {
        let settled =
            |m: &Measurement| m.setting.is_empty() && m.claim == claim.id && m.seed == seed;
        if setting.is_point && !self.measures.iter().any(settled) {
            self.settle(claim, seed, values.clone(), control.clone());
        }
        self.record(Some(setting), claim, seed, values, control);
    }

    fn record<const N: usize>(
        &mut self,
        setting: Option<&Setting>,
        claim: &'static Claim<N>,
        seed: u64,
        values: [impl Measured; N],
        control: [impl Measured; N],
    ) {
        let values = values.map(number).into_iter().zip(control.map(number));
        for (condition, ((value, missing), (control_value, control_missing))) in
            claim.conditions.iter().zip(values)
        {
            self.measures.push(Measurement {
                claim: claim.id.into(),
                setting: setting.map_or(String::new(), |s| s.name.clone()),
                point: setting.is_none_or(|s| s.is_point),
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

/// Returns the measured number and an empty string, or NaN and why there is no number.
fn number(measured: impl Measured) -> (f64, String) {
    match measured.measured() {
        // A value that is not a number was not measured.
        Ok(value) if value.is_nan() => (value, "the result is not a number".into()),
        Ok(value) => (value, String::new()),
        Err(why) => (f64::NAN, why),
    }
}

/// The measurement of a condition: a number, or why there is none.
pub trait Measured: Clone {
    /// Returns the number, or why there is none.
    fn measured(self) -> Result<f64, String>;
}

impl Measured for f64 {
    fn measured(self) -> Result<f64, String> {
        Ok(self)
    }
}

impl Measured for Result<f64, String> {
    fn measured(self) -> Result<f64, String> {
        self
    }
}
