//! The claim of `near-orthogonality`.

use crate::claim::{Bound, Claim, Kind, above, at_least};

/// The smallest k that the claim is about.
pub(super) const FROM: usize = 8;

pub(super) static MORE: Claim<2> = Claim {
    id: "more-dimensions-more-features",
    kind: Kind::Law,
    statement: "From about 8 neurons on, the more neurons signed features are spread over, the more of \
        them are nearly orthogonal.",
    criterion: "N is the largest number of features, of a grid of numbers, with an MMCS below the threshold. The slope of \
        log N against log k is above 0 over k ≥ 8, and Spearman ρ of k and N is ≥ 0.9 over 8 ≤ k ≤ n/2. A k at which even \
        the largest number of the grid has an MMCS below the threshold is left out",
    control: "the same features without their signs, at most 1,024 of them, whose cosines grow as they share more neurons",
    conditions: [
        above(0.0, "slope of log N against log k, from the smallest k on")
            .opposite(Bound::Below(0.0)),
        at_least(0.9, "Spearman ρ of k and N, from the smallest k to n/2"),
    ],
};
