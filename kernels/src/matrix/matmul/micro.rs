//! The tile: a few rows by a few vectors of C, held in registers while k runs.
//!
//! A product is fast because a piece of C stays in registers. With one element of C at a time, each
//! multiplication loads two values from memory, and loading is what limits the rate. A tile of MR rows by NV vectors
//! keeps its MR × NV sums in registers. For each step p of k it loads NV vectors of row p of B, and MR single values of
//! column p of A, each of which it spreads over a vector:
//!
//! ```text
//!                     B, row p:   [ b₀ … ] [ b₁ … ]            NV vectors
//!   A, column p:  a₀              [ sum  ] [ sum  ]
//!                 a₁              [ sum  ] [ sum  ]
//!                 ⋮               [  ⋮   ] [  ⋮   ]            sum[i][v] += aᵢ · b_v
//!                 a_MR₋₁          [ sum  ] [ sum  ]
//! ```
//!
//! That is MR·NV multiply-adds for MR + NV loads: 16 for 10 with AVX-512's 8 × 2 and 12 for 8 with AVX2's 6 × 2, where
//! a core can start two of either in a cycle. SSE2 cannot load a value into all lanes with one instruction, so there A
//! is spread beforehand (see `pack_a`). There must be enough sums to hide the latency of a multiply-add (4 cycles × 2 a
//! cycle = 8 sums) and few enough to fit into the registers (32 or 16, less those of A and B).
//!
//! The sums start at zero and are written once the block of k has been seen: added to C, or in place of it.

use std::array::from_fn;
use std::hint::black_box;
use std::ops::Range;

use super::blocking::QUAD;
use super::pack::{PackedB, Panels};
use super::pack_a::{PackedA, RowsOfA};
use super::quad;
use crate::machine::portable::Portable;
use crate::machine::simd::Simd;
use crate::matrix::view::MatMut;

/// The number of steps of k in one turn of the tile's loop.
const TURN: usize = 4;

/// A strip of `rows` rows of a block of C, from `row` on, with the operands that it is computed from.
pub(super) struct Strip<'a, 'b, const MR: usize, const NV: usize> {
    pub c: MatMut<'a>,
    pub row: usize,
    /// The number of rows: `MR`, or a smaller power of two.
    pub rows: usize,
    pub columns: Range<usize>,
    pub add: bool,
    pub a: &'a mut PackedA<'b, MR>,
    pub panels: &'a Panels<'a>,
    pub packed: &'a PackedB<'a>,
    pub from_k: usize,
    pub depth: usize,
}

