//! Measures of codes, reconstructions and dictionaries.
//!
//! [`Stream`] measures codes and reconstructions over batches, one after another, and sums in f64. [`max_cosines`],
//! [`mmcs`] and [`Matching`] compare the rows of two dictionaries, [`neighbour_cosines`] those of one.
//!
//! ```
//! use kernels::metrics::{Matching, mmcs};
//! use kernels::{Exec, MatRef};
//!
//! let exec = Exec::default();
//! let (features, elements) = ([1.0, 0.0, 0.0, 1.0], [0.0, 2.0, 3.0, 0.0]);
//! let (features, elements) = (MatRef::from_rows(&features, 2), MatRef::from_rows(&elements, 2));
//! assert_eq!(mmcs(exec, features, elements), 1.0);
//! let matching = Matching::of(exec, features, elements);
//! assert_eq!(matching.pairs, [(0, 1, 1.0), (1, 0, 1.0)]);
//! ```

mod cosines;
mod matching;
mod stream;

pub use cosines::{max_cosines, mmcs, neighbour_cosines};
pub use matching::{Matching, assign};
pub use stream::Stream;
