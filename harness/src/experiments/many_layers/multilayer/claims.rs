//! The claims on multilayer models and what settles them.

use super::decisive::Measure;
use super::reading::Judge;
use super::scores::Scores;
use crate::claim::{Bound, Claim, ClaimSpec, Kind, above, at_least, at_most, below};
use crate::stats::mean;

/// The final fraction from which on a model counts as having learned its data.
pub const LEARNED: f64 = 0.95;

pub static LINEAR: Claim<2> = Claim {
    id: "late-layers-near-linear",
    kind: Kind::Finding,
    statement: "Through the last half of the layers the mean loss of the logit lens falls along a nearly \
        straight line. That alone does not tell whether outputs are built little by little or in one layer each.",
    criterion: "R² of a straight line through the mean losses after each layer of the last half is at least 0.95, and the \
        largest change of the mean loss over one of these layers is below 0; both are means over the N that are learned at \
        the seed, those with a final fraction of at least 0.95",
    control: "a look-up model built by hand, in which one layer decides on each datapoint: its mean loss falls along a \
        nearly straight line too, so that the claim cannot come out as reproduced, in any setting",
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
    kind: Kind::Finding,
    statement: "The loss of most datapoints falls below a threshold only near the last layer.",
    criterion: "the first layer after which half of the datapoints are learned (their loss is below 0.1) is at least 0.75 of \
        the way through the layers; mean over the N that are learned at the seed, those with a final fraction of at least \
        0.95",
    control: "a look-up model built by hand, in which every layer makes as many datapoints right as any other: half of \
        them are right half of the way",
    conditions: [at_least(
        0.75,
        "first layer after which half of the datapoints are learned, as a share of L",
    )],
};

pub static MORE: Claim<1> = Claim {
    id: "more-data-learned-earlier",
    kind: Kind::Finding,
    statement: "The more datapoints a model has to learn, the larger a part of them has a loss below the threshold \
        before the last layer.",
    criterion: "area under the fraction learned against the layer, before the last layer, after equally many epochs: \
        larger at the largest N than at the smallest, at both of which the final fraction is ≥ 0.95",
    control: "look-up models of the same two N, built by hand: there the layer at which a datapoint becomes right \
        is set in advance, whatever N",
    conditions: [above(
        0.0,
        "area under the learned fraction before the last layer, largest minus smallest N",
    )
    .opposite(Bound::Below(0.0))],
};

pub static DECISIVE: Claim<4> = Claim {
    id: "no-decisive-layer",
    kind: Kind::Finding,
    statement: "No single layer decides on the output of a datapoint: its gradient, its correct logit, its loss and \
        its margin change in many layers.",
    criterion: "the share of the layer that decides is at most 2/L, as the median over datapoints, by each of four \
        measures: norm of the gradient of the correct output, contribution to the correct logit, drop of the loss, and \
        rise of the margin in the layer from which on the datapoint is right. A datapoint of which no layer raises what is \
        measured, or by the margin one that is wrong at the end, has no such share and is left out. Means over the N that \
        are learned at the seed, those with a final fraction of at least 0.95",
    control: "a look-up model built by hand, in which one layer decides on each datapoint",
    conditions: [
        at_most(
            2.0,
            "largest layer's share of the gradient norm, in units of 1/L",
        )
        .opposite(Bound::AtLeast(8.0)),
        at_most(
            2.0,
            "largest layer's share of the contributions to the correct logit, in units of 1/L",
        ),
        at_most(
            2.0,
            "largest layer's share of the drops of the loss, in units of 1/L",
        ),
        at_most(
            2.0,
            "share of the rises of the margin in the layer from which on a datapoint is right, in units of 1/L",
        ),
    ],
};

pub static CAPACITY: Claim<2> = Claim {
    id: "end-to-end-learns-more",
    kind: Kind::Finding,
    statement: "Layers that are trained together can learn more pairs than the same layers can learn one after \
        another, or look up in one layer each.",
    criterion: "the largest number of pairs of which 95 % are learned, on a grid: end to end, more than with the same \
        blocks trained one by one, and more than the hidden units of all layers, which is what look-up blocks hold",
    control: "look-up blocks, which hold one pair a hidden unit by construction: their number is arithmetic, and no such \
        model is run",
    conditions: [
        above(
            1.0,
            "pairs learned end to end, in units of those learned block by block",
        )
        .opposite(Bound::Below(1.0)),
        above(
            1.0,
            "pairs learned end to end, in units of those that look-up blocks hold",
        ),
    ],
};

pub const CLAIMS: &[&ClaimSpec] = &[&LINEAR, &END, &MORE, &DECISIVE, &CAPACITY];

/// A measured value, or the reason why it could not be measured.
pub type Measured = Result<f64, String>;

/// The scores of the models of one kind at one seed, by increasing N; or the reason why one of them has none.
pub type OfEachN = Result<Vec<(usize, Scores)>, String>;

/// Returns the models that have learned their data, by a judge.
fn learned(models: &OfEachN, judge: Judge) -> OfEachN {
    let mut models = models.clone()?;
    let last = |scores: &Scores| scores.right(judge).last;
    if let Some((n, _)) = models.iter().find(|(_, scores)| last(scores).is_nan()) {
        return Err(format!(
            "the model of N = {n} has a loss that is not finite"
        ));
    }
    models.retain(|(_, scores)| last(scores) >= LEARNED);
    match models.is_empty() {
        true => Err(format!(
            "no model reached a final fraction of {LEARNED}, by {judge}"
        )),
        false => Ok(models),
    }
}

/// Returns the mean of a score over the models that have learned their data.
fn over_n(models: &OfEachN, judge: Judge, score: impl Fn(&Scores) -> f64) -> Measured {
    let models = learned(models, judge)?;
    Ok(mean(
        &models.iter().map(|(_, s)| score(s)).collect::<Vec<_>>(),
    ))
}

/// Measures the conditions of [`LINEAR`].
pub fn linear(models: &OfEachN, judge: Judge) -> [Measured; 2] {
    [
        over_n(models, judge, |s| s.late_r2),
        over_n(models, judge, |s| s.late_change),
    ]
}

/// Measures the condition of [`END`].
pub fn end(models: &OfEachN, judge: Judge) -> [Measured; 1] {
    [over_n(models, judge, |s| s.right(judge).depth)]
}

/// Measures the condition of [`MORE`].
pub fn more(models: &OfEachN, judge: Judge) -> [Measured; 1] {
    let difference = || {
        let learned = learned(models, judge)?;
        let ends = |models: &[(usize, Scores)]| {
            let (first, last) = (models.first(), models.last());
            first.zip(last).map(|(a, b)| (a.0, b.0))
        };
        let all = models.clone()?;
        match &learned[..] {
            [(_, smallest), .., (_, largest)] if ends(&learned) == ends(&all) => {
                Ok(largest.right(judge).area - smallest.right(judge).area)
            }
            _ => Err(format!(
                "only N = {:?} reached a final fraction of {LEARNED}, by {judge}",
                learned.iter().map(|(n, _)| n).collect::<Vec<_>>()
            )),
        }
    };
    [difference()]
}

/// Measures the conditions of [`DECISIVE`] in models of `layers` layers.
pub fn decisive(models: &OfEachN, judge: Judge, layers: usize) -> [Measured; 4] {
    use Measure::{Contribution, Gradient, Loss, Margin};
    [Gradient, Contribution, Loss, Margin].map(|measure| {
        over_n(models, judge, |s| {
            s.decisive[measure as usize] * layers as f64
        })
    })
}
