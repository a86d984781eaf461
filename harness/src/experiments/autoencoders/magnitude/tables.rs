//! The tables of `magnitude`.

use super::case::Case;
use super::plane::Encoder;
use crate::table::{Column, TableSpec};

const SEED: Column = Column::int("seed", "", "seed of features, data and initial parameters");

pub static EXAMPLE: TableSpec = TableSpec {
    name: "example",
    about: "What becomes of the target (2, 1), at the first seed: one row an element of the dictionary.",
    columns: &[
        Column::word(
            "features",
            &[Case::Pair.name(), Case::Orthogonal.name()],
            "the true features: two at 45°, or at 90° (the control)",
        ),
        Column::text(
            "encoder",
            "tied without bias, trained, or magnitudes refitted",
        ),
        Column::real("element_x", "1", "the element, of unit length"),
        Column::real("element_y", "1", "the element"),
        Column::real("weight", "1", "its weight in the code"),
        Column::real(
            "reconstruction_x",
            "1",
            "the reconstruction, the same for all elements",
        ),
        Column::real("reconstruction_y", "1", "the reconstruction"),
    ],
};

pub static PATTERNS: TableSpec = TableSpec {
    name: "patterns",
    about: "What trained models in the plane leave, by the features that are on.",
    columns: &[
        Column::word(
            "features",
            &[
                Case::Pair.name(),
                Case::Orthogonal.name(),
                Case::Three.name(),
            ],
            "the true features",
        ),
        Column::word(
            "encoder",
            &[Encoder::Tied.name(), Encoder::Untied.name()],
            "tied or untied",
        ),
        Column::text("pattern", "the features that are on, by their numbers"),
        Column::int("active", "features", "how many are on"),
        SEED,
        Column::real("error", "1", "‖x̂ − x‖², mean over held-out samples"),
        Column::real("square", "1", "‖x‖², mean over these"),
    ],
};

pub static SHRINKAGE: TableSpec = TableSpec {
    name: "shrinkage",
    about: "The code of one unit feature of strength g.",
    columns: &[
        Column::word(
            "code",
            &["penalised", "control"],
            "penalised, or control: no penalty, judged by this λ all the same",
        ),
        Column::real("lambda", "1", "coefficient λ of the L1 norm"),
        Column::real("strength", "1", "strength g of the feature"),
        SEED,
        Column::real("expected", "1", "max(0, g − λ/2)"),
        Column::real("trained", "1", "code of a trained SAE"),
        Column::real("fista", "1", "code by FISTA on the feature itself"),
    ],
};

pub static METHODS: TableSpec = TableSpec {
    name: "methods",
    about: "Methods compared on held-out samples.",
    columns: &[
        Column::text(
            "method",
            "encoder, and what is done to its magnitudes: scaled (a factor for each element), 1 step (of gradient pursuit), \
             refitted (non-negative least squares on the active set)",
        ),
        SEED,
        Column::real("error", "1", "Σ‖x̂ − x‖² / Σ‖x‖²"),
        Column::real("l0", "elements", "mean number of active elements"),
        Column::real(
            "right",
            "1",
            "share of the samples whose active elements are those matched to the active features",
        ),
    ],
};
