//! The five loops of the matrix product, around the tile of `micro`.

use super::blocking::{KC, NC, ReadB, strip_height};
use super::epilogue::Epilogue;
use super::micro::Strip;
use super::pack::{PackedB, Panels};
use super::pack_a::{PackedA, RowsOfA, is_spread};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd, TileOp};
use crate::matrix::view::{MatMut, MatRef};

/// The treatment of the values that C holds before a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// The values are replaced, without being read: C ← A·B.
    Replace,
    /// The product is added to the values: C ← C + A·B.
    Add,
}

/// A whole product, whose shapes have been checked.
pub(super) struct Product<'a, E> {
    pub(super) exec: Exec,
    pub(super) c: MatMut<'a>,
    pub(super) accumulate: Accumulate,
    pub(super) a: MatRef<'a>,
    pub(super) b: MatRef<'a>,
    pub(super) epilogue: E,
}

impl<E: Epilogue> TileOp for Product<'_, E> {
    fn run<S: Simd, const MR: usize, const NV: usize>(self, s: S) {
        let (m, n, k) = (self.c.rows(), self.c.cols(), self.a.cols());
        let threads = par::threads(self.exec);
        let plan = ReadB::plan(m, self.b, NV * S::LANES, threads);
        self.by::<S, MR, NV>(s, plan, plan.chunks(m, n, k, threads));
    }
}

impl<E: Epilogue> Product<'_, E> {
    /// Computes the product with B read as `plan` says, in `chunks` chunks of rows. Neither changes a bit of the
    /// result.
    fn by<S: Simd, const MR: usize, const NV: usize>(self, s: S, plan: ReadB, chunks: usize) {
        let Product {
            exec,
            c,
            accumulate,
            a,
            b,
            epilogue,
        } = self;
        let wide = NV * S::LANES;
        let panels = Panels::cut::<S>(b, plan, wide);
        let shared = plan != ReadB::PackedByBlock;
        let len = if shared { panels.packed_len() } else { 0 };
        with_scratch(len, |buffer| {
            let chunk = RowChunk::<E, MR, NV> {
                c,
                accumulate,
                a,
                panels: &panels,
                packed: shared.then(|| panels.pack(exec, s, buffer)),
                epilogue,
            };
            chunk.share(exec, s, chunks);
        })
    }
}

/// A chunk of rows of C, with all that it takes to compute them.
pub(super) struct RowChunk<'a, E, const MR: usize, const NV: usize> {
    pub(super) c: MatMut<'a>,
    pub(super) accumulate: Accumulate,
    pub(super) a: MatRef<'a>,
    pub(super) panels: &'a Panels<'a>,
    /// The packed columns of B; None where each chunk packs them for itself, block by block.
    pub(super) packed: Option<PackedB<'a>>,
    pub(super) epilogue: E,
}

impl<E: Epilogue, const MR: usize, const NV: usize> RowChunk<'_, E, MR, NV> {
    /// Runs loop 1: chunks of rows, shared among threads and cut at the borders of strips.
    fn share<S: Simd>(self, exec: Exec, s: S, chunks: usize) {
        let m = self.c.rows();
        let at = (m * (chunks / 2) / chunks).next_multiple_of(MR);
        if chunks == 1 || at >= m {
            let (len_a, len_b) = self.buffer_len::<S>();
            return with_scratch(len_a + len_b, |buffer| {
                let _span = profile::span(Part::Product);
                s.run(Blocks {
                    chunk: self,
                    buffer,
                })
            });
        }
        let (upper, lower) = self.split(at);
        par::join(
            exec,
            || upper.share(exec, s, chunks / 2),
            || lower.share(exec, s, chunks - chunks / 2),
        );
    }

    /// Returns the number of values that a chunk needs for copies of A and, where it packs B by block, for a block of
    /// B.
    pub(super) fn buffer_len<S: Simd>(&self) -> (usize, usize) {
        let block = match self.packed {
            Some(_) => 0,
            None => self.panels.block_len(),
        };
        let of_a = PackedA::<MR>::len::<S, NV>(self.a, KC, self.c.cols());
        (of_a, block)
    }

    fn split(self, at: usize) -> (Self, Self) {
        let RowChunk {
            c,
            accumulate,
            a,
            panels,
            packed,
            epilogue,
        } = self;
        let (c_upper, c_lower) = c.split_rows(at);
        let (a_upper, a_lower) = a.split_rows(at);
        let (epilogue_upper, epilogue_lower) = epilogue.split_rows(at);
        let part = |c, a, epilogue| RowChunk {
            c,
            accumulate,
            a,
            panels,
            packed,
            epilogue,
        };
        (
            part(c_upper, a_upper, epilogue_upper),
            part(c_lower, a_lower, epilogue_lower),
        )
    }
}

/// The computation of one chunk block by block, with a buffer of [`RowChunk::buffer_len`] values.
pub(super) struct Blocks<'a, 'b, E, const MR: usize, const NV: usize> {
    pub(super) chunk: RowChunk<'a, E, MR, NV>,
    pub(super) buffer: &'b mut [f32],
}

