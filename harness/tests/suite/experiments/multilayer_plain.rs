//! A model of `multilayer` by plain loops in f64: its residual streams, losses and gradient norms.

use harness::experiments::many_layers::multilayer::Loss;
use harness::experiments::many_layers::multilayer::data::Data;
use kernels::mlp::Parameters;
use kernels::{Activation, MatRef};
use proptests::reference::{gelu, gelu_derivative};

fn product(m: MatRef, x: &[f64]) -> Vec<f64> {
    let dot = |i| m.row(i).iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum();
    (0..m.rows()).map(dot).collect()
}

fn transposed(m: MatRef, y: &[f64]) -> Vec<f64> {
    let dot = |j| (0..m.rows()).map(|i| f64::from(m.row(i)[j]) * y[i]).sum();
    (0..m.cols()).map(dot).collect()
}

/// Returns the sum of the squares of all entries of y xᵀ, entry by entry.
fn outer_squares(y: &[f64], x: &[f64]) -> f64 {
    y.iter()
        .flat_map(|y| x.iter().map(move |x| (y * x).powi(2)))
        .sum()
}

/// The results of plain loops for one datapoint.
pub struct Plain {
    /// The residual stream after layers 0 … L.
    pub streams: Vec<Vec<f64>>,
    pub loss: Vec<f64>,
    /// The gradient norms of blocks 1 … L.
    pub norm: Vec<f64>,
}

/// Returns the value and the derivative of an activation.
fn activation(p: &Parameters, z: f64) -> (f64, f64) {
    match p.shape().activation {
        Activation::Relu => (z.max(0.0), if z > 0.0 { 1.0 } else { 0.0 }),
        _ => (gelu(z), gelu_derivative(z)),
    }
}

fn plain(p: &Parameters, pair: [u32; 2], target: usize, loss: Loss) -> Plain {
    let [first, second] = p.embeddings();
    let rows = first
        .row(pair[0] as usize)
        .iter()
        .zip(second.row(pair[1] as usize));
    let mut x: Vec<Vec<f64>> = vec![rows.map(|(a, b)| f64::from(*a) + f64::from(*b)).collect()];
    let (mut pres, mut hiddens) = (Vec::new(), Vec::new());
    for l in 0..p.shape().layers {
        let block = p.block(l);
        let pre: Vec<f64> = product(block.w1, &x[l])
            .iter()
            .zip(block.b1)
            .map(|(v, b)| v + f64::from(*b))
            .collect();
        let hidden: Vec<f64> = pre.iter().map(|&v| activation(p, v).0).collect();
        let out = product(block.w2, &hidden);
        let next = (0..out.len())
            .map(|i| x[l][i] + out[i] + f64::from(block.b2[i]))
            .collect();
        x.push(next);
        pres.push(pre);
        hiddens.push(hidden);
    }
    let loss_of = |x: &Vec<f64>| match loss {
        Loss::SquaredError => {
            let off = |(i, v): (usize, &f64)| if i == target { v - 1.0 } else { *v };
            x.iter().enumerate().map(|e| off(e).powi(2)).sum::<f64>()
        }
        Loss::CrossEntropy => x.iter().map(|v| v.exp()).sum::<f64>().ln() - x[target],
    };
    let losses = x.iter().map(loss_of).collect();
    let mut dy = vec![0.0; p.shape().width];
    dy[target] = 1.0;
    let mut norms = vec![0.0; p.shape().layers];
    for l in (0..p.shape().layers).rev() {
        let block = p.block(l);
        let through = transposed(block.w2, &dy);
        let d_pre: Vec<f64> = through
            .iter()
            .zip(&pres[l])
            .map(|(d, &z)| d * activation(p, z).1)
            .collect();
        norms[l] = (outer_squares(&dy, &hiddens[l]) + outer_squares(&d_pre, &x[l])).sqrt();
        let back = transposed(block.w1, &d_pre);
        dy.iter_mut().zip(back).for_each(|(d, b)| *d += b);
    }
    Plain {
        streams: x,
        loss: losses,
        norm: norms,
    }
}

/// Returns the correct logit minus the largest other one.
pub fn margin(logits: &[f64], target: usize) -> f64 {
    let others = (0..logits.len()).filter(|&c| c != target);
    logits[target] - others.map(|c| logits[c]).fold(f64::NEG_INFINITY, f64::max)
}

/// Returns the results of plain loops for all datapoints.
pub fn all_plain(p: &Parameters, data: &Data, loss: Loss) -> Vec<Plain> {
    let one = |k: usize| plain(p, data.pairs[k], data.targets[k] as usize, loss);
    (0..data.len()).map(one).collect()
}
