//! The screened encoder: codes without most of the encoder's product, in the same bits.
//!
//! A TopK encoder computes n pre-activations a sample, and throws all away but k, often fewer than one in a hundred. To
//! know that a pre-activation is thrown away, one need not know it: an upper bound below the k-th largest is enough. So
//! the encoder goes in three stages:
//!
//! 1. *Bounds.* Samples x and rows w of the encoder are rounded to bytes, x ≈ x̃ and w ≈ w̃ (`quantise`). Products of
//!    bytes are two to four times as fast as those of f32. What the rounding leaves out is bounded by Cauchy and
//!    Schwarz: with x = x̃ + δ and w = w̃ + ε,
//!
//!    ```text
//!    x·w = x̃·w̃ + δ·w + x̃·ε ≤ x̃·w̃ + ‖δ‖‖w‖ + ‖x̃‖‖ε‖,
//!    ```
//!
//!    and a little more for the roundings of f32, so that the bound holds for the very number that the product in f32
//!    would give (`panels`).
//! 2. *A threshold.* The few pre-activations with the largest bounds, somewhat more than k, are computed exactly. The
//!    k-th largest of them, T, is no larger than the k-th largest of all. Variants with thresholds have theirs.
//! 3. *Candidates.* All whose bound reaches T are computed exactly, some 2 to 5 times k, in the order of the product's
//!    sums (`matrix/matmul/single.rs`), and the choice is made among them. Nothing else can belong to the code.
//!
//! Whether a bound is close decides on the work alone, never on the result. So a batch may go either way: the screen
//! counts its candidates, and where there are many, as while codes are dense, the next batches take the whole product.
//! A sample with a NaN, or values beyond what bytes can stand for, has bounds of NaN, which exclude nothing.
//!
//! The scheme is that of databases that answer the largest inner products exactly: integer bounds before exact products
//! in FEXIPRO (Li, Chan, Yiu and Mamoulis, SIGMOD 2017), bounds by norms in LEMP (Teflioudi and Gemulla, ACM TODS 2016),
//! and the threshold from the best bounds in the VA-file (Weber, Schek and Blott, VLDB 1998).

mod panels;
mod quantise;
mod row;

use std::sync::atomic::{AtomicUsize, Ordering};

use super::select::Keep;
use crate::machine::dot8::{COLUMNS, Dot8, ROWS};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd};
use crate::matrix::matmul::has_single_products;
use crate::matrix::view::MatRef;
use panels::{Most, Panel, Sample, depth};
use row::Screened;
use wide::bytemuck::cast_slice_mut;

/// Which way the codes of a batch are found. Every way gives the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screening {
    /// By the screen where it is faster: where the instruction set has fast products of bytes, the model is large
    /// enough, and the last batches had few candidates.
    #[default]
    Auto,
    /// By the screen, wherever it can be.
    Always,
    /// By the whole product.
    Never,
}

/// Most samples whose bounds a thread holds at a time: 32 rows of 4,096 bounds are 512 KiB, the L2 cache of Zen 3.
pub(super) const PIECE: usize = 32;

/// Share of the pre-activations from which computing the candidates one by one takes longer than the whole product.
const MANY: f64 = 0.1;

/// Batches without a screen after which it is tried again.
const PATIENCE: u32 = 64;

/// What a screen keeps from batch to batch: room for the encoder's bytes, and how it fared.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    screening: Screening,
    panels: Vec<Panel>,
    /// Share of the pre-activations of the last screened batch that were computed.
    share: f64,
    /// Batches since.
    batches: u32,
}

impl Screen {
    pub(super) fn set(&mut self, screening: Screening) {
        self.screening = screening;
    }

    /// The way to multiply bytes for a batch, B×d, if it is to be screened, and not multiplied in whole with the rows of
    /// the encoder, n×d.
    pub(super) fn plan(&mut self, exec: Exec, x: MatRef, weights: MatRef) -> Option<Dot8> {
        let (rows, n, d) = (x.rows(), weights.rows(), weights.cols());
        if !has_single_products(exec.isa().lanes(), n) || n == 0 || d > 1 << 16 {
            return None;
        }
        match self.screening {
            Screening::Never => None,
            Screening::Always => Some(Dot8::of(exec.isa()).unwrap_or(Dot8::Plain)),
            Screening::Auto => {
                let dot = Dot8::of(exec.isa())?;
                self.batches = self.batches.saturating_add(1);
                let pays = self.share < MANY || self.batches >= PATIENCE;
                (rows >= PIECE && n >= 1024 && d >= 128 && pays).then_some(dot)
            }
        }
    }

