//! What an experiment found.

use super::Measure;
use crate::table::Table;

/// What an experiment found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One table for each of the tables that it declares.
    pub tables: Vec<Table>,
    /// Every condition of every claim at every seed, for the claim and for its control.
    pub measures: Vec<Measure>,
}

impl Outcome {
    /// Records what a condition measured for a claim at a seed.
    pub fn measure(&mut self, claim: &'static str, measure: &'static str, seed: u64, value: f64) {
        self.record(claim, measure, seed, false, Ok(value));
    }

    /// Records what a condition measured in the control of a claim at a seed.
    pub fn control(&mut self, claim: &'static str, measure: &'static str, seed: u64, value: f64) {
        self.record(claim, measure, seed, true, Ok(value));
    }

    /// Records what a condition measured for a claim or in its control, or why it could not. A value that is not a
    /// number was not measured.
    pub fn record(
        &mut self,
        claim: &'static str,
        measure: &'static str,
        seed: u64,
        control: bool,
        value: Result<f64, String>,
    ) {
        let (value, missing) = match value {
            Ok(value) if value.is_nan() => (value, "the result is not a number".into()),
            Ok(value) => (value, String::new()),
            Err(why) => (f64::NAN, why),
        };
        self.measures.push(Measure {
            claim,
            measure,
            seed,
            control,
            value,
            missing,
        });
    }
}
