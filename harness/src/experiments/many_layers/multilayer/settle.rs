//! The claims held against what was measured: at the settings of the experiment, and in each cell of the specification
//! curve.

use super::capacity::{Attempt, Way, largest};
use super::claims::{self, CAPACITY, DECISIVE, END, LINEAR, MORE, Measured, OfEachN};
use super::curve::{self, Batch, Budget, Run, cells};
use super::model::{Model, judges};
use super::reading::Judge;
use super::scores::Scores;
use super::settings::{Blocks, Capacity, Settings};
use super::task::{Kind, Part};
use crate::claim::Setting;
use crate::claim::outcome::Outcome;
use crate::stats::observations::Observations as _;

/// A cell: choices of training, and the scores of the models that were trained so.
struct Cell {
    /// The names of the choices, each with what was chosen.
    options: Vec<(&'static str, String)>,
    /// Whether these are the settings of the experiment.
    is_point: bool,
    layers: usize,
    models: Models,
}

/// The name of the choice, in the specification curves, of what counts as right.
pub const JUDGE: &str = "right";

/// The scores of the trained models and those of the look-up models of the same N, for each seed.
type Models = Vec<(u64, [OfEachN; 2])>;

/// Measures every condition of the claims on layers, at the settings of the experiment and, if there is a specification
/// curve, in each of its cells.
pub fn on_layers(
    s: &Settings,
    models: &[Model],
    runs: &[Run],
    seeds: &[u64],
    outcome: &mut Outcome,
) {
    let judge = Judge::Loss(s.threshold);
    let point = point(s, models, seeds);
    for (seed, [trained, look_up]) in &point.models {
        let [a, b] = [trained, look_up].map(|m| claims::linear(m, judge));
        outcome.settle(&LINEAR, *seed, a, b);
        let [a, b] = [trained, look_up].map(|m| claims::end(m, judge));
        outcome.settle(&END, *seed, a, b);
        let [a, b] = [trained, look_up].map(|m| claims::more(m, judge));
        outcome.settle(&MORE, *seed, a, b);
        let [a, b] = [trained, look_up].map(|m| claims::decisive(m, judge, s.layers));
        outcome.settle(&DECISIVE, *seed, a, b);
    }
    if !runs.is_empty() {
        point.settle(s, outcome);
        of_curve(s, runs)
            .iter()
            .for_each(|cell| cell.settle(s, outcome));
    }
}

impl Cell {
    /// Settles the claims in this cell: those that ask when a datapoint is right, once for each way to judge that.
    fn settle(&self, s: &Settings, outcome: &mut Outcome) {
        let by_settings = Judge::Loss(s.threshold);
        let setting = |options: Vec<_>, judge| {
            Setting::new(options).point_if(self.is_point && judge == by_settings)
        };
        let of_training = setting(self.options.clone(), by_settings);
        for (seed, [trained, look_up]) in &self.models {
            let [a, b] = [trained, look_up].map(|m| claims::linear(m, by_settings));
            outcome.settle_in(&of_training, &LINEAR, *seed, a, b);
            let [a, b] = [trained, look_up].map(|m| claims::decisive(m, by_settings, self.layers));
            outcome.settle_in(&of_training, &DECISIVE, *seed, a, b);
        }
        for judge in judges(s.threshold) {
            let mut options = self.options.clone();
            options.push((JUDGE, judge.to_string()));
            let of_judge = setting(options, judge);
            for (seed, [trained, look_up]) in &self.models {
                let [a, b] = [trained, look_up].map(|m| claims::end(m, judge));
                outcome.settle_in(&of_judge, &END, *seed, a, b);
                let [a, b] = [trained, look_up].map(|m| claims::more(m, judge));
                outcome.settle_in(&of_judge, &MORE, *seed, a, b);
            }
        }
    }
}

/// Returns the cell of the settings of the experiment.
fn point(s: &Settings, models: &[Model], seeds: &[u64]) -> Cell {
    let of_kind = |kind: Kind, seed: u64| -> OfEachN {
        let ours = models.iter().filter(|m| {
            let task = m.task;
            (task.part, task.kind, task.seed) == (Part::Point, kind, seed)
        });
        let each = ours.map(|m| match &m.reading {
            Ok(reading) => Ok((m.task.n, Scores::of(reading))),
            Err(why) => Err(format!("the {} {why}", m.task)),
        });
        each.collect()
    };
    let budget = if s.stop {
        Budget::EarlyStop
    } else {
        Budget::EqualEpochs
    };
    let loads = s.ends().map(|n| n as f64 / s.width as f64);
    Cell {
        options: vec![
            ("width", s.width.to_string()),
            ("loss", s.loss.to_string()),
            ("layers", s.layers.to_string()),
            ("batch", Batch::Minibatch.to_string()),
            ("budget", budget.to_string()),
            ("rate", s.learning_rate.to_string()),
            ("N/d", format!("{} to {}", loads[0], loads[1])),
        ],
        is_point: true,
        layers: s.layers,
        models: seeds
            .iter()
            .map(|&seed| {
                (
                    seed,
                    [Kind::Trained, Kind::LookUp].map(|kind| of_kind(kind, seed)),
                )
            })
            .collect(),
    }
}

/// Returns the cells of the specification curve, one for each two loads that follow one another. A cell with early stop
/// in which no training stops early has the very models of that with equal steps, and is left out.
fn of_curve(s: &Settings, runs: &[Run]) -> Vec<Cell> {
    let seeds = runs.iter().map(|run| run.seed).distinct();
    let mut found = Vec::new();
    for cell in cells(&s.curve) {
        for loads in s.curve.loads.windows(2) {
            let ends = [loads[0], loads[1]].map(|load| s.curve.datapoints(load));
            let of_seeds = |cell: curve::Cell| -> Models {
                let of_seed = |&seed: &u64| (seed, of_seed(runs, cell, ends, seed));
                seeds.iter().map(of_seed).collect()
            };
            let models = of_seeds(cell);
            let steps = curve::Cell {
                budget: Budget::EqualSteps,
                ..cell
            };
            if cell.budget == Budget::EarlyStop && are_same(&models, &of_seeds(steps)) {
                continue;
            }
            found.push(Cell {
                options: vec![
                    ("width", s.curve.width.to_string()),
                    ("loss", cell.loss.to_string()),
                    ("layers", cell.layers.to_string()),
                    ("batch", cell.batch.to_string()),
                    ("budget", cell.budget.to_string()),
                    ("rate", cell.rate.to_string()),
                    ("N/d", format!("{} to {}", loads[0], loads[1])),
                ],
                is_point: false,
                layers: cell.layers,
                models,
            });
        }
    }
    found
}

/// Returns the scores of the trained models of a cell of the curve with these numbers of datapoints at a seed, and
/// those of the look-up models.
fn of_seed(runs: &[Run], cell: curve::Cell, ends: [usize; 2], seed: u64) -> [OfEachN; 2] {
    let ours = runs
        .iter()
        .filter(|run| run.cell == cell && run.seed == seed && ends.contains(&run.n));
    let trained = ours.clone().map(|run| Ok((run.n, run.trained.clone()?)));
    let look_up = ours.map(|run| Ok((run.n, run.look_up.clone()?)));
    [trained.collect(), look_up.collect()]
}

/// Returns whether scores are the same in all their bits. A depth is NaN where half are never right, and is then the
/// same as another NaN.
fn are_same(a: &Models, b: &Models) -> bool {
    let [a, b] = [a, b].map(|models| postcard::to_allocvec(models).expect("scores are plain data"));
    a == b
}

/// Measures how many pairs are learned in each way, at the settings of the experiment and, if there is a specification
/// curve, with the blocks of each of its cells.
pub fn capacity(s: &Settings, attempts: &[Attempt], seeds: &[u64], outcome: &mut Outcome) {
    let c = &s.capacity;
    let point = c.blocks();
    // If the number was not looked for at any seed, one row says so.
    for &seed in seeds.iter().take(c.seeds.max(1)) {
        let [of_end_to_end, of_look_up] = learned_with(c, &point, attempts, seed);
        outcome.settle(&CAPACITY, seed, of_end_to_end, of_look_up);
    }
    let searches = c.searches();
    if searches.len() == 1 {
        return;
    }
    for (blocks, tried) in searches {
        let setting = Setting::new([
            ("layers", blocks.layers.to_string()),
            ("hidden units", blocks.hidden.to_string()),
            ("rate", blocks.rate.to_string()),
        ]);
        let setting = setting.point_if(blocks == point);
        for &seed in seeds.iter().take(tried) {
            let [of_end_to_end, of_look_up] = learned_with(c, &blocks, attempts, seed);
            outcome.settle_in(&setting, &CAPACITY, seed, of_end_to_end, of_look_up);
        }
    }
}

/// Measures the conditions of [`CAPACITY`] with some blocks at a seed: of blocks trained end to end, and of look-up
/// blocks.
fn learned_with(
    c: &Capacity,
    blocks: &Blocks,
    attempts: &[Attempt],
    seed: u64,
) -> [[Measured; 2]; 2] {
    let ways = [Way::EndToEnd, Way::BlockByBlock];
    let learned = ways.map(|way| largest(attempts, blocks, way, seed));
    let top = c.datapoints(blocks).last().copied().unwrap_or(0);
    let [end_to_end, mut block_by_block] = [0, 1].map(|i| -> Measured {
        match (c.seeds, learned[i]) {
            (0, _) => Err("it was not tried: see multilayer.capacity.seeds".into()),
            (_, 0) => Err(format!(
                "{}, none of the numbers tried was learned",
                ways[i]
            )),
            (_, n) => Ok(n as f64),
        }
    });
    if top > 0 && learned == [top; 2] {
        // It is not known which way would have learned more.
        block_by_block = Err(format!(
            "both ways learned {top} pairs, the most that were tried"
        ));
    }
    let over = |n: &Measured, of: &Measured| Ok(n.clone()? / of.clone()?);
    let held = Ok(blocks.looked_up().min(c.width * c.width) as f64);
    [
        [over(&end_to_end, &block_by_block), over(&end_to_end, &held)],
        [over(&held, &block_by_block), over(&held, &held)],
    ]
}

#[cfg(test)]
mod tests {
    use super::super::scores::Right;
    use super::super::settings::Loss;
    use super::*;
    use crate::settings::{Preset, Settings as _};
    use crate::table::record::Word as _;

