//! Every size by which a product is cut, with the measurement behind it, and the plan that follows from them.
//!
//! The sizes do not depend on the machine, so neither does the order in which an element of C is summed: one
//! instruction set gives the same bits on every machine whose multiply-add rounds alike. (That of `Portable` rounds once
//! on aarch64, and twice on x86-64.) Ratios are of whole products on one thread, where not said
//! otherwise.

use crate::machine::scratch::LINE;
use crate::matrix::view::MatRef;

/// Depth of a block: how much of k a pass over C takes. A block of B, `KC × NC` values or 256 KiB, stays in the L2
/// cache, of which Zen 3 has 512 KiB, while the strips of A go by. From 256 to 1,024 the rate is the same within the
/// noise.
pub(super) const KC: usize = 512;

/// Columns of a block, a multiple of every tile's width. With blocks of 256 columns, packed just before they are used,
/// products from 512³ on are 3 to 8 % faster than with all of B at once. From 128 to 1,024 columns the rate is the same
/// within the noise where the L2 cache holds 1 MiB; on Zen 3 a step of an autoencoder is 4 % faster with 128 columns
/// than with 256, and as fast with 64.
pub(super) const NC: usize = 128;

/// Most rows of a chunk where B is packed beforehand. From 64 to 512 rows the rate is the same within the noise.
const MC: usize = 256;

/// Most rows of a chunk that packs B for itself, block by block: large, since each chunk packs all of B again, and
/// small enough that the pages of its rows of C stay in the TLB (8 % faster at 16,384×100×16,384 than one chunk of all
/// rows).
const MC_BY_BLOCK: usize = 2048;

/// Fewest rows of a chunk, where there are enough rows: each chunk reads all of B, or packs it.
const MC_MIN: usize = 32;

/// Fewest rows per thread with which each of several threads packs B for itself rather than sharing one packed copy.
const MANY_ROWS: usize = 512;

/// Work that is worth handing to another thread: 2 Mflop, 8 to 20 µs on the machines measured, where a hand-over costs
/// 1.
const LEAF_FLOPS: usize = 1 << 21;

/// Most values of a B that is read in place: 256 KiB, which stays in the L2 cache. A copy is 2 to 27 % slower there,
/// but for rows that do not begin with a cache line, where it is up to 4 % faster.
const DIRECT_B: usize = 256 * 256;

/// Most rows of A with which B is read in place: more of them repay the packing, as packed rows are aligned.
const DIRECT_M: usize = 256;

/// The same where every vector of B lies across two cache lines, since it fills one and no row begins with one. From 128
/// rows on packing is 4 to 11 % faster then with AVX-512 on an Intel Xeon; with 64 rows there is no difference, and none
/// where rows are no multiple of a line apart.
const DIRECT_M_ACROSS_LINES: usize = 96;

/// Distance of the rows of a B, in values, of which they collide in the L1 cache where tiles are one line wide: lines
/// that are a multiple of 1 KiB apart share 4 of the 64 sets, which hold 32 of them. Such a B is packed: 13 to 15 %
/// faster at 256³ and 256×128×256 with AVX2 on Zen 3; at half of that distance there is no difference.
const COLLIDING: usize = 256;

/// Below this many rows of A, B is never packed: they are four strips at most, so each packed value would be read no more
/// than four times.
const FEW_ROWS: usize = 16;

/// Panels of B that are copied at the same time, so that a long piece of a row of B is read at once.
pub(super) const TOGETHER: usize = 8;

/// Rows of B that are fetched ahead of being copied, since the hardware prefetcher does not cross pages.
pub(super) const AHEAD: usize = 4;

/// Values that are worth packing on another thread.
pub(super) const LEAF_VALUES: usize = 1 << 13;

/// Panels of B in a block of columns from which on values of A are spread beforehand, where the instruction set wants
/// that: fewer do not repay the copy.
pub(super) const SPREAD_FROM: usize = 4;

/// Columns at the right border that go together, as many as the narrowest vector has lanes: see `quad`.
pub(super) const QUAD: usize = 4;

/// The way in which the tiles read B, decided once for a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadB {
    /// Where it lies, but for the columns beyond the last whole tile, which are packed: for a B that stays in cache.
    InPlace,
    /// From a packed copy of all of it, which the threads share.
    Packed,
    /// From a copy of one block at a time, made just before it is used; each chunk makes its own.
    PackedByBlock,
}

impl ReadB {
    /// The plan for A of m rows and B of k×n, with tiles of `wide` columns.
    pub(super) fn plan(m: usize, b: MatRef, wide: usize, threads: usize) -> Self {
        let (k, n) = (b.rows(), b.cols());
        let collides = wide <= LINE && b.row_stride().is_multiple_of(COLLIDING);
        let most_rows = match wide > LINE && lies_across_lines(b) {
            true => DIRECT_M_ACROSS_LINES,
            false => DIRECT_M,
        };
        let in_cache = m < FEW_ROWS || (m <= most_rows && k * n <= DIRECT_B && !collides);
        if b.col_stride() == 1 && in_cache && n >= wide {
            ReadB::InPlace
        } else if (k > KC || n > NC) && (threads == 1 || m >= MANY_ROWS * threads) {
            ReadB::PackedByBlock
        } else {
            ReadB::Packed
        }
    }

    /// The plan where a packed copy is to serve several products.
    pub(super) fn plan_shared(m: usize, b: MatRef, wide: usize) -> Self {
        match Self::plan(m, b, wide, 1) {
            ReadB::InPlace => ReadB::InPlace,
            ReadB::Packed | ReadB::PackedByBlock => ReadB::Packed,
        }
    }

    /// Into how many chunks the m rows of a product of m×k by k×n are cut.
    pub(super) fn chunks(self, m: usize, n: usize, k: usize, threads: usize) -> usize {
        // Two chunks a thread, so that they even out, but no more: each reads all of B, or packs it.
        let (most_rows, even) = match self {
            ReadB::PackedByBlock => (MC_BY_BLOCK, threads),
            ReadB::InPlace | ReadB::Packed => (MC, 2 * threads),
        };
        let flops = 2.0 * m as f64 * n as f64 * k as f64;
        let worth = ((flops / LEAF_FLOPS as f64) as usize)
            .min(m / MC_MIN)
            .max(1);
        let chunks = if threads == 1 { 1 } else { even.min(worth) };
        chunks.max(m.div_ceil(most_rows))
    }
}

/// Whether no row begins with a cache line.
fn lies_across_lines(b: MatRef) -> bool {
    let start = b.data().as_ptr().addr();
    b.row_stride().is_multiple_of(LINE) && !start.is_multiple_of(LINE * size_of::<f32>())
}

/// Rows of the next strip, of `left` that are left: a whole tile, then halves, so that few rows are computed in vain.
pub(super) fn strip_height(left: usize, mr: usize) -> usize {
    if left >= mr { mr } else { 1 << left.ilog2() }
}
