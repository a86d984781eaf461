//! The entries of codes in sparse rows, which are filled from rows of pre-activations.

use std::time::Instant;

use crate::machine::exec::Exec;
use crate::machine::par::{self, RowOp};
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::Simd;
use crate::matrix::matmul::{Sink, matmul_into};
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::MatRef;
use crate::sae::screen::{self, Screen, Screening, Way};
use crate::sae::select::{Cut, Keep, Row, Select};

/// The largest number of rows of pre-activations that a thread holds at a time, which is a multiple of the heights of
/// all tiles. Each piece of rows reads all weights again, so a piece has many rows. From 96 to 1,024 rows a step at d =
/// 512, n = 4,096 takes the same time within the noise, and 32 rows, which stay in the L2 cache, take 15 % longer (n =
/// 16,384: 25 %).
const PIECE: usize = 96;

/// Sparse rows with room for an entry at every place. Room that is never written takes address space, but no memory.
#[derive(Clone, Debug)]
pub(crate) struct Entries {
    cols: usize,
    rows: usize,
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    screen: Screen,
}

impl Entries {
    pub(crate) fn new(capacity: usize, cols: usize) -> Entries {
        Entries {
            cols,
            rows: 0,
            starts: vec![0; capacity + 1],
            columns: vec![0; capacity * cols],
            values: vec![0.0; capacity * cols],
            screen: Screen::default(),
        }
    }

    pub(crate) fn set_screening(&mut self, screening: Screening) {
        self.screen.set(screening);
    }

    pub(crate) fn bytes(capacity: usize, cols: usize) -> usize {
        size_of::<usize>() * (capacity + 1)
            + (size_of::<u32>() + size_of::<f32>()) * capacity * cols
    }

    pub(crate) fn as_ref(&self) -> SparseRef<'_> {
        let starts = &self.starts[..=self.rows];
        let entries = starts[self.rows];
        let (columns, values) = (&self.columns[..entries], &self.values[..entries]);
        SparseRef::new(starts, columns, values, self.cols).expect("filled in order")
    }

    /// Replaces each value by a function of its column and the value itself; the result may be 0.
    pub(crate) fn map(&mut self, f: impl Fn(usize, f32) -> f32) {
        let entries = self.starts[self.rows];
        let columns = &self.columns[..entries];
        for (&j, value) in columns.iter().zip(&mut self.values) {
            *value = f(j as usize, *value);
        }
    }

    /// Drops the entries that are 0.
    pub(crate) fn drop_zeros(&mut self) {
        self.retain(|value| value != 0.0);
    }

    /// Keeps the `count` largest of all entries, which are positive or NaN, and drops the others. A NaN counts as
    /// largest, and of equal values those of the first rows, and in a row those of the first columns, count as larger.
    pub(crate) fn keep_largest(&mut self, count: usize) {
        let _span = profile::span(Part::Selection);
        let values = self.as_ref().values();
        if values.len() > count {
            let mut cut = Cut::new(count, values);
            self.retain(|value| cut.keeps(value));
        }
    }

    /// Drops the entries for whose values `keep` returns false. It is called for one row after another.
    fn retain(&mut self, mut keep: impl FnMut(f32) -> bool) {
        let (mut from, mut used) = (0, 0);
        for end in &mut self.starts[1..=self.rows] {
            for i in from..*end {
                let (column, value) = (self.columns[i], self.values[i]);
                (self.columns[used], self.values[used]) = (column, value);
                used += usize::from(keep(value));
            }
            (from, *end) = (*end, used);
        }
    }

    /// Replaces the entries by those that `select` chooses from the rows of X·Wᵀ + 1·biasᵀ, the pre-activations of a
    /// layer, which are never in memory all at once. There may be fewer columns than there is room for.
    pub(crate) fn fill(
        &mut self,
        exec: Exec,
        x: MatRef,
        weights: MatRef,
        bias: &[f32],
        select: impl Select,
    ) {
        let (rows, n) = (x.rows(), weights.rows());
        (self.rows, self.cols) = (rows, n);
        let way = self.screen.way(exec, x, weights);
        let begun = Instant::now();
        match way {
            Way::Whole => {
                // The product is cut at multiples of so many rows, and `close_up` has to know where.
                let piece = PIECE.min(rows / (2 * par::threads(exec))).max(24) / 24 * 24;
                matmul_into(exec, x, weights.t(), bias, piece, self.slots(select));
                self.close_up(piece);
            }
            Way::Screened(dot) => {
                let mut screen = std::mem::take(&mut self.screen);
                screen.encode(exec, dot, x, (weights, bias), self.slots(select));
                self.screen = screen;
                self.close_up(screen::PIECE);
            }
        }
        self.screen.took(way, rows, begun.elapsed());
    }

    /// Replaces the entries by those that `select` chooses from pre-activations that are in memory.
    pub(crate) fn take(&mut self, exec: Exec, pre: MatRef, select: impl Select) {
        const LEAF: usize = 16;
        (self.rows, self.cols) = (pre.rows(), pre.cols());
        let work = || Work::new(0, pre.rows() * pre.cols());
        par::run(exec, Take, (pre, self.slots(select)), LEAF, work);
        self.close_up(LEAF);
    }

    fn slots<R: Select>(&mut self, select: R) -> Slots<'_, R> {
        let places = self.rows * self.cols;
        Slots {
            select,
            n: self.cols,
            lens: &mut self.starts[1..=self.rows],
            columns: &mut self.columns[..places],
            values: &mut self.values[..places],
            used: 0,
        }
    }

    /// Turns the lengths of rows into their ends, and moves the entries of each piece of rows, which lie where the
    /// first row of the piece begins, up to those of the piece before, so that no gaps are left.
    fn close_up(&mut self, piece: usize) {
        let _span = profile::span(Part::Selection);
        // Within a piece, entries follow each other already.
        let mut used = 0;
        let (rows, n) = (self.rows, self.cols);
        for (p, lens) in self.starts[1..=rows].chunks_mut(piece).enumerate() {
            let from = p * piece * n;
            let mut end = used;
            for len in lens {
                end += *len;
                *len = end;
            }
            let entries = from..from + (end - used);
            self.columns.copy_within(entries.clone(), used);
            self.values.copy_within(entries, used);
            used = end;
        }
    }
}

