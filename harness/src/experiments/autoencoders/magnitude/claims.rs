//! The claims of `magnitude`.

use crate::claim::{Bound, Claim, Kind, above, at_least, at_most, below};

pub static TIED: Claim<2> = Claim {
    id: "tied-encoder-overshoots",
    kind: Kind::Identity,
    statement: "With the right features and no bias, a tied encoder reads a sum of two overlapping features as too \
        strong.",
    criterion: "code and reconstruction of the target (2, 1) = f₁ + √2·f₂ by a tied SAE with f₁ = (1, 0) and \
        f₂ = (1/√2, 1/√2) and zero bias are longer than the target",
    control: "the orthogonal features (1, 0) and (0, 1), which share nothing that could be counted twice: by the same \
        algebra both norms are those of the target",
    conditions: [
        above(1.0, "norm of the code over that of the target"),
        above(1.0, "norm of the reconstruction over that of the target"),
    ],
};

pub static UNTIED: Claim<2> = Claim {
    id: "untied-only-partly-helps",
    kind: Kind::Finding,
    statement: "An encoder of its own helps a sparse autoencoder with overlapping features, but only in part.",
    criterion: "dictionary held at the true features, twice as many random ones as dimensions, and encoders trained for it \
        with λ = 0.1: on held-out samples the loss of an untied encoder exceeds that of the best codes (FISTA) by at least 0.05 \
        of the latter, and by less than that of a tied one, of which only the thresholds are trained; the opposite holds below \
        0.01",
    control: "as many orthogonal features as dimensions, which do not overlap: a linear encoder can reach the best codes",
    conditions: [
        at_least(
            0.05,
            "excess of the untied encoder's loss over that of the best codes",
        )
        .opposite(Bound::Below(0.01)),
        below(
            1.0,
            "excess of the untied encoder over that of the tied one",
        ),
    ],
};

pub static SHRINKS: Claim<2> = Claim {
    id: "l1-shrinks",
    kind: Kind::Identity,
    statement: "An L1 penalty shrinks the magnitude of a feature of strength g to max(0, g − λ/2).",
    criterion: "one unit feature in eight dimensions, at every g and λ: the code of an SAE trained to its optimum, \
        and the code by FISTA, are within 1e-3 of it",
    control: "no penalty, judged by the formula with the largest λ: by the same algebra the code is g",
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
    control: "the right active set with one element missing, drawn at random (one too many, which leaves no less room, is a \
        setting of the specification curve)",
    conditions: [at_most(
        0.1,
        "error after refitting on an active set over error before",
    )],
};
