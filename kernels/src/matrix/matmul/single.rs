//! Single values of a product A·Bᵀ + 1·biasᵀ, with the same bits as in the whole product, except those of a NaN.
//!
//! A value of the whole product is one chain of multiply-adds over a block of `KC` steps of k, the sums of blocks added
//! in order, and the bias added last. Here each lane follows the same chain for one column: squares of as many rows of
//! B as a vector has lanes, by as many steps of k, are read and transposed so that lanes are columns.

// The code here has loops and no closures, as in `quad`.
#![allow(clippy::needless_range_loop)]

use super::blocking::{KC, QUAD};
use crate::machine::simd::Simd;
use crate::matrix::view::MatRef;

/// Returns whether [`single_products`] gives the values of a whole product with so many columns. It does so where the
/// columns fill whole vectors, since otherwise the last columns are summed in another order (see `quad`).
pub(crate) fn has_single_products(lanes: usize, columns: usize) -> bool {
    columns.is_multiple_of(lanes)
}

/// Writes to `values` the values of x·Bᵀ + bias in some `columns`. The product is (x, B, bias), for a row x of A and B
/// with contiguous rows.
///
/// # Panics
/// If a column does not exist, there is no room for its value, or rows of B are shorter than x.
#[inline(always)]
pub(crate) fn single_products<S: Simd>(
    s: S,
    product: (&[f32], MatRef, &[f32]),
    columns: &[u32],
    values: &mut [f32],
) {
    let values = &mut values[..columns.len()];
    // A chain waits for each of its multiply-adds, so two vectors of columns are computed side by side.
    let (pairs, rest) = columns.split_at(columns.len() / (2 * S::LANES) * (2 * S::LANES));
    let (of_pairs, of_rest) = values.split_at_mut(pairs.len());
    let chunks = pairs.chunks(2 * S::LANES);
    for (columns, values) in chunks.zip(of_pairs.chunks_mut(2 * S::LANES)) {
        chains::<S, 2>(s, product, columns, values);
    }
    for (columns, values) in rest.chunks(S::LANES).zip(of_rest.chunks_mut(S::LANES)) {
        chains::<S, 1>(s, product, columns, values);
    }
}

/// The largest number of lanes of a vector.
const MOST: usize = 16;

/// Writes the values in N vectors of columns, the last of which may be filled in part.
#[inline(always)]
fn chains<S: Simd, const N: usize>(
    s: S,
    (x, b, bias): (&[f32], MatRef, &[f32]),
    columns: &[u32],
    values: &mut [f32],
) {
    // Lanes beyond the columns repeat the last of them.
    let mut rows = [[&[][..]; MOST]; N];
    let mut biases = [[0.0; MOST]; N];
    for v in 0..N {
        for lane in 0..S::LANES {
            let column = columns[(v * S::LANES + lane).min(columns.len() - 1)] as usize;
            rows[v][lane] = &b.row(column)[..x.len()];
            biases[v][lane] = bias[column];
        }
    }
    let mut totals = [s.splat(0.0); N];
    for (block, x) in x.chunks(KC).enumerate() {
        let from = block * KC;
        let mut sums = [s.splat(0.0); N];
        let squares = x.chunks_exact(S::LANES);
        let rest = squares.remainder();
        for (i, x) in squares.enumerate() {
            for v in 0..N {
                let lanes = columns_of_square(s, &rows[v], from + i * S::LANES);
                for j in 0..S::LANES {
                    sums[v] = s.mul_add(s.splat(x[j]), lanes[j], sums[v]);
                }
            }
        }
        let from = from + x.len() - rest.len();
        for v in 0..N {
            for (q, x) in rest.chunks(QUAD).enumerate() {
                let lanes = columns_of_quads(s, &rows[v], from + q * QUAD, x.len());
                for j in 0..x.len() {
                    sums[v] = s.mul_add(s.splat(x[j]), lanes[j], sums[v]);
                }
            }
            totals[v] = match block {
                0 => sums[v],
                _ => s.add(totals[v], sums[v]),
            };
        }
    }
    for (v, values) in values.chunks_mut(S::LANES).enumerate() {
        s.store_partial(s.add(totals[v], s.load(&biases[v])), values);
    }
}

/// Returns the transpose of a square of `rows`: for each of as many steps of k from `k` on as a vector has lanes, a
/// vector of the values of all rows.
#[inline(always)]
fn columns_of_square<S: Simd>(s: S, rows: &[&[f32]; MOST], k: usize) -> [S::F32; MOST] {
    let mut vectors = [s.splat(0.0); MOST];
    for i in 0..QUAD {
        let mut quads = [[[0.0; QUAD]; 4]; 4];
        for g in 0..S::LANES / QUAD {
            let (row, _) = rows[QUAD * g + i][k..k + S::LANES].as_chunks();
            for q in 0..S::LANES / QUAD {
                quads[q][g] = row[q];
            }
        }
        for q in 0..S::LANES / QUAD {
            vectors[QUAD * q + i] = s.join_quads(quads[q]);
        }
    }
    let (quads, _) = vectors.as_chunks_mut();
    for q in 0..S::LANES / QUAD {
        quads[q] = s.transpose_quads(quads[q]);
    }
    vectors
}

/// Returns, for each of `len` steps of k from `k` on, at most four, a vector of the values of all rows.
#[inline(always)]
fn columns_of_quads<S: Simd>(s: S, rows: &[&[f32]; MOST], k: usize, len: usize) -> [S::F32; QUAD] {
    let mut vectors = [s.splat(0.0); QUAD];
    for i in 0..QUAD {
        let mut quads = [[0.0; QUAD]; 4];
        for g in 0..S::LANES / QUAD {
            let row = &rows[QUAD * g + i][k..k + len];
            match row.first_chunk() {
                Some(whole) => quads[g] = *whole,
                None => quads[g][..len].copy_from_slice(row),
            }
        }
        vectors[i] = s.join_quads(quads);
    }
    s.transpose_quads(vectors)
}
