//! The evidence on one condition from all seeds: an interval, and its position relative to a bound.

use super::spec::{Bound, Condition, Kind};
use crate::stats::{interval, max, mean, min};
use crate::text::number;

crate::words! {
    /// What an interval rests on.
    pub enum Basis {
        /// Every seed gave the same value, as they do where nothing is drawn at random.
        #[strum(serialize = "same at all seeds")]
        Same,
        /// The bound must hold at every seed, as for an identity: the interval is from the smallest value to the
        /// largest.
        #[strum(serialize = "every seed")]
        EverySeed,
        /// The 95 % interval of the mean over seeds by Student's t.
        #[strum(serialize = "Student's t")]
        Student,
        /// The 95 % interval of the mean over seeds by the bias-corrected and accelerated bootstrap.
        #[strum(serialize = "BCa bootstrap")]
        Bootstrap,
        /// There is no interval: there are too few seeds, or something could not be measured.
        #[strum(serialize = "none")]
        Nothing,
    }
}

/// The mean of a measure over the seeds and its interval, whose ends are NaN if there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean over seeds.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// What the interval rests on.
    pub basis: Basis,
}

impl Estimate {
    /// Returns the estimate from `values`, one for each seed, for a claim of the kind `kind`.
    pub fn of(values: &[f64], kind: Kind) -> Self {
        let (low, high) = (min(values.iter().copied()), max(values.iter().copied()));
        // Values that are all the same have exactly that value as their mean.
        let value = if low == high { low } else { mean(values) };
        let with = |basis, low, high| Estimate {
            value,
            low,
            high,
            basis,
        };
        if values.is_empty() || values.iter().any(|v| v.is_nan()) {
            return with(Basis::Nothing, f64::NAN, f64::NAN);
        }
        match (kind, interval::of_mean(values)) {
            (Kind::Identity | Kind::Law, Some(_)) if low == high => with(Basis::Same, low, high),
            (Kind::Identity, _) => with(Basis::EverySeed, low, high),
            (_, None) => with(Basis::Nothing, f64::NAN, f64::NAN),
            (_, Some((low, high))) if values.len() < interval::BOOTSTRAP_FROM => {
                with(Basis::Student, low, high)
            }
            (_, Some((low, high))) => with(Basis::Bootstrap, low, high),
        }
    }
}

/// The position of an interval relative to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The whole interval fulfils the bound.
    Fulfils,
    /// No part of the interval fulfils the bound.
    Violates,
    /// The interval reaches across the bound, or there is no interval.
    Straddles,
    /// Something could not be measured.
    Unmeasured,
}

/// The values of one condition over the seeds, of a claim or of its control.
#[derive(Debug, Clone)]
pub(super) struct Evidence<'a> {
    pub condition: &'a Condition,
    pub values: Vec<f64>,
    /// The first seed at which there is no value, and why, if that is known (else an empty string).
    pub missing: Option<(u64, String)>,
    pub estimate: Estimate,
}

impl<'a> Evidence<'a> {
    /// Returns the evidence from the triples of `measured`: the seed, the value, and why the value is missing.
    pub fn of(condition: &'a Condition, kind: Kind, measured: &[(u64, f64, &str)]) -> Self {
        let values: Vec<f64> = measured.iter().map(|m| m.1).collect();
        let missing = measured.iter().find(|m| m.1.is_nan());
        Evidence {
            condition,
            estimate: Estimate::of(&values, kind),
            values,
            missing: missing.map(|&(seed, _, why)| (seed, why.to_string())),
        }
    }

    /// Returns the position of the interval relative to a bound.
    pub fn standing(&self, bound: Bound) -> Standing {
        let Estimate {
            low, high, basis, ..
        } = self.estimate;
        match (bound.holds(low), bound.holds(high)) {
            _ if self.values.is_empty() || self.missing.is_some() => Standing::Unmeasured,
            _ if basis == Basis::Nothing => Standing::Straddles,
            (true, true) => Standing::Fulfils,
            (false, false) => Standing::Violates,
            _ => Standing::Straddles,
        }
    }

    /// Returns the position of the interval relative to the bound of the condition.
    pub fn stands(&self) -> Standing {
        self.standing(self.condition.bound)
    }

    /// Returns the interval in words.
    pub fn range(&self) -> String {
        let Estimate {
            low, high, basis, ..
        } = self.estimate;
        let (low, high) = (number(low), number(high));
        match basis {
            _ if low == high => low,
            Basis::EverySeed => format!("{low} to {high} over the seeds"),
            _ => format!("{low} to {high} with 95 % confidence"),
        }
    }

    /// Returns the reason why the condition is not clearly fulfilled, or an empty string if it is.
    pub fn why(&self) -> String {
        let Condition { measure, bound, .. } = self.condition;
        match (self.stands(), &self.missing) {
            (Standing::Fulfils, _) => String::new(),
            (Standing::Unmeasured, None) => format!("{measure} was not measured"),
            (Standing::Unmeasured, Some((seed, why))) => {
                let why = match why.as_str() {
                    "" => String::new(),
                    why => format!(": {why}"),
                };
                format!("{measure} could not be measured at seed {seed}{why}")
            }
            (Standing::Straddles, _) if self.estimate.basis == Basis::Nothing => {
                format!("one seed gives {measure} no interval")
            }
            (Standing::Straddles, _) => {
                format!("{measure} is {}, across {}", self.range(), bound.text())
            }
            (Standing::Violates, _) => {
                format!("{measure} is {}, not {}", self.range(), bound.text())
            }
        }
    }
}
