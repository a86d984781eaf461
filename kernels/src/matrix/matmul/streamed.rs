//! A product that is never stored whole: its rows are handed, some at a time and while they are in cache, to a sink
//! that keeps what it needs of them.

use super::blocking::ReadB;
use super::epilogue::{Bias, Epilogue};
use super::loops::{Accumulate, Blocks, RowChunk};
use super::pack::Panels;
use crate::machine::exec::Exec;
use crate::machine::par::{self, share_rows};
use crate::machine::profile::{self, Part, Work};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd, TileOp};
use crate::matrix::view::{MatMut, MatRef};

/// A consumer of the rows of a product, which it is handed while they are in cache.
pub(crate) trait Sink: par::Rows {
    /// Takes the values `c` of the sink's row `row`; rows come in order from 0, and `c` may be written.
    fn row<S: Simd>(&mut self, s: S, row: usize, c: &mut [f32]);
}

/// Computes A·B + 1·biasᵀ and hands its rows to `sink`. B is packed once, and each thread holds at most `piece` rows of
/// the product at a time. The sink is cut at multiples of `piece`.
///
/// # Panics
/// If the shapes do not match, before anything is handed over.
#[track_caller]
pub(crate) fn matmul_into<K: Sink>(
    exec: Exec,
    a: MatRef,
    b: MatRef,
    bias: &[f32],
    piece: usize,
    sink: K,
) {
    assert!(
        a.cols() == b.rows() && sink.rows() == a.rows(),
        "a product of {}×{} by {}×{} into {} rows",
        a.rows(),
        a.cols(),
        b.rows(),
        b.cols(),
        sink.rows()
    );
    Bias(bias).check(a.rows(), b.cols());
    if a.rows() == 0 {
        return;
    }
    let (m, n, k) = (a.rows(), b.cols(), a.cols());
    profile::call(Part::Product, || Work::product(m, n, k));
    profile::call(Part::Selection, || Work::new(0, m * n));
    exec.isa().with_tile(Streamed {
        exec,
        a,
        b,
        bias,
        piece,
        sink,
    });
}

struct Streamed<'a, K> {
    exec: Exec,
    a: MatRef<'a>,
    b: MatRef<'a>,
    bias: &'a [f32],
    piece: usize,
    sink: K,
}

impl<K: Sink> TileOp for Streamed<'_, K> {
    fn run<S: Simd, const MR: usize, const NV: usize>(self, s: S) {
        let Streamed {
            exec,
            a,
            b,
            bias,
            piece,
            sink,
        } = self;
        let wide = NV * S::LANES;
        let plan = ReadB::plan_shared(a.rows(), b, wide);
        let panels = Panels::cut::<S>(b, plan, wide);
        with_scratch(panels.packed_len(), |packed| {
            let packed = panels.pack(exec, s, packed);
            share_rows(exec, piece, (a, sink), &|(a, sink)| {
                let (m, n) = (a.rows(), b.cols());
                with_scratch(m * n, |c| {
                    let chunk = RowChunk::<_, MR, NV> {
                        c: MatMut::first(c, m, n),
                        accumulate: Accumulate::Replace,
                        a,
                        panels: &panels,
                        packed: Some(packed),
                        epilogue: Bias(bias),
                    };
                    let (len_a, _) = chunk.buffer_len::<S>();
                    let product = profile::span(Part::Product);
                    with_scratch(len_a, |buffer| s.run(Blocks { chunk, buffer }));
                    drop(product);
                    let _span = profile::span(Part::Selection);
                    s.run(Drain { c, n, sink });
                })
            });
        })
    }
}

struct Drain<'a, K> {
    c: &'a mut [f32],
    n: usize,
    sink: K,
}

impl<K: Sink> Op for Drain<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for (row, c) in self.c.chunks_exact_mut(self.n.max(1)).enumerate() {
            self.sink.row(s, row, c);
        }
    }
}
