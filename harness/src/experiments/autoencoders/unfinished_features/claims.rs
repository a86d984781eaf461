//! The claim on unfinished features and what settles it.

use super::dictionary::Dictionary;
use super::elements::Category;
use crate::claim::outcome::Outcome;
use crate::claim::{self, Claim, ClaimSpec, at_most};
use crate::experiments::many_layers::multilayer::task::{Kind, Task};
use crate::stats::{all_finite, max, mean};

pub static COST: Claim<1> = Claim {
    id: "unfinished-features-cost-dictionary",
    kind: claim::Kind::Finding,
    statement: "The share of a dictionary that is spent on directions that are neither an input nor an output is \
        largest in the middle layers.",
    criterion: "the layer where the share of living elements that line up with neither an input embedding nor an \
        output direction is largest (the mean of the layers, where several tie) is at most L/4 from L/2",
    control: "a look-up model of the same data built by hand, in which every datapoint is right from a layer \
        of its own on",
    conditions: [at_most(
        0.25,
        "distance from the middle layer of the layer where the share that is neither is largest, in units of L",
    )],
};

pub const CLAIMS: &[&ClaimSpec] = &[&COST];

/// Measures the condition at every seed.
pub fn settle(
    layers: usize,
    models: &[Result<[Task; 2], String>],
    dictionaries: &[Dictionary],
    seeds: &[u64],
    outcome: &mut Outcome,
) {
    for (&seed, tasks) in seeds.iter().zip(models) {
        let [trained, look_up] = [Kind::Trained, Kind::LookUp].map(|kind| {
            let ours = dictionaries
                .iter()
                .filter(|d| d.job.task.seed == seed && d.job.task.kind == kind);
            [tasks.clone().and_then(|_| peak(layers, ours))]
        });
        outcome.settle(&COST, seed, trained, look_up);
    }
}

/// The distance from the middle, in units of L, of the layer where the share that is neither is largest.
fn peak<'a>(
    layers: usize,
    dictionaries: impl Iterator<Item = &'a Dictionary>,
) -> Result<f64, String> {
    let mut shares = Vec::new();
    for dictionary in dictionaries {
        if let Err(why) = &dictionary.fit {
            return Err(why.clone());
        }
        let cosines = dictionary.elements.iter().flat_map(|e| [e.input, e.output]);
        let what = format!("cosines of the elements of layer {}", dictionary.job.layer);
        all_finite(&what, &cosines.collect::<Vec<_>>())?;
        if !dictionary.elements.is_empty() {
            shares.push((dictionary.job.layer, share(dictionary, Category::Neither)));
        }
    }
    let at = place_of_largest(&shares).ok_or("no dictionary has a living element")?;
    Ok((at / layers as f64 - 0.5).abs())
}

/// The mean of the layers with the largest share.
fn place_of_largest(shares: &[(usize, f64)]) -> Option<f64> {
    if shares.is_empty() {
        return None;
    }
    let largest = max(shares.iter().map(|s| s.1));
    let at: Vec<f64> = shares
        .iter()
        .filter(|s| s.1 == largest)
        .map(|s| s.0 as f64)
        .collect();
    Some(mean(&at))
}

/// Share of the living elements that belong to a category.
fn share(dictionary: &Dictionary, category: Category) -> f64 {
    let elements = &dictionary.elements;
    let of = elements.iter().filter(|e| e.category == category).count();
    of as f64 / elements.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_that_tie_are_averaged() {
        assert_eq!(place_of_largest(&[]), None);
        assert_eq!(place_of_largest(&[(0, 0.1), (1, 0.9), (2, 0.4)]), Some(1.0));
        assert_eq!(
            place_of_largest(&[(0, 0.1), (2, 1.0), (3, 1.0), (7, 1.0), (8, 0.5)]),
            Some(4.0)
        );
    }
}
