//! The last columns of C, four at a time, which would leave most of a vector empty: its groups of four lanes are
//! several steps of k instead, or several rows.
//!
//! Both ways sum an element in the same order: every `LANES / 4`-th step of k for itself, then pairwise.

use wide::f32x4;

use crate::simd::Simd;

/// Columns that go together: as many as the narrowest vector has lanes.
pub(super) const QUAD: usize = 4;

/// Σ over `depth` of ROWS values of A times four of B.
///
/// # Safety
/// For i < ROWS and p < `depth`, `a` is valid for reading at `i * a_row + p * a_col`, and `b` for reading four values
/// at `4 * p`.
#[inline(always)]
pub(super) unsafe fn product<S: Simd, const ROWS: usize>(
    s: S,
    depth: usize,
    a: *const f32,
    a_row: usize,
    a_col: usize,
    b: *const f32,
) -> [f32x4; ROWS] {
    // SAFETY: as the caller promised; where `a_row` is 1, the rows of a column are contiguous, as `by_rows` wants them.
    unsafe {
        if a_row == 1 && ROWS.is_multiple_of(steps::<S>()) {
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
) -> [f32x4; ROWS] {
    let whole = depth - depth % steps::<S>();
    let mut sums = [s.splat(0.0); ROWS];
    for p in (0..whole).step_by(steps::<S>()) {
        // SAFETY: as the caller promised.
        unsafe {
            let b = s.load_ptr(b.add(QUAD * p));
            for (i, sum) in sums.iter_mut().enumerate() {
                let a = first(a.add(i * a_row + p * a_col), a_col, steps::<S>());
                *sum = s.mul_add(s.spread(a), b, *sum);
            }
        }
    }
    let left = depth - whole;
    if left > 0 {
        // SAFETY: as the caller promised, for the `left` steps that remain; others are taken as zeros.
        unsafe {
            let b = s.load_partial(std::slice::from_raw_parts(b.add(QUAD * whole), QUAD * left));
            for (i, sum) in sums.iter_mut().enumerate() {
                let a = first(a.add(i * a_row + whole * a_col), a_col, left);
                *sum = s.mul_add(s.spread(a), b, *sum);
            }
        }
    }
    sums.map(|sum| pairwise::<S>(|q| s.quad(sum, q)))
}

/// A vector is one step of several rows of A, which are contiguous.
#[inline(always)]
unsafe fn by_rows<S: Simd, const ROWS: usize>(
    s: S,
    depth: usize,
    a: *const f32,
    a_col: usize,
    b: *const f32,
) -> [f32x4; ROWS] {
    let groups = ROWS / steps::<S>();
    // One sum for each of the steps that `by_steps` has in a vector; as many groups as there can be.
    let mut sums = [[s.splat(0.0); ROWS]; QUAD];
    let mut step = |p: usize, q: usize| {
        // SAFETY: as the caller promised.
        unsafe {
            let b = s.repeat(first(b.add(QUAD * p), 1, QUAD));
            for (g, sum) in sums[q][..groups].iter_mut().enumerate() {
                let a = first(a.add(p * a_col + g * steps::<S>()), 1, steps::<S>());
                *sum = s.mul_add(s.spread(a), b, *sum);
            }
        }
    };
    let whole = depth - depth % steps::<S>();
    for p in (0..whole).step_by(steps::<S>()) {
        for q in 0..steps::<S>() {
            step(p + q, q);
        }
    }
    for q in 0..depth - whole {
        step(whole + q, q);
    }
    std::array::from_fn(|i| pairwise::<S>(|q| s.quad(sums[q][i / steps::<S>()], i % steps::<S>())))
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
            for (q, value) in values[..n].iter_mut().enumerate() {
                *value = *from.add(q * stride);
            }
        }
    }
    values
}

/// The sum of as many terms as a vector has groups of four lanes.
#[inline(always)]
fn pairwise<S: Simd>(term: impl Fn(usize) -> f32x4) -> f32x4 {
    match steps::<S>() {
        1 => term(0),
        2 => term(0) + term(1),
        _ => (term(0) + term(1)) + (term(2) + term(3)),
    }
}
