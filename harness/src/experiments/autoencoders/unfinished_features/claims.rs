//! The claims on unfinished features and what settles them.

use super::cost::Cost;
use super::dictionary::{Dictionary, Job};
use super::elements::Fit;
use super::settings::Settings;
use super::stream::Basis;
use crate::claim::outcome::Outcome;
use crate::claim::{Claim, ClaimSpec, Kind, Setting, above, at_most};
use crate::experiments::many_layers::multilayer::task::Task;
use crate::stats::{max, mean, min};
use crate::table::record::Word as _;
use crate::text::number;

pub static COST: Claim<1> = Claim {
    id: "unfinished-features-cost-dictionary",
    kind: Kind::Finding,
    statement: "A sparse code of the residual stream takes more active elements in the middle layers than at the input \
        or at the output.",
    criterion: "sparse autoencoders (L1) with three elements to a dimension, on the residual streams of one model a seed: of \
        those that have learned their data, the one with the most datapoints. The cost of a layer is the number of active elements a datapoint with \
        which 0.95 of the variance is explained, its logarithm interpolated between penalties. The geometric mean of the \
        costs of the layers read from L/4 to 3L/4, over the larger of the costs of the input and of the output, is above 1. \
        Where no dictionary of a layer explains 0.95, its cost is at least that of the dictionary that explains most; where \
        all explain more, it is at most that of the one that explains least. Then the ratio is known to be in some range: if \
        all of that is on one side of 1, its end nearest to 1 is taken as the value of the seed, else the seed has none",
    control: "a look-up model of the same data, built by hand, in which each datapoint becomes right in one layer",
    conditions: [above(
        1.0,
        "cost of the middle layers over that of the dearer end",
    )],
};

pub static STABILITY: Claim<1> = Claim {
    id: "middle-layers-have-no-natural-basis",
    kind: Kind::Finding,
    statement: "Two sparse autoencoders that differ by their initial parameters alone find less similar dictionaries in \
        the middle layers than at the input and at the output.",
    criterion: "the similarity of two dictionaries is the mean, over the living elements of both, of the largest cosine with \
        an element of the other. Its mean over the layers read from L/4 to 3L/4 is lower by at least 0.05 than that at the \
        input and than that at the output",
    control: "a look-up model of the same data, built by hand, in which each datapoint becomes right in one layer",
    // A middle above the less similar end is not the opposite of the claim, for which it would have to be above both
    // ends.
    conditions: [at_most(
        -0.05,
        "similarity of two dictionaries in the middle layers minus that at the less similar end",
    )],
};

pub const CLAIMS: &[&ClaimSpec] = &[&COST, &STABILITY];

crate::words! {
    /// The choice of the layers that count as the middle ones.
    pub enum Middle {
        /// The layers from a quarter to three quarters of the depth.
        HalfOfTheDepth,
        /// The layer nearest to half of the depth.
        OneLayer,
        /// All layers but the input and the output.
        AllBetween,
    }
}

impl Middle {
    /// Returns whether a layer is one of the middle ones, in a model of `blocks` blocks of which the layers `read` are
    /// read.
    pub fn holds(self, layer: usize, blocks: usize, read: &[usize]) -> bool {
        let off = |layer: &usize| (2 * layer).abs_diff(blocks);
        match self {
            Middle::HalfOfTheDepth => 2 * off(&layer) <= blocks,
            Middle::OneLayer => Some(&layer) == read.iter().min_by_key(|l| off(l)),
            Middle::AllBetween => layer > 0 && layer < blocks,
        }
    }
}

/// Returns the choices of middle layers that hold different ones of the layers `read`.
fn different(blocks: usize, read: &[usize]) -> Vec<Middle> {
    let layers = |&middle: &Middle| -> Vec<usize> {
        let holds = |&l: &usize| middle.holds(l, blocks, read);
        read.iter().copied().filter(holds).collect()
    };
    let mut different: Vec<Middle> = Vec::new();
    for middle in Middle::ALL {
        if !different
            .iter()
            .any(|known| layers(known) == layers(middle))
        {
            different.push(*middle);
        }
    }
    different
}

