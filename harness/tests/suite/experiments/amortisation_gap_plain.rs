//! The trainings of `amortisation-gap` by plain loops in f64, from the formulas of the paper.
//!
//! O'Neill, Gumran and Klindt, 2025, have the mean over batch × M of the squared error plus 0.01 times the mean over
//! batch × N of |s|, no biases, atoms normalised in every forward pass, full batches and Adam. Sparse coding takes
//! proximal steps on the codes here before each step of the dictionary.

use crate::common::plain::{Rows, best_code, dot, duality_gap, residual, rows};
use harness::experiments::autoencoders::amortisation_gap::data::{Data, Size, layer};
use harness::experiments::autoencoders::amortisation_gap::{Gap, Settings};
use harness::rng::Rng;
use kernels::{Exec, Isa, MatRef, dictionary};

/// The trained weights, one after another: a hidden layer of h×M, if there is one, the output layer of N×h or N×M, and
/// the atoms, N×M.
struct Net {
    n: usize,
    m: usize,
    hidden: Option<usize>,
    weights: Vec<f64>,
}

fn relu(layer: &[f64], x: &[f64]) -> Vec<f64> {
    let rows = layer.chunks_exact(x.len());
    rows.map(|row| dot(row, x).max(0.0)).collect()
}

fn norm(row: &[f64]) -> f64 {
    dot(row, row).sqrt()
}

impl Net {
    /// Returns initial weights: layers uniform within ±1/√inputs, and atoms that are given or normal.
    fn start(size: Size, hidden: Option<usize>, given: Option<&[f32]>, rng: &mut Rng) -> Net {
        let (n, m) = (size.sources, size.dimensions);
        let first = hidden.map(|h| layer(h, m, rng)).unwrap_or_default();
        let mut weights = [first, layer(n, hidden.unwrap_or(m), rng)].concat();
        match given {
            Some(atoms) => weights.extend(atoms),
            None => weights.extend((0..n * m).map(|_| rng.normal() as f32)),
        }
        let weights = weights.into_iter().map(f64::from).collect();
        Net {
            n,
            m,
            hidden,
            weights,
        }
    }

    /// Returns the indices at which the output layer and the atoms begin.
    fn places(&self) -> (usize, usize) {
        let output = self.hidden.unwrap_or(0) * self.m;
        (output, output + self.n * self.hidden.unwrap_or(self.m))
    }

    /// Returns the atoms scaled to norm 1.
    fn unit(&self) -> Rows {
        let atoms = self.weights[self.places().1..].chunks_exact(self.m);
        let unit = |atom: &[f64]| atom.iter().map(|v| v / norm(atom)).collect();
        atoms.map(unit).collect()
    }

    /// Returns the input of the output layer, and the code.
    fn encode(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (output, atoms) = self.places();
        let input = match self.hidden {
            Some(_) => relu(&self.weights[..output], x),
            None => x.to_vec(),
        };
        let code = relu(&self.weights[output..atoms], &input);
        (input, code)
    }

    /// Returns the gradient of the mean of (s − code)², if true codes are given, and otherwise of the mean of (x̂ − x)²
    /// plus `penalty` times the mean of s.
    fn gradient(&self, x: &Rows, truth: Option<&Rows>, penalty: f64) -> Vec<f64> {
        let (output, start) = self.places();
        let unit = self.unit();
        let mut gradient = vec![0.0; self.weights.len()];
        let mut d_unit = vec![vec![0.0; self.m]; self.n];
        for (b, sample) in x.iter().enumerate() {
            let (input, code) = self.encode(sample);
            let of_batch = |entries: usize| 1.0 / (x.len() * entries) as f64;
            let rest = residual(sample, &code, &unit);
            for j in 0..self.n {
                let slope = match truth {
                    Some(truth) => 2.0 * of_batch(self.n) * (code[j] - truth[b][j]),
                    None => {
                        let along = -2.0 * of_batch(self.m) * dot(&rest, &unit[j]);
                        let of_atom = -2.0 * of_batch(self.m) * code[j];
                        let terms = d_unit[j].iter_mut().zip(&rest);
                        terms.for_each(|(d, r)| *d += of_atom * r);
                        along + penalty * of_batch(self.n)
                    }
                };
                if code[j] <= 0.0 {
                    continue;
                }
                let wide = input.len();
                for (k, value) in input.iter().enumerate() {
                    gradient[output + j * wide + k] += slope * value;
                    if self.hidden.is_some() && *value > 0.0 {
                        let back = slope * self.weights[output + j * wide + k];
                        for (i, x) in sample.iter().enumerate() {
                            gradient[k * self.m + i] += back * x;
                        }
                    }
                }
            }
        }
        // Since u = a/‖a‖, ∂/∂a = (∂/∂u − (u·∂/∂u) u) / ‖a‖.
        for (j, (d, u)) in d_unit.iter().zip(&unit).enumerate() {
            let place = start + j * self.m;
            let length = norm(&self.weights[place..][..self.m]);
            for i in 0..self.m {
                gradient[place + i] = (d[i] - dot(d, u) * u[i]) / length;
            }
        }
        gradient
    }
}

