//! The claim of `interference`.

use crate::claim::{Bound, Claim, Kind, above, below};

pub(super) static SPREAD: Claim<2> = Claim {
    id: "spread-keeps-non-linearity",
    kind: Kind::Law,
    statement: "Another feature strongly on in its very direction leaves a feature no non-linearity; one of the same \
        energy that shares only half of its neurons leaves a spread feature most of it.",
    criterion: "with the other at level +5√k, so that it adds a positive vector of length 5√k to the neurons of the feature: a \
        feature on k ≥ 2 neurons keeps more than 0.5 of its ΔR², mean over k, where that vector is on half of its neurons \
        (rounded down), and an aligned feature keeps less than 0.1 of it where the other is in its very direction; in the \
        settings with a quarter of the neurons, only k ≥ 4 count",
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