impl<E: Epilogue, const MR: usize, const NV: usize> Op for Blocks<'_, '_, E, MR, NV> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // A taller tile would leave strips of other heights uncomputed, and a wider one would straddle two blocks.
        const {
            assert!(
                MR <= 8,
                "strips of a tile's height, or of 4, 2 or 1 rows, cover every number of rows"
            );
            assert!(
                NC.is_multiple_of(NV * S::LANES),
                "a block of columns holds whole tiles"
            );
        }
        let (len_a, _) = self.chunk.buffer_len::<S>();
        let (copies_of_a, block_of_b) = self.buffer.split_at_mut(len_a);
        let RowChunk {
            mut c,
            accumulate,
            a,
            panels,
            packed,
            mut epilogue,
        } = self.chunk;
        let (m, n, k) = (c.rows(), c.cols(), a.cols());
        let mut from_k = 0;
        // LOOP 2: blocks of k. There is at least one, so that k = 0 writes zeros and reaches the epilogue.
        loop {
            let depth = KC.min(k - from_k);
            let last = from_k + depth == k;
            let add = accumulate == Accumulate::Add || from_k > 0;
            let mut a = PackedA::<MR>::new(a, from_k, depth, n, copies_of_a);
            // LOOP 3: blocks of columns.
            for from_n in (0..n).step_by(NC) {
                let columns = from_n..n.min(from_n + NC);
                let packed = match packed {
                    Some(all) => all,
                    None => panels.pack_block(s, from_k, depth, from_n, block_of_b),
                };
                let mut i = 0;
                // LOOP 4: strips of rows, as high as the tile.
                while i < m {
                    let rows = strip_height(m - i, MR);
                    s.run(Strip::<MR, NV> {
                        c: c.reborrow(),
                        row: i,
                        rows,
                        columns: columns.clone(),
                        add,
                        a: &mut a,
                        panels,
                        packed: &packed,
                        from_k,
                        depth,
                    });
                    if last {
                        for row in i..i + rows {
                            let c = &mut c.row_mut(row)[columns.clone()];
                            epilogue.row(s, row, columns.clone(), c);
                        }
                    }
                    i += rows;
                }
            }
            from_k += depth;
            if last {
                break;
            }
        }
    }
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
        if is_spread::<S, NV>(self.columns.len()) {
            let a = self.a.spread::<S, ROWS>(s, self.row);
            return self.along::<S, ROWS, true>(s, j, a);
        }
        let mut a = self.a.in_place(self.row, ROWS);
        // Only a whole tile makes the copy: where C is narrower than one, hardly anything would read it.
        if !S::SPREADS_A
            && self.panels.width(0) == wide
            && let Some((to, copied)) = self.a.copied(self.row, ROWS)
        {
            // The first tile reads this strip of A where it lies, and copies it for the others.
            if j == 0 {
                self.tile::<S, ROWS, NV, false>(s, j, a, Some(to));
                j += wide;
            }
            a = copied;
        }
        self.along::<S, ROWS, false>(s, j, a);
    }

    /// Runs loop 5: panels of B, with a tile of C for each.
    #[inline(always)]
    fn along<S: Simd, const ROWS: usize, const SPREAD: bool>(
        &mut self,
        s: S,
        mut j: usize,
        a: RowsOfA,
    ) {
        let wide = NV * S::LANES;
        while j < self.columns.end {
            let width = self.panels.width(j);
            if width == wide {
                self.tile::<S, ROWS, NV, SPREAD>(s, j, a, None);
            } else if width == S::LANES {
                self.tile::<S, ROWS, 1, SPREAD>(s, j, a, None);
            } else {
                self.quad::<S, ROWS>(s, j, a);
            }
            j += width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::isa::Isa;

    /// A product with a plan and a number of chunks that the test chooses.
    struct Planned<'a> {
        product: Product<'a, ()>,
        plan: ReadB,
        chunks: usize,
    }

    impl TileOp for Planned<'_> {
        fn run<S: Simd, const MR: usize, const NV: usize>(self, s: S) {
            self.product.by::<S, MR, NV>(s, self.plan, self.chunks);
        }
    }

    /// The plan and the number of chunks, which depend on the number of threads, change no bit: all ways to read B and
    /// to cut C give what the first of them gives, on each instruction set.
    #[test]
    fn bits_do_not_depend_on_how_b_is_read_and_how_rows_are_cut() {
        let value =
            |i: usize| ((i * 7919 % 1009) as f32 / 500.0 - 1.0) * 1.1f32.powi((i % 23) as i32);
        // The shapes are smaller than a tile, at its borders and larger; some have k beyond one block, or rows of B
        // that collide in the cache.
        let shapes = [
            [1, 1, 1],
            [5, 3, 17],
            [16, 64, 48],
            [37, 515, 100],
            [70, 130, 256],
            [130, 1100, 131],
        ];
        for isa in Isa::available() {
            for [m, k, n] in shapes {
                let a: Vec<f32> = (0..m * k).map(value).collect();
                let b: Vec<f32> = (0..k * n).map(|i| value(i + 3)).collect();
                let mut expected: Option<Vec<u32>> = None;
                for plan in [ReadB::Packed, ReadB::PackedByBlock, ReadB::InPlace] {
                    for chunks in [1, 2, 3, 5, 8] {
                        let mut c = vec![0.5; m * n];
                        isa.with_tile(Planned {
                            product: Product {
                                exec: Exec::parallel(isa),
                                c: MatMut::from_rows(&mut c, n),
                                accumulate: Accumulate::Add,
                                a: MatRef::from_rows(&a, k),
                                b: MatRef::from_rows(&b, n),
                                epilogue: (),
                            },
                            plan,
                            chunks,
                        });
                        let bits: Vec<u32> = c.iter().map(|v| v.to_bits()).collect();
                        let first = expected.get_or_insert_with(|| bits.clone());
                        assert!(
                            bits == *first,
                            "{isa}, {m}×{k}×{n}: {plan:?}, {chunks} chunks"
                        );
                    }
                }
            }
        }
    }
}
