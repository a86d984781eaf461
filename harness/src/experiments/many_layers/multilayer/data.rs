//! What the models are trained on, and what they start from.

use kernels::mlp::{Parameters, Shape};
use rand::RngExt as _;

use super::settings::{ID, Settings, Targets};
use crate::experiment::Ctx;
use crate::phase::Phase;
use crate::rng::Rng;

/// Distinct pairs (i, j), each with a target class.
#[derive(Debug, Clone)]
pub struct Data {
    /// The positions of the two ones.
    pub pairs: Vec<[u32; 2]>,
    /// The class of each pair.
    pub targets: Vec<u32>,
}

impl Data {
    /// The `n` [`pairs`] of a seed, so that a larger set holds the smaller one, and their classes.
    pub fn draw(s: &Settings, n: usize, seed: u64, ctx: &Ctx) -> Data {
        let _span = Phase::Data.begin();
        let d = s.width;
        let mut classes = ctx.rng(seed, "targets", 0);
        let mut data = Data {
            pairs: Vec::with_capacity(n),
            targets: Vec::with_capacity(n),
        };
        for [i, j] in pairs(d, n, seed) {
            let target = match s.targets {
                Targets::Random => classes.below(d),
                Targets::Modular => (i + j) as usize % d,
            };
            data.pairs.push([i, j]);
            data.targets.push(target as u32);
        }
        data
    }

    /// Number of datapoints.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The layer that owns a datapoint in a decisive-layer model: 1 … L in turn. Pairs are in random order, so
    /// each layer owns a random share, as equal as can be.
    pub fn owner(datapoint: usize, layers: usize) -> usize {
        1 + datapoint % layers
    }
}

/// The first `n` of one random order of all d² pairs.
pub fn pairs(d: usize, n: usize, seed: u64) -> Vec<[u32; 2]> {
    let mut rng = Rng::stream(seed, ID, "pairs", 0);
    let chosen = rng.choose(d * d, n).into_iter();
    chosen
        .map(|index| [(index / d) as u32, (index % d) as u32])
        .collect()
}

/// The order in which an epoch visits the data. It depends on nothing but its arguments, so a training that
/// goes on from a checkpoint needs no random state.
pub fn epoch_order(n: usize, seed: u64, epoch: u64, ctx: &Ctx) -> Vec<usize> {
    let _span = Phase::Data.begin();
    let mut order: Vec<usize> = (0..n).collect();
    ctx.rng(seed, "order", epoch).shuffle(&mut order);
    order
}

/// The parameters that every model of a seed starts from: embeddings normal with variance 1/d, weight matrices
/// uniform on ±√(6 / (fan in + fan out)) (Glorot & Bengio 2010), biases zero.
pub fn initial(shape: Shape, seed: u64, ctx: &Ctx) -> Parameters {
    let _span = Phase::Data.begin();
    let mut rng = ctx.rng(seed, "initial", 0);
    let mut parameters = Parameters::zeros(shape);
    let deviation = 1.0 / (shape.width as f64).sqrt();
    for mut embedding in parameters.embeddings_mut() {
        for i in 0..embedding.rows() {
            let row = embedding.row_mut(i).iter_mut();
            row.for_each(|w| *w = (deviation * rng.normal()) as f32);
        }
    }
    let reach = (6.0 / (shape.width + shape.hidden) as f64).sqrt();
    for l in 0..shape.layers {
        let block = parameters.block_mut(l);
        for mut matrix in [block.w1, block.w2] {
            for i in 0..matrix.rows() {
                let row = matrix.row_mut(i).iter_mut();
                row.for_each(|w| *w = (reach * (2.0 * rng.random::<f64>() - 1.0)) as f32);
            }
        }
    }
    parameters
}
