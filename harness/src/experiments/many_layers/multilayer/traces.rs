//! What a model computes for each of its datapoints, layer by layer.

use kernels::mlp::{self, Parameters, Workspace};
use kernels::{Exec, MatMut};

use super::data::Data;
use super::lens::{self, margin};
use super::settings::Loss;

/// The number of datapoints in one pass.
pub const CHUNK: usize = 1024;

/// What a model computes for each of its datapoints. All but the norms are read from the residual stream after layers 0
/// … L as if it were the output (the logit lens) or, where that is said, through an affine lens. All are indexed by the
/// layer, then the datapoint.
#[derive(Debug, Clone)]
pub struct Traces {
    /// The loss.
    pub loss: Vec<Vec<f32>>,
    /// The correct logit.
    pub logit: Vec<Vec<f32>>,
    /// The correct logit minus the largest other one: the class is right where this is above 0.
    pub margin: Vec<Vec<f32>>,
    /// The margin through an affine lens, fitted on the half of the datapoints that this one is not in.
    pub affine_margin: Vec<Vec<f32>>,
    /// The norms of the gradient of the correct output with respect to the weight matrices of blocks 1 … L.
    pub norm: Vec<Vec<f32>>,
}

impl Traces {
    /// Runs a model on its data, and traces what it computes.
    pub fn of(exec: Exec, parameters: &Parameters, data: &Data, loss: Loss) -> Traces {
        let shape = parameters.shape();
        let (layers, n) = (shape.layers, data.len());
        let zeros = |layers: usize| vec![vec![0f32; n]; layers];
        let mut traces = Traces {
            loss: zeros(layers + 1),
            logit: zeros(layers + 1),
            margin: zeros(layers + 1),
            affine_margin: Vec::new(),
            norm: zeros(layers),
        };
        let mut streams = vec![Vec::with_capacity(n * shape.width); layers + 1];
        let capacity = CHUNK.min(n);
        let mut workspace = Workspace::new(shape, capacity);
        let mut buffer = vec![0f32; (layers + 1) * capacity];
        for from in (0..n).step_by(capacity) {
            let rows = from..n.min(from + capacity);
            let (pairs, targets) = (&data.pairs[rows.clone()], &data.targets[rows.clone()]);
            mlp::forward(exec, parameters, pairs, &mut workspace);
            let b = rows.len();
            let losses = MatMut::first(&mut buffer, layers + 1, b);
            mlp::losses(exec, &workspace, loss.kernel(), targets, losses);
            for (all, chunk) in traces.loss.iter_mut().zip(buffer.chunks(b)) {
                all[rows.clone()].copy_from_slice(chunk);
            }
            for (l, stream) in streams.iter_mut().enumerate() {
                let x = workspace.residual(l);
                for (k, &target) in rows.clone().zip(targets) {
                    let row = x.row(k - from);
                    traces.logit[l][k] = row[target as usize];
                    traces.margin[l][k] = margin(row, target);
                    stream.extend_from_slice(row);
                }
            }
            let norms = MatMut::first(&mut buffer, layers, b);
            mlp::output_gradient_norms(exec, parameters, targets, &mut workspace, norms);
            for (all, chunk) in traces.norm.iter_mut().zip(buffer.chunks(b)) {
                all[rows.clone()].copy_from_slice(chunk);
            }
        }
        traces.affine_margin = lens::margins(&streams, shape.width, &data.targets);
        traces
    }
}
