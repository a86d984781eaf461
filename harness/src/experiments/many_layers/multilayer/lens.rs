//! The affine lens: an affine map from the residual stream after a layer to the output, fitted by least squares (the
//! "tuned lens" of Belrose et al. 2023, fitted to the output itself).
//!
//! The map is x + b + W (x − x̄): the logit lens and a correction, whose W is shrunk towards 0 by a ridge penalty. It
//! is fitted on every other datapoint and judged on the rest, then the other way round, so that each datapoint is read
//! by a lens that has not seen it.

use crate::stats::cholesky::Cholesky;

/// The ridge penalty, as a share of the mean diagonal of the matrix that it is added to.
pub const RIDGE: f64 = 0.1;

/// For each layer and datapoint, the correct logit minus the largest other one, through a lens fitted on the other
/// half. `streams` holds the residual streams after layers 0 … L, N×d each.
pub fn margins(streams: &[Vec<f32>], width: usize, targets: &[u32]) -> Vec<Vec<f32>> {
    let outputs = streams.last().expect("the streams of some layer");
    let of_layer = |stream: &Vec<f32>| {
        let mut margins = vec![0f32; targets.len()];
        for half in 0..2 {
            let fit: Vec<usize> = (0..targets.len()).filter(|k| k % 2 != half).collect();
            let lens = Lens::fit(stream, outputs, width, &fit);
            for k in (half..targets.len()).step_by(2) {
                let logits = lens.read(&stream[k * width..][..width]);
                margins[k] = margin(&logits, targets[k]);
            }
        }
        margins
    };
    streams.iter().map(of_layer).collect()
}

/// The correct logit minus the largest other one.
pub fn margin(logits: &[f32], target: u32) -> f32 {
    let others = logits.iter().enumerate();
    let others = others.filter(|&(c, _)| c != target as usize);
    logits[target as usize] - others.fold(f32::NEG_INFINITY, |most, (_, &v)| most.max(v))
}

/// An affine map.
struct Lens {
    /// x̄, the mean of the rows that it is fitted on.
    centre: Vec<f64>,
    /// b, the mean of what is to be added to them.
    shift: Vec<f64>,
    /// W as rows, one an entry of x.
    weights: Vec<f64>,
}

impl Lens {
    /// Fits the correction on some rows: least squares of the output minus x on x − x̄, with a ridge penalty.
    fn fit(stream: &[f32], outputs: &[f32], width: usize, rows: &[usize]) -> Lens {
        let of = |values: &[f32], k: usize| -> Vec<f64> {
            let row = &values[k * width..][..width];
            row.iter().map(|&v| f64::from(v)).collect()
        };
        let mut x: Vec<Vec<f64>> = rows.iter().map(|&k| of(stream, k)).collect();
        let mut to_add: Vec<Vec<f64>> = rows.iter().map(|&k| of(outputs, k)).collect();
        for (to_add, x) in to_add.iter_mut().zip(&x) {
            to_add.iter_mut().zip(x).for_each(|(t, x)| *t -= x);
        }
        let (centre, shift) = (centred(&mut x, width), centred(&mut to_add, width));
        let mut gram = vec![0.0; width * width];
        let mut right = vec![0.0; width * width];
        for (x, to_add) in x.iter().zip(&to_add) {
            for (i, &factor) in x.iter().enumerate() {
                let row = &mut gram[i * width..][..=i];
                row.iter_mut().zip(x).for_each(|(g, x)| *g += factor * x);
                let row = &mut right[i * width..][..width];
                row.iter_mut()
                    .zip(to_add)
                    .for_each(|(r, t)| *r += factor * t);
            }
        }
        let trace: f64 = (0..width).map(|i| gram[i * width + i]).sum();
        let ridge = RIDGE * trace / width as f64;
        (0..width).for_each(|i| gram[i * width + i] += ridge);
        // Where the stream is the same for all rows, and where it is not finite, nothing is added but b.
        match Cholesky::of(gram, width) {
            Some(factor) => factor.solve(&mut right),
            None => right.fill(0.0),
        }
        Lens {
            centre,
            shift,
            weights: right,
        }
    }

    /// The logits that it reads.
    fn read(&self, x: &[f32]) -> Vec<f32> {
        let mut logits: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
        logits
            .iter_mut()
            .zip(&self.shift)
            .for_each(|(l, b)| *l += b);
        let rows = self.weights.chunks(x.len());
        for ((x, centre), row) in x.iter().zip(&self.centre).zip(rows) {
            let factor = f64::from(*x) - centre;
            logits
                .iter_mut()
                .zip(row)
                .for_each(|(l, w)| *l += factor * w);
        }
        logits.iter().map(|&v| v as f32).collect()
    }
}

/// The mean of the rows, which is taken from each of them.
fn centred(rows: &mut [Vec<f64>], width: usize) -> Vec<f64> {
    let n = rows.len().max(1) as f64;
    let mean = |j: usize| rows.iter().map(|row| row[j]).sum::<f64>() / n;
    let mean: Vec<f64> = (0..width).map(mean).collect();
    for row in rows {
        row.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m);
    }
    mean
}
