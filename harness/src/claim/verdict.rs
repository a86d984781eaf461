//! The verdict on a claim, from the measures of a run and of its control.

use super::spec::{Bound, ClaimSpec, Condition};
use crate::stats::{max, median, min};

crate::words! {
    /// The verdict on a claim.
    pub enum Verdict {
        /// Every condition holds at every seed.
        Reproduced,
        /// Some condition holds at no seed.
        #[strum(serialize = "not reproduced")]
        NotReproduced,
        /// The seeds disagree, or something could not be measured.
        Inconclusive,
        /// The control does not fail where it should: the measure cannot tell the two apart.
        #[strum(serialize = "no power")]
        NoPower,
    }
}

/// One measured value of one condition at one seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Id of the claim.
    pub claim: &'static str,
    /// Name of the condition's measure.
    pub measure: &'static str,
    /// The seed it was measured at.
    pub seed: u64,
    /// Whether it was measured in the control.
    pub control: bool,
    /// The value; not a number if it could not be measured.
    pub value: f64,
    /// Why it could not be measured, if that is known.
    pub missing: String,
}

/// The values of one condition, one per seed; not a number where there is none.
#[derive(Debug, Clone, PartialEq)]
struct Measured {
    bound: Bound,
    measure: &'static str,
    values: Vec<f64>,
    /// The first of the seeds at which there is no value, and why, if that is known.
    missing: Option<(u64, String)>,
}

impl Measured {
    fn of(
        spec: &ClaimSpec,
        condition: &Condition,
        measures: &[Measure],
        seeds: &[u64],
        control: bool,
    ) -> Self {
        let find = |seed| find(measures, spec.id, condition.measure, seed, control);
        let value = |seed| find(seed).map_or(f64::NAN, |m| m.value);
        let missing = seeds.iter().find(|&&seed| value(seed).is_nan());
        Measured {
            bound: condition.bound,
            measure: condition.measure,
            values: seeds.iter().map(|&seed| value(seed)).collect(),
            missing: missing.map(|&seed| {
                (
                    seed,
                    find(seed).map_or(String::new(), |m| m.missing.clone()),
                )
            }),
        }
    }

    /// The number of seeds at which the bound holds.
    fn holds(&self) -> usize {
        let values = self.values.iter();
        values.filter(|&&v| self.bound.holds(v)).count()
    }
}

/// What the seeds say of a conjunction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Every condition holds at every seed.
    Holds,
    /// Some condition holds at no seed.
    Fails,
    /// The seeds disagree.
    Disagrees,
    /// Something that would decide could not be measured.
    Unmeasured,
}

/// What a conjunction comes to over the seeds, its control left aside, and why if that is not plain.
fn conjunction(conditions: &[Measured]) -> (Outcome, String) {
    let mut measured = conditions.iter().filter(|c| c.missing.is_none());
    if let Some(c) = measured.find(|c| c.holds() == 0) {
        let reason = format!("{} is {} at no seed", c.measure, c.bound);
        return (Outcome::Fails, reason);
    }
    for c in conditions {
        if let Some((seed, why)) = &c.missing {
            let why = match why.as_str() {
                "" => String::new(),
                why => format!(": {why}"),
            };
            let reason = format!("{} could not be measured at seed {seed}{why}", c.measure);
            return (Outcome::Unmeasured, reason);
        }
    }
    match conditions.iter().find(|c| c.holds() < c.values.len()) {
        None => (Outcome::Holds, String::new()),
        Some(c) => {
            let (held, of) = (c.holds(), c.values.len());
            let reason = format!("{} is {} at {held} of {of} seeds", c.measure, c.bound);
            (Outcome::Disagrees, reason)
        }
    }
}

/// The verdict on a claim, and why if it is not plain.
fn verdict(claim: &[Measured], control: &[Measured]) -> (Verdict, String) {
    let (of_claim, reason) = conjunction(claim);
    let (of_control, control_reason) = conjunction(control);
    let in_control = || format!("in the control, {control_reason}");
    match (of_claim, of_control) {
        (_, Outcome::Holds) => (
            Verdict::NoPower,
            "the control fulfils the criterion too".into(),
        ),
        (_, Outcome::Disagrees) => (Verdict::NoPower, in_control()),
        // Where the control was not measured, nothing is known of the power of the measure.
        (Outcome::Unmeasured, Outcome::Unmeasured) => (Verdict::Inconclusive, reason),
        (_, Outcome::Unmeasured) => (Verdict::Inconclusive, in_control()),
        (Outcome::Holds, Outcome::Fails) => (Verdict::Reproduced, reason),
        (Outcome::Fails, Outcome::Fails) => (Verdict::NotReproduced, reason),
        (Outcome::Disagrees | Outcome::Unmeasured, Outcome::Fails) => {
            (Verdict::Inconclusive, reason)
        }
    }
}