/// Adam with β = (0.9, 0.999) and ε = 10⁻⁸.
#[derive(Default)]
struct Adam {
    moments: Vec<(f64, f64)>,
    step: i32,
}

impl Adam {
    fn step(&mut self, weights: &mut [f64], gradient: &[f64], rate: f64) {
        self.moments.resize(weights.len(), (0.0, 0.0));
        self.step += 1;
        let of = |beta: f64| 1.0 - beta.powi(self.step);
        for ((w, g), (m, v)) in weights.iter_mut().zip(gradient).zip(&mut self.moments) {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            *w -= rate * (*m / of(0.9)) / ((*v / of(0.999)).sqrt() + 1e-8);
        }
    }
}

/// Takes steps c ← max(0, c + (D(x − Dᵀc) − λ/2)/σ²), until the duality gap is 10⁻⁶ of ‖x‖² or the iterations are used
/// up. σ is the kernels' bound on ‖D‖₂, which has tests of its own; how far the steps get depends on it.
fn proximal_steps(code: &mut [f64], x: &[f64], unit: &Rows, lambda: f64, most: usize, sigma: f64) {
    for _ in 0..most {
        if duality_gap(x, code, unit, lambda) <= 1e-6 * dot(x, x) {
            break;
        }
        let rest = residual(x, code, unit);
        for (c, u) in code.iter_mut().zip(unit) {
            *c = (*c + (dot(u, &rest) - lambda / 2.0) / (sigma * sigma)).max(0.0);
        }
    }
}

fn spectral_norm(unit: &Rows) -> f64 {
    let narrow: Vec<f32> = unit.iter().flatten().map(|&v| v as f32).collect();
    let atoms = MatRef::from_rows(&narrow, unit[0].len());
    dictionary::spectral_norm(Exec::serial(Isa::detect()), atoms)
}

/// Returns the codes of the test samples and the atoms that a method learns.
pub fn trained(data: &Data, row: &Gap, number: u64, s: &Settings) -> (Rows, Rows) {
    let size = data.size;
    let (n, m) = (size.sources, size.dimensions);
    let (x, test) = (rows(&data.training.x, m), rows(&data.test.x, m));
    // λ follows from the means over batch × M and batch × N, times batch × M: the sums of a squared error and of a
    // code.
    let lambda = s.penalty * m as f64 / n as f64;
    let best = |unit: &Rows| test.iter().map(|x| best_code(x, unit, lambda)).collect();
    let known = row.known.to_string();
    let given = (known == "dictionary").then_some(&data.dictionary[..]);
    let is_coding = row.method == "sparse coding";
    let hidden = row.method.strip_prefix("two-layer of ");
    let hidden = hidden.map(|h| h.parse().unwrap());
    let purpose = format!("initial {}", row.method);
    let rng = &mut Rng::stream(row.seed, "amortisation-gap", &purpose, number);
    let mut net = Net::start(size, hidden, given, rng);
    let (_, start) = net.places();
    let mut adam = Adam::default();
    if is_coding {
        let mut codes = vec![vec![0.0; n]; s.samples];
        for _ in 0..if known == "nothing" { s.steps } else { 0 } {
            let unit = net.unit();
            let sigma = spectral_norm(&unit);
            let mut slope = vec![0.0; n * m];
            for (x, code) in x.iter().zip(&mut codes) {
                proximal_steps(code, x, &unit, lambda, s.iterations, sigma);
                let rest = residual(x, code, &unit);
                for (j, u) in unit.iter().enumerate() {
                    let across = dot(&rest, u);
                    for i in 0..m {
                        let rest = rest[i] - across * u[i];
                        slope[j * m + i] -= 2.0 / (s.samples * m) as f64 * code[j] * rest;
                    }
                }
            }
            net.weights[start..].copy_from_slice(&unit.concat());
            adam.step(&mut net.weights[start..], &slope, s.learning_rate);
        }
        let unit = net.unit();
        return (best(&unit), unit);
    }
    let truth = rows(&data.training.codes, n);
    let truth = (known == "codes").then_some(&truth);
    for _ in 0..s.steps {
        let gradient = net.gradient(&x, truth, s.penalty);
        let end = if known == "nothing" {
            gradient.len()
        } else {
            start
        };
        adam.step(&mut net.weights[..end], &gradient[..end], s.learning_rate);
    }
    (test.iter().map(|x| net.encode(x).1).collect(), net.unit())
}
