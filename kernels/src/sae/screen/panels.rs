//! The rows of an encoder as bytes, packed into panels, and the upper bounds that they give.

use std::ops::Range;

use super::quantise::{Quantised, VANISHED, quantise, slack};
use crate::machine::dot8::{COLUMNS, DEPTH, Dot8, ROWS, Tile};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::MatRef;
use wide::bytemuck::{cast_slice, cast_slice_mut};

/// u, the unit of roundoff.
const U: f32 = f32::EPSILON / 2.0;

/// [`COLUMNS`] rows of an encoder, which are columns of its product.
#[derive(Clone, Debug, Default)]
pub(super) struct Panel {
    /// [`DEPTH`] values of each column side by side, and these for one step of k after the other.
    bytes: Vec<i8>,
    scales: [f32; COLUMNS],
    /// ‖w‖.
    norms: [f32; COLUMNS],
    /// ‖δ‖.
    rests: [f32; COLUMNS],
    /// What the sum of a column is too large by, as bytes of samples stand 128 above their values: −128·Σq.
    offsets: [i32; COLUMNS],
    /// The bias, and what its roundings may add.
    biases: [f32; COLUMNS],
}

/// The number of bytes of a row of so many values.
pub(super) fn depth(width: usize) -> usize {
    width.next_multiple_of(DEPTH)
}

/// Packs the rows of an encoder, n×d, with their biases. Columns behind the last are zeros.
pub(super) fn pack(exec: Exec, dot: Dot8, weights: MatRef, bias: &[f32], panels: &mut Vec<Panel>) {
    let (n, d) = (weights.rows(), weights.cols());
    panels.resize(n.div_ceil(COLUMNS), Panel::default());
    profile::call(Part::Packing, || Work::new(0, n * d));
    let numbers = 0..panels.len();
    let of = Encoder { dot, weights, bias };
    par::share_timed(
        Part::Packing,
        exec,
        4,
        (numbers, &mut panels[..]),
        &|rows| {
            let (numbers, panels) = rows;
            with_scratch(depth(d) / DEPTH, |row| {
                let row = cast_slice_mut(row);
                exec.isa().dispatch(Pack {
                    of,
                    numbers,
                    panels,
                    row,
                });
            });
        },
    );
}

#[derive(Clone, Copy)]
struct Encoder<'a> {
    dot: Dot8,
    weights: MatRef<'a>,
    bias: &'a [f32],
}

/// Packs some panels.
struct Pack<'a> {
    of: Encoder<'a>,
    numbers: Range<usize>,
    panels: &'a mut [Panel],
    /// Room for the bytes of a row.
    row: &'a mut [u8],
}

impl Op for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (number, panel) in self.numbers.zip(self.panels) {
            panel.bytes.resize(self.row.len() * COLUMNS, 0);
            for c in 0..COLUMNS {
                self.of.column(s, number * COLUMNS + c, panel, c, self.row);
            }
        }
    }
}

impl Encoder<'_> {
    /// Packs column `j` of the product as column `c` of a panel.
    #[inline(always)]
    fn column<S: Simd>(self, s: S, j: usize, panel: &mut Panel, c: usize, bytes: &mut [u8]) {
        let (weights, bias) = if j < self.weights.rows() {
            (self.weights.row(j), self.bias[j])
        } else {
            (&[][..], 0.0)
        };
        let Quantised { scale, norm, rest } =
            quantise(s, weights, self.dot.largest_weight(), bytes);
        panel.scales[c] = scale;
        panel.norms[c] = norm + rest;
        panel.rests[c] = rest;
        panel.biases[c] = bias + (8.0 * U * bias.abs() + VANISHED);
        let sum: i32 = bytes.iter().map(|&byte| i32::from(byte as i8)).sum();
        panel.offsets[c] = -128 * sum;
        let steps = panel.bytes.chunks_exact_mut(DEPTH * COLUMNS);
        for (step, bytes) in steps.zip(bytes.chunks_exact(DEPTH)) {
            for (to, &byte) in step[c * DEPTH..][..DEPTH].iter_mut().zip(bytes) {
                *to = byte as i8;
            }
        }
    }
}

/// What the bounds of a sample's pre-activations are made of: with the norms of a column, they are
/// s·s'·Σqq' + b + α‖w‖ + β‖δ‖.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    scale: f32,
    /// α, which stands for the rest of the sample and for all roundings.
    alpha: f32,
    /// β.
    beta: f32,
}

impl Sample {
    /// The parts of a sample of d values, where all norms and biases of the encoder are up to `most`.
    pub(super) fn new(q: Quantised, d: usize, most: Most) -> Sample {
        let norm = q.norm + q.rest;
        // γ: in a sum of d products, rounded once or twice each, of blocks, and of what is rounded in the bound itself.
        let gamma = U * (2 * d + d / 256 + 32) as f32;
        // The sums of the whole product could leave the range of f32 while the bound does not.
        let in_range = (4.0 * (norm * most.norm + most.bias)).is_finite();
        let alpha = if in_range {
            (q.rest + gamma * norm) * slack(d)
        } else {
            f32::NAN
        };
        Sample {
            scale: q.scale,
            alpha,
            beta: q.norm * slack(d),
        }
    }
}

/// The largest norm of an encoder's rows, and the largest magnitude of its biases.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    norm: f32,
    bias: f32,
}

impl Most {
    /// Those of panels, passing over NaN, of which the columns' own bounds are NaN.
    pub(super) fn of(panels: &[Panel]) -> Most {
        let all = |values: fn(&Panel) -> &[f32; COLUMNS]| {
            let values = panels.iter().flat_map(values);
            values.fold(0.0f32, |most, value| most.max(value.abs()))
        };
        Most {
            norm: all(|panel| &panel.norms),
            bias: all(|panel| &panel.biases),
        }
    }
}

/// Writes the upper bounds of [`ROWS`] samples, whose bytes stand 128 above their values, against one panel: `bounds`
/// has a row for each sample, `stride` apart, of which these are some columns.
#[inline(always)]
pub(super) fn bounds<S: Simd>(
    s: S,
    dot: Dot8,
    x: &[u8],
    samples: &[Sample],
    panel: &Panel,
    (bounds, stride): (&mut [f32], usize),
) {
    let mut sums: Tile = [[0; COLUMNS]; ROWS];
    dot.tile(x, &panel.bytes, &mut sums);
    for (i, (sample, sums)) in samples.iter().zip(&sums).enumerate() {
        let bounds = &mut bounds[i * stride..][..COLUMNS];
        let (scale, alpha) = (s.splat(sample.scale), s.splat(sample.alpha));
        let beta = s.splat(sample.beta);
        // No closures here, as in the product's tiles: one that is not inlined loses the instruction set.
        for first in (0..COLUMNS).step_by(S::LANES) {
            let sum = s.f32_to_bits(s.load(&cast_slice(sums)[first..]));
            let offset = s.f32_to_bits(s.load(&cast_slice(&panel.offsets)[first..]));
            let sum = s.i32_to_f32(s.add_i32(sum, offset));
            let scale = s.mul(scale, s.load(&panel.scales[first..]));
            let bound = s.mul_add(scale, sum, s.load(&panel.biases[first..]));
            let bound = s.mul_add(alpha, s.load(&panel.norms[first..]), bound);
            let bound = s.mul_add(beta, s.load(&panel.rests[first..]), bound);
            s.store(bound, &mut bounds[first..]);
        }
    }
}
