//! The affine lens: an affine map from the residual stream after a layer to the output, fitted by least squares (the
//! "tuned lens" of Belrose et al. 2023, fitted to the output itself).
//!
//! The map is x + b + W (x − x̄): the logit lens and a correction, whose W is shrunk towards 0 by a ridge penalty. It
//! is fitted on every other datapoint and judged on the rest, then the other way round, so that each datapoint is read
//! by a lens that has not seen it.

use kernels::MatRef;

use crate::stats::affine::Affine;

/// The ridge penalty, as a share of the mean diagonal of the matrix that it is added to.
const RIDGE: f64 = 0.1;

/// Returns, for each layer and datapoint, the correct logit minus the largest other one, through a lens fitted on the
/// other half. `streams` holds the residual streams after layers 0 … L, N×d each.
pub fn margins(streams: &[Vec<f32>], width: usize, targets: &[u32]) -> Vec<Vec<f32>> {
    let outputs = streams.last().expect("the streams of some layer");
    let of_layer = |stream: &Vec<f32>| {
        let mut margins = vec![0f32; targets.len()];
        for half in 0..2 {
            let other = 1 - half;
            let correction = correction(
                every_other(stream, width, other),
                every_other(outputs, width, other),
            );
            let rows = every_other(stream, width, half);
            for i in 0..rows.rows() {
                let logits = read(correction.as_ref(), rows.row(i));
                let k = 2 * i + half;
                margins[k] = margin(&logits, targets[k]);
            }
        }
        margins
    };
    streams.iter().map(of_layer).collect()
}

/// Returns the correct logit minus the largest other one.
pub fn margin(logits: &[f32], target: u32) -> f32 {
    let others = logits.iter().enumerate();
    let others = others.filter(|&(c, _)| c != target as usize);
    logits[target as usize] - others.fold(f32::NEG_INFINITY, |most, (_, &v)| most.max(v))
}

/// Returns every other row of a matrix, from row `from`, 0 or 1, on.
fn every_other(rows: &[f32], width: usize, from: usize) -> MatRef<'_> {
    let rows = rows.get(from * width..).unwrap_or_default();
    let count = (rows.len() / width).div_ceil(2);
    MatRef::with_strides(rows, count, width, 2 * width, 1).expect("every other row is there")
}

/// Fits the map from x to what the output has beyond it; `None` where the stream is the same in all rows or not finite.
fn correction(x: MatRef, outputs: MatRef) -> Option<Affine> {
    let pairs = (0..x.rows()).flat_map(|i| outputs.row(i).iter().zip(x.row(i)));
    let beyond: Vec<f64> = pairs.map(|(&y, &x)| f64::from(y) - f64::from(x)).collect();
    Affine::fit(x, &beyond, x.cols(), RIDGE).ok()
}

/// Returns the logits that a lens reads: x itself with its correction, if there is one.
fn read(correction: Option<&Affine>, x: &[f32]) -> Vec<f32> {
    let Some(correction) = correction else {
        return x.to_vec();
    };
    let terms = x.iter().zip(correction.at(x));
    terms.map(|(&x, add)| (f64::from(x) + add) as f32).collect()
}
