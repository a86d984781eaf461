//! Names of the claims, and of what is measured for them.

pub const SPARSEST: &str = "l1-picks-the-sparsest";
pub const SPARSEST_SHARE: &str = "share of targets in the plane whose code is the sparsest one";
pub const TIES: &str = "ties-only-when-parallel";
pub const TIES_APART: &str = "smallest gap at an angle above 0, in rounding errors";
pub const TIES_AT_ZERO: &str = "gap at angle 0, in rounding errors";
pub const COSINE: &str = "l1-is-inverse-cosine";
pub const COSINE_ERROR: &str = "largest |‖c‖₁ · mean cosine − ‖x‖| / ‖c‖₁";