crate::rows! {
    /// The ledger: one row a claim.
    pub struct Entry in "claims" {
        /// name of the claim
        id: String [""],
        /// what it says
        statement: String [""],
        /// median over seeds of the headline measure
        value: f64 [""],
        /// smallest over seeds
        low: f64 [""],
        /// largest over seeds
        high: f64 [""],
        /// fixed in advance
        criterion: String [""],
        /// median over seeds in the control
        control_value: f64 [""],
        /// reproduced, not reproduced, inconclusive or no power
        verdict: Verdict [""],
        /// number of seeds
        seeds: u64 [""],
        /// the experiment that settles it
        experiment: String [""],
        /// name of the headline measure
        measure: String [""],
        /// the setting in which the claim should fail
        control: String [""],
        /// why the verdict is not plain
        reason: String [""],
    }
}

impl Entry {
    /// Settles `spec` from the measures of a run.
    pub fn settle(experiment: &str, spec: &ClaimSpec, measures: &[Measure], seeds: &[u64]) -> Self {
        let measured = |control: bool| -> Vec<Measured> {
            let conditions = spec.conditions.iter();
            conditions
                .map(|c| Measured::of(spec, c, measures, seeds, control))
                .collect()
        };
        let (claim, control) = (measured(false), measured(true));
        let (verdict, reason) = verdict(&claim, &control);
        let headline = &claim[0].values;
        Entry {
            id: spec.id.into(),
            experiment: experiment.into(),
            statement: spec.statement.into(),
            measure: spec.conditions[0].measure.into(),
            value: median(headline),
            low: min(headline.iter().copied()),
            high: max(headline.iter().copied()),
            criterion: spec.criterion.into(),
            control: spec.control.into(),
            control_value: median(&control[0].values),
            verdict,
            seeds: seeds.len() as u64,
            reason,
        }
    }
}