    #[test]
    fn an_early_stop_that_never_came_is_no_cell_of_its_own() {
        let mut s = Settings::preset(Preset::Quick);
        s.curve.loads = vec![1.0, 2.0, 4.0];
        let n = s
            .curve
            .loads
            .clone()
            .into_iter()
            .map(|load| s.curve.datapoints(load));
        let n: Vec<usize> = n.collect();
        // All scores are alike, but for one: of the trainings on all datapoints at once, the early stop ends the one on
        // the smallest N.
        let run = |cell: curve::Cell, n: usize, seed: u64, is_ended: bool| {
            let right = Right {
                last: 1.0,
                before_last: 0.5,
                area: 0.25,
                depth: f64::NAN,
            };
            let scores = |area: f64| Scores {
                late_r2: 0.5,
                late_change: -0.1,
                decisive: [0.1; 4],
                right: judges(s.threshold)
                    .into_iter()
                    .map(|judge| (judge, Right { area, ..right }))
                    .collect(),
            };
            Run {
                cell,
                n,
                seed,
                trained: Ok(scores(if is_ended { 0.125 } else { 0.25 })),
                look_up: Ok(scores(0.5)),
            }
        };
        let mut runs = Vec::new();
        for cell in cells(&s.curve) {
            for seed in [0, 1] {
                runs.extend(n.iter().map(|&n_of_run| {
                    let is_stopped = (cell.batch, cell.budget) == (Batch::All, Budget::EarlyStop);
                    run(cell, n_of_run, seed, is_stopped && n_of_run == n[0])
                }));
            }
        }
        let early = of_curve(&s, &runs).into_iter().filter(|cell| {
            cell.options
                .contains(&("budget", Budget::EarlyStop.to_string()))
        });
        let early: Vec<_> = early.map(|cell| cell.options).collect();
        assert_eq!(
            early.len(),
            Loss::ALL.len() * s.curve.layers.len() * s.curve.rates.len()
        );
        for options in early {
            assert!(
                options.contains(&("batch", Batch::All.to_string())),
                "{options:?}"
            );
            assert!(options.contains(&("N/d", "1 to 2".into())), "{options:?}");
        }
    }
}
