//! Claims, the criteria that settle them, and the ledger of verdicts.
//!
//! A claim is a conjunction of conditions, each a bound on one measure. Every condition is measured once per seed for
//! the claim and once per seed for its control, a setting in which the claim should fail. The mean of a measure over
//! the seeds has a 95 % interval, and the verdict depends on where this interval lies relative to the bound, in the
//! claim and in its control. The criterion is static data, fixed before any run and dated in a [log](criteria).
//!
//! A claim that depends on choices is settled in every cell of a grid of these choices as well, its specification
//! curve: see [`setting`].

pub mod condition;
pub mod criteria;
pub mod evidence;
pub mod ledger;
pub mod measures;
pub mod outcome;
pub mod reference;
pub mod setting;
pub mod spec;
pub mod verdict;
pub mod words;

pub use evidence::Basis;
pub use ledger::{Cell, Curve, Entry};
pub use setting::Setting;
pub use spec::{Bound, Claim, ClaimSpec, Condition, Kind, above, at_least, at_most, below};
pub use verdict::Verdict;
