//! The tile: a few rows by a few vectors of C, held in registers while k runs.

use std::ops::Range;

use super::pack::{PackedB, Panels};
use super::pack_a::{PackedA, RowsOfA};
use super::quad::{self, QUAD};
use crate::machine::portable::Portable;
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::MatMut;

/// `rows` rows of a block of C against all of its panels.
pub(super) struct Strip<'a, 'b, const MR: usize, const NV: usize> {
    pub c: MatMut<'a>,
    pub row: usize,
    /// `MR`, or a smaller power of two.
    pub rows: usize,
    pub columns: Range<usize>,
    pub add: bool,
    pub a: &'a mut PackedA<'b, MR>,
    pub panels: &'a Panels<'a>,
    pub packed: &'a PackedB<'a>,
    pub from_k: usize,
    pub depth: usize,
}

impl<const MR: usize, const NV: usize> Op for Strip<'_, '_, MR, NV> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match self.rows {
            rows if rows == MR => self.panels::<S, MR>(s),
            4 => self.panels::<S, 4>(s),
            2 => self.panels::<S, 2>(s),
            _ => self.panels::<S, 1>(s),
        }
    }
}

impl<const MR: usize, const NV: usize> Strip<'_, '_, MR, NV> {
    #[inline(always)]
    fn panels<S: Simd, const ROWS: usize>(mut self, s: S) {
        let wide = NV * S::LANES;
        let mut j = self.columns.start;
        let mut a = self.a.in_place(self.row, ROWS);
        // A whole tile makes the copy; where there is none, nor is there much to read it again.
        if self.panels.width(0) == wide
            && let Some((to, copied)) = self.a.copied(self.row, ROWS)
        {
            // The first columns that A meets.
            if j == 0 {
                self.tile::<S, ROWS, NV>(s, j, a, Some(to));
                j += wide;
            }
            a = copied;
        }
        while j < self.columns.end {
            let width = self.panels.width(j);
            if width == wide {
                self.tile::<S, ROWS, NV>(s, j, a, None);
            } else if width == S::LANES {
                self.tile::<S, ROWS, 1>(s, j, a, None);
            } else {
                self.quad::<S, ROWS>(s, j, a);
            }
            j += width;
        }
    }

    /// Computes the tile at column `j` and writes it; copies A if a place is given, for the next.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const N: usize>(
        &mut self,
        s: S,
        j: usize,
        a: RowsOfA,
        copy: Option<*mut f32>,
    ) {
        let (b, b_stride) =
            self.panels
                .panel(self.packed, self.from_k, self.depth, j, N * S::LANES);
        // SAFETY: `in_place` and `copied` vouch for ROWS × depth values of A, `copied` for the place of its copy, `panel` for
        // depth × N vectors of B.
        let sums = unsafe {
            product::<S, ROWS, N>(s, self.depth, a, b, b_stride, copy.map(|to| (to, MR)))
        };
        self.write(s, j, sums);
    }

    /// Writes a tile, whose first column is `j`, up to the border of C.
    #[inline(always)]
    fn write<S: Simd, const ROWS: usize, const N: usize>(
        &mut self,
        s: S,
        j: usize,
        sums: [[S::F32; N]; ROWS],
    ) {
        let width = (N * S::LANES).min(self.columns.end - j);
        let (c, c_stride) = self.c.block(self.row, ROWS, j, width);
        // SAFETY: `block` vouches for ROWS × width values of C; a vector that would reach beyond them is cut.
        unsafe {
            if width == N * S::LANES {
                self.write_whole(s, sums, c, c_stride);
            } else {
                self.write_partial(s, sums, c, c_stride, width);
            }
        }
    }

    /// Writes the tile at `c`.
    ///
    /// # Safety
    /// `c` is valid for reading and writing N vectors in each of ROWS rows, `stride` apart.
    #[inline(always)]
    unsafe fn write_whole<S: Simd, const ROWS: usize, const N: usize>(
        &self,
        s: S,
        sums: [[S::F32; N]; ROWS],
        c: *mut f32,
        stride: usize,
    ) {
        for (i, row) in sums.into_iter().enumerate() {
            for (v, sum) in row.into_iter().enumerate() {
                // SAFETY: as the caller promised.
                unsafe {
                    let c = c.add(i * stride + v * S::LANES);
                    let sum = match self.add {
                        true => s.add(s.load_ptr(c), sum),
                        false => sum,
                    };
                    s.store_ptr(sum, c);
                }
            }
        }
    }

    /// Writes the first `width` columns of the tile.
    ///
    /// # Safety
    /// As of `write_whole`, for so many columns.
    #[inline(always)]
    unsafe fn write_partial<S: Simd, const ROWS: usize, const N: usize>(
        &self,
        s: S,
        sums: [[S::F32; N]; ROWS],
        c: *mut f32,
        stride: usize,
        width: usize,
    ) {
        for (i, row) in sums.into_iter().enumerate() {
            for (v, sum) in row.into_iter().enumerate() {
                let from = v * S::LANES;
                if width <= from {
                    break;
                }
                // SAFETY: as the caller promised.
                let c = unsafe {
                    let left = (width - from).min(S::LANES);
                    std::slice::from_raw_parts_mut(c.add(i * stride + from), left)
                };
                let sum = match self.add {
                    true => s.add(s.load_partial(c), sum),
                    false => sum,
                };
                s.store_partial(sum, c);
            }
        }
    }

    /// Computes the last columns from `j` on, at most four of them, and writes them.
    #[inline(always)]
    fn quad<S: Simd, const ROWS: usize>(&mut self, s: S, j: usize, a: RowsOfA) {
        let (b, _) = self
            .panels
            .panel(self.packed, self.from_k, self.depth, j, QUAD);
        // SAFETY: `in_place` and `copied` vouch for ROWS × depth values of A, `panel` for depth × 4 of B, which are packed.
        let sums = unsafe { quad::product::<S, ROWS>(s, self.depth, a, b) };
        self.write(Portable, j, sums);
    }
}

/// Σ over `depth` of ROWS values of A times N vectors of B; copies the values of A, if told where and how far apart
/// the columns go.
///
/// # Safety
/// For i < ROWS and p < `depth`, `a` is valid for reading, and `b` for reading N vectors at `p * b_stride`. For a copy,
/// the rows of `a` are contiguous, and its place is valid for writing ROWS values at `p` times its stride.
#[inline(always)]
unsafe fn product<S: Simd, const ROWS: usize, const N: usize>(
    s: S,
    depth: usize,
    a: RowsOfA,
    b: *const f32,
    b_stride: usize,
    copy: Option<(*mut f32, usize)>,
) -> [[S::F32; N]; ROWS] {
    let mut sums = [[s.splat(0.0); N]; ROWS];
    for p in 0..depth {
        // SAFETY: as the caller promised. Bounds checks here cost half of the speed.
        unsafe {
            let at = a.from.add(p * a.col);
            let b = b.add(p * b_stride);
            let b: [S::F32; N] = std::array::from_fn(|v| s.load_ptr(b.add(v * S::LANES)));
            if let Some((to, apart)) = copy {
                at.copy_to_nonoverlapping(to.add(p * apart), ROWS);
            }
            #[allow(clippy::needless_range_loop)]
            for i in 0..ROWS {
                let a = s.splat(*at.add(i * a.row));
                for v in 0..N {
                    sums[i][v] = s.mul_add(a, b[v], sums[i][v]);
                }
            }
        }
    }
    sums
}
