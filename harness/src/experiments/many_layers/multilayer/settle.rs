//! The claims held against what was measured: at the settings of the experiment, and in each cell of the specification
//! curve.

use super::capacity::{Attempt, Way, largest};
use super::claims::{self, CAPACITY, DECISIVE, END, LINEAR, MORE, Measured, OfEachN};
use super::model::Model;
use super::reading::Judge;
use super::scores::Scores;
use super::settings::Settings;
use super::task::{Kind, Part};
use crate::claim::outcome::Outcome;

/// Measures every condition at the settings of the experiment.
pub fn at_the_point(s: &Settings, models: &[Model], seeds: &[u64], outcome: &mut Outcome) {
    let scored: Vec<(&Model, Result<Scores, String>)> = models
        .iter()
        .filter(|m| m.task.part == Part::Point)
        .map(|m| (m, m.reading.as_ref().map(Scores::of).map_err(String::clone)))
        .collect();
    let judge = Judge::Loss(s.threshold);
    for &seed in seeds {
        let [trained, look_up] = [Kind::Trained, Kind::LookUp].map(|kind| -> OfEachN {
            let ours = scored.iter();
            let ours = ours.filter(|(m, _)| (m.task.kind, m.task.seed) == (kind, seed));
            let each = ours.map(|(m, scores)| match scores {
                Ok(scores) => Ok((m.task.n, scores)),
                Err(why) => Err(format!("the {} {why}", m.task)),
            });
            each.collect()
        });
        let [a, b] = [&trained, &look_up].map(|m| claims::linear(m, judge));
        outcome.settle(&LINEAR, seed, a, b);
        let [a, b] = [&trained, &look_up].map(|m| claims::end(m, judge));
        outcome.settle(&END, seed, a, b);
        let [a, b] = [&trained, &look_up].map(|m| claims::more(m, judge));
        outcome.settle(&MORE, seed, a, b);
        let [a, b] = [&trained, &look_up].map(|m| claims::decisive(m, judge, s.layers));
        outcome.settle(&DECISIVE, seed, a, b);
    }
}

/// Measures how many pairs are learned in each way.
pub fn capacity(s: &Settings, attempts: &[Attempt], seeds: &[u64], outcome: &mut Outcome) {
    let held = s.capacity.looked_up() as f64;
    for (i, &seed) in seeds.iter().enumerate() {
        let [end_to_end, block_by_block] = Way::ALL
            .first_chunk()
            .expect("two ways")
            .map(|way| -> Measured {
                match (i < s.capacity.seeds, largest(attempts, way, seed)) {
                    (false, _) => Err("it was not tried: see multilayer.capacity.seeds".into()),
                    (true, 0) => Err(format!("{way}, none of the numbers tried was learned")),
                    (true, n) => Ok(n as f64),
                }
            });
        let over = |n: &Measured, of: &Measured| Ok(n.clone()? / of.clone()?);
        let held = Ok(held);
        let of_end_to_end = [
            over(&end_to_end, &block_by_block),
            over(&end_to_end, &held),
        ];
        let of_look_up = [over(&held, &block_by_block), over(&held, &held)];
        outcome.settle(&CAPACITY, seed, of_end_to_end, of_look_up);
    }
}
