//! The matrix product C ← A·B or C ← C + A·B.
//!
//! One product serves every transpose: A and B have general strides, and copies absorb them.
//! The loops, from the outside in:
//!
//! 1. B is packed once, into *panels* as wide as the tile (`pack`), unless it is small enough to stay in
//!    cache as it is; on one thread, or where each has many rows, a block at a time, which then waits in the
//!    second-level cache.
//! 2. The rows of C are cut into chunks of at most [`MC`], which go to the threads.
//! 3. A chunk runs over the inner dimension in blocks of [`KC`], and over the columns in blocks of [`NC`].
//! 4. A block runs over its strips of `MR` rows, and a strip over its panels: one *tile* of C
//!    each, held in registers (`micro`), of which the first copies a transposed A (`pack_a`); at the right
//!    border, a few columns (`quad`).
//! 5. When a strip has seen the whole inner dimension, the [`Epilogue`] passes over it while it
//!    is in cache: bias, activation, their derivatives.
//!
//! Every element of C is summed over k in the same order whatever the chunks, so results do not
//! depend on the number of threads. The error is at most γ_k·(|A|·|B|), γ_k = k·u / (1 − k·u), u = 2⁻²⁴
//! (Higham, *Accuracy and Stability of Numerical Algorithms*, §3.5).
//!
//! The scheme is that of Goto and van de Geijn, *Anatomy of High-Performance Matrix
//! Multiplication* (2008), less the packing of A, which pays only where A is transposed.

mod epilogue;
mod micro;
mod pack;
mod pack_a;
mod quad;
mod streamed;

use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd, TileOp};
use crate::matrix::view::{MatMut, MatRef};

pub use epilogue::{ActivationBackward, Bias, BiasActivation, Epilogue, Residual};
use micro::Strip;
use pack::{PackedB, Panels};
use pack_a::PackedA;
pub(crate) use streamed::{Sink, matmul_into};

/// Rows of a chunk, at most.
const MC: usize = 256;
/// The same where each packs B for itself, block by block: few enough that their pages of C stay known to the processor.
const MC_BY_BLOCK: usize = 2048;
/// Rows for each of several threads from which that is worth it.
const MANY_ROWS: usize = 512;
/// Rows of a chunk, at least, where there are enough.
const MC_MIN: usize = 32;
/// Depth of a block.
const KC: usize = 512;
/// Columns of a block; a multiple of every tile's width.
const NC: usize = 256;
/// Work that is worth handing to another thread: some 20 µs.
const LEAF_FLOPS: usize = 1 << 21;

/// What happens to the values that C holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// They are overwritten, without being read: C ← A·B.
    Overwrite,
    /// They are added to: C ← C + A·B.
    Add,
}

/// C ← A·B or C ← C + A·B, for A of m×k, B of k×n and C of m×n.
///
/// With k = 0 the product is zero. NaN and infinities follow IEEE 754.
///
/// ```
/// use kernels::{Accumulate, Exec, Isa, MatMut, MatRef, matmul};
///
/// let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // 2×3
/// let mut c = [0.0; 4];
/// let a = MatRef::new(&a, 2, 3)?;
/// matmul(
///     Exec::serial(Isa::detect()),
///     MatMut::new(&mut c, 2, 2)?,
///     Accumulate::Overwrite,
///     a,
///     a.t(),
/// );
/// assert_eq!(c, [14.0, 32.0, 32.0, 77.0]);
/// # Ok::<(), kernels::ShapeError>(())
/// ```
///
/// # Panics
/// If the shapes do not match, before anything is written.
#[track_caller]
pub fn matmul(exec: Exec, c: MatMut, accumulate: Accumulate, a: MatRef, b: MatRef) {
    matmul_with(exec, c, accumulate, a, b, ());
}

/// [`matmul`], then `epilogue` over each row of C while it is in cache.
///
/// # Panics
/// If the shapes do not match, those of the epilogue included, before anything is written.
#[track_caller]
pub fn matmul_with<E: Epilogue>(
    exec: Exec,
    c: MatMut,
    accumulate: Accumulate,
    a: MatRef,
    b: MatRef,
    epilogue: E,
) {
    assert!(
        a.rows() == c.rows() && b.cols() == c.cols() && a.cols() == b.rows(),
        "a product of {}×{} by {}×{} does not fit {}×{}",
        a.rows(),
        a.cols(),
        b.rows(),
        b.cols(),
        c.rows(),
        c.cols()
    );
    epilogue.check(c.rows(), c.cols());
    if c.rows() == 0 || c.cols() == 0 {
        return;
    }
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    profile::call(Part::Product, || Work::product(m, n, k));
    exec.isa().with_tile(Product {
        exec,
        c,
        accumulate,
        a,
        b,
        epilogue,
    });
}

struct Product<'a, E> {
    exec: Exec,
    c: MatMut<'a>,
    accumulate: Accumulate,
    a: MatRef<'a>,
    b: MatRef<'a>,
    epilogue: E,
}

