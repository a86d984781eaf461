//! Tests of the ledger: a constructed case for every verdict, and for what a verdict must not depend on.

use super::*;
use crate::claim::outcome::{Measured, Outcome};
use crate::claim::spec::{Bound, Claim, at_least, below};
use crate::claim::{Setting, words};
use crate::stats::{all_finite, largest_step};

/// A finding: the headline `a` must be below 1, and is reversed above 2; `b` must be at least 2.
static FINDING: Claim<2> = Claim {
    id: "c",
    kind: Kind::Finding,
    statement: "s",
    criterion: "k",
    control: "o",
    conditions: [
        below(1.0, "a").opposite(Bound::Above(2.0)),
        at_least(2.0, "b"),
    ],
};

static IDENTITY: Claim<1> = Claim {
    id: "i",
    kind: Kind::Identity,
    statement: "s",
    criterion: "k",
    control: "o",
    conditions: [below(1.0, "error")],
};

static LAW: Claim<1> = Claim {
    id: "l",
    kind: Kind::Law,
    statement: "s",
    criterion: "k",
    control: "o",
    conditions: [below(1.0, "exponent")],
};

fn entry_of<const N: usize>(
    claim: &'static Claim<N>,
    seeds: impl IntoIterator<Item = ([f64; N], [f64; N])>,
) -> Entry {
    let mut outcome = Outcome::default();
    for (seed, (values, control)) in (5..).zip(seeds) {
        outcome.settle(claim, seed, values, control);
    }
    let mut ledger = Ledger::default();
    ledger.settle("e", &[claim], &outcome.measures);
    ledger.entries.remove(0)
}

/// Returns the entry of the finding with these values of its headline at each seed, in claim and control; `b` is
/// fulfilled.
fn finding(a: &[f64], control: &[f64]) -> Entry {
    let seeds = a.iter().zip(control);
    entry_of(&FINDING, seeds.map(|(&a, &c)| ([a, 2.5], [c, 2.5])))
}

/// Values of a control that fails as it should.
const FAILS: [f64; 4] = [3.0, 3.1, 3.0, 2.9];
/// Values of a headline that holds.
const HOLDS: [f64; 4] = [0.5, 0.6, 0.5, 0.4];

#[test]
fn reproduced_where_the_whole_interval_of_every_condition_fulfils_its_bound() {
    let entry = finding(&HOLDS, &FAILS);
    assert_eq!(
        (entry.verdict, entry.reason.as_str()),
        (Verdict::Reproduced, "")
    );
    assert_eq!((entry.value, entry.seeds), (0.5, 4));
    assert_eq!(entry.interval, Basis::Student);
    // 3.182 · 0.0816 / 2
    assert!((entry.high - 0.629_92).abs() < 1e-4 && (entry.low - 0.370_08).abs() < 1e-4);
    assert!((entry.control_value - 3.0).abs() < 1e-15);
}

#[test]
fn not_reproduced_where_no_part_of_the_interval_of_some_condition_does() {
    let headline = finding(&[1.5, 1.6, 1.5, 1.4], &FAILS);
    assert_eq!(headline.verdict, Verdict::NotReproduced);
    assert_eq!(
        headline.reason,
        "a is 1.37 to 1.63 with 95 % confidence, not < 1"
    );
    let other = entry_of(&FINDING, [([0.5, 1.0], [3.0, 1.0]); 3]);
    assert_eq!(other.verdict, Verdict::NotReproduced);
    assert_eq!(other.reason, "b is 1, not ≥ 2");
}

#[test]
fn reversed_where_the_opposite_that_was_named_in_advance_holds() {
    let entry = finding(&[2.5, 2.6, 2.5, 2.4], &FAILS);
    assert_eq!(entry.verdict, Verdict::Reversed);
    assert_eq!(
        entry.reason,
        "a is 2.37 to 2.63 with 95 % confidence, not < 1, but > 2"
    );
}

#[test]
fn reversed_where_the_control_fulfils_the_headline_instead() {
    let entry = finding(&[1.5, 1.6, 1.5, 1.4], &HOLDS);
    assert_eq!(entry.verdict, Verdict::Reversed);
    assert!(
        entry
            .reason
            .ends_with("; the control has 0.37 to 0.63 with 95 % confidence instead")
    );
}

#[test]
fn undecided_where_the_interval_reaches_across_the_bound() {
    let entry = finding(&[0.8, 1.1, 0.9, 1.0], &FAILS);
    assert_eq!(entry.verdict, Verdict::Undecided);
    assert_eq!(
        entry.reason,
        "a is 0.745 to 1.16 with 95 % confidence, across < 1"
    );
}

