//! The claims of `recovery` and what settles them.

use super::model::{Encoder, Model};
use super::optimum::{Cheapest, Comparison, Kind};
use super::settings::{JUDGED_RATIO, Settings};
use crate::claim::outcome::Outcome;
use crate::claim::{self, Claim, ClaimSpec, above, at_least, at_most, below};
use crate::stats::{all_finite, max, median, min};

/// MMCS above which features count as recovered.
pub const RECOVERED: f64 = 0.9;
/// Share of the cheapest codes that must be proven for anything to be said of them; the others are left out.
const PROVEN: f64 = 0.95;
/// Cosine above which an element has another one as its duplicate.
pub const DUPLICATE: f64 = 0.9;

pub static BAND: Claim<3> = Claim {
    id: "l1-band-recovers-features",
    kind: claim::Kind::Finding,
    statement: "There is a band of L1 coefficients in which a sparse autoencoder recovers the true features, and \
        neither weaker nor stronger penalties do.",
    criterion: "untied SAEs with at least as many elements as features: MMCS > 0.9 at some λ for every such ratio, \
        and ≤ 0.9 at the smallest and at the largest λ of the grid for all of them",
    control: "λ = 0, no penalty at all, in the place of every λ",
    conditions: [
        above(
            RECOVERED,
            "MMCS at the best λ, for the ratio ≥ 1 where it is least",
        ),
        at_most(
            RECOVERED,
            "MMCS at the smallest λ, for the ratio ≥ 1 where it is largest",
        ),
        at_most(
            RECOVERED,
            "MMCS at the largest λ, for the ratio ≥ 1 where it is largest",
        ),
    ],
};

pub static DUPLICATES: Claim<1> = Claim {
    id: "no-duplicate-directions",
    kind: claim::Kind::Finding,
    statement: "A dictionary with more elements than there are features does not learn the same direction twice.",
    criterion: "untied SAE with two elements for each feature, at the λ where its MMCS is largest: less than 5 % of \
        the alive elements have another alive one at a cosine above 0.9",
    control: "λ = 0, the same number of elements",
    conditions: [below(
        0.05,
        "share of alive elements with a neighbour at a cosine above 0.9",
    )],
};

pub static OPTIMUM: Claim<2> = Claim {
    id: "sae-approximates-optimum",
    kind: claim::Kind::Finding,
    statement: "The linear encoder of a sparse autoencoder finds nearly the cheapest code for its reconstruction.",
    criterion: "untied SAE with two elements for each feature, at the λ where its MMCS is largest, against the code of \
        least L1 norm with the same dictionary and reconstruction: at most 1.1 times the L1 norm, and at least 0.8 of \
        the active entries of either in common (medians over held-out samples)",
    control: "the same model before its training, whose encoder is the transpose of a random dictionary",
    conditions: [
        at_most(
            1.1,
            "L1 norm of a code over that of the cheapest code, median over samples",
        ),
        at_least(
            0.8,
            "active entries in common over those of either code, median over samples",
        ),
    ],
};

pub const CLAIMS: &[&ClaimSpec] = &[&BAND, &DUPLICATES, &OPTIMUM];

/// The readings of untied models of a seed at some ratios and λ, in order, or how one of them diverged.
fn readings(
    models: &[Model],
    seed: u64,
    ratio: impl Fn(f64) -> bool,
    lambda: impl Fn(f64) -> bool,
) -> Result<Vec<&Model>, String> {
    let ours = models.iter().filter(|m| {
        let task = m.task;
        (task.encoder, task.seed) == (Encoder::Untied, seed)
            && ratio(task.ratio)
            && lambda(task.lambda)
    });
    let checked = ours.map(|m| match &m.reading {
        Ok(reading) if reading.mmcs.is_finite() => Ok(m),
        Ok(reading) => Err(format!("the {} has an MMCS of {}", m.task, reading.mmcs)),
        Err(why) => Err(format!("the {} {why}", m.task)),
    });
    checked.collect()
}

fn mmcs(model: &&Model) -> f64 {
    model.reading.as_ref().map_or(f64::NAN, |r| r.mmcs)
}

/// The untied model of a seed and ratio, with a penalty, whose MMCS is largest.
pub fn best(models: &[Model], seed: u64, ratio: f64) -> Result<&Model, String> {
    let all = readings(models, seed, |r| r == ratio, |l| l > 0.0)?;
    let best = all.into_iter().max_by(|a, b| mmcs(a).total_cmp(&mmcs(b)));
    best.ok_or_else(|| format!("no model of ratio {ratio} at seed {seed}"))
}

