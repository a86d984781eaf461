//! The conditions of a claim as they were measured, and the one that the verdict rests on.

use super::evidence::Estimate;
use super::ledger::Entry;
use super::measures::Measurement;
use super::spec::Bound;
use super::verdict::Verdict;
use super::words;
use crate::stats::observations::Observations as _;

/// A quantity that was measured at every seed for a claim and its control, with the bounds that it must keep: one, or
/// two if it must lie between them.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The name of the measure that is bounded.
    pub measure: String,
    /// The bounds, in the order in which the claim has them.
    pub bounds: Vec<Bound>,
    /// The mean over seeds for the claim, with its interval.
    pub effect: Estimate,
    /// The mean over seeds in the control, with its interval.
    pub control: Estimate,
    /// The values at each seed, for the claim and in the control.
    pub rows: Vec<Measurement>,
}

impl Condition {
    /// Returns the conditions of a claim at its point setting, the headline first.
    pub fn all(entry: &Entry, measures: &[Measurement]) -> Vec<Self> {
        let ours = || {
            let ours = measures.iter();
            ours.filter(|m| m.claim == entry.id && m.setting.is_empty())
        };
        let mut conditions: Vec<Self> = Vec::new();
        for measure in ours().map(|m| m.measure.as_str()).distinct() {
            let rows: Vec<_> = ours().filter(|m| m.measure == measure).cloned().collect();
            let bound = rows.iter().find_map(|m| m.bound.parse().ok());
            let values =
                |value: fn(&Measurement) -> f64| rows.iter().map(value).collect::<Vec<_>>();
            // Rows with the same values and another bound are the same quantity, bounded on its other side.
            let same = |c: &&mut Self| {
                let bits = |rows: &[Measurement]| {
                    let bits = rows
                        .iter()
                        .map(|m| (m.value.to_bits(), m.control_value.to_bits()));
                    bits.collect::<Vec<_>>()
                };
                bits(&c.rows) == bits(&rows)
            };
            match conditions.iter_mut().find(same) {
                Some(known) => known.bounds.extend(bound),
                None => conditions.push(Condition {
                    measure: measure.into(),
                    bounds: bound.into_iter().collect(),
                    effect: Estimate::of(&values(|m| m.value), entry.kind),
                    control: Estimate::of(&values(|m| m.control_value), entry.kind),
                    rows,
                }),
            }
        }
        conditions
    }

    /// Returns the condition that the verdict rests on: the first that fails for a claim that is not reproduced, the
    /// first that does not hold for one that is undecided, and otherwise the headline.
    pub fn deciding(entry: &Entry, conditions: &[Self]) -> Self {
        let first = |holds: &dyn Fn(&Self) -> bool| conditions.iter().find(|c| holds(c));
        let failing = match entry.verdict {
            Verdict::NotReproduced => first(&|c| c.fails()),
            Verdict::Undecided => first(&|c| !c.holds()),
            Verdict::Reproduced | Verdict::Reversed | Verdict::NoPower => None,
        };
        let deciding = failing.or(conditions.first());
        deciding.cloned().unwrap_or_else(|| Self::headline(entry))
    }

    /// Returns the headline from the ledger, without a bound, for a claim without measures.
    fn headline(entry: &Entry) -> Self {
        let estimate = |value, low, high| Estimate {
            value,
            low,
            high,
            basis: entry.interval,
        };
        Condition {
            measure: entry.measure.clone(),
            bounds: Vec::new(),
            effect: estimate(entry.value, entry.low, entry.high),
            control: estimate(entry.control_value, entry.control_low, entry.control_high),
            rows: Vec::new(),
        }
    }

    /// Returns whether the whole interval keeps every bound.
    pub fn holds(&self) -> bool {
        let Estimate { low, high, .. } = self.effect;
        self.bounds.iter().all(|b| b.holds(low) && b.holds(high))
    }