impl<const MR: usize, const NV: usize> Strip<'_, '_, MR, NV> {
    /// Computes the tile at column `j` and writes it; if `copy` gives a place, copies the values of A there for the
    /// next tiles. Where A is SPREAD, each of its values is a vector.
    #[inline(always)]
    pub(super) fn tile<S: Simd, const ROWS: usize, const N: usize, const SPREAD: bool>(
        &mut self,
        s: S,
        j: usize,
        a: RowsOfA,
        copy: Option<*mut f32>,
    ) {
        let (b, b_stride) =
            self.panels
                .panel(self.packed, self.from_k, self.depth, j, N * S::LANES);
        // SAFETY: `in_place` and `copied` vouch for ROWS × depth values of A, `spread` for as many vectors, `copied`
        // for the place of its copy, `panel` for depth × N vectors of B.
        let sums =
            unsafe { product::<S, ROWS, N, SPREAD, MR>(s, self.depth, a, b, b_stride, copy) };
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

    /// Writes a whole tile to the place `c`.
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

    /// Writes the first `width` columns of a tile to the place `c`.
    ///
    /// # Safety
    /// `c` is valid for reading and writing `width` values in each of ROWS rows, `stride` apart.
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

    /// Computes the last columns from `j` on, at most four, and writes them.
    #[inline(always)]
    pub(super) fn quad<S: Simd, const ROWS: usize>(&mut self, s: S, j: usize, a: RowsOfA) {
        let (b, _) = self
            .panels
            .panel(self.packed, self.from_k, self.depth, j, QUAD);
        // SAFETY: `in_place` and `copied` vouch for ROWS × depth values of A, `spread` for as many vectors, the first
        // lane of each of which is read; `panel` vouches for depth × 4 values of B, which are packed.
        let sums = unsafe { quad::product::<S, ROWS>(s, self.depth, a, b) };
        self.write(Portable, j, sums);
    }
}

/// Returns the sums over `depth` steps of k of ROWS values of A times N vectors of B. If `copy` gives a place, copies
/// the values of A there, with MR values from column to column. Where A is SPREAD, each of its values is a vector.
///
/// # Safety
/// For i < ROWS and p < `depth`, `a` is valid for reading a value or a vector, and `b` for reading N vectors at
/// `p * b_stride`. For a copy, the row stride of `a` is 1, and `copy` is valid for writing ROWS values at `p` times MR.
#[inline(always)]
unsafe fn product<
    S: Simd,
    const ROWS: usize,
    const N: usize,
    const SPREAD: bool,
    const MR: usize,
>(
    s: S,
    depth: usize,
    a: RowsOfA,
    b: *const f32,
    b_stride: usize,
    copy: Option<*mut f32>,
) -> [[S::F32; N]; ROWS] {
    let mut sums = [[s.splat(0.0); N]; ROWS];
    let in_place = !SPREAD && copy.is_none();
    // SAFETY: as the caller promised.
    unsafe {
        if in_place && a.cs == 1 {
            // `black_box` hides from the compiler that the rows lie a stride apart: it would compute their addresses
            // anew in each step, on ports that Intel's cores need for multiply-adds.
            let rows = from_fn(|i| black_box(a.from.wrapping_add(i * a.rs)));
            steps::<S, ROWS, N, 1>(s, &mut sums, &rows, depth, b, b_stride);
        } else if in_place && (a.rs, a.cs) == (1, MR) {
            // A is a copy, in which each address is that of its column and a constant.
            let rows = from_fn(|i| a.from.wrapping_add(i));
            steps::<S, ROWS, N, MR>(s, &mut sums, &rows, depth, b, b_stride);
        } else {
            let rows = from_fn(|i| a.from.wrapping_add(i * a.rs));
            for p in 0..depth {
                let to = copy.map(|to| to.add(p * MR));
                step::<S, ROWS, N, SPREAD>(s, &mut sums, &rows, p * a.cs, b.add(p * b_stride), to);
            }
        }
    }
    sums
}

/// Adds all steps of k to the sums, [`TURN`] steps in one turn of the loop, which is 5 to 10 % faster than one step a
/// turn. The columns of A are CS values apart.
///
/// # Safety
/// As for [`product`], without a copy.
#[inline(always)]
unsafe fn steps<S: Simd, const ROWS: usize, const N: usize, const CS: usize>(
    s: S,
    sums: &mut [[S::F32; N]; ROWS],
    rows: &[*const f32; ROWS],
    depth: usize,
    b: *const f32,
    b_stride: usize,
) {
    let turns = depth / TURN;
    // SAFETY: as the caller promised.
    unsafe {
        for turn in 0..turns {
            for i in 0..TURN {
                let p = turn * TURN + i;
                step::<S, ROWS, N, false>(s, sums, rows, p * CS, b.add(p * b_stride), None);
            }
        }
        for p in turns * TURN..depth {
            step::<S, ROWS, N, false>(s, sums, rows, p * CS, b.add(p * b_stride), None);
        }
    }
}

/// Adds one step of k to the sums: N vectors of B, at `b`, times a value of each row of A, or a vector of it where A is
/// SPREAD, `at` values after the beginning of the row. If `copy` gives a place, copies the values of A there.
///
/// # Safety
/// Each of `rows` is valid for reading a value or a vector at `at`, and `b` for reading N vectors. For a copy, each of
/// `rows` is one value after the one before, and `copy` is valid for writing ROWS values.
#[inline(always)]
unsafe fn step<S: Simd, const ROWS: usize, const N: usize, const SPREAD: bool>(
    s: S,
    sums: &mut [[S::F32; N]; ROWS],
    rows: &[*const f32; ROWS],
    at: usize,
    b: *const f32,
    copy: Option<*mut f32>,
) {
    // SAFETY: as the caller promised. Bounds checks here cost half of the speed.
    unsafe {
        let b: [S::F32; N] = from_fn(|v| s.load_ptr(b.add(v * S::LANES)));
        if let Some(to) = copy {
            rows[0].add(at).copy_to_nonoverlapping(to, ROWS);
        }
        #[allow(clippy::needless_range_loop)]
        for i in 0..ROWS {
            let a = rows[i].add(at);
            let a = if SPREAD { s.load_ptr(a) } else { s.splat(*a) };
            for v in 0..N {
                sums[i][v] = s.mul_add(a, b[v], sums[i][v]);
            }
        }
    }
}
