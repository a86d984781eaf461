//! The screened encoder, which finds codes without most of the encoder's product, and in the same bits.
//!
//! A TopK encoder computes n pre-activations a sample, and throws all away but k, often fewer than one in a hundred. To
//! know that a pre-activation is thrown away, one need not know its value: an upper bound below the k-th largest is
//! enough. So the encoder works in three stages:
//!
//! 1. *Bounds.* Samples x and rows w of the encoder are rounded to bytes, x ≈ x̃ and w ≈ w̃ (`quantise`). Products of
//!    bytes are two to four times as fast as those of f32. What the rounding leaves out is bounded by the inequality of
//!    Cauchy and Schwarz: with x = x̃ + δ and w = w̃ + ε,
//!
//!    ```text
//!    x·w = x̃·w̃ + δ·w + x̃·ε ≤ x̃·w̃ + ‖δ‖‖w‖ + ‖x̃‖‖ε‖,
//!    ```
//!
//!    and a little more for the roundings of f32, so that the bound holds for the very number that the product in f32
//!    would give (`panels`).
//! 2. *A threshold.* The few pre-activations with the largest bounds, somewhat more than k, are computed exactly. The
//!    k-th largest of them, T, is no larger than the k-th largest of all. Variants with thresholds use those as T.
//! 3. *Candidates.* All pre-activations whose bounds reach T, some 2 to 5 times k, are computed exactly, with sums in
//!    the order of the whole product (`matrix/matmul/single.rs`), and the choice is made among them. No other
//!    pre-activation can belong to the code.
//!
//! How close the bounds are affects the work alone, never the result. So each batch may go either way, by the screen or
//! by the whole product, and goes the faster one: both are timed, and now and then the slower one is tried again. The
//! whole product wins where most codes are active, as at the start of a training with a penalty, and where products of
//! bytes are not much faster than those of f32. A sample with a NaN has bounds of NaN, which exclude nothing.
//!
//! The scheme is that of databases that answer the largest inner products exactly: integer bounds before exact products
//! in FEXIPRO (Li, Chan, Yiu and Mamoulis, SIGMOD 2017), bounds by norms in LEMP (Teflioudi and Gemulla, ACM TODS 2016),
//! and the threshold from the best bounds in the VA-file (Weber, Schek and Blott, VLDB 1998).

mod massive;
mod panels;
mod quantise;
mod row;

use std::time::Duration;

use super::select::Keep;
use crate::machine::dot8::{COLUMNS, DEPTH, Dot8, ROWS};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd};
use crate::matrix::matmul::has_single_products;
use crate::matrix::view::MatRef;
use panels::{Encoder, Most, Panel, Sample, depth};
use row::Screened;
use wide::bytemuck::cast_slice_mut;

/// The way in which the codes of a batch are found. Every way gives the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screening {
    /// Codes are found in whichever way was faster for the last batches, where the instruction set has fast products of
    /// bytes and the model is large enough; else by the whole product.
    #[default]
    Auto,
    /// Codes are found by the screen, wherever that is possible.
    Always,
    /// Codes are found by the whole product.
    Never,
}

/// The largest number of samples whose bounds a thread holds at a time: 32 rows of 4,096 bounds are 512 KiB, the L2
/// cache of Zen 3.
pub(super) const PIECE: usize = 32;

/// The smallest number of columns and the smallest depth of a product for which a screen is tried.
const SMALLEST: (usize, usize) = (1024, 128);

/// The number of batches that go the faster way before the other is tried again. That costs 1 % if the slower way takes
/// 1.6 times as long.
const PATIENCE: u32 = 64;

/// The state that a screen keeps from batch to batch: its setting, the encoder as bytes, and how long either way took.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    screening: Screening,
    panels: Vec<Panel>,
    whole: Timed,
    screened: Timed,
}

/// The time that a way took when a batch last went it, and the number of batches since.
#[derive(Clone, Debug, Default)]
struct Timed {
    /// The number of seconds for each sample of the last batch that went this way, or `None` if there was no such
    /// batch.
    seconds: Option<f64>,
    /// The number of batches since that batch.
    batches: u32,
}

impl Timed {
    /// Returns whether this way is to be tried: whether it never was, or not for [`PATIENCE`] batches.
    fn is_due(&self) -> bool {
        self.seconds.is_none() || self.batches >= PATIENCE
    }
}

/// A way to find the codes of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// The whole product is computed.
    Whole,
    /// Bounds are computed by these products of bytes, and only the pre-activations that they do not exclude are
    /// computed.
    Screened(Dot8),
}

impl Screen {
    pub(super) fn set(&mut self, screening: Screening) {
        self.screening = screening;
    }

    /// Returns the way to find the codes of a batch `x`, B×d, by an encoder whose rows are `weights`, n×d.
    pub(super) fn way(&self, exec: Exec, x: MatRef, weights: MatRef) -> Way {
        let (rows, n, d) = (x.rows(), weights.rows(), weights.cols());
        if !has_single_products(exec.isa().lanes(), n) || n == 0 || d > 1 << 16 {
            return Way::Whole;
        }
        let dot = Dot8::of(exec.isa());
        match (self.screening, dot) {
            (Screening::Never, _) | (Screening::Auto, None) => Way::Whole,
            (Screening::Always, dot) => Way::Screened(dot.unwrap_or(Dot8::Plain)),
            (Screening::Auto, Some(dot)) => {
                let small = rows < PIECE || n < SMALLEST.0 || d < SMALLEST.1;
                if small || self.whole.is_due() {
                    Way::Whole
                } else if self.screened.is_due() || self.screened.seconds < self.whole.seconds {
                    Way::Screened(dot)
                } else {
                    Way::Whole
                }
            }
        }
    }

