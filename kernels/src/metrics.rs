//! How good codes, reconstructions and dictionaries are.
//!
//! [`Stream`] takes batches, one after another, and sums in f64. [`max_cosines`] and [`Matching`] compare
//! the rows of two dictionaries, [`neighbour_cosines`] those of one.

mod cosines;
mod matching;
mod stream;

pub use cosines::{max_cosines, mmcs, neighbour_cosines};
pub use matching::Matching;
pub use stream::Stream;
