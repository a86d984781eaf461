//! Encoders without biases, with or without a hidden layer, and a dictionary whose rows count by their direction alone.

use kernels::{Accumulate, Exec, MatMut, MatRef, dictionary, matmul};

use super::data::{Size, layer};
use crate::rng::Rng;

/// The target of the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// The true codes: the loss is the mean of (s − true code)².
    Codes,
    /// The samples: the loss is the mean of (x̂ − x)² plus `penalty` times the mean of s.
    Samples {
        /// The coefficient of the mean of s.
        penalty: f64,
    },
}

/// The sizes of an encoder and its dictionary. Their weights lie one after the other in one slice: the hidden layer, if
/// there is one, h×M; the output layer, N×h or N×M; the dictionary, N×M.
#[derive(Debug, Clone, Copy)]
pub struct Net {
    /// The numbers of sources N and of dimensions M.
    pub size: Size,
    /// The width h of the hidden layer, if there is one.
    pub hidden: Option<usize>,
}

impl Net {
    /// Returns the number of inputs of the output layer: h, or M without a hidden layer.
    fn inputs(&self) -> usize {
        self.hidden.unwrap_or(self.size.dimensions)
    }

    /// Returns the places in the weights at which the output layer and the dictionary begin.
    fn places(&self) -> [usize; 2] {
        let output = self.hidden.map_or(0, |h| h * self.size.dimensions);
        [output, output + self.size.sources * self.inputs()]
    }

    /// Returns the place in the weights at which the dictionary begins.
    pub fn dictionary(&self) -> usize {
        self.places()[1]
    }

    /// Draws the first weights. The rows of the dictionary are those of `known`, or else normal numbers.
    pub fn start(&self, known: Option<&[f32]>, rng: &mut Rng) -> Vec<f32> {
        let Size {
            sources,
            dimensions,
            ..
        } = self.size;
        let mut weights = match self.hidden {
            Some(hidden) => layer(hidden, dimensions, rng),
            None => Vec::new(),
        };
        weights.extend(layer(sources, self.inputs(), rng));
        match known {
            Some(known) => weights.extend(known),
            None => weights.extend((0..sources * dimensions).map(|_| rng.normal() as f32)),
        }
        weights
    }

    /// Returns the codes of samples, B×N, and the activations of the hidden layer, B×h, which are empty without one.
    fn encode(&self, exec: Exec, weights: &[f32], x: MatRef) -> (Vec<f32>, Vec<f32>) {
        let (rows, n) = (x.rows(), self.size.sources);
        let [output, dictionary] = self.places();
        let hidden = match self.hidden {
            Some(hidden) => relu(product(
                exec,
                x,
                MatRef::from_rows(&weights[..output], self.size.dimensions).t(),
                hidden,
            )),
            None => Vec::new(),
        };
        let input = match self.hidden {
            Some(h) => MatRef::new(&hidden, rows, h).expect("a row a sample"),
            None => x,
        };
        let layer = MatRef::from_rows(&weights[output..dictionary], self.inputs());
        let codes = relu(product(exec, input, layer.t(), n));
        (codes, hidden)
    }

    /// Returns the codes of samples, B×N.
    pub fn codes(&self, exec: Exec, weights: &[f32], x: MatRef) -> Vec<f32> {
        self.encode(exec, weights, x).0
    }

    /// Returns the loss on samples `x` with true codes `truth`, and writes its gradient with respect to all weights to
    /// `gradient`.
    pub fn gradient(
        &self,
        exec: Exec,
        weights: &[f32],
        x: MatRef,
        truth: &[f32],
        aim: Aim,
        gradient: &mut [f32],
    ) -> f64 {
        let (rows, n, m) = (x.rows(), self.size.sources, self.size.dimensions);
        let [output, start] = self.places();
        let (codes, hidden) = self.encode(exec, weights, x);
        let code = MatRef::from_rows(&codes, n);
        let (mut loss, mut d_codes);
        match aim {
            Aim::Codes => {
                let mean = 1.0 / (rows * n) as f32;
                let off = codes.iter().zip(truth).map(|(s, t)| s - t);
                let off: Vec<f32> = off.collect();
                loss = squares(&off) * f64::from(mean);
                d_codes = off.iter().map(|d| 2.0 * mean * d).collect::<Vec<f32>>();
                gradient[start..].fill(0.0);
            }
            Aim::Samples { penalty } => {
                let mean = 1.0 / (rows * m) as f32;
                let mut unit = weights[start..].to_vec();
                dictionary::normalise(exec, MatMut::from_rows(&mut unit, m));
                let unit = MatRef::from_rows(&unit, m);
                let mut off = product(exec, code, unit, m);
                off.iter_mut().zip(x.data()).for_each(|(o, x)| *o -= x);
                let each = penalty / (rows * n) as f64;
                loss = squares(&off) * f64::from(mean);
                loss += each * codes.iter().map(|&s| f64::from(s)).sum::<f64>();
                off.iter_mut().for_each(|o| *o *= 2.0 * mean);
                let off = MatRef::from_rows(&off, m);
                d_codes = product(exec, off, unit.t(), n);
                d_codes.iter_mut().for_each(|d| *d += each as f32);
                // Rows of the dictionary count by their direction alone.
                let d_unit = product(exec, code.t(), off, m);
                gradient[start..].copy_from_slice(&d_unit);
                let mut rows = MatMut::from_rows(&mut gradient[start..], m);
                dictionary::project_gradient(exec, unit, rows.reborrow());
                for j in 0..n {
                    let row = &weights[start + j * m..][..m];
                    let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
                    rows.row_mut(j).iter_mut().for_each(|g| *g /= norm);
                }
            }
        }
        mask(&mut d_codes, &codes);
        let d_codes = MatRef::from_rows(&d_codes, n);
        let input = match self.hidden {
            Some(h) => MatRef::from_rows(&hidden, h),
            None => x,
        };
        let d_output = product(exec, d_codes.t(), input, self.inputs());
        gradient[output..start].copy_from_slice(&d_output);
        if self.hidden.is_some() {
            let layer = MatRef::from_rows(&weights[output..start], self.inputs());
            let mut d_hidden = product(exec, d_codes, layer, self.inputs());
            mask(&mut d_hidden, &hidden);
            let d_hidden = MatRef::from_rows(&d_hidden, self.inputs());
            let d_first = product(exec, d_hidden.t(), x, m);
            gradient[..output].copy_from_slice(&d_first);
        }
        loss
    }
}

