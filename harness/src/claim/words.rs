//! Verdicts as the report, the ledger in the terminal and the README write them.

use super::verdict::{Entry, Verdict};
use crate::text::number;

/// `0.21 to 0.24, 3 seeds`: all that a seed may change.
pub fn spread(e: &Entry) -> String {
    match (e.low == e.high, e.seeds) {
        (_, 1) => "1 seed".into(),
        (true, n) => format!("the same at {n} seeds"),
        (false, n) => format!("{} to {}, {n} seeds", number(e.low), number(e.high)),
    }
}

/// The sign and the style of a verdict.
pub fn sign(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Reproduced => ("✓", "yes"),
        Verdict::NotReproduced => ("✗", "no"),
        Verdict::Inconclusive => ("?", "open"),
        Verdict::NoPower => ("○", "powerless"),
    }
}