/// Returns the cost of the middle layers over that of the dearer end, from the least and the most that each layer may
/// cost: of the possible ratios the one nearest to the bound of [`COST`], if all are on the same side of it.
fn ratio(
    blocks: usize,
    read: &[usize],
    middle: Middle,
    costs: impl Fn(usize) -> Result<[f64; 2], String>,
) -> Result<f64, String> {
    let of = |which: usize| places(blocks, read, middle, |l| Ok(costs(l)?[which].ln()));
    let ([(middle_least, ends_least), (middle_most, ends_most)], bound) =
        ([of(0)?, of(1)?], COST.conditions[0].bound);
    let least = (middle_least - max(ends_most)).exp();
    let most = (middle_most - max(ends_least)).exp();
    match (bound.holds(least), bound.holds(most)) {
        (true, true) => Ok(least),
        (false, false) => Ok(most),
        _ => Err(format!(
            "it may be from {} to {}, since the dictionaries of some layer are all on one side of the level at which its \
             cost is read",
            number(least),
            number(most)
        )),
    }
}

/// Returns the place of a layer in words, for messages.
fn at(layer: usize, blocks: usize) -> String {
    match layer {
        0 => "at the input".into(),
        _ if layer == blocks => "at the output".into(),
        _ => format!("after layer {layer}"),
    }
}

/// Returns the values of the layers that are read: the mean of the middle ones, and those of the input and of the
/// output.
fn places(
    blocks: usize,
    read: &[usize],
    middle: Middle,
    of: impl Fn(usize) -> Result<f64, String>,
) -> Result<(f64, [f64; 2]), String> {
    let between = read.iter().filter(|&&l| middle.holds(l, blocks, read));
    let between: Vec<f64> = between.map(|&l| of(l)).collect::<Result<_, _>>()?;
    Ok((mean(&between), [of(0)?, of(blocks)?]))
}

/// Returns the fits of the dictionaries of one layer, with every penalty, or how one of them diverged.
pub fn fits<'a>(
    dictionaries: impl Iterator<Item = &'a Dictionary>,
    layer: usize,
) -> Result<Vec<Fit>, String> {
    let ours = dictionaries.filter(|d| d.job.layer == layer && d.job.copy == 0);
    ours.map(|d| d.fit.clone()).collect()
}

