//! The largest product of each row of a sparse matrix with another row; for rows of unit norm, the
//! largest cosine.
//!
//! The matrix of all products is symmetric and never stored. Its columns are computed a *panel* at a time. A panel
//! holds the rows of the operand that these columns stand for, transposed and dense, few enough to stay in the L1
//! cache. A row's products with a panel are one axpy for each of its entries, so the work is in proportion to the
//! entries, and the maxima of both rows of a pair are raised from registers. Rows are taken in blocks, each of which
//! meets all panels while it is in the L2 cache. With vectors of 16 lanes and where at least two thirds of the places
//! have an entry ([`DENSE`]), a block is made dense and taken in tiles of several rows, which share the loads from the
//! panel.

use std::ops::Range;

use crate::machine::exec::Exec;
use crate::machine::profile::{self, Part};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd};
use crate::matrix::sparse::{SparseRef, row_times_panel};

/// The number of rows of a block.
const BLOCK: usize = 128;
/// The number of vectors of a panel with 16 lanes: four sums in flight a unit hide the latency.
const WIDE: usize = 4;
/// The number of vectors of a panel with fewer lanes.
const NARROW: usize = 8;
/// The number of rows of a dense tile; narrower instruction sets have no registers left for a second row.
const ROWS: usize = 4;
/// The density from which on the dense tile is faster, measured on 100 columns.
const DENSE: f64 = 2.0 / 3.0;

/// Raises `best[i]` and `best[j]` to the product of rows i and j, for every pair i < j with j in `range`.
///
/// Start from `best` full of −∞ and call this for ranges that cover `0..n`: `best[i]` is then the largest
/// product of row i with another of the first n rows. A maximum does not depend on the order, so ranges
/// can be shared among threads, each with its own `best`. The function runs on the calling thread.
///
/// The rows of the range are made dense, panel after panel, in scratch memory that the thread keeps: some
/// `range.len() × cols` values.
///
/// The error of a product is at most γ_k Σ|a||b| over the k entries of row i, γ_k = k·u / (1 − k·u),
/// u = 2⁻²⁴. A product that is NaN raises nothing. It is not specified whether an infinity or a NaN is multiplied with
/// an absent entry as with 0, or not at all.
///
/// ```
/// use kernels::{Exec, SparseRef, max_product};
///
/// let rows = SparseRef::new(&[0, 1, 3, 4], &[0, 0, 1, 1], &[1.0, 0.6, 0.8, -1.0], 2)?;
/// let mut best = [f32::NEG_INFINITY; 3];
/// max_product(Exec::default(), rows, 0..3, &mut best);
/// assert_eq!(best, [0.6, 0.6, 0.0]);
/// # Ok::<(), kernels::ShapeError>(())
/// ```
///
/// # Panics
/// If the range ends beyond the rows, `best` has fewer than `range.end` places, or the dense rows are more values than
/// a usize counts.
#[track_caller]
pub fn max_product(exec: Exec, rows: SparseRef, range: Range<usize>, best: &mut [f32]) {
    assert!(
        range.end <= rows.rows() && range.end <= best.len(),
        "products up to row {} of {} into {} places",
        range.end,
        rows.rows(),
        best.len()
    );
    if range.is_empty() {
        return;
    }
    let pairs = range.clone();
    let _span = profile::timed(Part::MaxProduct, || rows.work_of_pairs(pairs));
    let lanes = exec.isa().lanes();
    let width = lanes * vectors(lanes);
    let panels = range.len().div_ceil(width);
    let dense = lanes == 16 && rows.density() >= DENSE;
    let dense_len = if dense { BLOCK * rows.cols() } else { 0 };
    let padded = panels * width;
    let packed_len = padded.checked_mul(rows.cols());
    let packed_len =
        packed_len.unwrap_or_else(|| panic!("{padded} dense rows of {} values", rows.cols()));
    let len = packed_len + dense_len + padded + BLOCK * lanes;
    with_scratch(len, |scratch| {
        let (packed, scratch) = scratch.split_at_mut(packed_len);
        let (dense, scratch) = scratch.split_at_mut(dense_len);
        let (of_columns, of_rows) = scratch.split_at_mut(padded);
        exec.isa().dispatch(MaxProduct {
            rows,
            range,
            best,
            packed,
            dense,
            of_columns,
            of_rows,
        })
    })
}

const fn vectors(lanes: usize) -> usize {
    if lanes == 16 { WIDE } else { NARROW }
}

struct MaxProduct<'a> {
    rows: SparseRef<'a>,
    range: Range<usize>,
    best: &'a mut [f32],
    /// The panels, each `cols × width`.
    packed: &'a mut [f32],
    /// The rows of a block, dense: `cols × ROWS` values for every `ROWS` rows. Empty if rows are taken one by one.
    dense: &'a mut [f32],
    /// The largest product of each column, padded to whole panels.
    of_columns: &'a mut [f32],
    /// A vector for each row of a block, whose largest lane is the row's largest product.
    of_rows: &'a mut [f32],
}

impl Op for MaxProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if vectors(S::LANES) == WIDE {
            self.panels::<S, WIDE>(s)
        } else {
            self.panels::<S, NARROW>(s)
        }
    }
}

