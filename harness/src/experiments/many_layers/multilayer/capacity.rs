//! The number of pairs that can be learned with the same blocks: end to end, block by block, and by looking them up.

use kernels::Exec;
use kernels::mlp::{self, Workspace};
use serde::{Deserialize, Serialize};

use super::claims::LEARNED;
use super::data::{self, Data};
use super::recipe::{PER_TICK, Recipe};
use super::settings::{Capacity, Loss, Settings};
use super::state::{State, Watched};
use super::traces::CHUNK;
use super::train::Trainer;
use crate::error::Result;
use crate::experiment::{Cost, Ctx};
use crate::store::snapshot::Snapshot;
use crate::table::record::Word;

crate::words! {
    /// A way to get pairs into blocks.
    pub enum Way {
        /// All blocks are trained together on the loss of the output.
        EndToEnd,
        /// Each block is trained on the loss after it, while those before it stay as they are.
        BlockByBlock,
    }
}

/// One attempt to learn a number of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub way: Way,
    pub n: usize,
    pub seed: u64,
    /// Fraction learned at the end.
    pub learned: f64,
}

/// The attempts of one way at one seed.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    way: Way,
    seed: u64,
}

/// The recipe of an attempt.
fn recipe(s: &Settings, layers: usize) -> Recipe {
    let c = &s.capacity;
    Recipe {
        width: c.width,
        hidden: c.hidden,
        layers,
        loss: Loss::CrossEntropy,
        batch: c.batch,
        rate: c.learning_rate,
        steps: c.steps,
        stop: false,
        check_every: 50,
        threshold: c.threshold,
        ..s.recipe(1)
    }
}

/// Units of progress of one job.
fn ticks(s: &Settings, way: Way) -> u64 {
    let c = &s.capacity;
    let numbers = c.datapoints().into_iter();
    let cost = |n: usize| match way {
        Way::EndToEnd => recipe(s, c.layers).cost(n),
        Way::BlockByBlock => c.layers as u64 * recipe(s, 1).cost(n),
    };
    numbers.map(cost).sum()
}

/// Every job.
pub fn jobs(s: &Settings, seeds: &[u64]) -> Vec<Job> {
    let seeds = seeds.iter().take(s.capacity.seeds);
    let ways = |&seed| Way::ALL.iter().map(move |&way| Job { way, seed });
    seeds.flat_map(ways).collect()
}

/// The largest number of pairs that was learned in a way at a seed; 0 if none was.
pub fn largest(attempts: &[Attempt], way: Way, seed: u64) -> usize {
    let ours = attempts.iter().filter(|a| (a.way, a.seed) == (way, seed));
    let learned = ours.filter(|a| a.learned >= LEARNED);
    learned.map(|a| a.n).max().unwrap_or(0)
}

impl Job {
    /// Its name.
    pub fn name(self) -> String {
        format!("capacity-{}-seed{}", self.way, self.seed)
    }

    /// Its cost: most of the numbers are never tried, since one before is not learned.
    pub fn cost(self, s: &Settings) -> Cost {
        let ticks = ticks(s, self.way);
        let share = match self.way {
            Way::EndToEnd => 2.0 / 5.0,
            Way::BlockByBlock => 1.0 / 7.0,
        };
        Cost {
            ticks,
            seconds: PER_TICK * share * ticks as f64,
        }
    }