#[test]
fn no_power_where_claim_and_control_fulfil_the_headline() {
    let entry = finding(&HOLDS, &HOLDS);
    assert_eq!(entry.verdict, Verdict::NoPower);
    assert_eq!(
        entry.reason,
        "the control has 0.37 to 0.63 with 95 % confidence, which keeps the bound as well"
    );
    // The control has to fail the headline: failing another condition is not enough.
    let seeds = HOLDS.map(|a| ([a, 2.5], [a, 0.0]));
    assert_eq!(entry_of(&FINDING, seeds).verdict, Verdict::NoPower);
}

#[test]
fn a_control_whose_interval_reaches_across_the_bound_leaves_the_claim_undecided() {
    let entry = finding(&HOLDS, &[0.8, 1.1, 0.9, 1.0]);
    assert_eq!(entry.verdict, Verdict::Undecided);
    assert!(
        entry.reason.starts_with("in the control, a is "),
        "{}",
        entry.reason
    );
}

/// If all seeds had to agree, one value of this spread beyond the bound would leave the claim undecided at any number
/// of seeds.
#[test]
fn more_seeds_of_the_same_spread_do_not_weaken_a_verdict() {
    let spread = [0.5, 0.7, 0.9, 1.05];
    let mut verdicts = Vec::new();
    for times in 1..=8 {
        let a = spread.repeat(times);
        verdicts.push(finding(&a, &vec![3.0; a.len()]).verdict);
    }
    let first = verdicts.iter().position(|&v| v == Verdict::Reproduced);
    let first = first.expect("enough seeds decide");
    assert!(first > 0, "four seeds of this spread are too few");
    assert!(
        verdicts[first..].iter().all(|&v| v == Verdict::Reproduced),
        "{verdicts:?}"
    );
}

#[test]
fn an_identity_has_to_hold_at_every_seed() {
    let at = |errors: &[f64]| entry_of(&IDENTITY, errors.iter().map(|&e| ([e], [9.0])));
    let held = at(&[0.1, 0.2, 0.1]);
    assert_eq!(
        (held.verdict, held.interval),
        (Verdict::Reproduced, Basis::EverySeed)
    );
    assert_eq!((held.low, held.high), (0.1, 0.2));
    // The mean of these errors is far below the bound, but the last one is above it.
    let broken = at(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.1]);
    assert_eq!(broken.verdict, Verdict::Undecided);
    assert_eq!(
        broken.reason,
        "error is 0 to 1.1 over the seeds, across < 1"
    );
    assert_eq!(at(&[1.1, 1.2]).verdict, Verdict::NotReproduced);
    assert_eq!(at(&[0.1]).verdict, Verdict::Reproduced);
}

#[test]
fn what_draws_nothing_at_random_has_no_interval_and_says_so() {
    let law = entry_of(&LAW, [([0.5], [2.0]); 3]);
    assert_eq!(
        (law.verdict, law.interval),
        (Verdict::Reproduced, Basis::Same)
    );
    assert_eq!(words::spread(&law), "the same at all 3 seeds");
    // A trained model that comes out the same at every seed is random all the same.
    assert_eq!(finding(&[0.5; 3], &[3.0; 3]).interval, Basis::Student);
}

#[test]
fn one_seed_decides_nothing_that_is_random() {
    let entry = finding(&[0.5], &[3.0]);
    assert_eq!(
        (entry.verdict, entry.interval),
        (Verdict::Undecided, Basis::Nothing)
    );
    assert_eq!(entry.reason, "one seed gives a no interval");
    assert!(entry.value == 0.5 && entry.low.is_nan());
}

#[test]
fn many_seeds_are_judged_by_the_bootstrap() {
    let a: Vec<f64> = (0..24).map(|i| 0.5 + 0.01 * f64::from(i % 5)).collect();
    let entry = finding(&a, &vec![3.0; a.len()]);
    assert_eq!(
        (entry.verdict, entry.interval),
        (Verdict::Reproduced, Basis::Bootstrap)
    );
}

#[test]
fn claim_and_control_are_paired_by_seed() {
    // Claim and control both vary far more than their difference does.
    let a = [0.1, 0.5, 0.9, 0.3];
    let entry = finding(&a, &a.map(|v| v + 3.0));
    assert!((entry.difference + 3.0).abs() < 1e-12);
    assert!(entry.difference_high - entry.difference_low < 1e-12);
}

fn settled(a: impl Measured, control: impl Measured) -> Entry {
    let mut outcome = Outcome::default();
    outcome.settle(&FINDING, 5, [Ok(0.5), Ok(2.5)], [Ok(3.0), Ok(2.5)]);
    let (a, control) = (a.measured(), control.measured());
    outcome.settle(&FINDING, 6, [a, Ok(2.5)], [control, Ok(2.5)]);
    let mut ledger = Ledger::default();
    ledger.settle("e", &[&FINDING], &outcome.measures);
    ledger.entries.remove(0)
}

