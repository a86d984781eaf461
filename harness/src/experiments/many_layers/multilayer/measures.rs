//! What is read from a model through the logit lens: losses and gradients, layer by layer.

use kernels::mlp::{self, Parameters, Workspace};
use kernels::{Exec, MatMut};

use super::data::Data;
use super::settings::Loss;
use crate::phase::Phase;
use crate::stats::{Fit, max, median, share};

/// Datapoints in one pass.
pub const CHUNK: usize = 1024;

/// What is read from one model.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Mean loss of x_l over all datapoints, l = 0 … L.
    pub loss: Vec<f64>,
    /// Fraction of the datapoints whose loss at x_l is below the threshold, l = 0 … L.
    pub learned: Vec<f64>,
    /// Median over datapoints of the norm of the gradient of the correct output with respect to the
    /// weight matrices of block l, l = 1 … L.
    pub norm: Vec<f64>,
    /// Median over datapoints of that norm as a share of its sum over the blocks.
    pub share: Vec<f64>,
    /// Median over datapoints of the largest block's share.
    pub largest_share: f64,
    /// Some datapoints one by one.
    pub samples: Vec<Sample>,
}

/// One datapoint.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its number.
    pub datapoint: usize,
    /// Its loss at x_l, l = 0 … L.
    pub loss: Vec<f64>,
    /// Its gradient norms, l = 1 … L.
    pub norm: Vec<f64>,
}

impl Reading {
    /// Reads a model. Sums run in f64, in the order of the data.
    pub fn of(
        exec: Exec,
        parameters: &Parameters,
        data: &Data,
        loss: Loss,
        threshold: f64,
        samples: &[usize],
    ) -> Reading {
        let _span = Phase::Metrics.begin();
        let layers = parameters.shape().layers;
        let n = data.len();
        // Layer by layer, datapoint by datapoint.
        let mut losses = vec![vec![0f32; n]; layers + 1];
        let mut norms = vec![vec![0f32; n]; layers];
        let capacity = CHUNK.min(n);
        let mut workspace = Workspace::new(parameters.shape(), capacity);
        let mut buffer = vec![0f32; (layers + 1) * capacity];
        for from in (0..n).step_by(capacity) {
            let rows = from..n.min(from + capacity);
            let (pairs, targets) = (&data.pairs[rows.clone()], &data.targets[rows.clone()]);
            mlp::forward(exec, parameters, pairs, &mut workspace);
            let b = rows.len();
            mlp::losses(
                exec,
                &workspace,
                loss.kernel(),
                targets,
                MatMut::first(&mut buffer, layers + 1, b),
            );
            for (all, chunk) in losses.iter_mut().zip(buffer.chunks(b)) {
                all[rows.clone()].copy_from_slice(chunk);
            }
            let room = MatMut::first(&mut buffer, layers, b);
            mlp::output_gradient_norms(exec, parameters, targets, &mut workspace, room);
            for (all, chunk) in norms.iter_mut().zip(buffer.chunks(b)) {
                all[rows.clone()].copy_from_slice(chunk);
            }
        }
        let of = |values: &[Vec<f32>], datapoint: usize| -> Vec<f64> {
            values.iter().map(|v| f64::from(v[datapoint])).collect()
        };
        let shares: Vec<Vec<f64>> = (0..n)
            .map(|k| {
                let norms = of(&norms, k);
                let total: f64 = norms.iter().sum();
                norms.iter().map(|v| v / total).collect()
            })
            .collect();
        let largest: Vec<f64> = shares.iter().map(|s| max(s.iter().copied())).collect();
        Reading {
            loss: losses
                .iter()
                .map(|v| v.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64)
                .collect(),
            learned: losses
                .iter()
                .map(|v| share(v.iter().map(|&v| v.into()), |loss| loss < threshold))
                .collect(),
            norm: norms
                .iter()
                .map(|v| median(&v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>()))
                .collect(),
            share: (0..layers)
                .map(|l| median(&shares.iter().map(|s| s[l]).collect::<Vec<_>>()))
                .collect(),
            largest_share: median(&largest),
            samples: samples
                .iter()
                .map(|&datapoint| Sample {
                    datapoint,
                    loss: of(&losses, datapoint),
                    norm: of(&norms, datapoint),
                })
                .collect(),
        }
    }

    /// Fraction learned at the output.
    pub fn final_learned(&self) -> f64 {
        self.learned[self.learned.len() - 1]
    }

    /// Fraction learned one layer before the end.
    pub fn learned_before_last(&self) -> f64 {
        self.learned[self.learned.len() - 2]
    }

    /// Mean over x₀ … x_{L−1} of the fraction learned: the area under that curve before the last layer.
    pub fn area(&self) -> f64 {
        let before = &self.learned[..self.learned.len() - 1];
        before.iter().sum::<f64>() / before.len() as f64
    }

    /// R² of a straight line through the mean loss after each layer of the last half, and the largest change
    /// of the mean loss over one of these layers.
    pub fn late_layers(&self) -> (f64, f64) {
        let layers = self.loss.len() - 1;
        let late: Vec<usize> = (layers - layers / 2 + 1..=layers).collect();
        let x: Vec<f64> = late.iter().map(|&l| l as f64).collect();
        let y: Vec<f64> = late.iter().map(|&l| self.loss[l]).collect();
        let changes = late.iter().map(|&l| self.loss[l] - self.loss[l - 1]);
        (Fit::linear(&x, &y).r2(&x, &y), max(changes))
    }
}
