//! A as the tiles read it: where it is, or copied.

use crate::MatRef;

/// A transposed A is read in place up to this many values.
const DIRECT_A: usize = 1 << 15;
/// Columns of A that are packed at once.
const SWEEP: usize = 4;

/// Whether the tiles read A where it is.
#[inline(always)]
fn in_place(a: MatRef) -> bool {
    // Columns a multiple of 512 bytes apart would share a few lines of the first-level cache.
    let transposed = a.row_stride() == 1 && !a.col_stride().is_multiple_of(128);
    a.col_stride() == 1 || (transposed && a.rows() * a.cols() <= DIRECT_A)
}

/// A block of A as the tiles read it: in place where its rows are contiguous, or its columns and it is small; else packed
/// by strips of MR rows, each of them column after column.
pub(super) enum PackedA<'a, const MR: usize> {
    InPlace {
        a: MatRef<'a>,
        from_k: usize,
        depth: usize,
    },
    Packed {
        strips: &'a [f32],
        depth: usize,
    },
}

impl<'a, const MR: usize> PackedA<'a, MR> {
    /// How many values packing blocks of A takes.
    pub(super) fn len(a: MatRef, depth: usize) -> usize {
        if in_place(a) {
            0
        } else {
            a.rows().div_ceil(MR) * strip_len(MR, depth.min(a.cols()))
        }
    }

    /// Columns `from_k..from_k + depth` of A, packed into `buffer` if need be.
    #[inline(always)]
    pub(super) fn new(a: MatRef<'a>, from_k: usize, depth: usize, buffer: &'a mut [f32]) -> Self {
        if in_place(a) {
            return PackedA::InPlace { a, from_k, depth };
        }
        let (data, rs, cs) = (a.data(), a.row_stride(), a.col_stride());
        let m = a.rows();
        let whole = if rs == 1 { m - m % MR } else { 0 };
        let strips = strip_len(MR, depth);
        // Sweeps over a few columns of A at once, which are contiguous where A is a transpose, so
        // that what is written fills its cache lines at once.
        let sweeps = if whole > 0 { depth / SWEEP * SWEEP } else { 0 };
        for p in (0..sweeps).step_by(SWEEP) {
            let columns: [&[f32]; SWEEP] =
                std::array::from_fn(|q| &data[(from_k + p + q) * cs..][..whole]);
            for strip in 0..whole / MR {
                let to = &mut buffer[strip * strips + p * MR..][..SWEEP * MR];
                for q in 0..SWEEP {
                    to[q * MR..][..MR].copy_from_slice(&columns[q][strip * MR..][..MR]);
                }
            }
        }
        for p in 0..depth {
            let first = if p < sweeps { whole } else { 0 };
            for i in first..m {
                buffer[i / MR * strips + p * MR + i % MR] = data[(from_k + p) * cs + i * rs];
            }
        }
        PackedA::Packed {
            strips: buffer,
            depth,
        }
    }

    /// Rows `i..i + rows`, all of one strip: a pointer and the strides from row to row and from
    /// column to column, valid for reading `rows × depth` values.
    #[inline(always)]
    pub(super) fn rows(&self, i: usize, rows: usize) -> (*const f32, usize, usize) {
        match *self {
            PackedA::InPlace { depth: 0, .. } | PackedA::Packed { depth: 0, .. } => {
                (std::ptr::dangling(), 0, 0)
            }
            PackedA::InPlace { a, from_k, depth } => {
                let (rs, cs) = (a.row_stride(), a.col_stride());
                let span = (rows - 1) * rs + (depth - 1) * cs + 1;
                let start = i * rs + from_k * cs;
                (a.data()[start..][..span].as_ptr(), rs, cs)
            }
            PackedA::Packed { strips, depth } => {
                let start = i / MR * strip_len(MR, depth) + i % MR;
                let span = (depth - 1) * MR + rows;
                (strips[start..][..span].as_ptr(), 1, MR)
            }
        }
    }
}

/// From one packed strip to the next: a cache line more than it takes, because strips a multiple of
/// 4 KiB apart would all be written to the same few lines of the first-level cache.
#[inline(always)]
fn strip_len(mr: usize, depth: usize) -> usize {
    mr * depth + 16
}
