//! The tables of `l1-geometry`.

use super::plane::{self, Norm};
use super::ties::Atoms;
use crate::table::{Column, TableSpec};

/// Codes of the identity that are written out, for each seed and kind.
pub const SHOWN_CODES: usize = 200;

const NORMS: [&str; 2] = [Norm::L1.name(), Norm::L2.name()];

pub static EXAMPLES: TableSpec = TableSpec {
    name: "examples",
    about: "Two targets in the plane with the cheapest non-negative codes on three atoms: one row an atom.",
    columns: &[
        Column::word("target", &plane::KINDS, "on an atom, or between atoms"),
        Column::word("norm", &NORMS, "what the code minimises: L1 or L2"),
        Column::real("atom_x", "1", "the atom, of unit length"),
        Column::real("atom_y", "1", "the atom"),
        Column::real("weight", "1", "its weight in the code"),
        Column::real("target_x", "1", "the target"),
        Column::real("target_y", "1", "the target"),
    ],
};

pub static PLANE: TableSpec = TableSpec {
    name: "plane",
    about: "Targets in the plane by the number of atoms that their cheapest code on three random directions uses.",
    columns: &[
        Column::word("norm", &NORMS, "what the code minimises: L1 or L2"),
        Column::word("target", &plane::KINDS, "on an atom, or between atoms"),
        Column::int("active", "atoms", "atoms with a weight above 0"),
        Column::int("seed", "", "seed of dictionaries and targets"),
        Column::real("share", "1", "share of the targets of this kind"),
    ],
};

pub static SPACES: TableSpec = TableSpec {
    name: "spaces",
    about: "How often the support of the minimum-L1 code is the smallest one (minimum L0) for targets built from s of n \
            random atoms in m dimensions.",
    columns: &[
        Column::int("m", "dimensions", "dimension of the space"),
        Column::int("n", "atoms", "atoms in the dictionary"),
        Column::int("s", "atoms", "atoms that the target is built from"),
        Column::int("seed", "", "seed of dictionaries and targets"),
        Column::int("targets", "1", "number of targets"),
        Column::real(
            "share",
            "1",
            "share of them whose minimum-L1 support is the minimum-L0 support",
        ),
    ],
};

pub static TIES: TableSpec = TableSpec {
    name: "ties",
    about: "What the cheapest code of 5·Y₁ on five other atoms costs more than 5.",
    columns: &[
        Column::word(
            "atoms",
            &[Atoms::Unit.name(), Atoms::Stretched.name()],
            "unit, or stretched to reach as far along Y₁ as Y₁ (the control)",
        ),
        Column::int("seed", "", "seed of the five atoms"),
        Column::real(
            "angle",
            "rad",
            "largest angle of the five atoms with Y₁; the others are at half of it or more",
        ),
        Column::real(
            "gap",
            "1",
            "L1 norm of the cheapest code on the five, minus 5",
        ),
        Column::real("rounding", "1", "rounding error of the gap"),
    ],
};

pub static IDENTITY: TableSpec = TableSpec {
    name: "identity",
    about: "L1 norm and mean cosine of codes; the first 200 of each kind and seed.",
    columns: &[
        Column::word(
            "codes",
            &["random", "cheapest", "shrunk"],
            "random, cheapest, or shrunk (the control: reconstruction is not perfect)",
        ),
        Column::int("seed", "", "seed of dictionaries and codes"),
        Column::real(
            "mean_cosine",
            "1",
            "mean cosine between atoms and target, weighted by activity",
        ),
        Column::real("l1_over_norm", "1", "‖c‖₁ / ‖x‖"),
    ],
};
