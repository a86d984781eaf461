//! The claim of `tradeoff`.

use crate::claim::{Claim, Kind, at_least, at_most};

pub(super) static TRADED: Claim<2> = Claim {
    id: "skew-is-what-is-traded",
    kind: Kind::Law,
    statement: "What is traded is skew: of features spread over all neurons, the more entries are \
        positive, the fewer are nearly orthogonal and the less homogeneous is the response along each.",
    criterion: "at k = n, over shares of positive entries from 0.5 to 1: Spearman ρ ≤ −0.9 of the share and the number of \
        nearly orthogonal features (the largest number, of a grid, with an MMCS below the threshold), and ρ ≥ 0.9 of the \
        share and the ΔR² of a feature alone. A share at which even the largest number of the grid has an MMCS below the \
        threshold is left out",
    control: "a share of 0.5 throughout, features drawn anew at each (mean over three draws)",
    conditions: [
        at_most(
            -0.9,
            "Spearman ρ of the share and the nearly orthogonal features",
        ),
        at_least(
            0.9,
            "Spearman ρ of the share and the ΔR² of a feature alone",
        ),
    ],
};
