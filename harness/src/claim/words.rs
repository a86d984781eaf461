//! Verdicts in words, as the report, the ledger in the terminal and the README write them.

use super::evidence::{Basis, Estimate};
use super::ledger::{Curve, Entry, Ledger};
use super::spec::Kind;
use super::verdict::Verdict;
use crate::figure::Role;
use crate::table::record::Word as _;
use crate::text::{list, number};

/// Returns the interval of the headline's value in words, such as `95 % interval 0.21 to 0.24, 5 seeds`.
pub fn spread(e: &Entry) -> String {
    let estimate = Estimate {
        value: e.value,
        low: e.low,
        high: e.high,
        basis: e.interval,
    };
    spread_of(&estimate, e.seeds)
}

/// Returns the interval of an estimate from `seeds` seeds in words, as [`spread`] does for the headline of an entry.
pub fn spread_of(e: &Estimate, seeds: u64) -> String {
    let (low, high) = (number(e.low), number(e.high));
    match (e.basis, seeds) {
        (Basis::Same, n) => format!("the same at all {n} seeds"),
        (Basis::EverySeed, 1) | (Basis::Nothing, 1) => "1 seed".into(),
        (Basis::EverySeed, n) => {
            format!("{low} to {high} over {n} seeds, at each of which it must hold")
        }
        (Basis::Student | Basis::Bootstrap, n) if e.low == e.high => {
            format!("no spread over {n} seeds")
        }
        (Basis::Student | Basis::Bootstrap, n) => {
            format!("95 % interval {low} to {high}, {n} seeds")
        }
        (Basis::Nothing, n) => format!("not measured at every one of {n} seeds"),
    }
}

/// Returns the interval of the paired difference, claim minus control, in words, such as
/// `mean paired difference 0.21 to 0.24 with 95 % confidence`. For an identity, it is the range from the smallest to
/// the largest over the seeds. An empty string if there is no interval.
pub fn difference(e: &Entry) -> String {
    let (low, high) = (e.difference_low, e.difference_high);
    let range = || format!("paired difference {} to {}", number(low), number(high));
    match (low.is_nan(), low == high, e.kind) {
        (true, ..) => String::new(),
        (_, true, _) => format!("paired difference {}", number(low)),
        (.., Kind::Identity) => format!("{} over the seeds", range()),
        (.., Kind::Law | Kind::Finding) => format!("mean {} with 95 % confidence", range()),
    }
}

/// Returns what became of a claim in its specification curve in words, such as `holds in 37 of 64 settings, is reversed
/// in 3 and keeps its own bounds in 40, whatever becomes of its control`; an empty string for a claim without a
/// specification curve.
pub fn settings(curve: Curve) -> String {
    if curve.settings == 0 {
        return String::new();
    }
    let mut parts = vec![format!(
        "holds in {} of {} settings",
        curve.held, curve.settings
    )];
    if curve.reversed > 0 {
        parts.push(format!("is reversed in {}", curve.reversed));
    }
    // The two numbers are the same unless the control leaves the claim open, or shows that the measure has no power.
    if curve.bounds_kept != curve.held {
        let kept = curve.bounds_kept;
        parts.push(format!(
            "keeps its own bounds in {kept}, whatever becomes of its control"
        ));
    }
    list(&parts)
}

/// The verdicts in the order of interest: those that failed or are open first.
pub const ORDER: [Verdict; 5] = [
    Verdict::NotReproduced,
    Verdict::Reversed,
    Verdict::Undecided,
    Verdict::NoPower,
    Verdict::Reproduced,
];

/// Returns the role of a mark of that verdict in a figure.
pub fn role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Reproduced => Role::Holds,
        Verdict::NotReproduced => Role::Fails,
        Verdict::Reversed => Role::Reversed,
        Verdict::Undecided => Role::Open,
        Verdict::NoPower => Role::Powerless,
    }
}

/// Counts the verdicts for each kind of claims: the findings first, which interest a reader most. Kinds and verdicts
/// that do not occur are left out.
pub fn counts(ledger: &Ledger) -> Vec<(Kind, Vec<(usize, Verdict)>)> {
    let of = |kind: Kind| {
        let count = |&verdict: &Verdict| {
            let ours = ledger
                .entries
                .iter()
                .filter(|e| (e.kind, e.verdict) == (kind, verdict));
            (ours.count(), verdict)
        };
        let counts: Vec<_> = Verdict::ALL
            .iter()
            .map(count)
            .filter(|(n, _)| *n > 0)
            .collect();
        (kind, counts)
    };
    let kinds = Kind::ALL.iter().rev().map(|&kind| of(kind));
    kinds.filter(|(_, counts)| !counts.is_empty()).collect()
}

/// Returns the plural of a kind of claims, such as `laws`.
pub fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Identity => "identities",
        Kind::Law => "laws",
        Kind::Finding => "findings",
    }
}

/// Returns the plural of a kind of claims with an explanation, such as `laws on random models or on functions, where
/// nothing is trained`.
pub fn kinds(kind: Kind) -> String {
    let what = match kind {
        Kind::Identity => ", which hold by algebra and so check the code",
        Kind::Law => " on random models or on functions, where nothing is trained",
        Kind::Finding => " on trained models",
    };
    plural(kind).to_string() + what
}

/// Returns the sign of a verdict and the name of its style in a page.
pub fn sign(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Reproduced => ("✓", "yes"),
        Verdict::NotReproduced => ("✗", "no"),
        Verdict::Reversed => ("⇄", "reversed"),
        Verdict::Undecided => ("?", "open"),
        Verdict::NoPower => ("○", "powerless"),
    }
}