/// Measures the conditions at every seed, in every cell of the specification curves: `models` holds the model and the
/// control of each seed, or why there are none.
pub fn settle(
    s: &Settings,
    (blocks, read): (usize, &[usize]),
    models: &[Result<[Task; 2], String>],
    dictionaries: &[Dictionary],
    seeds: &[u64],
    outcome: &mut Outcome,
) {
    for (&seed, tasks) in seeds.iter().zip(models) {
        let measure = |of: &dyn Fn(Task) -> Result<f64, String>| -> [Result<f64, String>; 2] {
            match tasks {
                Ok(tasks) => tasks.map(of),
                Err(why) => [Err(why.clone()), Err(why.clone())],
            }
        };
        for &elements in &s.ratios {
            for middle in different(blocks, read) {
                for &cost in Cost::ALL {
                    let of = |task: Task| {
                        let is = |job: &Job| {
                            (job.task, job.basis, job.ratio) == (task, Basis::Stream, elements)
                        };
                        let ours = || dictionaries.iter().filter(|d| is(&d.job));
                        let of_layer = |l| {
                            let range = fits(ours(), l).and_then(|fits| cost.range(&fits));
                            range.map_err(|why| format!("{}, {why}", at(l, blocks)))
                        };
                        ratio(blocks, read, middle, of_layer)
                    };
                    let setting = Setting::new([
                        ("elements to a dimension", elements.to_string()),
                        ("middle", middle.to_string()),
                        ("cost", cost.to_string()),
                    ]);
                    let [claim, control] = measure(&of).map(|value| [value]);
                    let point = (s.ratio, Middle::HalfOfTheDepth, Cost::ActiveElements);
                    let setting = setting.point_if((elements, middle, cost) == point);
                    outcome.settle_in(&setting, &COST, seed, claim, control);
                }
            }
        }
        for middle in different(blocks, read) {
            let of = |task: Task| {
                let of_layer = |l| {
                    let ours = |d: &&Dictionary| {
                        (d.job.task, d.job.basis, d.job.layer) == (task, Basis::Stream, l)
                    };
                    let mut all = dictionaries.iter().filter(ours);
                    let stability = all.find_map(|d| d.stability);
                    stability.ok_or(format!(
                        "layer {l} has no two dictionaries with living elements"
                    ))
                };
                let (middle, ends) = places(blocks, read, middle, of_layer)?;
                Ok(middle - min(ends))
            };
            let setting = Setting::new([("middle", middle.to_string())]);
            let [claim, control] = measure(&of).map(|value| [value]);
            let setting = setting.point_if(middle == Middle::HalfOfTheDepth);
            outcome.settle_in(&setting, &STABILITY, seed, claim, control);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_layers_are_those_that_the_criterion_says() {
        let read = [0, 4, 8, 12, 16];
        let of = |middle: Middle| -> Vec<usize> {
            let holds = |&&l: &&usize| middle.holds(l, 16, &read);
            read.iter().filter(holds).copied().collect()
        };
        assert_eq!(of(Middle::HalfOfTheDepth), [4, 8, 12]);
        assert_eq!(of(Middle::OneLayer), [8]);
        assert_eq!(of(Middle::AllBetween), [4, 8, 12]);
        // Two choices that hold the same layers are one.
        let both = [Middle::HalfOfTheDepth, Middle::OneLayer];
        assert_eq!(different(16, &read), both);
        assert_eq!(different(8, &[0, 1, 3, 5, 6, 8]), Middle::ALL);
        let fine = [0, 1, 3, 5, 6, 8];
        assert!(
            fine.map(|l| Middle::HalfOfTheDepth.holds(l, 8, &fine))
                == [false, false, true, true, true, false]
        );
        assert!(
            fine.map(|l| Middle::AllBetween.holds(l, 8, &fine))
                == [false, true, true, true, true, false]
        );
        let value = |l: usize| Ok(l as f64);
        assert_eq!(
            places(16, &read, Middle::HalfOfTheDepth, value),
            Ok((8.0, [0.0, 16.0]))
        );
        let fails = |l: usize| {
            if l == 8 {
                Err("no".to_string())
            } else {
                Ok(0.0)
            }
        };
        assert!(places(16, &read, Middle::OneLayer, fails).is_err());
    }

    #[test]
    fn a_cost_of_which_the_least_is_known_decides_where_every_larger_one_does() {
        let read = [0, 4, 8, 12, 16];
        let of = |middle: [f64; 2], output: [f64; 2]| {
            let costs = |l: usize| match l {
                0 => Ok([1.0; 2]),
                16 => Ok(output),
                _ => Ok(middle),
            };
            ratio(16, &read, Middle::HalfOfTheDepth, costs)
        };
        let near = |found: Result<f64, String>, expected: f64| {
            let found = found.unwrap();
            assert!((found / expected - 1.0).abs() < 1e-12, "{found}");
        };
        near(of([50.0; 2], [200.0; 2]), 0.25);
        // However much cheaper the middle layers are, or dearer the output is, the ratio is no larger.
        near(of([0.0, 50.0], [200.0; 2]), 0.25);
        near(of([50.0; 2], [200.0, f64::INFINITY]), 0.25);
        near(of([50.0, f64::INFINITY], [20.0; 2]), 2.5);
        for (middle, output) in [
            ([50.0; 2], [20.0, f64::INFINITY]),
            ([50.0, f64::INFINITY], [200.0; 2]),
            ([50.0, f64::INFINITY], [200.0, f64::INFINITY]),
        ] {
            assert!(of(middle, output).is_err(), "{middle:?} {output:?}");
        }
    }
}