#[derive(Clone, Copy)]
struct Take;

impl<'a, R: Select> RowOp<(MatRef<'a>, Slots<'a, R>)> for Take {
    const PART: Part = Part::Selection;

    #[inline(always)]
    fn run<S: Simd>(self, s: S, (pre, mut slots): (MatRef, Slots<R>)) {
        for b in 0..pre.rows() {
            slots.keep(s, b, pre.row(b));
        }
    }
}

/// The places that the entries of some rows are written to: one behind the other, from the place of the first row's
/// first value on.
struct Slots<'a, R> {
    select: R,
    n: usize,
    /// The number of entries of each row.
    lens: &'a mut [usize],
    columns: &'a mut [u32],
    values: &'a mut [f32],
    used: usize,
}

impl<R: Select> par::Rows for Slots<'_, R> {
    fn rows(&self) -> usize {
        self.lens.len()
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let Slots {
            select,
            n,
            lens,
            columns,
            values,
            used,
        } = self;
        let (lens, lens_rest) = lens.split_at_mut(at);
        let (columns, columns_rest) = columns.split_at_mut(at * n);
        let (values, values_rest) = values.split_at_mut(at * n);
        (
            Slots {
                select,
                n,
                lens,
                columns,
                values,
                used,
            },
            Slots {
                select,
                n,
                lens: lens_rest,
                columns: columns_rest,
                values: values_rest,
                used,
            },
        )
    }
}

impl<R: Select> Sink for Slots<'_, R> {
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, row: usize, pre: &mut [f32]) {
        self.keep(s, row, &*pre);
    }
}

impl<R: Select> Keep for Slots<'_, R> {
    #[inline(always)]
    fn keep<S: Simd>(&mut self, s: S, row: usize, pre: impl Row) {
        let columns = &mut self.columns[self.used..];
        let values = &mut self.values[self.used..];
        let len = self.select.select(s, pre, columns, values);
        // The bits of a NaN depend on the instructions that made it, so every NaN gets the same bits.
        for value in &mut values[..len] {
            if value.is_nan() {
                *value = f32::NAN;
            }
        }
        self.lens[row] = len;
        self.used += len;
    }
}
