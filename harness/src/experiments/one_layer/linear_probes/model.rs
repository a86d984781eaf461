//! The two features, the layer that spreads them, and the values that a probe may read.

use kernels::{Accumulate, MatMut, MatRef, matmul};
use rand::RngExt as _;

use super::settings::Settings;
use super::tables::Stage;
use crate::experiments::one_layer::response_curve::Layer;
use crate::phase::Phase;
use crate::rng::{Rng, random_direction};
use crate::stats::max;

/// A matrix: rows of equal length, one after the other.
#[derive(Clone)]
pub struct Matrix {
    pub columns: usize,
    pub values: Vec<f32>,
}

impl Matrix {
    pub fn as_ref(&self) -> MatRef<'_> {
        MatRef::from_rows(&self.values, self.columns)
    }
}

/// Labelled inputs: the label is 1 where exactly one feature is on, else −1.
pub struct Examples {
    pub x: Matrix,
    pub labels: Vec<f64>,
}

/// Two features in the input, and a layer that spreads each over all neurons.
pub struct Model {
    /// The direction of each feature in the input.
    pub features: [Vec<f64>; 2],
    /// The vector by which the level of each feature is read from the input, whatever the level of the other feature.
    pub read: [Vec<f64>; 2],
    /// The direction that the layer writes each feature along.
    onto: [Vec<f64>; 2],
    /// The weights of the layer, n rows: scale·√n·(f_A r_Aᵀ + f_B r_Bᵀ), with the directions f of `onto` and r of
    /// `read`.
    weights: Matrix,
}

impl Model {
    pub fn new(s: &Settings, rng: &mut Rng) -> Self {
        let _span = Phase::Data.begin();
        let features = [(); 2].map(|()| random_direction(s.inputs, rng));
        let overlap: f64 = features[0]
            .iter()
            .zip(&features[1])
            .map(|(a, b)| a * b)
            .sum();
        let read = [0, 1].map(|i| {
            let (own, other) = (&features[i], &features[1 - i]);
            let entry = |(u, v): (&f64, &f64)| (u - overlap * v) / (1.0 - overlap * overlap);
            own.iter().zip(other).map(entry).collect::<Vec<f64>>()
        });
        let onto = [(); 2].map(|()| random_direction(s.n, rng));
        Model::writing(s, features, read, onto)
    }

    /// Returns the model that reads the features with `read` and writes them along the directions `onto`.
    fn writing(
        s: &Settings,
        features: [Vec<f64>; 2],
        read: [Vec<f64>; 2],
        onto: [Vec<f64>; 2],
    ) -> Self {
        let size = s.scale * (s.n as f64).sqrt();
        let entry = |i: usize, j: usize| size * (onto[0][i] * read[0][j] + onto[1][i] * read[1][j]);
        let values = (0..s.n).flat_map(|i| (0..s.inputs).map(move |j| (i, j)));
        let weights = Matrix {
            columns: s.inputs,
            values: values.map(|(i, j)| entry(i, j) as f32).collect(),
        };
        Model {
            features,
            read,
            onto,
            weights,
        }
    }

    /// Returns the same model with each feature written to a neuron of its own.
    pub fn aligned(&self, s: &Settings) -> Self {
        let neuron = |own: usize| (0..s.n).map(|i| if i == own { 1.0 } else { 0.0 }).collect();
        let onto = [neuron(0), neuron(1)];
        Model::writing(s, self.features.clone(), self.read.clone(), onto)
    }

    /// Returns the same model with a share of positive entries, one half or more, in the directions that it writes
    /// along: every negative entry changes its sign with probability 2·`positive_share` − 1.
    pub fn skewed(&self, s: &Settings, positive_share: f64, rng: &mut Rng) -> Self {
        let turned = 2.0 * positive_share - 1.0;
        let mut entry = |f: &f64| match rng.random::<f64>() < turned {
            true => f.abs(),
            false => *f,
        };
        let onto = self
            .onto
            .each_ref()
            .map(|onto| onto.iter().map(&mut entry).collect());
        Model::writing(s, self.features.clone(), self.read.clone(), onto)
    }