    /// Records the time that a batch of so many samples took that went this way.
    pub(super) fn took(&mut self, way: Way, samples: usize, time: Duration) {
        let (this, other) = match way {
            Way::Whole => (&mut self.whole, &mut self.screened),
            Way::Screened(_) => (&mut self.screened, &mut self.whole),
        };
        *this = Timed {
            seconds: Some(time.as_secs_f64() / samples.max(1) as f64),
            batches: 0,
        };
        other.batches = other.batches.saturating_add(1);
    }

    /// Hands `keep` the rows of X·Wᵀ + 1·biasᵀ, of which only the bounds and those values are computed that `keep` asks
    /// for.
    pub(super) fn encode<K: Keep>(
        &mut self,
        exec: Exec,
        dot: Dot8,
        x: MatRef,
        (weights, bias): (MatRef, &[f32]),
        keep: K,
    ) {
        let (rows, n, d) = (x.rows(), weights.rows(), weights.cols());
        let massive = massive::columns(x);
        let encoder = Encoder {
            dot,
            weights,
            bias,
            massive: &massive,
        };
        panels::pack(exec, encoder, &mut self.panels);
        let batch = Batch {
            encoder,
            panels: &self.panels,
            most: Most::of(&self.panels),
        };
        profile::call(Part::Screening, || Work::new(0, (rows + n) * d / 4));
        profile::call(Part::Selection, || Work::new(0, rows * n));
        // Rows whose length is a power of two would fall into the same sets of the L1 cache.
        let stride = self.panels.len() * COLUMNS + 16;
        par::share_rows(exec, PIECE, (x, keep), &|(x, keep)| {
            let rows = x.rows().next_multiple_of(ROWS);
            with_scratch(rows * stride, |bounds| {
                let (batch, isa) = (&batch, exec.isa());
                with_scratch(rows * depth(d) / DEPTH + d, |room| {
                    let _span = profile::span(Part::Screening);
                    let (bytes, rest) = room.split_at_mut(rows * depth(d) / DEPTH);
                    isa.dispatch(Bound {
                        batch,
                        x,
                        bytes: cast_slice_mut(bytes),
                        rest,
                        bounds: &mut *bounds,
                        stride,
                    });
                });
                with_scratch(4 * n, |room| {
                    let _span = profile::span(Part::Selection);
                    isa.dispatch(Choose {
                        batch,
                        x,
                        bounds,
                        stride,
                        room,
                        keep,
                    });
                });
            });
        });
    }
}

/// The data that the pieces of a batch share.
struct Batch<'a> {
    encoder: Encoder<'a>,
    panels: &'a [Panel],
    most: Most,
}

/// The operation that computes the bounds for at most [`PIECE`] samples of a batch.
struct Bound<'a> {
    batch: &'a Batch<'a>,
    x: MatRef<'a>,
    /// Room for the samples as bytes, in whole tiles.
    bytes: &'a mut [u8],
    /// Room for a sample without its massive columns.
    rest: &'a mut [f32],
    /// The bounds, a row for each sample, `stride` apart.
    bounds: &'a mut [f32],
    stride: usize,
}

impl Op for Bound<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Bound {
            batch,
            x,
            bytes,
            rest,
            bounds,
            stride,
        } = self;
        let Encoder { dot, massive, .. } = batch.encoder;
        let depth = depth(x.cols());
        let mut samples = [Sample::default(); PIECE];
        for row in 0..x.rows() {
            let bytes = &mut bytes[row * depth..][..depth];
            let rest = massive::without(x.row(row), massive, rest);
            let quantised = quantise::quantise(s, rest, 127.0, bytes);
            samples[row] = Sample::new(quantised, x.row(row), massive, batch.most);
            // Signed bytes become unsigned bytes that stand 128 above their values.
            for byte in bytes {
                *byte ^= 0x80;
            }
        }
        let mut sums = [[0; COLUMNS]; ROWS];
        for (p, panel) in batch.panels.iter().enumerate() {
            for first in (0..x.rows()).step_by(ROWS) {
                let x = &bytes[first * depth..][..ROWS * depth];
                let out = (&mut bounds[first * stride + p * COLUMNS..], stride);
                panels::bounds(s, dot, x, &samples[first..][..ROWS], panel, &mut sums, out);
            }
        }
    }
}

/// The operation that chooses the entries of the codes of at most [`PIECE`] samples of a batch.
struct Choose<'a, K> {
    batch: &'a Batch<'a>,
    x: MatRef<'a>,
    bounds: &'a [f32],
    stride: usize,
    /// Room for four values for each pre-activation of a sample.
    room: &'a mut [f32],
    keep: K,
}

impl<K: Keep> Op for Choose<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Encoder { weights, bias, .. } = self.batch.encoder;
        for row in 0..self.x.rows() {
            let product = (self.x.row(row), weights, bias);
            let bounds = &self.bounds[row * self.stride..][..weights.rows()];
            let pre = Screened::new(bounds, product, self.room);
            self.keep.keep(s, row, pre);
        }
    }
}

#[cfg(test)]
mod tests;
