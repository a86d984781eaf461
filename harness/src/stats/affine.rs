//! Affine maps between vectors, fitted by ridge regression in f64: linear probes and tuned lenses.

use kernels::MatRef;

use crate::stats;
use crate::stats::cholesky::Cholesky;

/// The affine map x ↦ y₀ + A (x − x₀).
#[derive(Debug, Clone)]
pub struct Affine {
    /// The mean x₀ of the inputs.
    centre: Vec<f64>,
    /// The mean y₀ of the outputs.
    offset: Vec<f64>,
    /// The transpose Aᵀ, one row for each entry of x.
    transposed: Vec<f64>,
}

impl Affine {
    /// Fits the map by least squares from the rows of `x` to those of `y`, which have `outputs` entries. A is held down
    /// by a ridge penalty of `ridge` times the mean variance of an entry of x, so that entries may depend on each
    /// other.
    ///
    /// # Errors
    /// If the inputs do not vary or are not finite.
    pub fn fit(x: MatRef, y: &[f64], outputs: usize, ridge: f64) -> Result<Affine, String> {
        let (rows, width) = (x.rows(), x.cols());
        let row = |i: usize| x.row(i).iter().map(|&v| f64::from(v));
        let mut centre = vec![0.0; width];
        let mut offset = vec![0.0; outputs];
        for i in 0..rows {
            centre
                .iter_mut()
                .zip(row(i))
                .for_each(|(m, v)| *m += v / rows as f64);
            let targets = &y[i * outputs..][..outputs];
            offset
                .iter_mut()
                .zip(targets)
                .for_each(|(m, v)| *m += v / rows as f64);
        }
        let mut gram = vec![0.0; width * width];
        let mut right = vec![0.0; width * outputs];
        for i in 0..rows {
            let from: Vec<f64> = row(i).zip(&centre).map(|(v, m)| v - m).collect();
            let targets = y[i * outputs..][..outputs].iter().zip(&offset);
            let to: Vec<f64> = targets.map(|(v, m)| v - m).collect();
            for (j, &v) in from.iter().enumerate() {
                let line = gram[j * width..][..=j].iter_mut();
                line.zip(&from).for_each(|(g, w)| *g += v * w);
                let line = right[j * outputs..][..outputs].iter_mut();
                line.zip(&to).for_each(|(r, t)| *r += v * t);
            }
        }
        let trace: f64 = (0..width).map(|j| gram[j * width + j]).sum();
        (0..width).for_each(|j| gram[j * width + j] += ridge * trace / width as f64);
        let factor =
            Cholesky::of(gram, width).ok_or("the inputs of a linear map do not vary enough")?;
        factor.solve(&mut right);
        Ok(Affine {
            centre,
            offset,
            transposed: right,
        })
    }

    /// Returns A v, the change of the output with a change v of the input.
    pub fn linear(&self, v: impl Iterator<Item = f64>) -> Vec<f64> {
        let outputs = self.offset.len();
        let mut y = vec![0.0; outputs];
        for (v, line) in v.zip(self.transposed.chunks_exact(outputs)) {
            y.iter_mut().zip(line).for_each(|(y, a)| *y += v * a);
        }
        y
    }

    /// Returns the output for one input.
    pub fn at(&self, x: &[f32]) -> Vec<f64> {
        let from = x.iter().zip(&self.centre).map(|(&v, m)| f64::from(v) - m);
        let mut y = self.linear(from);
        y.iter_mut().zip(&self.offset).for_each(|(y, o)| *y += o);
        y
    }

    /// Returns the direction in the space of inputs along which an output grows fastest: its row of A.
    pub fn direction(&self, output: usize) -> Vec<f64> {
        let outputs = self.offset.len();
        self.transposed
            .iter()
            .skip(output)
            .step_by(outputs)
            .copied()
            .collect()
    }

    /// Returns [R²](stats::r2) of one output on the rows of `x`, which may be others than those that the map was fitted
    /// to.
    pub fn r2(&self, x: MatRef, y: &[f64], output: usize) -> f64 {
        let each = y.iter().skip(output).step_by(self.offset.len());
        let y: Vec<f64> = each.take(x.rows()).copied().collect();
        let predicted = (0..x.rows()).map(|i| self.at(x.row(i))[output]);
        stats::r2(predicted, &y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn a_map_that_is_affine_is_found_and_a_column_twice_does_no_harm() {
        let mut rng = Rng::stream(1, "test", "affine", 0);
        let (mut x, mut y): (Vec<f32>, Vec<f64>) = Default::default();
        for _ in 0..50 {
            let (a, b) = (rng.normal() as f32, rng.normal() as f32);
            x.extend([a, b, a]);
            let (a, b) = (f64::from(a), f64::from(b));
            y.extend([1.0 + 2.0 * a - b, 3.0 * b - 4.0]);
        }
        let x = MatRef::from_rows(&x, 3);
        let map = Affine::fit(x, &y, 2, 1e-9).unwrap();
        let at = map.at(&[1.0, 2.0, 1.0]);
        assert!(
            (at[0] - 1.0).abs() < 1e-6 && (at[1] - 2.0).abs() < 1e-6,
            "{at:?}"
        );
        let direction = map.direction(0);
        assert!((direction[0] - 1.0).abs() < 1e-6 && (direction[1] + 1.0).abs() < 1e-6);
        assert!(map.r2(x, &y, 1) > 1.0 - 1e-9);
        // A label that has nothing to do with x is not explained on rows that were not seen.
        let noise: Vec<f64> = (0..50).map(|_| rng.normal()).collect();
        let half = Affine::fit(x.row_range(0..25), &noise[..25], 1, 1e-9).unwrap();
        assert!(half.r2(x.row_range(25..50), &noise[25..], 0) < 0.3);
        // An output that does not vary leaves nothing to explain.
        let constant = [0.1; 25];
        assert!(half.r2(x.row_range(25..50), &constant, 0).is_nan());
        assert!(Affine::fit(MatRef::from_rows(&[1.0; 6], 3), &[1.0; 2], 1, 1e-3).is_err());
    }
}
