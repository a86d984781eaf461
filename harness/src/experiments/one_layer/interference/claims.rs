//! The claim of `interference`.

use crate::claim::{Bound, Claim, Kind, above, below};

pub(super) static SPREAD: Claim<2> = Claim {
    id: "spread-keeps-non-linearity",
    kind: Kind::Law,
    statement: "Another feature strongly on in its very direction leaves a feature no non-linearity; one of the same \
        energy that shares only half of its neurons leaves a spread feature most of it.",
    criterion: "with the other at level +5√k (what it adds is positive), a feature on k ≥ 2 neurons keeps more than \
        0.5 of its ΔR² where the other is on half of its neurons, at the same length of what it adds to them (mean \
        over k), and an aligned one with the other in its very direction < 0.1",
    control: "the other in the very direction of the spread feature",
    conditions: [
        above(
            0.5,
            "share of its ΔR² that a spread feature keeps under partial overlap",
        )
        .opposite(Bound::Below(0.1)),
        below(0.1, "share of its ΔR² that an aligned feature keeps"),
    ],
};
