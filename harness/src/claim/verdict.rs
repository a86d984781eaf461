//! The verdict on a claim, from the evidence on the claim and on its control.

use super::evidence::{Evidence, Standing};

crate::words! {
    /// The verdict on a claim.
    pub enum Verdict {
        /// The whole interval of every condition fulfils its bound, and the control fails.
        Reproduced,
        /// No part of the interval of some condition fulfils its bound.
        #[strum(serialize = "not reproduced")]
        NotReproduced,
        /// The headline fails, and its opposite holds: the control fulfils the headline instead, or the claim keeps the
        /// opposite bound that was named in advance.
        Reversed,
        /// An interval reaches across its bound, or something could not be measured.
        Undecided,
        /// The claim holds, but the control fulfils the headline too: the measure cannot tell the two apart.
        #[strum(serialize = "no power")]
        NoPower,
    }
}

/// The beginning of the reason where the claim holds and the control leaves the verdict open.
pub(super) const IN_CONTROL: &str = "in the control, ";

/// Returns the verdict on a claim, and the reason for it, empty for [`Verdict::Reproduced`]. `claim` and `control` hold
/// the evidence on the conditions in the claim and in its control, the headline first.
pub(super) fn verdict(claim: &[Evidence], control: &[Evidence]) -> (Verdict, String) {
    let (headline, of_control) = (&claim[0], &control[0]);
    let with = |standing| claim.iter().find(|c| c.stands() == standing);
    if let Some(failed) = with(Standing::Violates) {
        let opposite = headline.condition.opposite;
        let opposite = opposite.filter(|&bound| headline.standing(bound) == Standing::Fulfils);
        return match (headline.stands(), opposite, of_control.stands()) {
            (Standing::Violates, Some(opposite), _) => {
                let why = format!("{}, but {}", headline.why(), opposite.text());
                (Verdict::Reversed, why)
            }
            (Standing::Violates, None, Standing::Fulfils) => {
                let range = of_control.range();
                let why = format!("{}; the control has {range} instead", headline.why());
                (Verdict::Reversed, why)
            }
            _ => (Verdict::NotReproduced, failed.why()),
        };
    }
    if let Some(open) = with(Standing::Unmeasured).or(with(Standing::Straddles)) {
        return (Verdict::Undecided, open.why());
    }
    match of_control.stands() {
        Standing::Violates => (Verdict::Reproduced, String::new()),
        Standing::Fulfils => {
            let range = of_control.range();
            let why = format!("the control has {range}, which keeps the bound as well");
            (Verdict::NoPower, why)
        }
        Standing::Straddles | Standing::Unmeasured => {
            let why = format!("{IN_CONTROL}{}", of_control.why());
            (Verdict::Undecided, why)
        }
    }
}
