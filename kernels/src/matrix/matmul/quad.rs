//! The last columns of C, four at a time.
//!
//! Where C is not a multiple of a vector wide, its last columns fill a vector only in part: with 100 columns and 16
//! lanes, a vector for the last four would compute twelve columns that do not exist. So a *quad*, a group of four
//! neighbouring lanes, holds the four columns, and the quads of one vector hold several steps of k instead, which are
//! added at the end:
//!
//! ```text
//!               quad 0           quad 1           quad 2           quad 3
//!   A, spread   a₀ a₀ a₀ a₀      a₁ a₁ a₁ a₁      a₂ a₂ a₂ a₂      a₃ a₃ a₃ a₃       aᵢₚ for steps p, p+1, p+2, p+3
//!   B           b₀₀ b₀₁ b₀₂ b₀₃  b₁₀ b₁₁ b₁₂ b₁₃  b₂₀ b₂₁ b₂₂ b₂₃  b₃₀ b₃₁ b₃₂ b₃₃   four packed rows of four columns
//!   sums       +=  A · B, then (quad 0 + quad 1) + (quad 2 + quad 3) when all of k has been seen
//! ```
//!
//! Where the values of a column of A are contiguous (a transposed A), a vector holds one step of k for several rows
//! instead. Both ways sum an element in the same order: each of `LANES / 4` partial sums takes every `LANES / 4`-th
//! step of k, and the partial sums are added pairwise.
//!
//! The code here has loops and no closures: a closure that is handed to `map` or `from_fn` need not be inlined, and if
//! it is not, it loses the instruction set of the function around it.
#![allow(clippy::needless_range_loop)]

use super::blocking::QUAD;
use super::pack_a::RowsOfA;
use crate::machine::f32x4::F32x4;
use crate::machine::portable::Portable;
use crate::machine::simd::Simd;

/// Returns the sums over `depth` steps of k of ROWS values of A times four of B: a tile of one vector of four lanes.
///
/// # Safety
/// For i < ROWS and p < `depth`, `a` is valid for reading, and `b` for reading four values at `4 * p`.
#[inline(always)]
pub(super) unsafe fn product<S: Simd, const ROWS: usize>(
    s: S,
    depth: usize,
    a: RowsOfA,
    b: *const f32,
) -> [[F32x4; 1]; ROWS] {
    let RowsOfA { from: a, rs, cs } = a;
    // SAFETY: as the caller promised; `by_rows` needs the values of a column contiguous, which they are where `rs` is
    // 1.
    unsafe {
        if cs == 1 {
            by_steps::<S, ROWS>(s, depth, a, rs, 1, b)
        } else if rs == 1 && ROWS.is_multiple_of(steps::<S>()) {
            by_rows::<S, ROWS>(s, depth, a, cs, b)
        } else {
            by_steps::<S, ROWS>(s, depth, a, rs, cs, b)
        }
    }
}

/// Returns the number of steps of k, or of rows, that one vector holds.
const fn steps<S: Simd>() -> usize {
    S::LANES / QUAD
}

/// Computes the [`product`] by vectors that hold one row of A at several steps of k.
///
/// # Safety
/// As for [`product`], for A at row stride `rs` and column stride `cs`.
#[inline(always)]
unsafe fn by_steps<S: Simd, const ROWS: usize>(
    s: S,
    depth: usize,
    a: *const f32,
    rs: usize,
    cs: usize,
    b: *const f32,
) -> [[F32x4; 1]; ROWS] {
    let whole = depth - depth % steps::<S>();
    let mut sums = [s.splat(0.0); ROWS];
    let mut p = 0;
    while p < whole {
        // SAFETY: as the caller promised.
        unsafe {
            let b = s.load_ptr(b.add(QUAD * p));
            for i in 0..ROWS {
                let a = first(a.add(i * rs + p * cs), cs, steps::<S>());
                sums[i] = s.mul_add(s.spread(a), b, sums[i]);
            }
        }
        p += steps::<S>();
    }
    let left = depth - whole;
    if left > 0 {
        // SAFETY: as the caller promised, for the `left` steps that remain; others are taken as zeros.
        unsafe {
            let b = s.load_partial(std::slice::from_raw_parts(b.add(QUAD * whole), QUAD * left));
            for i in 0..ROWS {
                let a = first(a.add(i * rs + whole * cs), cs, left);
                sums[i] = s.mul_add(s.spread(a), b, sums[i]);
            }
        }
    }
    let mut quads = [[zero()]; ROWS];
    for i in 0..ROWS {
        let mut terms = [zero(); QUAD];
        for q in 0..steps::<S>() {
            terms[q] = s.quad(sums[i], q);
        }
        quads[i] = [pairwise(s, terms)];
    }
    quads
}

/// Computes the [`product`] by vectors that hold one step of k for several rows of A.
///
/// # Safety
/// As for [`product`], for A at row stride 1 and column stride `cs`.
#[inline(always)]
unsafe fn by_rows<S: Simd, const ROWS: usize>(
    s: S,
    depth: usize,
    a: *const f32,
    cs: usize,
    b: *const f32,
) -> [[F32x4; 1]; ROWS] {
    // There is a sum for each of the steps that `by_steps` has in a vector, and for each group of rows.
    let mut sums = [[s.splat(0.0); ROWS]; QUAD];
    let mut p = 0;
    while p < depth {
        for q in 0..steps::<S>() {
            if p + q < depth {
                // SAFETY: as the caller promised.
                unsafe {
                    let b = s.repeat(first(b.add(QUAD * (p + q)), 1, QUAD));
                    for g in 0..ROWS / steps::<S>() {
                        let a = a.add((p + q) * cs + g * steps::<S>());
                        let a = s.spread(first(a, 1, steps::<S>()));
                        sums[q][g] = s.mul_add(a, b, sums[q][g]);
                    }
                }
            }
        }
        p += steps::<S>();
    }
    let mut quads = [[zero()]; ROWS];
    for i in 0..ROWS {
        let mut terms = [zero(); QUAD];
        for q in 0..steps::<S>() {
            terms[q] = s.quad(sums[q][i / steps::<S>()], i % steps::<S>());
        }
        quads[i] = [pairwise(s, terms)];
    }
    quads
}

/// Returns the first `n` of four values that are `stride` apart, followed by zeros.
///
/// # Safety
/// `from` is valid for reading these `n` values, and n ≤ 4.
#[inline(always)]
unsafe fn first(from: *const f32, stride: usize, n: usize) -> [f32; QUAD] {
    let mut values = [0.0; QUAD];
    // SAFETY: as the caller promised, for n ≤ 4.
    unsafe {
        if stride == 1 {
            from.copy_to_nonoverlapping(values.as_mut_ptr(), n);
        } else {
            for q in 0..n {
                values[q] = *from.add(q * stride);
            }
        }
    }
    values
}

#[inline(always)]
fn zero() -> F32x4 {
    Portable.splat(0.0)
}

/// Returns the pairwise sum of the first terms, as many as a vector has groups of four lanes.
#[inline(always)]
fn pairwise<S: Simd>(_: S, [a, b, c, d]: [F32x4; QUAD]) -> F32x4 {
    match steps::<S>() {
        1 => a,
        2 => Portable.add(a, b),
        _ => Portable.add(Portable.add(a, b), Portable.add(c, d)),
    }
}
