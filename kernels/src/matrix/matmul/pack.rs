//! The packing of B: copies of its values in the order in which the tiles read them.

use super::blocking::{AHEAD, KC, LEAF_VALUES, NC, QUAD, ReadB, TOGETHER};
use super::transpose::transpose;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::portable::Portable;
use crate::machine::profile::{self, Part, Work};
use crate::machine::scratch::LINE;
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::MatRef;

/// The columns of B, cut into panels: panels as wide as the tile, then, at the right border, narrower ones of one
/// vector or of four columns.
///
/// Columns from `first_packed` on are packed: for each block of [`KC`] rows, panel after panel,
/// each panel row after row, padded with zeros. Columns before `first_packed` are read in place.
pub(super) struct Panels<'a> {
    b: MatRef<'a>,
    first_packed: usize,
    /// The number of columns, with the padding of the last panel.
    padded: usize,
    wide: usize,
    lanes: usize,
}

impl<'a> Panels<'a> {
    /// Cuts B into panels of `wide` columns, which are read as `plan` says.
    pub(super) fn cut<S: Simd>(b: MatRef<'a>, plan: ReadB, wide: usize) -> Self {
        let n = b.cols();
        let mut panels = Panels {
            b,
            first_packed: if plan == ReadB::InPlace {
                n - n % wide
            } else {
                0
            },
            padded: n,
            wide,
            lanes: S::LANES,
        };
        let mut j = n - n % wide;
        while j < n {
            j += panels.width(j);
        }
        panels.padded = j;
        panels
    }

    /// Returns the width of the panel that starts at column `j`.
    #[inline(always)]
    pub(super) fn width(&self, j: usize) -> usize {
        match self.b.cols() - j {
            left if left >= self.wide => self.wide,
            left if left > self.lanes - QUAD => self.lanes,
            _ => QUAD,
        }
    }

    /// Returns the number of panels from column `j` on that are as wide as the tile.
    fn whole(&self, j: usize) -> usize {
        (self.b.cols() - j) / self.wide
    }

    /// Returns the number of values that a packed block takes at most.
    pub(super) fn block_len(&self) -> usize {
        KC.min(self.b.rows()) * NC.min(self.padded)
    }

    /// Returns the number of values that all packed columns take.
    pub(super) fn packed_len(&self) -> usize {
        (self.padded - self.first_packed) * self.b.rows()
    }

    /// Packs all columns from `first_packed` on into `values`, which has [`packed_len`](Self::packed_len) values.
    pub(super) fn pack<'b, S: Simd>(&self, exec: Exec, s: S, values: &'b mut [f32]) -> PackedB<'b> {
        let (from, to) = (self.first_packed, self.padded);
        if to > from {
            profile::call(Part::Packing, || Work::new(0, 2 * values.len()));
            for (block, values) in values.chunks_mut(KC * (to - from)).enumerate() {
                let depth = values.len() / (to - from);
                self.pack_range(exec, s, block * KC, depth, from, to, values);
            }
        }
        PackedB {
            values,
            from_k: 0,
            from,
            width: to - from,
        }
    }

    /// Packs `depth` rows from `from_k` on of [`NC`] columns from `from` on, or as many as there are, into the first of
    /// `values`. No column is read in place.
    pub(super) fn pack_block<'b, S: Simd>(
        &self,
        s: S,
        from_k: usize,
        depth: usize,
        from: usize,
        values: &'b mut [f32],
    ) -> PackedB<'b> {
        let width = NC.min(self.padded - from);
        let values = &mut values[..width * depth];
        if depth > 0 {
            let _span = profile::timed(Part::Packing, || Work::new(0, 2 * values.len()));
            s.run(PackRange {
                panels: self,
                from_k,
                depth,
                from,
                buffer: values,
            });
        }
        PackedB {
            values,
            from_k,
            from,
            width,
        }
    }

    /// Returns the panel at column `j` of the block at `from_k` as a pointer and a stride: the pointer is valid for
    /// reading `width` values at each of the first `depth` multiples of the stride.
    #[inline(always)]
    pub(super) fn panel(
        &self,
        packed: &PackedB,
        from_k: usize,
        depth: usize,
        j: usize,
        width: usize,
    ) -> (*const f32, usize) {
        if depth == 0 {
            return (std::ptr::dangling(), 0);
        }
        if j >= self.first_packed {
            let start = packed.width * (from_k - packed.from_k) + (j - packed.from) * depth;
            (packed.values[start..][..width * depth].as_ptr(), width)
        } else {
            let stride = self.b.row_stride();
            let span = (depth - 1) * stride + width;
            (
                self.b.data()[from_k * stride + j..][..span].as_ptr(),
                stride,
            )
        }
    }

    /// Packs the panels of columns `from..to` of one block into `buffer`, on the threads of `exec`.
    #[allow(clippy::too_many_arguments)]
    fn pack_range<S: Simd>(
        &self,
        exec: Exec,
        s: S,
        from_k: usize,
        depth: usize,
        from: usize,
        to: usize,
        buffer: &mut [f32],
    ) {
        // Transposed panels are copied one by one.
        let together = if self.b.col_stride() == 1 {
            TOGETHER
        } else {
            1
        };
        if buffer.len() > LEAF_VALUES && to - from >= 2 * together * self.wide && exec.is_parallel()
        {
            let middle = from + ((to - from) / 2).next_multiple_of(self.wide);
            let (left, right) = buffer.split_at_mut((middle - from) * depth);
            par::join(
                exec,
                || self.pack_range(exec, s, from_k, depth, from, middle, left),
                || self.pack_range(exec, s, from_k, depth, middle, to, right),
            );
            return;
        }
        let _span = profile::span(Part::Packing);
        s.run(PackRange {
            panels: self,
            from_k,
            depth,
            from,
            buffer,
        });
    }
}

