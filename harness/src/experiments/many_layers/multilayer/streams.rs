//! The residual streams of trained models, for experiments that look for features in them.

use kernels::mlp::{self, Parameters, Workspace};
use kernels::{Exec, MatRef};

use super::claims::LEARNED;
use super::data;
use super::model_file;
use super::settings::{ID, Settings};
use super::tables::Summary;
use super::task::{Kind, Part, Task};
use super::traces::CHUNK;
use crate::error::Result;
use crate::experiment::Ctx;

/// Returns the models of a seed to look into: the trained one on the most datapoints that has learned them and has a
/// look-up model beside it, and that look-up model, in which no output is ever half done.
///
/// # Errors
/// If there are no such models, or one of them was not saved; the message says why.
pub fn models(seed: u64, ctx: &Ctx) -> Result<[Task; 2], String> {
    let rows = ctx.input(ID).rows::<Summary>();
    let ours = rows
        .iter()
        .filter(|r| (r.part, r.seed) == (Part::Point, seed));
    let of = |kind: Kind| {
        let learned = ours
            .clone()
            .filter(move |r| r.model == kind && r.learned >= LEARNED);
        learned.map(|r| (r.n, r.loss))
    };
    let look_up: Vec<_> = of(Kind::LookUp).collect();
    let found = of(Kind::Trained)
        .filter(|m| look_up.contains(m))
        .max_by_key(|m| m.0);
    let (n, loss) = found.ok_or_else(|| {
        format!("no model that has a look-up model beside it has learned its data at seed {seed}")
    })?;
    let tasks = [Kind::Trained, Kind::LookUp].map(|kind| Task {
        part: Part::Point,
        loss,
        n,
        seed,
        kind,
    });
    for task in tasks {
        if !ctx.session.find(&model_file::path(task)).exists() {
            return Err(format!(
                "the {task} was not saved: raise multilayer.saved_seeds"
            ));
        }
    }
    Ok(tasks)
}

/// The residual streams of a model on the datapoints that it was trained on.
#[derive(Debug)]
pub struct Streams {
    /// The model.
    pub parameters: Parameters,
    /// The number of datapoints.
    pub n: usize,
    /// The streams x₀ … x_L, N×d each.
    layers: Vec<Vec<f32>>,
}

impl Streams {
    /// Computes the streams of a model that was saved.
    pub fn of(task: Task, exec: Exec, ctx: &Ctx) -> Result<Streams> {
        let parameters = model_file::read(&ctx.session.find(&model_file::path(task)))?;
        let shape = parameters.shape();
        let pairs = data::pairs(shape.vocabulary, task.n, task.seed);
        let mut layers = vec![Vec::with_capacity(task.n * shape.width); shape.layers + 1];
        let mut workspace = Workspace::new(shape, CHUNK.min(task.n));
        for pairs in pairs.chunks(CHUNK) {
            mlp::forward(exec, &parameters, pairs, &mut workspace);
            for (l, layer) in layers.iter_mut().enumerate() {
                let x = workspace.residual(l);
                (0..x.rows()).for_each(|b| layer.extend(x.row(b)));
            }
        }
        Ok(Streams {
            parameters,
            n: task.n,
            layers,
        })
    }

    /// Returns the estimated memory in bytes of the streams of the largest model: the model, its streams, and what
    /// computes them.
    pub fn memory(s: &Settings) -> f64 {
        // The stream of the look-up model holds a code beside the logits.
        let (d, h, layers) = (s.width as f64, s.hidden as f64, s.layers as f64);
        let wide = d + 2.0 * d.log2().ceil();
        let n = s.datapoints.iter().copied().max().unwrap_or(0);
        let model = 2.0 * d * wide + layers * (2.0 * wide * h + wide + h);
        let streams = n as f64 * (layers + 1.0) * wide;
        let workspace = CHUNK.min(n) as f64 * ((layers + 3.0) * wide + (2.0 * layers + 1.0) * h);
        // The pairs are drawn out of all d².
        4.0 * (model + streams + workspace) + 8.0 * d * d
    }

    /// Returns the residual stream after layer l, N×d.
    pub fn layer(&self, l: usize) -> MatRef<'_> {
        let width = self.parameters.shape().width;
        MatRef::from_rows(&self.layers[l], width)
    }
}

/// Returns the factor that brings a stream to a mean squared distance of 1 from its mean; 1 if it does not vary.
pub fn scale(x: MatRef) -> f32 {
    let n = x.rows() as f64;
    let variance = |j: usize| {
        let values = || (0..x.rows()).map(|i| f64::from(x.row(i)[j]));
        let mean = values().sum::<f64>() / n;
        values().map(|v| (v - mean).powi(2)).sum::<f64>() / n
    };
    match (0..x.cols()).map(variance).sum::<f64>() {
        total if total > 0.0 => total.sqrt().recip() as f32,
        _ => 1.0,
    }
}
