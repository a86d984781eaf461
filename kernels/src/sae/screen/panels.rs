//! The rows of an encoder as bytes, packed into panels, and the upper bounds that they give.

use std::ops::Range;

use super::massive::{MOST, without};
use super::quantise::{Quantised, VANISHED, quantise, slack};
use crate::machine::dot8::{COLUMNS, DEPTH, Dot8, Tile};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::MatRef;
use wide::bytemuck::{cast_slice, cast_slice_mut};

/// The unit roundoff u of f32.
const U: f32 = f32::EPSILON / 2.0;

/// The most that roundings may take from a bound, as a share of its bias. Each of these counts as u: the sums of the
/// bias with the term of the bytes, with that of each massive column, and with those of α and β; the last sum of the
/// product that is bounded; and the rounding of this share itself. Three more are for the partial sums, which are a
/// little larger than the bias. The roundings of the terms themselves are in γ (see [`Sample::new`]).
const OF_BIAS: f32 = U * (MOST + 8) as f32;

/// A panel of [`COLUMNS`] rows of an encoder, which are columns of its product.
#[derive(Clone, Debug, Default)]
pub(super) struct Panel {
    /// The bytes: [`DEPTH`] values of each column side by side, one step of k after the other.
    bytes: Vec<i8>,
    /// The scales of the rows.
    scales: [f32; COLUMNS],
    /// The values in the massive columns, whose bytes are 0: [`COLUMNS`] values for each of them.
    massive: Vec<f32>,
    /// The norms ‖w‖ of the whole rows.
    norms: [f32; COLUMNS],
    /// The norms ‖ε‖ of what the bytes leave out.
    rests: [f32; COLUMNS],
    /// The numbers −128·Σq that are added to the sums of the columns, since bytes of samples stand 128 above their
    /// values.
    offsets: [i32; COLUMNS],
    /// The biases, with what their roundings may add.
    biases: [f32; COLUMNS],
}

/// Returns the number of bytes of a row of `width` values.
pub(super) fn depth(width: usize) -> usize {
    width.next_multiple_of(DEPTH)
}

/// An encoder, and how its rows are converted to bytes.
#[derive(Clone, Copy)]
pub(super) struct Encoder<'a> {
    pub(super) dot: Dot8,
    /// The rows of the encoder, n×d.
    pub(super) weights: MatRef<'a>,
    pub(super) bias: &'a [f32],
    /// The massive columns, whose values are not converted to bytes.
    pub(super) massive: &'a [usize],
}

/// Packs the rows of an encoder into `panels`. Columns of the last panel behind the last row are zeros.
pub(super) fn pack(exec: Exec, of: Encoder, panels: &mut Vec<Panel>) {
    let (n, d) = (of.weights.rows(), of.weights.cols());
    panels.resize(n.div_ceil(COLUMNS), Panel::default());
    profile::call(Part::Packing, || Work::new(0, n * d));
    let rows = (0..panels.len(), &mut panels[..]);
    par::share_timed(Part::Packing, exec, 4, rows, &|(numbers, panels)| {
        with_scratch(depth(d) / DEPTH + d, |room| {
            let (bytes, rest) = room.split_at_mut(depth(d) / DEPTH);
            exec.isa().dispatch(Pack {
                of,
                numbers,
                panels,
                bytes: cast_slice_mut(bytes),
                rest,
            });
        });
    });
}

/// The operation that packs some panels.
struct Pack<'a> {
    of: Encoder<'a>,
    numbers: Range<usize>,
    panels: &'a mut [Panel],
    /// Room for the bytes of a row.
    bytes: &'a mut [u8],
    /// Room for a row without its massive columns.
    rest: &'a mut [f32],
}

impl Op for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (number, panel) in self.numbers.zip(self.panels) {
            panel.bytes.resize(self.bytes.len() * COLUMNS, 0);
            panel.massive.resize(self.of.massive.len() * COLUMNS, 0.0);
            for c in 0..COLUMNS {
                let room = (&mut *self.bytes, &mut *self.rest);
                self.of.column(s, number * COLUMNS + c, panel, c, room);
            }
        }
    }
}

