//! A as the tiles read it: in place, copied by the first tile of a strip, or with its values spread over vectors
//! beforehand.

use super::blocking::{NC, SPREAD_FROM};
use crate::machine::scratch::LINE;
use crate::machine::simd::Simd;
use crate::matrix::view::MatRef;

/// A block of A as the tiles read it. Where A lies column after column, each step of k would take a cache line of its
/// own; so the first tile of a strip copies what it reads for the tiles that follow, which hides the copy behind the
/// latency of the tile's arithmetic.
pub(super) struct PackedA<'a, const MR: usize> {
    a: MatRef<'a>,
    from_k: usize,
    depth: usize,
    copies: &'a mut [f32],
    /// The distance from the copy of one strip to that of the next, in values; 0 where the block of columns of C is the
    /// only one, so that a strip's copy is no longer needed when the next is made.
    strip_stride: usize,
}

/// Some rows of a block of A: a pointer to their first value, the row stride `rs` and the column stride `cs`.
#[derive(Clone, Copy)]
pub(super) struct RowsOfA {
    pub(super) from: *const f32,
    pub(super) rs: usize,
    pub(super) cs: usize,
}

impl<'a, const MR: usize> PackedA<'a, MR> {
    /// Returns the number of values that the copies take, for C of `n` columns.
    pub(super) fn len<S: Simd, const NV: usize>(a: MatRef, depth: usize, n: usize) -> usize {
        if S::SPREADS_A {
            return match is_spread::<S, NV>(n) {
                true => MR * S::LANES * depth.min(a.cols()),
                false => 0,
            };
        }
        let transposed = a.row_stride() == 1 && a.col_stride() > 1;
        if !transposed {
            return 0;
        }
        let depth = depth.min(a.cols());
        MR * depth + (a.rows().div_ceil(MR) - 1) * strip_stride(MR, depth, n)
    }

    /// Returns the block of columns `from_k..from_k + depth` of A, with a buffer of [`len`](Self::len) values for
    /// copies.
    #[inline(always)]
    pub(super) fn new(
        a: MatRef<'a>,
        from_k: usize,
        depth: usize,
        n: usize,
        copies: &'a mut [f32],
    ) -> Self {
        let strip_stride = strip_stride(MR, depth, n);
        PackedA {
            a,
            from_k,
            depth,
            copies,
            strip_stride,
        }
    }

    /// Returns rows `i..i + rows` in place, valid for reading `rows × depth` values.
    #[inline(always)]
    pub(super) fn in_place(&self, i: usize, rows: usize) -> RowsOfA {
        let (rs, cs) = (self.a.row_stride(), self.a.col_stride());
        if self.depth == 0 {
            return RowsOfA {
                from: std::ptr::dangling(),
                rs,
                cs,
            };
        }
        let span = (rows - 1) * rs + (self.depth - 1) * cs + 1;
        let start = i * rs + self.from_k * cs;
        RowsOfA {
            from: self.a.data()[start..][..span].as_ptr(),
            rs,
            cs,
        }
    }

    /// Copies the ROWS rows from row `i` on, each value into all lanes of a vector, over the copies of the strip
    /// before. Returns the copy, valid for reading ROWS × `depth` vectors.
    #[inline(always)]
    pub(super) fn spread<S: Simd, const ROWS: usize>(&mut self, s: S, i: usize) -> RowsOfA {
        let RowsOfA { from, rs, cs } = self.in_place(i, ROWS);
        let copies = &mut self.copies[..ROWS * self.depth * S::LANES];
        for (p, column) in copies.chunks_exact_mut(ROWS * S::LANES).enumerate() {
            for (row, to) in column.chunks_exact_mut(S::LANES).enumerate() {
                // SAFETY: `in_place` vouches for ROWS × depth values.
                s.store(s.splat(unsafe { *from.add(row * rs + p * cs) }), to);
            }
        }
        RowsOfA {
            from: copies.as_ptr(),
            rs: S::LANES,
            cs: ROWS * S::LANES,
        }
    }

    /// Returns the place of the copy of rows `i..i + rows`, all of one strip, if the block is copied: where to write
    /// it, column after column, each `MR` values after the one before, and the rows of the copy, valid for reading
    /// `rows × depth` values. The values of a column of A are then contiguous.
    #[inline(always)]
    pub(super) fn copied(&mut self, i: usize, rows: usize) -> Option<(*mut f32, RowsOfA)> {
        if self.copies.is_empty() || self.depth == 0 {
            return None;
        }
        let span = (self.depth - 1) * MR + rows;
        let to = self.copies[i / MR * self.strip_stride + i % MR..][..span].as_mut_ptr();
        let rows = RowsOfA {
            from: to,
            rs: 1,
            cs: MR,
        };
        Some((to, rows))
    }
}

/// Returns whether the strips of a block of so many columns of C are spread.
#[inline(always)]
pub(super) fn is_spread<S: Simd, const NV: usize>(columns: usize) -> bool {
    S::SPREADS_A && columns >= SPREAD_FROM * NV * S::LANES
}

/// Returns the distance between the copies of two strips: a cache line more than a strip takes, because strips a
/// multiple of 4 KiB apart would all be written to the same few lines of the first-level cache; or 0 for a single block
/// of columns.
#[inline(always)]
fn strip_stride(mr: usize, depth: usize, n: usize) -> usize {
    if n <= NC { 0 } else { mr * depth + LINE }
}