pub(super) fn find<'a>(
    measures: &'a [Measure],
    claim: &str,
    measure: &str,
    seed: u64,
    control: bool,
) -> Option<&'a Measure> {
    measures.iter().find(|m| {
        m.claim == claim && m.measure == measure && m.seed == seed && m.control == control
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::ledger::Ledger;
    use crate::claim::spec::{Claim, at_least, below};
    use crate::stats::{all_finite, largest_step};

    static SPEC: Claim<2> = Claim {
        id: "c",
        statement: "s",
        criterion: "k",
        control: "o",
        conditions: [below(1.0, "a"), at_least(2.0, "b")],
    };

    fn settle(a: &[f64], b: &[f64], control_a: &[f64], control_b: &[f64]) -> Entry {
        let seeds: Vec<u64> = (5..5 + a.len() as u64).collect();
        let mut measures = Vec::new();
        for (measure, control, values) in [
            ("a", false, a),
            ("b", false, b),
            ("a", true, control_a),
            ("b", true, control_b),
        ] {
            for (&seed, &value) in seeds.iter().zip(values) {
                measures.push(Measure {
                    claim: "c",
                    measure,
                    seed,
                    control,
                    value,
                    missing: String::new(),
                });
            }
        }
        Entry::settle("e", &SPEC, &measures, &seeds)
    }

    /// A control that fails as it should.
    const FAILS: [f64; 2] = [3.0, 3.0];

    #[test]
    fn all_conditions_at_all_seeds_reproduce() {
        let entry = settle(&[0.0, 0.5], &[2.0, 3.0], &FAILS, &FAILS);
        assert_eq!(entry.verdict, Verdict::Reproduced);
        assert_eq!((entry.value, entry.low, entry.high), (0.25, 0.0, 0.5));
        assert_eq!((entry.control_value, entry.seeds), (3.0, 2));
        assert_eq!(entry.reason, "");
    }

    #[test]
    fn a_condition_that_holds_nowhere_refutes() {
        let entry = settle(&[0.0, 0.5], &[1.0, 1.0], &FAILS, &FAILS);
        assert_eq!(entry.verdict, Verdict::NotReproduced);
        assert_eq!(entry.reason, "b is ≥ 2 at no seed");
    }

    #[test]
    fn seeds_that_disagree_are_inconclusive() {
        let entry = settle(&[0.0, 1.0], &[2.0, 2.0], &FAILS, &FAILS);
        assert_eq!(entry.verdict, Verdict::Inconclusive);
        assert_eq!(entry.reason, "a is < 1 at 1 of 2 seeds");
    }

    #[test]
    fn a_control_that_does_not_fail_leaves_no_power_whatever_the_claim() {
        for a in [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [f64::NAN, 0.0]] {
            let entry = settle(&a, &[2.0, 2.0], &[0.0, 0.0], &[2.0, 2.0]);
            assert_eq!(entry.verdict, Verdict::NoPower);
            assert_eq!(entry.reason, "the control fulfils the criterion too");
        }
        // A control whose seeds disagree did not fail either.
        assert_eq!(
            settle(&[0.0; 2], &[2.0; 2], &[0.0, 3.0], &[2.0; 2]).verdict,
            Verdict::NoPower
        );
    }

    #[test]
    fn of_a_control_that_was_not_measured_the_power_is_not_known() {
        for a in [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, f64::NAN]] {
            for control in [&[][..], &[3.0, f64::NAN], &[0.0, f64::NAN]] {
                let entry = settle(&a, &[2.0; 2], control, &[2.0; 2]);
                assert_eq!(entry.verdict, Verdict::Inconclusive);
                let seed = if control.is_empty() { 5 } else { 6 };
                let reason = format!("a could not be measured at seed {seed}");
                let of_claim = a[1].is_nan();
                let reason = if of_claim {
                    "a could not be measured at seed 6".into()
                } else {
                    format!("in the control, {reason}")
                };
                assert_eq!(entry.reason, reason);
            }
        }
    }

    #[test]
    fn a_value_that_is_not_a_number_never_lets_a_claim_hold() {
        for seed in 0..2 {
            for broken in [f64::NAN, -f64::NAN] {
                let mut a = [0.0, 0.5];
                a[seed] = broken;
                let entry = settle(&a, &[2.0, 3.0], &FAILS, &FAILS);
                assert_eq!(entry.verdict, Verdict::Inconclusive);
                assert_eq!(
                    entry.reason,
                    format!("a could not be measured at seed {}", 5 + seed)
                );
                assert!(entry.value.is_nan() && entry.low.is_nan() && entry.high.is_nan());
                let entry = settle(&[0.0, 0.5], &[2.0, 3.0], &a, &FAILS);
                assert_eq!(entry.verdict, Verdict::Inconclusive);
            }
        }
    }

    #[test]
    fn a_control_may_fail_by_any_of_the_conditions() {
        assert_eq!(
            settle(&[0.0; 2], &[2.0; 2], &[0.0; 2], &[1.0; 2]).verdict,
            Verdict::Reproduced
        );
        assert_eq!(
            settle(&[0.0; 2], &[2.0; 2], &FAILS, &[f64::NAN; 2]).verdict,
            Verdict::Reproduced
        );
    }

    #[test]
    fn the_ledger_names_measure_seed_and_input_of_what_is_not_finite() {
        let settled = |a: Result<f64, String>| {
            let mut outcome = crate::claim::outcome::Outcome::default();
            for (seed, a) in [(5, Ok(0.5)), (6, a)] {
                outcome.settle(&SPEC, seed, [a, Ok(2.0)], [3.0, 2.0]);
            }
            let entry = Entry::settle("e", &SPEC, &outcome.measures, &[5, 6]);
            (entry.verdict, entry.reason)
        };
        let step = |falling: &[f64]| all_finite("ΔR² by width", falling).map(largest_step);
        let (verdict, reason) = settled(step(&[1.0, 0.5, f64::NAN]));
        assert_eq!(verdict, Verdict::Inconclusive);
        assert_eq!(
            reason,
            "a could not be measured at seed 6: ΔR² by width: value 3 of 3 is NaN"
        );
        let (verdict, reason) = settled(Ok(f64::NAN));
        assert_eq!(verdict, Verdict::Inconclusive);
        assert_eq!(
            reason,
            "a could not be measured at seed 6: the result is not a number"
        );
        assert_eq!(settled(step(&[1.0, 0.5, 0.25])).0, Verdict::Reproduced);
        // Of [0.1, 0, 0] it was said that it falls at every step.
        assert_eq!(
            settled(step(&[0.1, 0.0, 0.0])).1,
            "a is < 1 at 1 of 2 seeds"
        );
    }

    #[test]
    fn what_could_not_be_measured_is_inconclusive_unless_something_else_refutes() {
        let entry = settle(&[0.0, f64::NAN], &[2.0, 2.0], &FAILS, &FAILS);
        assert_eq!(entry.verdict, Verdict::Inconclusive);
        assert_eq!(entry.reason, "a could not be measured at seed 6");
        assert_eq!(
            settle(&[0.0, 0.0], &[2.0], &FAILS, &FAILS).verdict,
            Verdict::Inconclusive
        );
        assert_eq!(
            settle(&[f64::NAN; 2], &[1.0; 2], &FAILS, &FAILS).verdict,
            Verdict::NotReproduced
        );
    }

    #[test]
    fn bounds_are_open_or_closed_and_never_hold_for_nan() {
        assert!(!Bound::Below(1.0).holds(1.0) && Bound::AtMost(1.0).holds(1.0));
        assert!(!Bound::Above(1.0).holds(1.0) && Bound::AtLeast(1.0).holds(1.0));
        for bound in [
            Bound::Below(1.0),
            Bound::AtMost(1.0),
            Bound::Above(1.0),
            Bound::AtLeast(1.0),
        ] {
            assert!(!bound.holds(f64::NAN));
        }
    }

    #[test]
    fn the_ledger_survives_its_table() {
        let ledger = Ledger(vec![settle(&[0.0, 0.5], &[2.0, 3.0], &FAILS, &FAILS)]);
        assert_eq!(Ledger::from_table(&ledger.to_table()), ledger);
    }
}