/// Returns the product of `a` and `b`, which has `columns` columns.
pub fn product(exec: Exec, a: MatRef, b: MatRef, columns: usize) -> Vec<f32> {
    let mut out = vec![0f32; a.rows() * columns];
    let into = MatMut::from_rows(&mut out, columns);
    matmul(exec, a, b, Accumulate::Replace, into);
    out
}

fn relu(mut values: Vec<f32>) -> Vec<f32> {
    // A NaN stays a NaN.
    values
        .iter_mut()
        .filter(|v| **v < 0.0)
        .for_each(|v| *v = 0.0);
    values
}

/// Sets the entries of a gradient to 0 where the ReLU gave 0.
fn mask(gradient: &mut [f32], values: &[f32]) {
    let off = gradient.iter_mut().zip(values).filter(|(_, v)| **v <= 0.0);
    off.for_each(|(g, _)| *g = 0.0);
}

fn squares(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use kernels::Isa;

    use super::super::data::Data;
    use super::*;

    /// Returns the loss by plain loops in f64.
    fn slow(net: &Net, weights: &[f64], data: &Data, aim: Aim) -> f64 {
        let Size {
            sources: n,
            dimensions: m,
            ..
        } = net.size;
        let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
        let (x, truth) = (wide(&data.training.x), wide(&data.training.codes));
        let layer = |input: &[f64], weights: &[f64]| -> Vec<f64> {
            let rows = weights.chunks_exact(input.len());
            rows.map(|row| {
                row.iter()
                    .zip(input)
                    .map(|(w, x)| w * x)
                    .sum::<f64>()
                    .max(0.0)
            })
            .collect()
        };
        let h = net.hidden.unwrap_or(0);
        let (first, rest) = weights.split_at(h * m);
        let (output, atoms) = rest.split_at(n * if h > 0 { h } else { m });
        let (mut error, mut sum) = (0.0, 0.0);
        let samples = x.len() / m;
        for (x, truth) in x.chunks_exact(m).zip(truth.chunks_exact(n)) {
            let hidden = if h > 0 { layer(x, first) } else { x.to_vec() };
            let code = layer(&hidden, output);
            match aim {
                Aim::Codes => {
                    let off = code.iter().zip(truth).map(|(s, t)| (s - t).powi(2));
                    error += off.sum::<f64>() / n as f64;
                }
                Aim::Samples { penalty } => {
                    let mut rest = x.to_vec();
                    for (s, atom) in code.iter().zip(atoms.chunks_exact(m)) {
                        let norm = atom.iter().map(|a| a * a).sum::<f64>().sqrt();
                        rest.iter_mut()
                            .zip(atom)
                            .for_each(|(r, a)| *r -= s * a / norm);
                    }
                    error += rest.iter().map(|r| r * r).sum::<f64>() / m as f64;
                    sum += penalty * code.iter().sum::<f64>() / n as f64;
                }
            }
        }
        (error + sum) / samples as f64
    }

    #[test]
    fn loss_and_gradient_are_those_of_plain_loops_and_differences() {
        let size = Size {
            sources: 6,
            dimensions: 4,
            orthogonal: false,
        };
        let mut rng = Rng::stream(2, "test", "gap", 0);
        let data = Data::draw(size, 2, 30, &mut rng);
        let exec = Exec::serial(Isa::detect());
        for hidden in [None, Some(5)] {
            for aim in [Aim::Codes, Aim::Samples { penalty: 0.3 }] {
                let net = Net { size, hidden };
                let weights = net.start(None, &mut rng);
                let mut gradient = vec![f32::NAN; weights.len()];
                let x = MatRef::from_rows(&data.training.x, 4);
                let truth = &data.training.codes;
                let found = net.gradient(exec, &weights, x, truth, aim, &mut gradient);
                let wide: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
                let loss = slow(&net, &wide, &data, aim);
                assert!((found - loss).abs() < 1e-5 * loss, "{found} {loss}");
                for i in 0..wide.len() {
                    let at = |step: f64| {
                        let mut moved = wide.clone();
                        moved[i] += step;
                        slow(&net, &moved, &data, aim)
                    };
                    // The step is so short that hardly any ReLU goes on or off within it.
                    let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                    assert!(
                        (f64::from(gradient[i]) - slope).abs() < 1e-4,
                        "{i}: {} {slope}",
                        gradient[i]
                    );
                }
            }
        }
    }
}