/// Packed columns of B: all columns, or those of one block.
#[derive(Clone, Copy)]
pub(super) struct PackedB<'a> {
    values: &'a [f32],
    from_k: usize,
    from: usize,
    width: usize,
}

struct PackRange<'a> {
    panels: &'a Panels<'a>,
    from_k: usize,
    depth: usize,
    from: usize,
    buffer: &'a mut [f32],
}

impl Op for PackRange<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let PackRange {
            panels,
            from_k,
            depth,
            mut from,
            mut buffer,
        } = self;
        while !buffer.is_empty() {
            let width = panels.width(from);
            let rows = panels.b.col_stride() == 1 && from + width <= panels.b.cols();
            let together = match width == panels.wide {
                true if rows => TOGETHER.min(panels.whole(from)),
                _ => 1,
            };
            let (packed, rest) = buffer.split_at_mut((together * width * depth).min(buffer.len()));
            match (rows, width) {
                // The usual widths are constants, so that the compiler knows them.
                (true, 32) => copy_panels(s, panels.b, from_k, from, 32, depth, packed),
                (true, QUAD) => copy_panels(s, panels.b, from_k, from, QUAD, depth, packed),
                (true, _) => copy_panels(s, panels.b, from_k, from, width, depth, packed),
                (false, _) => pack_panel(s, panels.b, from_k, depth, from, width, packed),
            }
            from += packed.len() / depth;
            buffer = rest;
        }
    }
}

/// Copies rows `from_k..from_k + depth` of whole panels of B, from column `j` on, into `packed`, row after row, so that
/// long contiguous pieces are read.
#[inline(always)]
fn copy_panels<S: Simd>(
    s: S,
    b: MatRef,
    from_k: usize,
    j: usize,
    width: usize,
    depth: usize,
    packed: &mut [f32],
) {
    let columns = packed.len() / depth;
    for p in 0..depth {
        let row = (from_k + p) * b.row_stride() + j;
        for line in (0..columns).step_by(LINE) {
            s.prefetch_ahead(&b.data()[row..], AHEAD * b.row_stride() + line);
        }
        let from = b.data()[row..][..columns].chunks_exact(width);
        let panels = packed.chunks_exact_mut(width * depth);
        for (from, panel) in from.zip(panels) {
            panel[p * width..][..width].copy_from_slice(from);
        }
    }
}

/// Copies rows `from_k..from_k + depth`, columns `j..j + width` of B into `panel`, with zeros beyond the border of B.
#[inline(always)]
fn pack_panel<S: Simd>(
    s: S,
    b: MatRef,
    from_k: usize,
    depth: usize,
    j: usize,
    width: usize,
    panel: &mut [f32],
) {
    let (data, rs, cs) = (b.data(), b.row_stride(), b.col_stride());
    let columns = width.min(b.cols() - j);
    if columns < width {
        panel.fill(0.0);
    }
    if cs == 1 {
        for (p, to) in panel.chunks_exact_mut(width).enumerate() {
            to[..columns].copy_from_slice(&data[(from_k + p) * rs + j..][..columns]);
        }
    } else if rs == 1 {
        let from = &data[j * cs + from_k..];
        match columns % S::LANES {
            0 => transpose(s, from, cs, columns, depth, panel, width),
            _ => transpose(Portable, from, cs, columns, depth, panel, width),
        }
    } else {
        for (p, to) in panel.chunks_exact_mut(width).enumerate() {
            for (jj, to) in to[..columns].iter_mut().enumerate() {
                *to = data[(from_k + p) * rs + (j + jj) * cs];
            }
        }
    }
}
