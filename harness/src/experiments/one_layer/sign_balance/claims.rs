//! The claims of `sign-balance`.

use crate::claim::{Claim, Kind, at_least, at_most, below};

pub(super) static BALANCED: Claim<2> = Claim {
    id: "balanced-is-homogeneous",
    kind: Kind::Identity,
    statement: "With as many negative as positive entries the non-linearities cancel and the \
        response is a straight line; the more uneven the signs, the more of it is left.",
    criterion: "at m = n/2, y = x/2 with max |error| ≤ 1e-5, and ΔR² falls with |n − 2m|",
    control: "m = 0",
    conditions: [
        at_most(1e-5, "max |y − x/2|"),
        below(
            1.0,
            "largest ΔR² ratio of an imbalance to the next larger one",
        ),
    ],
};

pub(super) static WASH_OUT: Claim<2> = Claim {
    id: "random-directions-wash-out",
    kind: Kind::Law,
    statement: "Along random directions the non-linearity washes out as 1/n as the layer grows wider, \
        because their signs nearly balance; along random non-negative directions it does not.",
    criterion: "the slope of the logarithm of the median ΔR² against that of n is −1 to within 0.1: between −1.1 and −0.9",
    control: "random non-negative directions",
    conditions: [
        at_most(-0.9, "exponent of the median ΔR² against n"),
        at_least(-1.1, "exponent of the median ΔR² against n (lower bound)"),
    ],
};
