//! Response curves: how the output of a layer along one direction varies with the input along another.

use kernels::Exec;

use crate::error::Result;
use crate::session::progress;
use crate::stats::max;

/// Returns `points` evenly spaced levels from −`reach` to `reach`.
pub fn levels(reach: f64, points: usize) -> Vec<f64> {
    let step = 2.0 * reach / (points - 1) as f64;
    (0..points).map(|i| -reach + i as f64 * step).collect()
}

/// Returns the direction spread evenly over all `n` neurons: 1/√n on each.
pub fn distributed(n: usize) -> Vec<f64> {
    vec![1.0 / (n as f64).sqrt(); n]
}

/// Returns the largest absolute difference of two curves on the same levels; NaN if a point of either is NaN.
pub fn max_error(y: &[f64], expected: impl IntoIterator<Item = f64>) -> f64 {
    let errors = y.iter().zip(expected).map(|(y, e)| (y - e).abs());
    max(errors)
}

/// Returns GELU(x) = x·Φ(x) in double precision, for comparison.
pub fn gelu(x: f64) -> f64 {
    0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

crate::words! {
    /// The activation of a layer.
    pub enum Activation {
        /// The exact GELU, x·Φ(x).
        Gelu,
        /// The ReLU, max(0, x).
        Relu,
    }
}

impl Activation {
    /// Returns the activation of a value, in double precision.
    pub fn at(self, x: f64) -> f64 {
        match self {
            Activation::Gelu => gelu(x),
            Activation::Relu => x.max(0.0),
        }
    }
}

/// A layer of neurons without weights: an activation, applied to each neuron.
#[derive(Debug, Clone, Copy)]
pub struct Layer {
    /// The activation of every neuron.
    pub activation: Activation,
    /// The instruction set and the threads that the layer is computed with.
    pub exec: Exec,
}

impl Layer {
    /// Returns a layer of GELU neurons.
    pub fn of_gelu(exec: Exec) -> Self {
        Layer {
            activation: Activation::Gelu,
            exec,
        }
    }

    /// Writes the activation of every value of `before` to `after`, in single precision.
    pub fn apply(self, before: &[f32], after: &mut [f32]) {
        match self.activation {
            Activation::Gelu => kernels::gelu::forward(self.exec, before, after),
            Activation::Relu => kernels::relu::forward(self.exec, before, after),
        }
    }

    /// Returns g · act(x f) for every level of `x`; each x f is rounded to single precision.
    pub fn response(self, x: &[f64], f: &[f64], g: &[f64]) -> Result<Vec<f64>> {
        let (mut before, mut after) = (vec![0f32; f.len()], vec![0f32; f.len()]);
        let level = |&x: &f64| {
            before
                .iter_mut()
                .zip(f)
                .for_each(|(b, f)| *b = (x * f) as f32);
            self.apply(&before, &mut after);
            progress::check()?;
            Ok(after.iter().zip(g).map(|(&a, g)| f64::from(a) * g).sum())
        };
        x.iter().map(level).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_that_is_not_a_number_is_no_small_error() {
        assert_eq!(max_error(&[1.0, 2.0, 3.0], [1.0, 2.5, 3.0]), 0.5);
        for place in 0..3 {
            let mut y = [1.0, 2.0, 3.0];
            y[place] = f64::NAN;
            assert!(max_error(&y, [1.0, 2.5, 3.0]).is_nan());
            assert!(max_error(&[1.0, 2.5, 3.0], y).is_nan());
        }
    }
}
