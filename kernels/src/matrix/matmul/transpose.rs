//! The transposition of a few columns by whole vectors, with which a transposed B is copied into its panels.

use super::blocking::QUAD;
use crate::machine::scratch::LINE;
use crate::machine::simd::Simd;

/// Computes `to[q * to_stride + r] = from[r * from_stride + q]` for r < `rows`, q < `cols`, by blocks of LANES×4.
#[inline(always)]
pub(super) fn transpose<S: Simd>(
    s: S,
    from: &[f32],
    from_stride: usize,
    rows: usize,
    cols: usize,
    to: &mut [f32],
    to_stride: usize,
) {
    let (whole_rows, whole_cols) = (rows - rows % S::LANES, cols - cols % QUAD);
    if whole_rows > 0 && whole_cols > 0 {
        assert!(from.len() >= (rows - 1) * from_stride + cols);
        assert!(to.len() >= (cols - 1) * to_stride + rows);
    }
    // The loop runs down a few columns at a time, so that what is written fills its cache lines at once.
    for q in (0..whole_cols).step_by(QUAD) {
        if q % LINE == 0 {
            // The hardware prefetcher does not foresee a strided walk: each row's line after the next is fetched here.
            for r in 0..rows {
                s.prefetch_ahead(from, r * from_stride + q + 2 * LINE);
            }
        }
        for r in (0..whole_rows).step_by(S::LANES) {
            // SAFETY: r + LANES ≤ rows and q + 4 ≤ cols, and both slices reach that far. Checks here would take longer
            // than the rest.
            unsafe {
                let from = from.as_ptr().add(r * from_stride + q);
                let to = to.as_mut_ptr().add(q * to_stride + r);
                // Each vector holds every fourth row, from the first, second, third and fourth on. The calls are
                // spelled out, since a loop would go through memory.
                let [a, b, c, d] = s.transpose_quads([
                    quads(s, from, from_stride),
                    quads(s, from.add(from_stride), from_stride),
                    quads(s, from.add(2 * from_stride), from_stride),
                    quads(s, from.add(3 * from_stride), from_stride),
                ]);
                s.store_ptr(a, to);
                s.store_ptr(b, to.add(to_stride));
                s.store_ptr(c, to.add(2 * to_stride));
                s.store_ptr(d, to.add(3 * to_stride));
            }
        }
    }
    for r in 0..rows {
        let first = if r < whole_rows { whole_cols } else { 0 };
        for q in first..cols {
            to[q * to_stride + r] = from[r * from_stride + q];
        }
    }
}

/// Returns a vector of the first four values of every fourth row.
///
/// # Safety
/// `from` is valid for reading four values at `4 * g * stride` for g < LANES / 4.
#[inline(always)]
unsafe fn quads<S: Simd>(s: S, from: *const f32, stride: usize) -> S::F32 {
    let mut quads = [[0.0; QUAD]; QUAD];
    for (g, quad) in quads[..S::LANES / QUAD].iter_mut().enumerate() {
        // SAFETY: as the caller promised.
        unsafe { *quad = from.add(QUAD * g * stride).cast::<[f32; QUAD]>().read() }
    }
    s.join_quads(quads)
}
