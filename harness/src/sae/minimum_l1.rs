//! Non-negative codes of least L1 norm that reconstruct a target exactly: minimise Σⱼ cⱼ subject to Dᵀc = x,
//! c ≥ 0, where the rows of D, n×m, are the atoms.
//!
//! This is a linear program, so an optimum sits on at most m atoms. [`Bases`] looks at every choice of m atoms:
//! exact and beyond doubt, for small dictionaries. [`Homotopy`] follows the path of the L1-penalised codes down to
//! no penalty (Efron et al. 2004 with the signs fixed; Osborne et al. 2000), which takes about as many steps as
//! there are active atoms, and proves its result by duality: for y with Dy ≤ 1, y·x is a lower bound of the cost.

mod bases;
mod dictionary;
mod homotopy;

pub use bases::{Bases, for_each_choice};
pub use dictionary::{Dictionary, dot, norm, support};
pub use homotopy::{Homotopy, Proven};
