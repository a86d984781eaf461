//! The tile: a few rows by a few vectors of C, held in registers while k runs.

use std::ops::Range;

use super::pack::{PackedB, Panels};
use super::pack_a::PackedA;
use super::quad::{self, QUAD};
use crate::MatMut;
use crate::simd::{Op, Portable, Simd};

/// `rows` rows of a block of C against all of its panels.
pub(super) struct Strip<'a, const MR: usize, const NV: usize> {
    pub c: MatMut<'a>,
    pub row: usize,
    /// `MR`, or a smaller power of two.
    pub rows: usize,
    pub columns: Range<usize>,
    pub add: bool,
    pub a: &'a PackedA<'a, MR>,
    pub panels: &'a Panels<'a>,
    pub packed: &'a PackedB<'a>,
    pub from_k: usize,
    pub depth: usize,
}

impl<const MR: usize, const NV: usize> Op for Strip<'_, MR, NV> {
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

impl<const MR: usize, const NV: usize> Strip<'_, MR, NV> {
    #[inline(always)]
    fn panels<S: Simd, const ROWS: usize>(mut self, s: S) {
        let wide = NV * S::LANES;
        let mut j = self.columns.start;
        while j < self.columns.end {
            let width = self.panels.width(j);
            if width == wide {
                self.tile::<S, ROWS, NV>(s, j);
            } else if width == S::LANES {
                self.tile::<S, ROWS, 1>(s, j);
            } else {
                self.quad::<S, ROWS>(s, j);
            }
            j += width;
        }
    }

    /// Computes the tile at column `j` and writes it.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const N: usize>(&mut self, s: S, j: usize) {
        let (b, b_stride) =
            self.panels
                .panel(self.packed, self.from_k, self.depth, j, N * S::LANES);
        let (a, a_row, a_col) = self.a.rows(self.row, ROWS);
        // SAFETY: `rows` vouches for ROWS × depth values of A, `panel` for depth × N vectors of B.
        let sums = unsafe { product::<S, ROWS, N>(s, self.depth, a, a_row, a_col, b, b_stride) };
        let width = (N * S::LANES).min(self.columns.end - j);
        let (c, c_stride) = self.c.block(self.row, ROWS, j, width);
        // Indices, not iterators: the sums must stay in registers.
        #[allow(clippy::needless_range_loop)]
        for i in 0..ROWS {
            for v in 0..N {
                // SAFETY: `block` vouches for ROWS × width values of C; a vector that would reach
                // beyond them is cut.
                unsafe {
                    let c = c.add(i * c_stride + v * S::LANES);
                    if width == N * S::LANES {
                        let sum = match self.add {
                            true => s.add(s.load_ptr(c), sums[i][v]),
                            false => sums[i][v],
                        };
                        s.store_ptr(sum, c);
                    } else if width > v * S::LANES {
                        let left = (width - v * S::LANES).min(S::LANES);
                        let c = std::slice::from_raw_parts_mut(c, left);
                        let sum = match self.add {
                            true => s.add(s.load_partial(c), sums[i][v]),
                            false => sums[i][v],
                        };
                        s.store_partial(sum, c);
                    }
                }
            }
        }
    }

    /// Computes the last columns from `j` on, at most four of them, and writes them.
    #[inline(always)]
    fn quad<S: Simd, const ROWS: usize>(&mut self, s: S, j: usize) {
        let (b, _) = self
            .panels
            .panel(self.packed, self.from_k, self.depth, j, QUAD);
        let (a, a_row, a_col) = self.a.rows(self.row, ROWS);
        // SAFETY: `rows` vouches for ROWS × depth values of A, `panel` for depth × 4 of B, which are packed.
        let sums = unsafe { quad::product::<S, ROWS>(s, self.depth, a, a_row, a_col, b) };
        let columns = j..(j + QUAD).min(self.columns.end);
        let four = Portable;
        for (i, sum) in sums.into_iter().enumerate() {
            let c = &mut self.c.row(self.row + i)[columns.clone()];
            let sum = match self.add {
                true => four.add(four.load_partial(c), sum),
                false => sum,
            };
            four.store_partial(sum, c);
        }
    }
}

/// Σ over `depth` of ROWS values of A times N vectors of B.
///
/// # Safety
/// For i < ROWS and p < `depth`, `a` is valid for reading at `i * a_row + p * a_col`, and `b` for
/// reading N vectors at `p * b_stride`.
#[inline(always)]
unsafe fn product<S: Simd, const ROWS: usize, const N: usize>(
    s: S,
    depth: usize,
    a: *const f32,
    a_row: usize,
    a_col: usize,
    b: *const f32,
    b_stride: usize,
) -> [[S::F32; N]; ROWS] {
    let mut sums = [[s.splat(0.0); N]; ROWS];
    for p in 0..depth {
        // SAFETY: as the caller promised. Bounds checks here cost half of the speed.
        unsafe {
            let a = a.add(p * a_col);
            let b = b.add(p * b_stride);
            let b: [S::F32; N] = std::array::from_fn(|v| s.load_ptr(b.add(v * S::LANES)));
            #[allow(clippy::needless_range_loop)]
            for i in 0..ROWS {
                let a = s.splat(*a.add(i * a_row));
                for v in 0..N {
                    sums[i][v] = s.mul_add(a, b[v], sums[i][v]);
                }
            }
        }
    }
    sums
}
