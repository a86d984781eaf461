//! Every size by which a product is cut, with the measurement behind it, and the plan that follows from them.
//!
//! The sizes do not depend on the machine, so neither does the order in which an element of C is summed: one
//! instruction set gives the same bits on every machine whose multiply-add rounds alike. (That of `Portable` rounds
//! once on aarch64, and twice on x86-64.) The measured ratios are those of whole products on one thread, unless stated
//! otherwise.

use crate::machine::scratch::LINE;
use crate::matrix::view::MatRef;

/// The depth of a block: the number of steps of k in one pass over C. A block of B, `KC × NC` values or 256 KiB, stays
/// in the L2 cache, of which Zen 3 has 512 KiB, while the strips of A go by. From 256 to 1,024 the rate is the same
/// within the noise.
pub(super) const KC: usize = 512;

/// The number of columns of a block, a multiple of every tile's width. With blocks of 256 columns, packed just before
/// they are used, products from 512³ on are 3 to 8 % faster than with all of B at once. From 128 to 1,024 columns the
/// rate is the same within the noise where the L2 cache holds 1 MiB; on Zen 3 a step of an autoencoder is 4 % faster
/// with 128 columns than with 256, and as fast with 64.
pub(super) const NC: usize = 128;

/// The largest number of rows of a chunk where B is read in place or packed beforehand. From 64 to 512 rows the rate is
/// the same within the noise.
const MC: usize = 256;

/// The largest number of rows of a chunk that packs B for itself, block by block: large, since each chunk packs all of
/// B again, and small enough that the pages of its rows of C stay in the TLB (8 % faster at 16,384×100×16,384 than one
/// chunk of all rows).
const MC_BY_BLOCK: usize = 2048;

/// The least number of rows of a chunk, where there are enough rows: each chunk reads all of B, or packs it.
const MC_MIN: usize = 32;

/// The least number of rows per thread with which each of several threads packs B for itself rather than sharing one
/// packed copy.
const MANY_ROWS: usize = 512;

/// The work, in FLOP, that is worth handing to another thread: 2 MFLOP, which take 8 to 20 µs on the machines measured,
/// where handing them over costs 1 µs.
const LEAF_FLOPS: usize = 1 << 21;

/// The largest number of values of a B that is read in place with [`FEW_ROWS`] rows of A or more: 256 KiB, which stays
/// in the L2 cache. With a packed copy products are 2 to 27 % slower there, except for rows that do not begin with a
/// cache line, where they are up to 4 % faster.
const DIRECT_B: usize = 256 * 256;

/// The largest number of rows of A with which B is read in place: more rows repay the packing, as packed rows of B are
/// aligned.
const DIRECT_M: usize = 256;

/// The largest number of rows of A with which B is read in place where every vector of B lies across two cache lines,
/// since a vector fills a line and no row begins with a line. From 128 rows on packing is 4 to 11 % faster then with
/// AVX-512 on an Intel Xeon; with 64 rows there is no difference, and none where rows are no multiple of a line apart.
const DIRECT_M_ACROSS_LINES: usize = 96;

/// The distance in values at whose multiples the rows of a B collide in the L1 cache where tiles are one line wide:
/// lines that are a multiple of 1 KiB apart share 4 of the 64 sets, which hold 32 lines. Such a B is packed, which is
/// 13 to 15 % faster at 256³ and 256×128×256 with AVX2 on Zen 3; at half of that distance there is no difference.
const COLLIDING: usize = 256;

/// The number of rows of A below which a B with contiguous rows is read in place, whatever its size: the rows of A are
/// four strips at most, so each packed value would be read no more than four times.
const FEW_ROWS: usize = 16;

/// The number of panels of B that are copied at the same time, so that a long piece of a row of B is read at once.
pub(super) const TOGETHER: usize = 8;

/// The number of rows of B that are fetched ahead of being copied, since the hardware prefetcher does not cross pages.
pub(super) const AHEAD: usize = 4;

/// The number of values that is worth packing on another thread.
pub(super) const LEAF_VALUES: usize = 1 << 13;

/// The number of panels of B in a block of columns from which on values of A are spread beforehand, where the
/// instruction set asks for it: fewer panels do not repay the copy.
pub(super) const SPREAD_FROM: usize = 4;

/// The number of columns at the right border that are computed together, as many as the narrowest vector has lanes: see
/// `quad`.
pub(super) const QUAD: usize = 4;

/// The way in which the tiles read B, decided once for a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadB {
    /// The tiles read B where it lies, except for the columns beyond the last whole tile, which are packed: for a B
    /// that stays in cache.
    InPlace,
    /// The tiles read a packed copy of all of B, which the threads share.
    Packed,
    /// The tiles read a packed copy of one block of B at a time, made just before it is used; each chunk makes its own.
    PackedByBlock,
}

impl ReadB {
    /// Returns the plan for A of m rows and B of k×n, with tiles of `wide` columns, on `threads` threads.
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

    /// Returns the plan where one packed copy serves several products.
    pub(super) fn plan_shared(m: usize, b: MatRef, wide: usize) -> Self {
        match Self::plan(m, b, wide, 1) {
            ReadB::InPlace => ReadB::InPlace,
            ReadB::Packed | ReadB::PackedByBlock => ReadB::Packed,
        }
    }

    /// Returns the number of chunks into which the m rows of a product of m×k by k×n are cut.
    pub(super) fn chunks(self, m: usize, n: usize, k: usize, threads: usize) -> usize {
        // Two chunks a thread where the copy of B is shared, so that the threads' work evens out, but no more: each
        // chunk reads all of B, or packs it.
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

/// Returns whether no row begins with a cache line.
fn lies_across_lines(b: MatRef) -> bool {
    let start = b.data().as_ptr().addr();
    b.row_stride().is_multiple_of(LINE) && !start.is_multiple_of(LINE * size_of::<f32>())
}

/// Returns the number of rows of the next strip, of `left` rows that are left: those of a whole tile, or else the
/// largest power of two, so that no row is computed in vain.
pub(super) fn strip_height(left: usize, mr: usize) -> usize {
    if left >= mr { mr } else { 1 << left.ilog2() }
}