#[test]
fn what_could_not_be_measured_decides_nothing_and_says_why() {
    for broken in [f64::NAN, -f64::NAN] {
        let entry = settled(broken, 3.0);
        assert_eq!(entry.verdict, Verdict::Undecided);
        assert_eq!(
            entry.reason,
            "a could not be measured at seed 6: the result is not a number"
        );
        assert!(entry.value.is_nan() && entry.low.is_nan() && entry.high.is_nan());
    }
    let step = |falling: &[f64]| all_finite("ΔR² by width", falling).map(largest_step);
    let entry = settled(step(&[1.0, 0.5, f64::NAN]), 3.0);
    assert_eq!(
        entry.reason,
        "a could not be measured at seed 6: ΔR² by width: value 3 of 3 is NaN"
    );
    let held = [0.5; 3].map(|a| ([a, 2.5], [f64::NAN, 2.5]));
    let of_control = entry_of(&FINDING, held);
    assert_eq!(of_control.verdict, Verdict::Undecided);
    assert_eq!(
        of_control.reason,
        "in the control, a could not be measured at seed 5: the result is not a number"
    );
    // Another condition may refute the claim all the same.
    let refuted = entry_of(&FINDING, [([f64::NAN, 1.0], [3.0, 2.5]); 3]);
    assert_eq!(refuted.verdict, Verdict::NotReproduced);
    let nothing = entry_of(&FINDING, []);
    assert_eq!((nothing.verdict, nothing.seeds), (Verdict::Undecided, 0));
}

#[test]
fn infinite_values_are_judged_by_their_range() {
    let entry = finding(&[f64::INFINITY; 3], &FAILS[..3]);
    assert_eq!(entry.verdict, Verdict::Reversed);
    let entry = finding(&[0.5, f64::INFINITY, 0.5], &FAILS[..3]);
    assert_eq!(entry.verdict, Verdict::Undecided);
}

#[test]
fn a_specification_curve_has_a_verdict_for_every_cell() {
    let cell = |loss: &str| Setting::new([("loss", loss.to_string())]);
    let mut outcome = Outcome::default();
    for (seed, a) in (0..).zip(HOLDS) {
        // The cell of the point setting settles the claim at the point setting too, if it was not settled there before.
        if seed == 0 {
            outcome.settle(&FINDING, seed, [a, 2.5], [3.0, 2.5]);
        }
        outcome.settle_in(
            &cell("cross-entropy").point(),
            &FINDING,
            seed,
            [a, 2.5],
            [3.0, 2.5],
        );
        outcome.settle_in(
            &cell("squared-error"),
            &FINDING,
            seed,
            [a + 1.0, 2.5],
            [3.0, 2.5],
        );
    }
    // At each seed, two conditions of the point setting and of either cell.
    assert_eq!(outcome.measures.len(), 4 * 3 * 2);
    let mut ledger = Ledger::default();
    ledger.settle("e", &[&FINDING], &outcome.measures);
    let entry = &ledger.entries[0];
    assert_eq!((entry.verdict, entry.seeds), (Verdict::Reproduced, 4));
    assert_eq!((entry.settings_held, entry.settings), (1, 2));
    let curve = ledger.curve("c");
    assert_eq!(words::settings(curve), "holds in 1 of 2 settings");
    let cells: Vec<_> = ledger
        .cells_of("c")
        .map(|c| (c.setting.as_str(), c.point, c.verdict))
        .collect();
    assert_eq!(
        cells,
        [
            ("loss=cross-entropy", true, Verdict::Reproduced),
            ("loss=squared-error", false, Verdict::NotReproduced),
        ]
    );
    let [claims, specification] = ledger.to_tables();
    assert_eq!(Ledger::from_tables(&claims, &specification), ledger);
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
fn a_curve_counts_what_is_reversed_and_what_keeps_its_bounds_beside_its_control() {
    let of = |value: f64, control: f64| {
        let name = format!("{value} against {control}");
        let seeds = 0..4u64;
        let setting = Setting::new([("case", name)]);
        seeds.map(move |seed| (setting.clone(), seed, value, control))
    };
    let mut outcome = Outcome::default();
    // The expected verdicts: reproduced, no power, undecided by the control alone, reversed, not reproduced, undecided
    // by the claim.
    for (a, control) in [
        (0.5, 3.0),
        (0.5, 0.6),
        (0.5, f64::NAN),
        (2.5, 3.0),
        (1.5, 3.0),
        (f64::NAN, 3.0),
    ] {
        for (setting, seed, a, control) in of(a, control) {
            outcome.settle_in(&setting, &FINDING, seed, [a, 2.5], [control, 2.5]);
        }
    }
    let mut ledger = Ledger::default();
    ledger.settle("e", &[&FINDING], &outcome.measures);
    let curve = Curve {
        settings: 6,
        held: 1,
        reversed: 1,
        bounds_kept: 3,
    };
    assert_eq!(ledger.curve("c"), curve);
    assert_eq!(
        words::settings(curve),
        "holds in 1 of 6 settings, is reversed in 1 and keeps its own bounds in 3, whatever becomes of its control"
    );
    assert_eq!(words::settings(ledger.curve("none")), "");
}