/// Measures every condition at every seed.
pub fn settle(
    s: &Settings,
    models: &[Model],
    comparisons: &[Comparison],
    seeds: &[u64],
    outcome: &mut Outcome,
) {
    let (least, most) = (s.lambdas[0], s.lambdas[s.lambdas.len() - 1]);
    let large: Vec<f64> = s.ratios.iter().copied().filter(|&r| r >= 1.0).collect();
    for &seed in seeds {
        // The largest MMCS over some λ, at each ratio.
        let at = |of: &dyn Fn(f64) -> bool| -> Result<Vec<f64>, String> {
            let largest = |&ratio: &f64| {
                let found = readings(models, seed, |r| r == ratio, of)?;
                Ok(max(found.iter().map(mmcs)))
            };
            large.iter().map(largest).collect()
        };
        let lowest = |values: Vec<f64>| min(values);
        let highest = |values: Vec<f64>| max(values);
        let none: &dyn Fn(f64) -> bool = &|l| l == 0.0;
        let band =
            |best: &dyn Fn(f64) -> bool, low: &dyn Fn(f64) -> bool, high: &dyn Fn(f64) -> bool| {
                [
                    at(best).map(lowest),
                    at(low).map(highest),
                    at(high).map(highest),
                ]
            };
        let of_claim = band(&|l| l > 0.0, &|l| l == least, &|l| l == most);
        outcome.settle(&BAND, seed, of_claim, band(none, none, none));

        let share = |model: &Model| {
            let reading = model.reading.as_ref().map_err(String::clone)?;
            match reading.neighbours.len() {
                0 | 1 => Err(format!(
                    "fewer than two elements of the {} are alive",
                    model.task
                )),
                _ => Ok(reading.share_above(DUPLICATE)),
            }
        };
        let judged = best(models, seed, JUDGED_RATIO).and_then(share);
        let unpenalised = readings(models, seed, |r| r == JUDGED_RATIO, none).and_then(|found| {
            found
                .first()
                .map_or(Err("not trained".into()), |m| share(m))
        });
        outcome.settle(&DUPLICATES, seed, [judged], [unpenalised]);

        let [trained, untrained] = [Kind::Trained, Kind::Untrained].map(|kind| {
            let ours = compared(models, comparisons, seed, kind);
            let median_of = |of: fn(&Cheapest) -> f64| {
                let values =
                    |ours: &Vec<&Cheapest>| median(&ours.iter().map(|c| of(c)).collect::<Vec<_>>());
                ours.as_ref().map(values).map_err(String::clone)
            };
            [median_of(|c| c.l1 / c.least_l1), median_of(|c| c.overlap)]
        });
        outcome.settle(&OPTIMUM, seed, trained, untrained);
    }
}

/// The comparisons of a seed, or why there is nothing to say of them.
fn compared<'a>(
    models: &[Model],
    comparisons: &'a [Comparison],
    seed: u64,
    kind: Kind,
) -> Result<Vec<&'a Cheapest>, String> {
    best(models, seed, JUDGED_RATIO)?;
    let ours: Vec<&Comparison> = comparisons
        .iter()
        .filter(|c| (c.row.seed, c.row.model) == (seed, kind))
        .collect();
    // A code that is not a number has no cheapest one, which is another matter than one that was not found.
    let costs: Vec<f64> = ours.iter().map(|c| c.row.l1).collect();
    let what = format!("L1 norms of the codes of the {kind} model at seed {seed}");
    all_finite(&what, &costs)?;
    let proven = ours.iter().filter(|c| c.is_proven()).map(|c| &c.row);
    let proven: Vec<&Cheapest> = proven.collect();
    if (proven.len() as f64) < PROVEN * ours.len() as f64 {
        return Err(format!(
            "only {} of {} cheapest codes of the {kind} model at seed {seed} are proven",
            proven.len(),
            ours.len()
        ));
    }
    if ours.is_empty() {
        return Err(format!(
            "no sample activates the {kind} model at seed {seed}"
        ));
    }
    Ok(proven)
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, Task};
    use super::*;

    fn model(lambda: f64, mmcs: f64) -> Model {
        let reading = Reading {
            mmcs,
            mmcs_of_alive: mmcs,
            dead: 0.0,
            loss: 1.0,
            explained_variance: 0.5,
            l0: 2.0,
            l1: 3.0,
            neighbours: vec![0.1, mmcs],
        };
        Model {
            task: Task {
                encoder: Encoder::Untied,
                lambda,
                ratio: JUDGED_RATIO,
                seed: 3,
            },
            elements: 2,
            records: Vec::new(),
            reading: Ok(reading),
        }
    }

    #[test]
    fn a_model_that_was_not_measured_is_neither_the_best_nor_passed_over() {
        let models = |mmcs: [f64; 3]| [0.1, 0.2, 0.3].into_iter().zip(mmcs);
        let best_of = |mmcs: [f64; 3]| {
            let models: Vec<Model> = models(mmcs).map(|(l, mmcs)| model(l, mmcs)).collect();
            best(&models, 3, JUDGED_RATIO).map(|m| m.task.lambda)
        };
        assert_eq!(best_of([0.5, 0.9, 0.7]), Ok(0.2));
        for place in 0..3 {
            for broken in [f64::NAN, -f64::NAN, f64::INFINITY] {
                let mut mmcs = [0.5, 0.9, 0.7];
                mmcs[place] = broken;
                let why = best_of(mmcs).unwrap_err();
                assert!(why.contains("has an MMCS of"), "{why}");
            }
        }
    }

    #[test]
    fn a_cosine_that_is_not_a_number_is_in_no_share() {
        let share = |mmcs| model(0.1, mmcs).reading.unwrap().share_above(DUPLICATE);
        assert_eq!((share(0.95), share(0.5)), (0.5, 0.0));
        assert!(share(f64::NAN).is_nan());
    }
}