    /// Returns the input with the features at levels `a` and `b`.
    pub fn input(&self, a: f64, b: f64) -> impl Iterator<Item = f64> {
        let entries = self.features[0].iter().zip(&self.features[1]);
        entries.map(move |(u, v)| a * u + b * v)
    }

    /// Draws `count` noisy inputs, as many of each of the four cases.
    pub fn examples(&self, s: &Settings, count: usize, rng: &mut Rng) -> Examples {
        let _span = Phase::Data.begin();
        let mut values = Vec::with_capacity(count * s.inputs);
        let mut labels = Vec::with_capacity(count);
        for i in 0..count {
            let (a, b) = (i % 2, i / 2 % 2);
            let noisy = self
                .input(a as f64, b as f64)
                .map(|v| (v + s.noise * rng.normal()) as f32);
            values.extend(noisy);
            labels.push(if a == b { -1.0 } else { 1.0 });
        }
        let x = Matrix {
            columns: s.inputs,
            values,
        };
        Examples { x, labels }
    }

    /// Returns the values that a probe reads at a stage, a row for each input.
    pub fn stage(&self, x: &Matrix, stage: Stage, layer: Layer) -> Matrix {
        if stage == Stage::Input {
            return x.clone();
        }
        let (rows, n) = (
            x.values.len() / x.columns,
            self.weights.values.len() / x.columns,
        );
        let mut linear = vec![0.0; rows * n];
        let out = MatMut::from_rows(&mut linear, n);
        let weights = self.weights.as_ref().t();
        matmul(layer.exec, x.as_ref(), weights, Accumulate::Replace, out);
        let values = match stage {
            Stage::Input | Stage::LinearLayer => linear,
            Stage::AlignedLayer | Stage::GeluLayer => {
                let mut gelu = vec![0.0; rows * n];
                layer.apply(&linear, &mut gelu);
                gelu
            }
        };
        Matrix { columns: n, values }
    }

    /// Compares a random probe p after the linear layer A with Aᵀp before it. Returns the largest output, the largest
    /// difference, and the largest share that a difference is of what rounding can do to it. An entry of Ax is a sum of
    /// d products in f32, off by at most γ_d Σ|A||x| with γ_d = d·u/(1 − d·u), u = 2⁻²⁴, in any order of the sum.
    pub fn identity(&self, x: &Matrix, layer: Layer, rng: &mut Rng) -> [f64; 3] {
        let linear = self.stage(x, Stage::LinearLayer, layer);
        let probe: Vec<f64> = (0..linear.columns).map(|_| rng.normal()).collect();
        let (mut absorbed, mut size) = (vec![0.0; x.columns], vec![0.0; x.columns]);
        for (p, row) in probe
            .iter()
            .zip(self.weights.values.chunks_exact(x.columns))
        {
            for ((absorbed, size), &w) in absorbed.iter_mut().zip(&mut size).zip(row) {
                *absorbed += p * f64::from(w);
                *size += (p * f64::from(w)).abs();
            }
        }
        let rounding = x.columns as f64 * 2f64.powi(-24);
        let gamma = rounding / (1.0 - rounding);
        let rows = x
            .values
            .chunks_exact(x.columns)
            .zip(linear.values.chunks_exact(linear.columns));
        rows.fold([0.0; 3], |[largest, difference, share], (x, ax)| {
            let (after, before) = (dot(&probe, ax), dot(&absorbed, x));
            let bound: f64 = size
                .iter()
                .zip(x)
                .map(|(s, &x)| s * f64::from(x).abs())
                .sum();
            let off = (after - before).abs();
            let of_bound = if off == 0.0 {
                0.0
            } else {
                off / (gamma * bound)
            };
            [
                max([after.abs(), largest]),
                max([off, difference]),
                max([of_bound, share]),
            ]
        })
    }
}

/// Returns the inner product of `p` and `x`, in f64.
pub fn dot(p: &[f64], x: &[f32]) -> f64 {
    p.iter().zip(x).map(|(p, &x)| p * f64::from(x)).sum()
}