    /// Tries ever more pairs, up to the first number that is not learned.
    pub fn run(self, s: &Settings, ctx: &Ctx) -> Result<Vec<Attempt>> {
        let Job { way, seed } = self;
        let name = self.name();
        let course = Course {
            recipe: recipe(s, s.capacity.layers),
            capacity: &s.capacity,
        };
        let store = ctx.session.checkpoints(&name, &name, &course);
        let numbers = s.capacity.datapoints();
        let saved = store.latest(|snapshot| snapshot.read_vector::<f64>("learned"))?;
        let mut learned = saved.unwrap_or_default();
        let mut done = 0;
        while learned.len() < numbers.len() && learned.last().is_none_or(|&f| f >= LEARNED) {
            let n = numbers[learned.len()];
            let data = Data::draw(s.capacity.width, s.targets, n, seed);
            let exec = ctx.session.serial();
            let mut advance = |units: u64| {
                done += units;
                ctx.session.progress.advance(units)
            };
            learned.push(match way {
                Way::EndToEnd => end_to_end(s, &data, seed, exec, &mut advance)?,
                Way::BlockByBlock => block_by_block(s, &data, seed, exec, &mut advance)?,
            });
            let mut snapshot = Snapshot::default();
            snapshot.put_vector("learned", &learned);
            store.write(learned.len() as u64, snapshot)?;
        }
        let spared = ticks(s, way) - done;
        ctx.session.progress.advance(spared)?;
        let attempts = numbers.into_iter().zip(learned);
        let attempt = |(n, learned)| Attempt {
            way,
            n,
            seed,
            learned,
        };
        Ok(attempts.map(attempt).collect())
    }
}

/// What decides the course of the search.
#[derive(Serialize)]
struct Course<'a> {
    recipe: Recipe,
    capacity: &'a Capacity,
}

/// Trains until enough is learned or the steps are used up; the fraction learned.
fn train(
    trainer: &mut Trainer,
    state: &mut State,
    n: usize,
    cost: u64,
    advance: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<f64> {
    let fraction = |state: &State| {
        let last = state.learner.checks.last();
        last.map_or(0.0, |check| check.learned as f64 / n as f64)
    };
    while state.end.is_none() && fraction(state) < LEARNED {
        trainer.step(state);
        advance(cost)?;
    }
    Ok(fraction(state))
}

fn end_to_end(
    s: &Settings,
    data: &Data,
    seed: u64,
    exec: Exec,
    advance: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<f64> {
    let recipe = recipe(s, s.capacity.layers);
    let mut state = State::start(Watched::new(data::initial(recipe.shape(), seed)));
    let mut trainer = Trainer::new(&recipe, data, seed, recipe.shape(), exec);
    let n = data.len();
    train(&mut trainer, &mut state, n, recipe.step_cost(n), advance)
}

/// Trains the first block with the embeddings, and each one after it on the residual streams that those before it
/// leave, until enough is learned after one of them.
fn block_by_block(
    s: &Settings,
    data: &Data,
    seed: u64,
    exec: Exec,
    advance: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<f64> {
    let recipe = recipe(s, 1);
    let (n, width) = (data.len(), recipe.width);
    let rows = Data {
        pairs: (0..n as u32).map(|k| [k, 0]).collect(),
        targets: data.targets.clone(),
    };
    let shape = recipe.block_shape(n);
    let mut streams: Vec<f32> = Vec::new();
    let mut best = 0f64;
    for block in 0..s.capacity.layers {
        let (data, shape, start, from) = match block {
            0 => {
                let start = data::initial(recipe.shape(), seed);
                (data, recipe.shape(), start, 0)
            }
            _ => {
                let start = data::block_on(&streams, shape, block, seed);
                (&rows, shape, start, 2 * n * width)
            }
        };
        let mut state = State::start(Watched::new(start));
        let mut trainer = Trainer::new(&recipe, data, seed, shape, exec).only_after(from);
        let learned = train(&mut trainer, &mut state, n, recipe.step_cost(n), advance)?;
        best = best.max(learned);
        if learned >= LEARNED {
            break;
        }
        let mut workspace = Workspace::new(shape, CHUNK.min(n));
        streams.clear();
        for pairs in data.pairs.chunks(CHUNK) {
            mlp::forward(exec, &state.learner.model, pairs, &mut workspace);
            let x = workspace.residual(1);
            (0..x.rows()).for_each(|b| streams.extend(x.row(b)));
        }
    }
    Ok(best)
}
