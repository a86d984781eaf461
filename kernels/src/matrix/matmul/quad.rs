//! The last columns of C, four at a time, which would leave most of a vector empty: its groups of four lanes are
//! several steps of k instead, or several rows.
//!
//! Both ways sum an element in the same order: every `LANES / 4`-th step of k for itself, then pairwise.
//!
//! Loops, not closures: what `map` or `from_fn` is given may be left out of the instruction set's function.
#![allow(clippy::needless_range_loop)]

use super::pack_a::RowsOfA;
use crate::machine::f32x4::F32x4;
use crate::machine::portable::Portable;
use crate::machine::simd::Simd;

/// Columns that go together: as many as the narrowest vector has lanes.
pub(super) const QUAD: usize = 4;

/// Σ over `depth` of ROWS values of A times four of B: a tile of one vector of four lanes.
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
    let RowsOfA {
        from: a,
        row: a_row,
        col: a_col,
    } = a;
    // SAFETY: as the caller promised; `by_rows` wants the rows of a column contiguous, which they are where `a_row` is 1.
    unsafe {
        if a_col == 1 {
            by_steps::<S, ROWS>(s, depth, a, a_row, 1, b)
        } else if a_row == 1 && ROWS.is_multiple_of(steps::<S>()) {
            by_rows::<S, ROWS>(s, depth, a, a_col, b)
        } else {
            by_steps::<S, ROWS>(s, depth, a, a_row, a_col, b)
        }
    }
}

/// Steps of k, or rows, that one vector holds.
const fn steps<S: Simd>() -> usize {
    S::LANES / QUAD
}

/// A vector is one row of A at several steps.
#[inline(always)]
unsafe fn by_steps<S: Simd, const ROWS: usize>(
    s: S,
    depth: usize,
    a: *const f32,
    a_row: usize,
    a_col: usize,
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
                let a = first(a.add(i * a_row + p * a_col), a_col, steps::<S>());
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
                let a = first(a.add(i * a_row + whole * a_col), a_col, left);
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

/// A vector is one step of several rows of A, which are contiguous.
#[inline(always)]
unsafe fn by_rows<S: Simd, const ROWS: usize>(
    s: S,
    depth: usize,
    a: *const f32,
    a_col: usize,
    b: *const f32,
) -> [[F32x4; 1]; ROWS] {
    // A sum for each of the steps that `by_steps` has in a vector, and each group of rows.
    let mut sums = [[s.splat(0.0); ROWS]; QUAD];
    let mut p = 0;
    while p < depth {
        for q in 0..steps::<S>() {
            if p + q < depth {
                // SAFETY: as the caller promised.
                unsafe {
                    let b = s.repeat(first(b.add(QUAD * (p + q)), 1, QUAD));
                    for g in 0..ROWS / steps::<S>() {
                        let a = a.add((p + q) * a_col + g * steps::<S>());
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

/// The first `n` of four values that are `stride` apart, then zeros.
///
/// # Safety
/// `from` is valid for reading them.
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

/// The sum of as many terms as a vector has groups of four lanes.
#[inline(always)]
fn pairwise<S: Simd>(_: S, [a, b, c, d]: [F32x4; QUAD]) -> F32x4 {
    match steps::<S>() {
        1 => a,
        2 => Portable.add(a, b),
        _ => Portable.add(Portable.add(a, b), Portable.add(c, d)),
    }
}
