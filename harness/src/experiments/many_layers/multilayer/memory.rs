//! An estimate of the memory that the experiment takes. It is made of floats at every step, since the product of what
//! is in range may not fit an integer.

use super::recipe::parameters;
use super::settings::{Blocks, Settings};
use super::tables;
use super::traces::CHUNK;
use crate::table::Record;

/// Returns the estimated peak memory in bytes on `threads` threads.
pub fn estimate(s: &Settings, threads: usize) -> f64 {
    let [_, largest] = s.ends();
    let point = of_model(s.width, s.hidden, s.layers, s.batch.min(largest), largest);
    // The opposite choices put all datapoints in a batch.
    let opposite = match s.other_seeds {
        0 => 0.0,
        _ => of_model(s.width, s.hidden, 8, largest, largest),
    };
    let c = &s.curve;
    let of_curve = c.loads.last().map_or(0.0, |&load| {
        let n = c.datapoints(load);
        let layers = c.layers.last().copied().unwrap_or(0);
        of_model(c.width, c.width, layers, n, n)
    });
    let c = &s.capacity;
    let of_blocks = |blocks: Blocks| {
        c.datapoints(&blocks).last().map_or(0.0, |&n| {
            // A block reads its streams from two tables of N rows: these, their gradient and moments.
            let tables = 4.0 * 8.0 * 2.0 * n as f64 * c.width as f64;
            tables + of_model(c.width, blocks.hidden, blocks.layers, c.batch.min(n), n)
        })
    };
    let searches = c.searches().into_iter();
    let of_capacity = searches
        .map(|(blocks, _)| of_blocks(blocks))
        .fold(0.0, f64::max);
    let largest_model = [point + of_circuits(s), opposite, of_curve, of_capacity];
    let largest_model = largest_model.into_iter().fold(0.0, f64::max);
    threads as f64 * largest_model + rows(s)
}

/// Returns the bytes of a model in training, and of one that is read.
fn of_model(d: usize, h: usize, layers: usize, batch: usize, n: usize) -> f64 {
    let parameters = parameters(d, h, layers);
    let (n, batch) = (n as f64, (batch.max(CHUNK.min(n))) as f64);
    let (d, h, layers) = (d as f64, h as f64, layers as f64);
    let workspace = batch * ((layers + 3.0) * d + (2.0 * layers + 1.0) * h + 3.0 * (layers + 1.0));
    // Parameters, gradient, two moments; twice over while they are written.
    let training = 4.0 * (8.0 * parameters + workspace);
    // Streams of all layers; those of one layer in f64 with what is to be added; the equations of an affine lens.
    let read = 4.0 * n * (layers + 1.0) * d + 16.0 * n * d + 24.0 * d * d;
    // Pairs, targets, order; traces in f32, and their shares in f64; all d² pairs to draw from.
    let data = n * (36.0 + 80.0 * layers) + 8.0 * d * d;
    training + read + data
}

/// Returns the bytes of the circuits built by hand for the smallest N: of the one that has all its units in one layer,
/// and of the equations for what they write.
fn of_circuits(s: &Settings) -> f64 {
    if s.other_seeds == 0 {
        return 0.0;
    }
    let [smallest, _] = s.ends();
    let (n, d, layers) = (smallest as f64, s.width as f64, s.layers as f64);
    let units = (layers * s.hidden as f64).min(2.0 * n);
    let wide = d + 4.0 * n.sqrt() + 2.0;
    let parameters = 2.0 * d * wide + layers * (2.0 * wide * units + wide + units);
    8.0 * parameters + 8.0 * (n * n + n * d + units * d) + n * units
}

/// Returns the bytes of the rows of the tables.
fn rows(s: &Settings) -> f64 {
    let seeds = s.most_seeds.min(100) as f64;
    let models = seeds * (4.0 * s.datapoints.len() as f64 + 4.0);
    let layers = s.layers.max(8) as f64 + 1.0;
    let looks = |steps: f64| steps / s.check_every.min(50) as f64;
    let [_, largest] = s.ends();
    let (_, per_epoch) = s.recipe(largest.max(1)).batches(largest.max(1));
    let steps = s.epochs.max(s.long_epochs) as f64 * per_epoch as f64;
    models * (layers * tables::Layer::MEMORY + layers * s.shown as f64 * tables::Datapoint::MEMORY)
        + models * looks(steps.max(s.opposite_steps as f64)) * tables::Evaluation::MEMORY
}