/// Raises the largest products of the panel's columns, and of one row, to the products of that row.
#[inline(always)]
fn raise<S: Simd, const N: usize>(
    s: S,
    sums: [S::F32; N],
    highest: &mut [S::F32; N],
    of_row: &mut [f32],
) {
    let mut row = s.load(of_row);
    for v in 0..N {
        highest[v] = s.max(sums[v], highest[v]);
        row = s.max(sums[v], row);
    }
    s.store(row, of_row);
}

impl MaxProduct<'_> {
    #[inline(always)]
    fn panels<S: Simd, const N: usize>(self, s: S) {
        let MaxProduct {
            rows,
            range,
            best,
            packed,
            dense,
            of_columns,
            of_rows,
        } = self;
        let width = N * S::LANES;
        let panel_len = rows.cols() * width;
        pack(rows, range.clone(), width, packed);
        of_columns.fill(f32::NEG_INFINITY);
        for block in (0..range.end).step_by(BLOCK) {
            let block = block..range.end.min(block + BLOCK);
            of_rows.fill(f32::NEG_INFINITY);
            make_dense(rows, block.clone(), dense);
            for (p, of_columns) in of_columns.chunks_exact_mut(width).enumerate() {
                let from = range.start + p * width;
                let to = range.end.min(from + width);
                let panel = &packed[p * panel_len..][..panel_len];
                // Rows before the panel meet all of its columns.
                let mut highest: [S::F32; N] =
                    std::array::from_fn(|v| s.load(&of_columns[v * S::LANES..]));
                let mut before = block.start..block.end.min(from).max(block.start);
                let mut of_rows = of_rows.chunks_exact_mut(S::LANES);
                if !dense.is_empty() {
                    for tile in dense.chunks_exact(ROWS * rows.cols()) {
                        if before.len() < ROWS {
                            break;
                        }
                        before.start += ROWS;
                        let sums = tile_times_panel::<S, N>(s, tile, panel);
                        for (sums, of_row) in sums.into_iter().zip(of_rows.by_ref().take(ROWS)) {
                            raise(s, sums, &mut highest, of_row);
                        }
                    }
                }
                for (i, of_row) in before.zip(of_rows) {
                    let sums = row_times_panel::<S, N>(s, rows.row(i), panel);
                    raise(s, sums, &mut highest, of_row);
                }
                for v in 0..N {
                    s.store(highest[v], &mut of_columns[v * S::LANES..]);
                }
                // Rows of the panel itself meet the columns after them.
                for i in block.start.max(from)..block.end.min(to) {
                    let sums = row_times_panel::<S, N>(s, rows.row(i), panel);
                    let mut products = [0.0; 16 * WIDE];
                    for v in 0..N {
                        s.store(sums[v], &mut products[v * S::LANES..]);
                    }
                    for j in i + 1..to {
                        best[i] = products[j - from].max(best[i]);
                        best[j] = products[j - from].max(best[j]);
                    }
                }
            }
            for (i, of_row) in block.zip(of_rows.chunks_exact(S::LANES)) {
                best[i] = s.reduce_max(s.load(of_row)).max(best[i]);
            }
        }
        for (best, &column) in best[range].iter_mut().zip(&*of_columns) {
            *best = column.max(*best);
        }
    }
}

/// Transposes the rows of `range` into dense panels. The last panel is filled up with copies
/// of the last row, which change no maximum.
#[inline(always)]
fn pack(rows: SparseRef, range: Range<usize>, width: usize, packed: &mut [f32]) {
    packed.fill(0.0);
    let panel_len = rows.cols() * width;
    if panel_len == 0 {
        return;
    }
    for (p, panel) in packed.chunks_exact_mut(panel_len).enumerate() {
        for lane in 0..width {
            let row = (range.start + p * width + lane).min(range.end - 1);
            let (columns, values) = rows.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                panel[column as usize * width + lane] += value;
            }
        }
    }
}

/// Writes the rows of a block to `dense`, `ROWS` rows interleaved; does nothing if `dense` is empty.
#[inline(always)]
fn make_dense(rows: SparseRef, block: Range<usize>, dense: &mut [f32]) {
    dense.fill(0.0);
    let tiles = dense.chunks_exact_mut((ROWS * rows.cols()).max(1));
    for (t, tile) in tiles.enumerate() {
        for r in 0..ROWS.min(block.len().saturating_sub(t * ROWS)) {
            let (columns, values) = rows.row(block.start + t * ROWS + r);
            for (&column, &value) in columns.iter().zip(values) {
                tile[column as usize * ROWS + r] += value;
            }
        }
    }
}

/// Returns the products of `ROWS` interleaved dense rows with the columns of a panel.
#[inline(always)]
fn tile_times_panel<S: Simd, const N: usize>(
    s: S,
    tile: &[f32],
    panel: &[f32],
) -> [[S::F32; N]; ROWS] {
    let mut sums = [[s.splat(0.0); N]; ROWS];
    let entries = tile.chunks_exact(ROWS);
    for (a, b) in entries.zip(panel.chunks_exact(N * S::LANES)) {
        let b: [S::F32; N] = std::array::from_fn(|v| s.load(&b[v * S::LANES..]));
        for r in 0..ROWS {
            let a = s.splat(a[r]);
            for v in 0..N {
                sums[r][v] = s.mul_add(a, b[v], sums[r][v]);
            }
        }
    }
    sums
}
