//! Names of the claims, and of what is measured for them.

pub const TIED: &str = "tied-encoder-overshoots";
pub const TIED_CODE: &str = "norm of the code over that of the target";
pub const TIED_RECONSTRUCTION: &str = "norm of the reconstruction over that of the target";
pub const UNTIED: &str = "untied-only-partly-helps";
pub const UNTIED_LEFT: &str =
    "share of ‖x‖² that the untied model leaves where both features are on";
pub const UNTIED_RATIO: &str =
    "error of the untied model over that of the tied one, both features on";
pub const SHRINKS: &str = "l1-shrinks";
pub const SHRINKS_TRAINED: &str = "largest |f − max(0, g − λ/2)| of trained models";
pub const SHRINKS_FISTA: &str = "largest |c − max(0, g − λ/2)| of codes by FISTA";
pub const SUPPORT: &str = "support-is-enough";
pub const SUPPORT_LEFT: &str =
    "error after refitting over error before, on samples whose active set is right";
