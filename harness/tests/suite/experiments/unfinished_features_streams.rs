//! The dictionaries of `unfinished-features`, trained again: the streams are those of plain loops in f64, in all bases,
//! and the dictionaries are trained on them one after another.
//!
//! The models are those that `multilayer` has saved. Random numbers come from the streams that the experiment draws
//! from, so that batches are the same to the last bit. So are the dictionaries, which the kernels' steps train: these
//! steps have tests of their own.
#![cfg(unix)]

use super::multilayer_plain::all_plain;
use crate::common::Sandbox;
use crate::common::plain::{centre, column, dot, ridge, variance};
use crate::common::sae_plain::{Row, largest, rows, trained};
use harness::experiments::many_layers::multilayer::data::{self, Data};
use harness::experiments::many_layers::multilayer::task::{Kind, Part, Task};
use harness::experiments::many_layers::multilayer::{Loss, model_file};
use harness::rng::Rng;
use harness::sae::training::Plan;
use kernels::sae::{L1, Parameters, Rows, Shape, Variant};
use kernels::{Exec, Isa, mlp};

/// The number of classes, of tokens at either place, and of the trained model's dimensions.
pub const CLASSES: usize = 16;
pub const N: usize = 32;
pub const LAYERS: [usize; 5] = [0, 2, 4, 6, 8];
const STEPS: u64 = 120;
const BATCH: usize = 32;

/// The arguments of a run that takes a second or two, in which `multilayer` is run as well.
pub const TINY: &str = "unfinished-features --seeds 1 --quiet --set multilayer.width=16 --set multilayer.hidden=16 \
    --set multilayer.datapoints=[32] --set multilayer.batch=32 --set multilayer.epochs=300 \
    --set multilayer.layers=8 --set multilayer.other_seeds=0 --set multilayer.long_epochs=100 \
    --set multilayer.curve.seeds=0 --set multilayer.capacity.seeds=0 \
    --set unfinished-features.training.steps=120 --set unfinished-features.training.batch=32 \
    --set unfinished-features.training.learning_rate=0.01 --set unfinished-features.ratios=[1,2] \
    --set unfinished-features.ratio=2 --set unfinished-features.warm_up=0.5 \
    --set unfinished-features.l1=[0.01,0.1,0.4] --set unfinished-features.read_at=0.1 \
    --set unfinished-features.threshold=0.7";

fn rng(purpose: &str, index: u64) -> Rng {
    Rng::stream(0, "unfinished-features", purpose, index)
}

/// A model and its residual streams for its datapoints.
pub struct Model {
    parameters: mlp::Parameters,
    pub width: usize,
    pub pairs: Vec<[u32; 2]>,
    /// The residual streams of the layers that are read, in single precision.
    pub streams: Vec<Vec<Vec<f64>>>,
}

impl Model {
    /// Reads a model that a run has saved. Its streams are computed by the kernels, and asserted to be those of plain
    /// loops.
    pub fn read(sandbox: &Sandbox, kind: Kind) -> Model {
        let task = Task {
            part: Part::Point,
            loss: Loss::CrossEntropy,
            n: N,
            seed: 0,
            kind,
        };
        let path = sandbox.join("a").join(model_file::path(task));
        let parameters = model_file::read(&path).unwrap();
        let shape = parameters.shape();
        let pairs = data::pairs(CLASSES, N, 0);
        let mut workspace = mlp::Workspace::new(shape, N);
        let exec = Exec::serial(Isa::detect());
        mlp::forward(exec, &parameters, &pairs, &mut workspace);
        let streams: Vec<_> = LAYERS
            .iter()
            .map(|&l| rows(workspace.residual(l)))
            .collect();
        let data = Data {
            pairs: pairs.clone(),
            targets: vec![0; N],
        };
        let plain = all_plain(&parameters, &data, Loss::CrossEntropy);
        for (stream, l) in streams.iter().zip(LAYERS) {
            for (found, plain) in stream.iter().zip(&plain) {
                // Up to eight blocks with sums of at most 24 terms err by some 8·2·(24 + 4)·2⁻²⁴ = 2.7e-5 of the sizes
                // summed; ten times that is allowed, since values cancel.
                let off = found
                    .iter()
                    .zip(&plain.streams[l])
                    .map(|(a, b)| (a - b).abs());
                assert!(largest(off) < 2.7e-4 * largest(found.iter().map(|v| v.abs())));
            }
        }
        Model {
            width: shape.width,
            parameters,
            pairs,
            streams,
        }
    }

