//! The log of criteria: what settles each claim, since when, and why it was changed.

use std::sync::LazyLock;

use super::spec::ClaimSpec;
use crate::table::{Record, Table};

crate::rows! {
    /// The criteria of the claims and their changes, in the order of their dates. The last row of a claim is in force.
    pub struct Criterion in "criteria" {
        /// year, month and day from which on it is in force
        date: String [""],
        /// name of the claim
        claim: String [""],
        /// the criterion in words
        criterion: String [""],
        /// the measures with their bounds
        bounds: String [""],
        /// yes or no: somebody had looked at results of the measure before the criterion was written; where only the
        /// words change, as the reason then says, before the criterion was written in its former words
        after_a_look: bool [""],
        /// why it is so, and why it was changed
        reason: String [""],
    }
}

/// The committed log of criteria, `criteria.csv`.
pub static LOG: LazyLock<Vec<Criterion>> = LazyLock::new(|| {
    let table = Table::from_csv(Criterion::SPEC, include_str!("../../criteria.csv"));
    table.expect("the committed log is one").rows()
});

/// Returns the rows of the log on a claim, the oldest first.
pub fn history(claim: &str) -> impl Iterator<Item = &'static Criterion> {
    LOG.iter().filter(move |row| row.claim == claim)
}

/// Returns whether somebody had looked at results of a claim's measure before the criterion that is in force was first
/// written.
pub fn is_after_a_look(claim: &str) -> bool {
    let last = history(claim).last();
    let first = last.and_then(|last| history(claim).find(|row| row.says_as(last)));
    first.is_some_and(|first| first.after_a_look)
}

/// Counts the claims whose criterion in force [is after a look](is_after_a_look).
pub fn count_after_a_look<'a>(claims: impl Iterator<Item = &'a str>) -> usize {
    claims.filter(|claim| is_after_a_look(claim)).count()
}

impl Criterion {
    /// Returns whether two rows have the same criterion.
    fn says_as(&self, other: &Criterion) -> bool {
        (&self.criterion, &self.bounds) == (&other.criterion, &other.bounds)
    }

    /// Returns whether the row has the criterion of a claim as it stands in the code.
    pub fn is_of(&self, claim: &ClaimSpec) -> bool {
        (self.criterion.as_str(), self.bounds.as_str()) == (claim.criterion, &claim.bounds())
    }
}