    /// Returns whether there is a bound that no part of the interval keeps.
    pub fn fails(&self) -> bool {
        let Estimate { low, high, .. } = self.effect;
        let measured = !low.is_nan() && !high.is_nan();
        measured && self.bounds.iter().any(|b| !b.holds(low) && !b.holds(high))
    }

    /// Returns the interval of the claim's value in words.
    pub fn spread(&self) -> String {
        self.spread_of(&self.effect, |m| m.value)
    }

    /// Returns the interval of the control's value in words.
    pub fn control_spread(&self) -> String {
        self.spread_of(&self.control, |m| m.control_value)
    }

    fn spread_of(&self, estimate: &Estimate, value: fn(&Measurement) -> f64) -> String {
        let all = self.rows.len();
        match self.rows.iter().filter(|m| !value(m).is_nan()).count() {
            measured if measured < all => format!("measured at {measured} of {all} seeds"),
            _ => words::spread_of(estimate, all as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::reference;

    /// Returns the rows of a measure with one value for each seed; the control's values are larger by 1.
    fn rows(id: &str, measure: &str, bound: &str, values: [f64; 3]) -> Vec<Measurement> {
        let row = |(seed, value): (u64, f64)| Measurement {
            claim: id.into(),
            setting: String::new(),
            point: true,
            measure: measure.into(),
            bound: bound.into(),
            seed,
            value,
            control_value: value + 1.0,
            holds: true,
            control_holds: true,
            missing: String::new(),
            control_missing: String::new(),
        };
        (0..).zip(values).map(row).collect()
    }

    fn entry(verdict: Verdict) -> Entry {
        let mut entry = reference::LEDGER.entries[0].clone();
        entry.verdict = verdict;
        entry.kind = crate::claim::Kind::Finding;
        entry
    }

    #[test]
    fn one_quantity_between_two_bounds_is_one_condition() {
        let entry = entry(Verdict::Reproduced);
        let mut measures = rows(&entry.id, "slope", "≤ -0.9", [-1.0, -1.01, -0.99]);
        measures.extend(rows(
            &entry.id,
            "from below",
            "≥ -1.1",
            [-1.0, -1.01, -0.99],
        ));
        measures.extend(rows(&entry.id, "another", "> 0", [1.0, 2.0, 3.0]));
        measures.extend(rows("of-another-claim", "slope", "> 0", [1.0, 2.0, 3.0]));
        let conditions = Condition::all(&entry, &measures);
        let bounds: Vec<_> = conditions.iter().map(|c| c.bounds.clone()).collect();
        let slope = vec![Bound::AtMost(-0.9), Bound::AtLeast(-1.1)];
        assert_eq!(bounds, [slope, vec![Bound::Above(0.0)]]);
        assert!(conditions[0].holds() && !conditions[0].fails());
        assert_eq!(conditions[0].rows.len(), 3);
        let missing = rows(&entry.id, "slope", "≤ -0.9", [-1.0, f64::NAN, -0.99]);
        let condition = &Condition::all(&entry, &missing)[0];
        assert_eq!(condition.spread(), "measured at 2 of 3 seeds");
        assert_eq!(condition.control_spread(), "measured at 2 of 3 seeds");
    }

    #[test]
    fn the_condition_that_the_verdict_rests_on_is_shown() {
        let shown = |verdict| {
            let entry = entry(verdict);
            let mut measures = rows(&entry.id, "holds", "> 0", [1.0, 1.1, 0.9]);
            measures.extend(rows(&entry.id, "open", "> 1", [0.5, 1.0, 1.4]));
            measures.extend(rows(&entry.id, "fails", "> 9", [1.0, 1.1, 1.2]));
            Condition::deciding(&entry, &Condition::all(&entry, &measures)).measure
        };
        assert_eq!(shown(Verdict::Reproduced), "holds");
        assert_eq!(shown(Verdict::Undecided), "open");
        assert_eq!(shown(Verdict::NotReproduced), "fails");
        // Without measures there is the ledger.
        let entry = entry(Verdict::NotReproduced);
        assert_eq!(Condition::deciding(&entry, &[]).measure, entry.measure);
    }
}