    /// Returns the input embeddings of both places.
    fn embeddings(&self) -> Vec<Vec<f64>> {
        self.parameters.embeddings().map(rows).concat()
    }
}

/// Fits a ridge regression from the rows of `x` to those of `y`, with a ridge of 0.001 times the mean variance of an
/// entry of x. Returns the rows of its matrix, and its predictions for `x`.
fn tuned_lens(x: &[Vec<f64>], y: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let (x_mean, y_mean) = (centre(x), centre(y));
    let of_output = |c: usize| ridge(x, &column(y, c), 1e-3);
    let matrix: Vec<Vec<f64>> = (0..y_mean.len()).map(of_output).collect();
    let mapped = x.iter().map(|x| {
        let moved: Vec<f64> = x.iter().zip(&x_mean).map(|(x, m)| x - m).collect();
        let outputs = matrix.iter().zip(&y_mean);
        outputs.map(|(row, m)| m + dot(row, &moved)).collect()
    });
    let mapped = mapped.collect();
    (matrix, mapped)
}

/// Returns rows of single precision, scaled to a mean squared distance of 1 from their mean.
fn scaled(rows: &[Vec<f64>]) -> Vec<f32> {
    let factor = (1.0 / variance(rows).sqrt()) as f32;
    rows.iter().flatten().map(|&v| factor * v as f32).collect()
}

/// The residual streams of the layers in one basis.
pub struct Activations {
    /// The activations of each layer, N×d.
    pub layers: Vec<Vec<f32>>,
    /// The input embeddings in these coordinates, for each layer.
    pub inputs: Vec<Vec<Vec<f64>>>,
}

impl Activations {
    pub fn of(model: &Model, basis: &str) -> Activations {
        let embeddings = model.embeddings();
        let streams = model.streams.iter();
        if basis != "tuned-lens" {
            return Activations {
                layers: streams.map(|x| scaled(x)).collect(),
                inputs: vec![embeddings; LAYERS.len()],
            };
        }
        let output = &model.streams[LAYERS.len() - 1];
        let lenses: Vec<_> = streams.map(|x| tuned_lens(x, output)).collect();
        let through = |matrix: &Vec<Vec<f64>>| -> Vec<Vec<f64>> {
            let mapped = |v: &Vec<f64>| matrix.iter().map(|row| dot(row, v)).collect();
            embeddings.iter().map(mapped).collect()
        };
        Activations {
            layers: lenses.iter().map(|(_, x)| scaled(x)).collect(),
            inputs: lenses.iter().map(|(matrix, _)| through(matrix)).collect(),
        }
    }

    /// Trains a dictionary of a layer, or of all layers together.
    pub fn dictionary(&self, width: usize, basis: &str, place: usize, row: &Row) -> Parameters {
        let (ratio, copy) = (row.whole("ratio"), row.text("copy"));
        let variant = Variant::L1(L1 {
            lambda: row.number("l1") as f32,
            rows: Rows::Unit,
        });
        let shape = Shape {
            width,
            dictionary: ratio * width,
        };
        let all = basis == "all-layers";
        let layer = if all { 0 } else { LAYERS[place] };
        let mut normals = rng(&format!("initial {basis} {ratio} {copy}"), layer as u64);
        let start = Parameters::initial(shape, variant, || normals.normal() as f32);
        let batch = |step| {
            let mut rng = rng("batch", step);
            let rows = (0..BATCH).map(|_| {
                let place = if all { rng.below(LAYERS.len()) } else { place };
                let at = width * rng.below(N);
                self.layers[place][at..at + width].to_vec()
            });
            rows.collect::<Vec<_>>().concat()
        };
        let plan = Plan {
            steps: STEPS,
            batch: BATCH,
            learning_rate: 0.01,
            cooldown: 0.3,
        };
        // The penalty rises over the first half of the steps.
        trained(start, &plan, STEPS / 2, batch)
    }
}
