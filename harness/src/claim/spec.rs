//! The specification of a claim: what it says, and the bounds that settle it.

use std::fmt;

use crate::text::number;

crate::words! {
    /// The kind of a claim, which decides what can be evidence for it.
    pub enum Kind {
        /// An identity, which holds by algebra, so that a run checks the code.
        Identity,
        /// A law on random models or on functions; nothing is trained.
        Law,
        /// A finding on trained models.
        Finding,
    }
}

/// A claim: what it says, and what settles it.
///
/// A [`Claim`] has its number of conditions in its type, so that it is [settled](super::outcome::Outcome::settle) with
/// exactly one value for each of them. Where that number does not matter, a claim is a plain `ClaimSpec`.
#[derive(Debug)]
pub struct ClaimSpec<C: ?Sized = [Condition]> {
    /// The name of the claim, unique over all experiments.
    pub id: &'static str,
    /// The kind of the claim.
    pub kind: Kind,
    /// The claim in one sentence.
    pub statement: &'static str,
    /// The criterion in words.
    pub criterion: &'static str,
    /// The control in words.
    pub control: &'static str,
    /// The conditions, all of which must hold. The first is the headline: its value stands in the ledger, and the
    /// control must fail it.
    pub conditions: C,
}

impl ClaimSpec {
    /// Returns the measures with their bounds, as they are written in the log of criteria.
    pub fn bounds(&self) -> String {
        let conditions = self.conditions.iter().map(ToString::to_string);
        conditions.collect::<Vec<_>>().join("; ")
    }
}

/// A claim with `N` conditions.
pub type Claim<const N: usize> = ClaimSpec<[Condition; N]>;

/// One bound on one measure.
#[derive(Debug)]
pub struct Condition {
    /// The name of the measure, unique in its claim.
    pub measure: &'static str,
    /// The values that fulfil the condition.
    pub bound: Bound,
    /// The values at which the opposite of the claim holds, if these were named in advance.
    pub opposite: Option<Bound>,
}

impl Condition {
    const fn new(measure: &'static str, bound: Bound) -> Self {
        Condition {
            measure,
            bound,
            opposite: None,
        }
    }

    /// Sets the bound within which the opposite of the claim holds.
    pub const fn opposite(mut self, bound: Bound) -> Self {
        self.opposite = Some(bound);
        self
    }
}

/// Writes the measure and its bounds.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.measure, self.bound)?;
        match self.opposite {
            Some(opposite) => write!(f, " (reversed if {opposite})"),
            None => Ok(()),
        }
    }
}

/// Returns the condition that a measure is below a bound.
pub const fn below(bound: f64, measure: &'static str) -> Condition {
    Condition::new(measure, Bound::Below(bound))
}

/// Returns the condition that a measure is at most as large as a bound.
pub const fn at_most(bound: f64, measure: &'static str) -> Condition {
    Condition::new(measure, Bound::AtMost(bound))
}

/// Returns the condition that a measure is above a bound.
pub const fn above(bound: f64, measure: &'static str) -> Condition {
    Condition::new(measure, Bound::Above(bound))
}

/// Returns the condition that a measure is at least as large as a bound.
pub const fn at_least(bound: f64, measure: &'static str) -> Condition {
    Condition::new(measure, Bound::AtLeast(bound))
}

/// A one-sided bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// The values x with x < bound.
    Below(f64),
    /// The values x with x ≤ bound.
    AtMost(f64),
    /// The values x with x > bound.
    Above(f64),
    /// The values x with x ≥ bound.
    AtLeast(f64),
}

impl Bound {
    /// Returns the number of the bound.
    pub fn value(self) -> f64 {
        let (Bound::Below(b) | Bound::AtMost(b) | Bound::Above(b) | Bound::AtLeast(b)) = self;
        b
    }

    /// Returns the bound with its number as people write it, such as `≤ −0.05`. (In tables the number is written as
    /// programs write it, by [`Display`](fmt::Display).)
    pub fn text(self) -> String {
        format!("{} {}", self.sign(), number(self.value()))
    }

    fn sign(self) -> &'static str {
        match self {
            Bound::Below(_) => "<",
            Bound::AtMost(_) => "≤",
            Bound::Above(_) => ">",
            Bound::AtLeast(_) => "≥",
        }
    }

    /// Returns whether `value` is within the bound. A NaN never is.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Bound::Below(b) => value < b,
            Bound::AtMost(b) => value <= b,
            Bound::Above(b) => value > b,
            Bound::AtLeast(b) => value >= b,
        }
    }
}

/// Parses a bound as [`Display`](fmt::Display) writes it.
impl std::str::FromStr for Bound {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (sign, number) = text.split_once(' ').ok_or(())?;
        let number = number.parse().map_err(|_| ())?;
        match sign {
            "<" => Ok(Bound::Below(number)),
            "≤" => Ok(Bound::AtMost(number)),
            ">" => Ok(Bound::Above(number)),
            "≥" => Ok(Bound::AtLeast(number)),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sign(), self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_read_as_it_is_written() {
        for bound in [
            Bound::Below(-0.5),
            Bound::AtMost(1e-13),
            Bound::Above(0.0),
            Bound::AtLeast(2.0),
        ] {
            assert_eq!(bound.to_string().parse(), Ok(bound));
        }
        for wrong in ["", "<", "< ", "= 1", "<1", "1 <"] {
            assert_eq!(wrong.parse::<Bound>(), Err(()), "{wrong}");
        }
    }
}
