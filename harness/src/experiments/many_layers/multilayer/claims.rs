//! The claims on multilayer models and what settles them.

use super::measures::Reading;
use super::model::Model;
use super::settings::{Loss, Settings};
use super::train::Kind;
use crate::claim::outcome::Outcome;
use crate::claim::{self, Claim, ClaimSpec, above, at_least, at_most, below};
use crate::stats::{max, min};

/// Final fraction from which on a model counts as having learned its data.
pub const LEARNED: f64 = 0.95;

pub static LINEAR: Claim<2> = Claim {
    id: "late-layers-near-linear",
    kind: claim::Kind::Finding,
    statement: "Through the last half of the layers the mean loss of the logit lens falls along a nearly \
        straight line.",
    criterion: "squared error; R² of a straight line through the losses after each layer of the last half \
        ≥ 0.95, and falling at each of them, for every N whose final fraction learned is ≥ 0.95 (the worst \
        N counts)",
    control: "the untrained model on the largest N, whose loss must not fall",
    conditions: [
        at_least(
            0.95,
            "R² of a line through the mean loss after each layer of the last half",
        ),
        below(
            0.0,
            "largest change of the mean loss over one of these layers",
        ),
    ],
};

pub static END: Claim<1> = Claim {
    id: "learned-near-the-end",
    kind: claim::Kind::Finding,
    statement: "Most datapoints become right only in the very last layer.",
    criterion: "less than half of the datapoints are learned one layer before the end, for every N whose \
        final fraction is ≥ 0.95 (the worst N counts)",
    control: "decisive-layer models, in which each datapoint is trained to be right from a layer of its \
        own on, judged by the same rule",
    conditions: [below(0.5, "fraction learned one layer before the end")],
};

pub static MORE: Claim<1> = Claim {
    id: "more-data-learned-earlier",
    kind: claim::Kind::Finding,
    statement: "The more datapoints a model has to learn, the larger a part of them is right before the \
        last layer.",
    criterion: "area under the fraction learned against the layer, before the last layer: larger at the \
        largest N whose final fraction is ≥ 0.95 than at the smallest",
    control: "decisive-layer models of the same two N: there the layer at which a datapoint becomes right \
        is set in advance, whatever N",
    conditions: [above(
        0.0,
        "area under the learned fraction before the last layer, largest minus smallest N",
    )],
};

pub static DECISIVE: Claim<1> = Claim {
    id: "no-decisive-layer",
    kind: claim::Kind::Finding,
    statement: "No single layer decides on the output of a datapoint: the gradient of the correct output \
        is spread over the layers.",
    criterion: "the largest layer's share of the sum over layers of the gradient norm, median over \
        datapoints, is ≤ 2/L for every N whose final fraction is ≥ 0.95 (the worst N counts)",
    control: "decisive-layer models, judged by the same rule",
    conditions: [at_most(
        2.0,
        "largest layer's share of the gradient norm, in units of 1/L",
    )],
};

pub const CLAIMS: &[&ClaimSpec] = &[&LINEAR, &END, &MORE, &DECISIVE];

/// Measures every condition at every seed. The claims are settled with the first loss, but for the one that
/// is about squared error.
pub fn settle(s: &Settings, models: &[Model], seeds: &[u64], outcome: &mut Outcome) {
    let first = s.losses[0];
    for &seed in seeds {
        let readings = |loss, kind| learned(models, loss, kind, seed);

        let trained = readings(Loss::SquaredError, Kind::Trained);
        let [trained, untrained] = [trained, untrained(models, seed)].map(|readings| {
            let late = readings.map(|r| {
                let late: Vec<(f64, f64)> = r.iter().map(|r| r.late_layers()).collect();
                (min(late.iter().map(|l| l.0)), max(late.iter().map(|l| l.1)))
            });
            [late.clone().map(|l| l.0), late.map(|l| l.1)]
        });
        outcome.settle(&LINEAR, seed, trained, untrained);

        let [trained, decisive] = [Kind::Trained, Kind::Decisive].map(|kind| {
            let readings = readings(first, kind);
            let worst = |of: &dyn Fn(&Reading) -> f64| {
                let values = |r: &Vec<&Reading>| max(r.iter().map(|r| of(r)));
                readings.as_ref().map(values).map_err(String::clone)
            };
            let fraction = worst(&Reading::learned_before_last);
            let share = worst(&|r| r.largest_share * s.layers as f64);
            let area = readings.and_then(|r| match r[..] {
                [smallest, .., largest] => Ok(largest.area() - smallest.area()),
                _ => Err(format!(
                    "only one N of the {kind} models reached a final fraction of {LEARNED} at seed {seed}",
                )),
            });
            [fraction, area, share]
        });
        let claims = [&END, &MORE, &DECISIVE].into_iter();
        for ((claim, trained), decisive) in claims.zip(trained).zip(decisive) {
            outcome.settle(claim, seed, [trained], [decisive]);
        }
    }
}

/// What was read from the models that have learned their data, by increasing N; or why there is nothing.
fn learned(models: &[Model], loss: Loss, kind: Kind, seed: u64) -> Result<Vec<&Reading>, String> {
    let ours = models
        .iter()
        .filter(|m| m.task.loss == loss && m.task.kind == kind && m.task.seed == seed);
    let mut readings = Vec::new();
    let mut trained = 0;
    for model in ours {
        trained += 1;
        match &model.reading {
            Ok(reading) if reading.final_learned() >= LEARNED => readings.push(reading),
            Ok(reading) if reading.final_learned().is_nan() => {
                return Err(format!("the {} has a loss that is not finite", model.task));
            }
            Ok(_) => {}
            Err(why) => return Err(format!("the {} {why}", model.task)),
        }
    }
    match (trained, readings.is_empty()) {
        (0, _) => Err(format!(
            "no {kind} model was trained with {loss} at seed {seed}"
        )),
        (_, true) => Err(format!(
            "no {kind} model trained with {loss} reached a final fraction of {LEARNED} at seed {seed}"
        )),
        _ => Ok(readings),
    }
}

fn untrained(models: &[Model], seed: u64) -> Result<Vec<&Reading>, String> {
    let found = models.iter().find(|m| {
        m.task.kind == Kind::Untrained && m.task.loss == Loss::SquaredError && m.task.seed == seed
    });
    let reading = found.and_then(|m| m.reading.as_ref().ok());
    reading
        .map(|r| vec![r])
        .ok_or_else(|| format!("squared error was not used at seed {seed}"))
}
