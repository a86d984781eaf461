//! Claims, the criteria that settle them, and the ledger of verdicts.
//!
//! A claim is a conjunction of conditions, each a bound on one measure. Every condition is measured
//! once per seed for the claim and once per seed for its control, a setting in which the claim
//! should fail. The criterion is static data, fixed before any run.

pub mod ledger;
pub mod measures;
pub mod outcome;
pub mod reference;
pub mod spec;
pub mod verdict;
pub mod words;

pub use spec::{Bound, Claim, ClaimSpec, Condition, above, at_least, at_most, below};
pub use verdict::{Entry, Measure, Verdict};