    /// Hands `keep` the rows of X·Wᵀ + 1·biasᵀ, of which only bounds and what is asked for are computed.
    pub(super) fn encode<K: Keep>(
        &mut self,
        exec: Exec,
        dot: Dot8,
        x: MatRef,
        (weights, bias): (MatRef, &[f32]),
        keep: K,
    ) {
        let (rows, n, d) = (x.rows(), weights.rows(), weights.cols());
        panels::pack(exec, dot, weights, bias, &mut self.panels);
        let candidates = AtomicUsize::new(0);
        let batch = Batch {
            dot,
            weights,
            bias,
            panels: &self.panels,
            most: Most::of(&self.panels),
            candidates: &candidates,
        };
        profile::call(Part::Screening, || Work::new(0, (rows + n) * d / 4));
        profile::call(Part::Selection, || Work::new(0, rows * n));
        par::share_rows(exec, PIECE, (x, keep), &|(x, keep)| {
            exec.isa().dispatch(Piece {
                batch: &batch,
                x,
                keep,
            })
        });
        self.share = candidates.into_inner() as f64 / (rows * n).max(1) as f64;
        self.batches = 0;
    }
}

/// What the pieces of a batch share.
struct Batch<'a> {
    dot: Dot8,
    weights: MatRef<'a>,
    bias: &'a [f32],
    panels: &'a [Panel],
    most: Most,
    candidates: &'a AtomicUsize,
}

/// At most [`PIECE`] samples of a batch.
struct Piece<'a, K> {
    batch: &'a Batch<'a>,
    x: MatRef<'a>,
    keep: K,
}

impl<K: Keep> Op for Piece<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let n = self.batch.weights.rows();
        // Rows of a power of two would share a set of the L1 cache.
        let stride = self.batch.panels.len() * COLUMNS + 16;
        let rows = self.x.rows().next_multiple_of(ROWS);
        with_scratch(rows * stride, |bounds| {
            let screening = profile::span(Part::Screening);
            self.bounds(s, bounds, stride);
            drop(screening);
            let _span = profile::span(Part::Selection);
            with_scratch(4 * n, |room| {
                let mut candidates = 0;
                for row in 0..self.x.rows() {
                    let (weights, bias) = (self.batch.weights, self.batch.bias);
                    let product = (self.x.row(row), weights, bias);
                    let bounds = &bounds[row * stride..][..n];
                    let pre = Screened::new(bounds, product, room, &mut candidates);
                    self.keep.keep(s, row, pre);
                }
                let all = self.batch.candidates;
                all.fetch_add(candidates, Ordering::Relaxed);
            });
        });
    }
}

impl<K> Piece<'_, K> {
    /// Writes the bounds of all samples, a row each, `stride` apart.
    #[inline(always)]
    fn bounds<S: Simd>(&self, s: S, bounds: &mut [f32], stride: usize) {
        let Batch {
            dot, panels, most, ..
        } = *self.batch;
        let (d, depth) = (self.x.cols(), depth(self.x.cols()));
        let rows = self.x.rows().next_multiple_of(ROWS);
        with_scratch(rows * depth / 4, |bytes| {
            let bytes: &mut [u8] = cast_slice_mut(bytes);
            let mut samples = [Sample::default(); PIECE];
            for row in 0..self.x.rows() {
                let bytes = &mut bytes[row * depth..][..depth];
                let quantised = quantise::quantise(s, self.x.row(row), 127.0, bytes);
                samples[row] = Sample::new(quantised, d, most);
                // Two's complement, moved by 128 to what has no sign.
                bytes.iter_mut().for_each(|byte| *byte ^= 0x80);
            }
            for (p, panel) in panels.iter().enumerate() {
                let tiles = bytes.chunks_exact(ROWS * depth.max(1));
                for (t, x) in tiles.enumerate() {
                    let at = t * ROWS * stride + p * COLUMNS;
                    let out = (&mut bounds[at..], stride);
                    panels::bounds(s, dot, x, &samples[t * ROWS..][..ROWS], panel, out);
                }
            }
        });
    }
}
