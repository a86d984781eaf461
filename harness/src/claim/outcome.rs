//! What an experiment found.

use super::spec::Claim;
use super::verdict::Measure;
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
    /// Records what every condition of a claim measured at a seed, for the claim and in its control, in the order of
    /// the conditions.
    pub fn settle<const N: usize>(
        &mut self,
        claim: &'static Claim<N>,
        seed: u64,
        values: [impl Measured; N],
        control: [impl Measured; N],
    ) {
        let values = values.map(Measured::measured).into_iter();
        let control = control.map(Measured::measured);
        for ((condition, value), of_control) in claim.conditions.iter().zip(values).zip(control) {
            for (control, measured) in [(false, value), (true, of_control)] {
                // A value that is not a number was not measured.
                let (value, missing) = match measured {
                    Ok(value) if value.is_nan() => (value, "the result is not a number".into()),
                    Ok(value) => (value, String::new()),
                    Err(why) => (f64::NAN, why),
                };
                self.measures.push(Measure {
                    claim: claim.id,
                    measure: condition.measure,
                    seed,
                    control,
                    value,
                    missing,
                });
            }
        }
    }
}

/// What a condition measured: a number, or why there is none.
pub trait Measured {
    /// The number, or why there is none.
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
