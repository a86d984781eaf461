//! Single values of a product A·Bᵀ + 1·biasᵀ, in the bits of the whole one.
//!
//! A value of the whole product is one chain of multiply-adds over a block of `KC` steps of k, the sums of blocks added
//! in order, and the bias added last. Here a lane follows the same chain for one column each: quads of four steps of k
//! are read from the rows of B, and transposed so that lanes are columns.

use super::blocking::{KC, QUAD};
use crate::machine::simd::Simd;
use crate::matrix::view::MatRef;

/// Whether [`single_products`] gives the values of a whole product with so many columns: of whole vectors alone, since
/// the last columns of others are summed in another order (see `quad`).
pub(crate) fn has_single_products(lanes: usize, columns: usize) -> bool {
    columns.is_multiple_of(lanes)
}

/// Writes for each of some columns the value of x·Bᵀ + bias there, for a row `x` of A and the rows of B, which are
/// contiguous.
///
/// # Panics
/// If a column does not exist, there is no room for its value, or rows of B are not as long as `x`.
#[inline(always)]
pub(crate) fn single_products<S: Simd>(
    s: S,
    x: &[f32],
    b: MatRef,
    bias: &[f32],
    columns: &[u32],
    values: &mut [f32],
) {
    /// Most lanes of a vector.
    const MOST: usize = 16;
    let values = &mut values[..columns.len()];
    for (columns, values) in columns.chunks(S::LANES).zip(values.chunks_mut(S::LANES)) {
        // Lanes beyond the columns repeat the last of them.
        let mut rows = [&[][..]; MOST];
        let mut biases = [0.0; MOST];
        for lane in 0..S::LANES {
            let column = columns[lane.min(columns.len() - 1)] as usize;
            rows[lane] = &b.row(column)[..x.len()];
            biases[lane] = bias[column];
        }
        let mut total = s.splat(0.0);
        for (block, x) in x.chunks(KC).enumerate() {
            let from = block * KC;
            let mut sum = s.splat(0.0);
            let (quads, rest) = x.as_chunks::<QUAD>();
            for (q, x) in quads.iter().enumerate() {
                let lanes = columns_of_quads(s, &rows, from + q * QUAD, QUAD);
                for j in 0..QUAD {
                    sum = s.mul_add(s.splat(x[j]), lanes[j], sum);
                }
            }
            let lanes = columns_of_quads(s, &rows, from + quads.len() * QUAD, rest.len());
            for (j, &x) in rest.iter().enumerate() {
                sum = s.mul_add(s.splat(x), lanes[j], sum);
            }
            total = if block == 0 { sum } else { s.add(total, sum) };
        }
        s.store_partial(s.add(total, s.load(&biases)), values);
    }
}

/// For each of `len` steps of k from `k` on, at most four, a vector of the values of all rows.
#[inline(always)]
fn columns_of_quads<S: Simd>(s: S, rows: &[&[f32]; 16], k: usize, len: usize) -> [S::F32; QUAD] {
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