impl<E: Epilogue> TileOp for Product<'_, E> {
    fn run<S: Simd, const MR: usize, const NV: usize>(self, s: S) {
        let Product {
            exec,
            c,
            accumulate,
            a,
            b,
            epilogue,
        } = self;
        let panels = Panels::plan::<S>(b, c.rows(), NV * S::LANES);
        let threads = par::threads(exec);
        let by_block = panels.by_block() && (threads == 1 || c.rows() >= MANY_ROWS * threads);
        let len = if by_block { 0 } else { panels.packed_len() };
        with_scratch(len, |buffer| {
            let packed = (!by_block).then(|| panels.pack(exec, s, buffer));
            let most = if by_block { MC_BY_BLOCK } else { MC };
            // Two chunks a thread, so that they even out, but no more: each reads all of B, or packs it.
            let even = threads * if by_block { 1 } else { 2 };
            let flops = 2 * c.rows() * a.cols() * b.cols();
            let worth = (flops / LEAF_FLOPS).min(c.rows() / MC_MIN).max(1);
            let chunks = match threads {
                1 => 1,
                _ => even.min(worth),
            };
            let chunks = chunks.max(c.rows().div_ceil(most));
            let rows = Rows::<E, MR, NV> {
                c,
                accumulate,
                a,
                panels: &panels,
                packed,
                epilogue,
            };
            rows.share(exec, s, chunks);
        })
    }
}

/// Some rows of a product.
struct Rows<'a, E, const MR: usize, const NV: usize> {
    c: MatMut<'a>,
    accumulate: Accumulate,
    a: MatRef<'a>,
    panels: &'a Panels<'a>,
    /// None where B is packed block by block.
    packed: Option<PackedB<'a>>,
    epilogue: E,
}

impl<E: Epilogue, const MR: usize, const NV: usize> Rows<'_, E, MR, NV> {
    /// Cuts the rows into so many chunks, at the borders of strips.
    fn share<S: Simd>(self, exec: Exec, s: S, chunks: usize) {
        let m = self.c.rows();
        let at = (m * (chunks / 2) / chunks).next_multiple_of(MR);
        if chunks == 1 || at >= m {
            let for_b = match self.packed {
                Some(_) => 0,
                None => self.panels.block_len(),
            };
            let len = PackedA::<MR>::len(self.a, KC, self.c.cols()) + for_b;
            return with_scratch(len, |buffer| {
                let _span = profile::span(Part::Product);
                s.run(Chunk { rows: self, buffer })
            });
        }
        let (upper, lower) = self.split(at);
        par::join(
            exec,
            || upper.share(exec, s, chunks / 2),
            || lower.share(exec, s, chunks - chunks / 2),
        );
    }

    fn split(self, at: usize) -> (Self, Self) {
        let Rows {
            c,
            accumulate,
            a,
            panels,
            packed,
            epilogue,
        } = self;
        let (c_upper, c_lower) = c.split_rows(at);
        let (epilogue_upper, epilogue_lower) = epilogue.split_rows(at);
        let a_upper = a.row_range(0, at);
        let a_lower = a.row_range(at, a.rows());
        (
            Rows {
                c: c_upper,
                accumulate,
                a: a_upper,
                panels,
                packed,
                epilogue: epilogue_upper,
            },
            Rows {
                c: c_lower,
                accumulate,
                a: a_lower,
                panels,
                packed,
                epilogue: epilogue_lower,
            },
        )
    }
}

/// The rows of one thread, and room for copies of A and for a block of B.
struct Chunk<'a, 'b, E, const MR: usize, const NV: usize> {
    rows: Rows<'a, E, MR, NV>,
    buffer: &'b mut [f32],
}

impl<E: Epilogue, const MR: usize, const NV: usize> Op for Chunk<'_, '_, E, MR, NV> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Rows {
            mut c,
            accumulate,
            a,
            panels,
            packed,
            mut epilogue,
        } = self.rows;
        let (m, n, k) = (c.rows(), c.cols(), a.cols());
        let (for_a, for_b) = self.buffer.split_at_mut(PackedA::<MR>::len(a, KC, n));
        let mut from_k = 0;
        // At least one pass, so that k = 0 writes zeros and reaches the epilogue.
        loop {
            let depth = KC.min(k - from_k);
            let last = from_k + depth == k;
            let add = accumulate == Accumulate::Add || from_k > 0;
            let mut a = PackedA::<MR>::new(a, from_k, depth, n, for_a);
            for from_n in (0..n).step_by(NC) {
                let columns = from_n..n.min(from_n + NC);
                let packed = match packed {
                    Some(all) => all,
                    None => panels.pack_block(s, from_k, depth, from_n, for_b),
                };
                let mut i = 0;
                while i < m {
                    let rows = strip_height(m - i, MR);
                    s.run(Strip::<MR, NV> {
                        c: c.reborrow(),
                        row: i,
                        rows,
                        columns: columns.clone(),
                        add,
                        a: &mut a,
                        panels,
                        packed: &packed,
                        from_k,
                        depth,
                    });
                    if last {
                        for row in i..i + rows {
                            let c = &mut c.row(row)[columns.clone()];
                            epilogue.row(s, row, columns.clone(), c);
                        }
                    }
                    i += rows;
                }
            }
            from_k += depth;
            if last {
                break;
            }
        }
    }
}

/// Rows of the next strip: a whole tile, then halves, so that few rows are computed in vain.
fn strip_height(left: usize, mr: usize) -> usize {
    if left >= mr { mr } else { 1 << left.ilog2() }
}
