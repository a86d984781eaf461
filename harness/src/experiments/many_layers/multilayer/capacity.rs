//! The number of pairs that can be learned with the same blocks: end to end, block by block, and by looking them up.

use kernels::Exec;
use kernels::mlp::{self, Workspace};
use serde::{Deserialize, Serialize};

use super::claims::LEARNED;
use super::data::{self, Data};
use super::recipe::{PER_TICK, Recipe};
use super::settings::{Blocks, Capacity, Loss, Settings};
use super::state::{State, Watched};
use super::traces::CHUNK;
use super::train::Trainer;
use crate::error::Result;
use crate::experiment::{Cost, Ctx};
use crate::store::snapshot::Snapshot;
use crate::table::record::Word;

crate::words! {
    /// A way to train blocks on pairs.
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
    pub blocks: Blocks,
    pub way: Way,
    pub n: usize,
    pub seed: u64,
    /// The fraction of the pairs that is learned at the end.
    pub learned: f64,
}

/// A search with some blocks in one way at one seed, which makes an attempt for each number of pairs.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    blocks: Blocks,
    way: Way,
    seed: u64,
}

/// Returns the recipe of an attempt.
fn recipe(s: &Settings, blocks: Blocks) -> Recipe {
    let c = &s.capacity;
    Recipe {
        width: c.width,
        hidden: blocks.hidden,
        layers: blocks.layers,
        loss: Loss::CrossEntropy,
        batch: c.batch,
        rate: blocks.rate,
        steps: c.steps,
        stop: false,
        check_every: 50,
        threshold: c.threshold,
        ..s.recipe(1)
    }
}

/// Returns the recipe of one of the blocks of an attempt, trained by itself.
fn recipe_of_one(s: &Settings, blocks: Blocks) -> Recipe {
    recipe(
        s,
        Blocks {
            layers: 1,
            ..blocks
        },
    )
}

/// Returns every job: those at the settings of the experiment, and then those of the specification curve.
pub fn jobs(s: &Settings, seeds: &[u64]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (blocks, most_seeds) in s.capacity.searches() {
        for &seed in seeds.iter().take(most_seeds) {
            jobs.extend(Way::ALL.iter().map(|&way| Job { blocks, way, seed }));
        }
    }
    jobs
}

/// Returns the largest number of pairs that was learned with some blocks in a way at a seed; 0 if none was.
pub fn largest(attempts: &[Attempt], blocks: &Blocks, way: Way, seed: u64) -> usize {
    let is_ours = |a: &&Attempt| (a.blocks, a.way, a.seed) == (*blocks, way, seed);
    let ours = attempts.iter().filter(is_ours);
    let learned = ours.filter(|a| a.learned >= LEARNED);
    learned.map(|a| a.n).max().unwrap_or(0)
}

impl Job {
    /// Returns the name of the job.
    pub fn name(self) -> String {
        let Job { blocks, way, seed } = self;
        let Blocks {
            layers,
            hidden,
            rate,
        } = blocks;
        format!("capacity-{layers}layers-{hidden}hidden-rate{rate}-{way}-seed{seed}")
    }

    /// Returns the number of units of progress of the job.
    fn ticks(self, s: &Settings) -> u64 {
        let numbers = s.capacity.datapoints(&self.blocks).into_iter();
        let cost = |n: usize| match self.way {
            Way::EndToEnd => recipe(s, self.blocks).cost(n),
            Way::BlockByBlock => self.blocks.layers as u64 * recipe_of_one(s, self.blocks).cost(n),
        };
        numbers.map(cost).sum()
    }

    /// Returns the cost of the job. Its seconds are a share of those of all numbers, since most numbers are never
    /// tried: a smaller one is not learned.
    pub fn cost(self, s: &Settings) -> Cost {
        let ticks = self.ticks(s);
        let share = match self.way {
            Way::EndToEnd => 2.0 / 5.0,
            Way::BlockByBlock => 1.0 / 7.0,
        };
        Cost {
            ticks,
            seconds: PER_TICK * share * ticks as f64,
        }
    }

    /// Tries ever more pairs, up to the first number that is not learned, and returns the attempts.
    pub fn run(self, s: &Settings, ctx: &Ctx) -> Result<Vec<Attempt>> {
        let Job { blocks, way, seed } = self;
        let name = self.name();
        let course = Course {
            recipe: recipe(s, blocks),
            capacity: &s.capacity,
        };
        let store = ctx.session.checkpoints(&name, &name, &course);
        let numbers = s.capacity.datapoints(&blocks);
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
                Way::EndToEnd => {
                    let recipe = recipe(s, blocks);
                    end_to_end(&recipe, &data, seed, exec, &mut advance)?
                }
                Way::BlockByBlock => {
                    let recipe = recipe_of_one(s, blocks);
                    block_by_block(&recipe, blocks.layers, &data, seed, exec, &mut advance)?
                }
            });
            let mut snapshot = Snapshot::default();
            snapshot.put_vector("learned", &learned);
            store.write(learned.len() as u64, snapshot)?;
        }
        let spared = self.ticks(s) - done;
        ctx.session.progress.advance(spared)?;
        let attempts = numbers.into_iter().zip(learned);
        let attempt = |(n, learned)| Attempt {
            blocks,
            way,
            n,
            seed,
            learned,
        };
        Ok(attempts.map(attempt).collect())
    }
}

/// The choices that decide the course of the search.
#[derive(Serialize)]
struct Course<'a> {
    recipe: Recipe,
    capacity: &'a Capacity,
}

/// Trains until enough is learned or the training ends, and returns the fraction learned.
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
    recipe: &Recipe,
    data: &Data,
    seed: u64,
    exec: Exec,
    advance: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<f64> {
    let mut state = State::start(Watched::new(data::initial(recipe.shape(), seed)));
    let mut trainer = Trainer::new(recipe, data, seed, recipe.shape(), exec);
    let n = data.len();
    train(&mut trainer, &mut state, n, recipe.step_cost(n), advance)
}

/// Trains the first block with the embeddings, and each one after it on the residual streams that those before it
/// leave, until enough is learned after one of them, and returns the largest fraction learned. The recipe is that of
/// one block.
fn block_by_block(
    recipe: &Recipe,
    blocks: usize,
    data: &Data,
    seed: u64,
    exec: Exec,
    advance: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<f64> {
    let (n, width) = (data.len(), recipe.width);
    let rows = Data {
        pairs: (0..n as u32).map(|k| [k, 0]).collect(),
        targets: data.targets.clone(),
    };
    let shape = recipe.block_shape(n);
    let mut streams: Vec<f32> = Vec::new();
    let mut best = 0f64;
    for block in 0..blocks {
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
        let mut trainer = Trainer::new(recipe, data, seed, shape, exec).only_after(from);
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
