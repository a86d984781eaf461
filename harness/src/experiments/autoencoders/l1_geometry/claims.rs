//! The claims of `l1-geometry`.

use crate::claim::{Claim, Kind, above, at_least, at_most};

pub static TRANSITION: Claim<2> = Claim {
    id: "l1-recovers-up-to-the-phase-transition",
    kind: Kind::Law,
    statement: "The code of least L1 norm is the sparse one that a target was built from, as long as there are fewer \
        active atoms than the phase transition of random dictionaries allows for so many atoms and dimensions.",
    criterion: "K of N Gaussian atoms in M dimensions, non-negative codes. The share of codes that are found again falls as K \
        grows. The distance in K of the measured curve from the predicted one is the absolute value of the signed area \
        between them; the width of the fall is half of the distance in K from a predicted share of 84 % to one of 16 %. The distance is \
        at most 0.5 widths in the mean over N, and at most 1 width at every N. The prediction is that of Amelunxen et al. \
        2014, from the statistical dimension of the problem",
    control: "dictionaries whose atoms span only half of the M dimensions, and so are closer to each other, held to the \
        same prediction",
    conditions: [
        at_most(
            0.5,
            "distance of the measured transition from the predicted one in widths, mean over N",
        ),
        at_most(
            1.0,
            "distance of the measured transition from the predicted one in widths, largest over N",
        ),
    ],
};

pub static SPARSEST: Claim<1> = Claim {
    id: "l1-picks-the-sparsest",
    kind: Kind::Identity,
    statement: "Of three directions in the plane, the code of least L1 norm uses the one that the target lies \
        on, else the target's two neighbours, the closer one more.",
    criterion: "for every target: one active atom if it lies on an atom, else the neighbour on either side \
        and no other, the larger weight on the closer",
    control: "the non-negative code of least L2 norm instead, judged by the same rule",
    conditions: [at_least(
        1.0,
        "share of targets in the plane whose code is the sparsest one",
    )],
};

pub static TIES: Claim<2> = Claim {
    id: "ties-only-when-parallel",
    kind: Kind::Identity,
    statement: "Five atoms together cost as much as one atom with five times the weight only if all directions \
        coincide.",
    criterion: "the gap is the L1 norm of the cheapest code of 5·Y₁ on the atoms Y₂ … Y₆, minus 5. It is larger than its \
        rounding error, taken as 64 · 2⁻⁵² · 5, at every angle above 0 between Y₁ and the others, and no larger at angle 0",
    control: "atoms lengthened so that the projection of each on Y₁ is Y₁ itself: then the directions differ, and the code \
        still costs 5",
    conditions: [
        above(
            1.0,
            "smallest gap at an angle above 0, over its rounding error",
        ),
        at_most(1.0, "gap at angle 0, over its rounding error"),
    ],
};

pub static COSINE: Claim<1> = Claim {
    id: "l1-is-inverse-cosine",
    kind: Kind::Identity,
    statement: "With perfect reconstruction the L1 norm of a code is the norm of the target divided by the mean \
        cosine between target and atoms, weighted by activity.",
    criterion: "‖c‖₁ · mean cosine = ‖x‖ to 1e-13 of ‖c‖₁ for every code, the cheapest of its target or not",
    control: "the same codes with the mean of the cosines of all active atoms, each counted alike",
    conditions: [at_most(1e-13, "largest |‖c‖₁ · mean cosine − ‖x‖| / ‖c‖₁")],
};
