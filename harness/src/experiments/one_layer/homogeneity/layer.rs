//! The layer, as far as it can be read along one direction: of n neurons only the k that the direction is
//! on, and of every feature only what it adds to those.

use kernels::simd::{Op, Simd};
use kernels::{Exec, Isa, gelu};

use super::samples::{Batch, Sums};
use crate::experiments::one_layer::features::Features;

/// The number of samples that go through the layer together: few enough to stay in cache.
const GROUP: usize = 8;

/// The layer seen from one feature of interest.
///
/// A row has a lane for each neuron of the direction, and zeros up to whole vectors.
pub(super) struct Direction {
    isa: Isa,
    stride: usize,
    own: usize,
    /// The features, a row each, at unit magnitude times the reach.
    features: Vec<f32>,
    /// The biases of the neurons.
    bias: Vec<f32>,
    /// The direction itself, by which outputs are read.
    read: Vec<f32>,
}

impl Direction {
    /// Returns the layer seen from feature `own`, where magnitudes reach up to `reach`.
    pub fn new(features: &Features, own: usize, reach: f64, bias: &[f64], isa: Isa) -> Self {
        let k = features.k();
        let stride = k.next_multiple_of(isa.lanes());
        let (neurons, entries) = features.get(own);
        let mut lane_of = vec![None; features.n()];
        for (lane, &neuron) in neurons.iter().enumerate() {
            lane_of[neuron as usize] = Some(lane);
        }
        let mut rows = vec![0.0; features.count() * stride];
        for (f, row) in rows.chunks_exact_mut(stride).enumerate() {
            let (neurons, values) = features.get(f);
            for (&neuron, &value) in neurons.iter().zip(values) {
                if let Some(lane) = lane_of[neuron as usize] {
                    row[lane] = (reach * f64::from(value)) as f32;
                }
            }
        }
        let mut of_neurons = vec![0.0; stride];
        for (of_neuron, &neuron) in of_neurons.iter_mut().zip(neurons) {
            *of_neuron = bias[neuron as usize] as f32;
        }
        let mut read = vec![0.0; stride];
        read[..k].copy_from_slice(entries);
        Direction {
            isa,
            stride,
            own,
            features: rows,
            bias: of_neurons,
            read,
        }
    }

    /// Sends a batch through the layer, at every number of active others in `levels`, and adds the outputs to `sums`.
    pub fn respond(&self, batch: &Batch, levels: &[usize], sums: &mut Sums) {
        let (depth, cells) = (batch.depth, GROUP * levels.len());
        let mut before = vec![0.0; cells * self.stride];
        let mut after = vec![0.0; cells * self.stride];
        let mut outputs = vec![0.0; cells];
        for (group, x) in batch.x.chunks(GROUP).enumerate() {
            let first = group * GROUP;
            let cells = x.len() * levels.len();
            let (before, after) = (
                &mut before[..cells * self.stride],
                &mut after[..cells * self.stride],
            );
            let others = first * depth..(first + x.len()) * depth;
            self.isa.dispatch(Nested {
                direction: self,
                levels,
                depth,
                x,
                others: &batch.others[others.clone()],
                magnitudes: &batch.magnitudes[others],
                out: before,
            });
            gelu::forward(Exec::serial(self.isa), before, after);
            self.isa.dispatch(Read {
                by: &self.read,
                rows: after,
                out: &mut outputs[..cells],
            });
            let y = outputs.chunks(levels.len());
            for (i, (&x, y)) in x.iter().zip(y).enumerate() {
                sums.push(first + i < batch.fitted, x, y);
            }
        }
    }
}

/// The computation of the pre-activations, a row for each sample and number of active others.
struct Nested<'a> {
    direction: &'a Direction,
    levels: &'a [usize],
    depth: usize,
    x: &'a [f32],
    others: &'a [u32],
    magnitudes: &'a [f32],
    out: &'a mut [f32],
}

impl Op for Nested<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let vectors = self.direction.stride / S::LANES;
        let mut from = 0;
        while from < vectors {
            let at = from * S::LANES;
            // A block has as many vectors as stay in registers while the features are added.
            match vectors - from {
                1 => self.block::<S, 1>(s, at),
                2 => self.block::<S, 2>(s, at),
                3 => self.block::<S, 3>(s, at),
                4 => self.block::<S, 4>(s, at),
                5 => self.block::<S, 5>(s, at),
                6 => self.block::<S, 6>(s, at),
                7 => self.block::<S, 7>(s, at),
                _ => self.block::<S, 8>(s, at),
            }
            from += 8;
        }
    }
}

impl Nested<'_> {
    /// Computes `N` vectors of every row, from lane `at` on.
    #[inline(always)]
    fn block<S: Simd, const N: usize>(&mut self, s: S, at: usize) {
        let Direction {
            stride,
            own,
            ref features,
            ref bias,
            ..
        } = *self.direction;
        let lanes = |row: usize| &features[row * stride + at..][..N * S::LANES];
        let bias = &bias[at..][..N * S::LANES];
        for (i, &x) in self.x.iter().enumerate() {
            let others = &self.others[i * self.depth..][..self.depth];
            let magnitudes = &self.magnitudes[i * self.depth..][..self.depth];
            let rows = &mut self.out[i * self.levels.len() * stride..];
            let (x, own) = (s.splat(x), lanes(own));
            let mut sums: [S::F32; N] = std::array::from_fn(|v| {
                let (own, bias) = (&own[v * S::LANES..], &bias[v * S::LANES..]);
                s.mul_add(x, s.load(own), s.load(bias))
            });
            let mut from = 0;
            for (&level, row) in self.levels.iter().zip(rows.chunks_exact_mut(stride)) {
                let added = others[from..level].iter().zip(&magnitudes[from..level]);
                for (&other, &magnitude) in added {
                    let (other, magnitude) = (lanes(other as usize), s.splat(magnitude));
                    for v in 0..N {
                        sums[v] = s.mul_add(magnitude, s.load(&other[v * S::LANES..]), sums[v]);
                    }
                }
                let row = &mut row[at..][..N * S::LANES];
                for v in 0..N {
                    s.store(sums[v], &mut row[v * S::LANES..]);
                }
                from = level;
            }
        }
    }
}

/// The computation of the inner product of every row with one vector.
struct Read<'a> {
    by: &'a [f32],
    rows: &'a [f32],
    out: &'a mut [f32],
}

impl Op for Read<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.rows.chunks_exact(self.by.len());
        for (row, out) in rows.zip(self.out) {
            let mut sum = s.splat(0.0);
            let vectors = row.chunks_exact(S::LANES);
            for (row, by) in vectors.zip(self.by.chunks_exact(S::LANES)) {
                sum = s.mul_add(s.load(row), s.load(by), sum);
            }
            *out = s.reduce_sum(sum);
        }
    }
}
