//! The claims of the experiment.

use crate::claim::{Claim, Kind, above, at_least, at_most, below};

pub static TIED: Claim<2> = Claim {
    id: "tied-encoder-overshoots",
    kind: Kind::Identity,
    statement: "With the right features and no bias, a tied encoder reads a sum of two overlapping features as too \
        strong.",
    criterion: "code and reconstruction of the target (2, 1) = f₁ + √2·f₂ by a tied SAE with f₁ = (1, 0) and \
        f₂ = (1/√2, 1/√2) and zero bias are longer than the target",
    control: "the orthogonal features (1, 0) and (0, 1)",
    conditions: [
        above(1.0, "norm of the code over that of the target"),
        above(1.0, "norm of the reconstruction over that of the target"),
    ],
};

pub static UNTIED: Claim<2> = Claim {
    id: "untied-only-partly-helps",
    kind: Kind::Finding,
    statement: "An encoder of its own helps a sparse autoencoder with overlapping features, but only in part.",
    criterion: "data in the plane from f₁ and f₂, each on or off: on samples with both, an untied SAE trained from \
        the true features leaves less error than a tied one, but at least 0.01 of ‖x‖²",
    control: "the orthogonal features (1, 0) and (0, 1), where there is no overlap to handle",
    conditions: [
        at_least(
            0.01,
            "share of ‖x‖² that the untied model leaves where both features are on",
        ),
        below(
            1.0,
            "error of the untied model over that of the tied one, both features on",
        ),
    ],
};

pub static SHRINKS: Claim<2> = Claim {
    id: "l1-shrinks",
    kind: Kind::Identity,
    statement: "An L1 penalty shrinks the magnitude of a feature of strength g to max(0, g − λ/2).",
    criterion: "one unit feature in eight dimensions, at every g and λ: the code of an SAE trained to its optimum, \
        and the code by FISTA, are within 1e-3 of it",
    control: "the same without a penalty",
    conditions: [
        at_most(1e-3, "largest |f − max(0, g − λ/2)| of trained models"),
        at_most(1e-3, "largest |c − max(0, g − λ/2)| of codes by FISTA"),
    ],
};

pub static SUPPORT: Claim<1> = Claim {
    id: "support-is-enough",
    kind: Kind::Finding,
    statement: "Where a sparse autoencoder has found the right active set, refitting the magnitudes on it removes \
        the error.",
    criterion: "L1 SAE on held-out samples where its active elements are those matched to the active features: \
        non-negative least squares on these leaves at most 0.1 of the squared error",
    control: "refitting on the active set of another sample",
    conditions: [at_most(
        0.1,
        "error after refitting over error before, on samples whose active set is right",
    )],
};