impl Encoder<'_> {
    /// Packs column `j` of the product as column `c` of a panel.
    #[inline(always)]
    fn column<S: Simd>(
        self,
        s: S,
        j: usize,
        panel: &mut Panel,
        c: usize,
        (bytes, room): (&mut [u8], &mut [f32]),
    ) {
        let (weights, bias) = if j < self.weights.rows() {
            (self.weights.row(j), self.bias[j])
        } else {
            (&[][..], 0.0)
        };
        let mut squares = 0.0;
        for (i, &column) in self.massive.iter().enumerate() {
            let value = weights.get(column).copied().unwrap_or(0.0);
            panel.massive[i * COLUMNS + c] = value;
            squares += value * value;
        }
        let rest = without(weights, self.massive, room);
        let q = quantise(s, rest, self.dot.largest_weight(), bytes);
        panel.scales[c] = q.scale;
        panel.norms[c] = whole_norm(q, squares);
        panel.rests[c] = q.rest;
        panel.biases[c] = bias + (OF_BIAS * bias.abs() + VANISHED);
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

/// Returns an upper bound of the norm of a row, from the norms that go with its bytes and the sum of squares in its
/// massive columns.
fn whole_norm(q: Quantised, squares: f32) -> f32 {
    let norm = q.norm + q.rest;
    match squares {
        0.0 => norm,
        // The factor is for the roundings of up to eight squares, their sum and its root.
        _ => (norm * norm + squares).sqrt() * slack(0),
    }
}

/// The data of a sample from which the bounds of its pre-activations are computed. With the norms of a column, its
/// bound is s·s'·Σqq' + b + Σxw + α‖w‖ + β‖ε‖, where the second sum is over massive columns.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// The scale s of the bytes.
    scale: f32,
    /// The factor α of ‖w‖, for what the bytes of the sample leave out and for all roundings.
    alpha: f32,
    /// The factor β of ‖ε‖.
    beta: f32,
    /// The values x in the massive columns.
    massive: [f32; MOST],
}

impl Sample {
    /// Returns the data of a sample `x`, whose values outside the massive `columns` are quantised as `q`, for an
    /// encoder whose norms and biases are at most `most`.
    pub(super) fn new(q: Quantised, x: &[f32], columns: &[usize], most: Most) -> Sample {
        let d = x.len();
        let mut massive = [0.0; MOST];
        for (value, &column) in massive.iter_mut().zip(columns) {
            *value = x[column];
        }
        let norm = whole_norm(q, massive.iter().map(|x| x * x).sum());
        // γ is for the roundings of a sum of d products, one or two for each product, of the sums of blocks, and of the
        // bound itself.
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
            massive,
        }
    }
}

/// The largest norm of an encoder's rows, and the largest magnitude of its biases with what their roundings may add.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    norm: f32,
    bias: f32,
}

impl Most {
    /// Returns the largest norm and bias of some panels. NaNs are left out, since the bounds of their columns are NaN
    /// in any case.
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

/// Writes the upper bounds for a tile of samples in the columns of one panel to `bounds`, which has a row for each
/// sample, `stride` apart, and begins at the panel's first column. The bytes `x` of the samples stand 128 above their
/// values. `sums` is room for a tile.
#[inline(always)]
pub(super) fn bounds<S: Simd>(
    s: S,
    dot: Dot8,
    x: &[u8],
    samples: &[Sample],
    panel: &Panel,
    sums: &mut Tile,
    (bounds, stride): (&mut [f32], usize),
) {
    dot.tile(x, &panel.bytes, sums);
    for (i, (sample, sums)) in samples.iter().zip(sums).enumerate() {
        let bounds = &mut bounds[i * stride..][..COLUMNS];
        let (scale, alpha) = (s.splat(sample.scale), s.splat(sample.alpha));
        let beta = s.splat(sample.beta);
        // There are no closures here, as in the product's tiles: one that is not inlined loses the instruction set.
        for first in (0..COLUMNS).step_by(S::LANES) {
            let sum = s.f32_to_bits(s.load(&cast_slice(sums)[first..]));
            let offset = s.f32_to_bits(s.load(&cast_slice(&panel.offsets)[first..]));
            let sum = s.i32_to_f32(s.add_i32(sum, offset));
            let scale = s.mul(scale, s.load(&panel.scales[first..]));
            let mut bound = s.mul_add(scale, sum, s.load(&panel.biases[first..]));
            for m in 0..panel.massive.len() / COLUMNS {
                let weights = s.load(&panel.massive[m * COLUMNS + first..]);
                bound = s.mul_add(s.splat(sample.massive[m]), weights, bound);
            }
            let bound = s.mul_add(alpha, s.load(&panel.norms[first..]), bound);
            let bound = s.mul_add(beta, s.load(&panel.rests[first..]), bound);
            s.store(bound, &mut bounds[first..]);
        }
    }
}
