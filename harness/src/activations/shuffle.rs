//! The order in which a training reads rows: some are held out, the others come in random order, pass after pass.
//!
//! With blocks of single rows, it is a true random order of all rows. From a disk, a single row costs as much as the
//! whole block that the disk reads for it. So the order can go by *blocks* of consecutive rows: blocks come in random
//! order, and rows in random order within a *window* of blocks, the next of which the system can read ahead. Either way
//! the row at any place is found by itself, so that a batch is named by its number alone.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::order::Order;

/// The sizes of the blocks and windows of a [`Shuffle`].
#[derive(Debug, Clone, Copy)]
pub struct Blocks {
    /// The number of consecutive rows that stay together; 1 for a random order of single rows.
    pub rows: u64,
    /// The number of blocks in a window, at least 1.
    pub window: u64,
}

/// A random order of rows, of which the first are held out.
#[derive(Debug)]
pub struct Shuffle {
    len: u64,
    blocks: Blocks,
    /// The order of all blocks, of which the first are held out.
    order: Order,
    held_out: u64,
    seed: u64,
    /// The number of windows that the system has been told of, or that were passed by.
    told: AtomicU64,
}

impl Shuffle {
    /// Returns the order of `len` rows by a seed, of which the share `held_out` is held out, in whole blocks: one at
    /// least, and not all if there are two. Rows behind the last whole block are held out as well.
    ///
    /// # Panics
    /// If there is no row, or blocks are empty.
    pub fn new(len: u64, blocks: Blocks, held_out: f64, seed: u64) -> Shuffle {
        // If there are fewer rows than a block has, they make one block.
        let rows = blocks.rows.min(len);
        let whole = len / rows;
        Shuffle {
            len,
            blocks: Blocks { rows, ..blocks },
            order: Order::new(whole, seed, 0),
            held_out: ((whole as f64 * held_out).round() as u64).clamp(1, (whole - 1).max(1)),
            seed,
            told: AtomicU64::new(0),
        }
    }

    /// Returns the same order with no row held out.
    pub fn without_held_out(self) -> Shuffle {
        Shuffle {
            held_out: 0,
            ..self
        }
    }

    fn whole(&self) -> u64 {
        self.len / self.blocks.rows
    }

    /// Returns the number of rows that are held out.
    pub fn held_out(&self) -> u64 {
        match self.held_out {
            0 => 0,
            blocks => blocks * self.blocks.rows + self.len % self.blocks.rows,
        }
    }

    /// Returns the number of rows that are trained on: none if the only block is held out.
    pub fn trained_on(&self) -> u64 {
        self.trained_blocks() * self.blocks.rows
    }

    fn trained_blocks(&self) -> u64 {
        self.whole() - self.held_out
    }

    /// Returns the row at a place of a random order of the held-out rows.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn held_out_row(&self, place: u64) -> u64 {
        assert!(place < self.held_out(), "held-out row {place}");
        let block = place / self.blocks.rows;
        match block < self.held_out {
            true => self.row(block, place % self.blocks.rows),
            false => self.whole() * self.blocks.rows + (place - self.held_out * self.blocks.rows),
        }
    }

    /// Returns some of the rows that are trained on, at most `most`.
    pub fn some_trained_on(&self, most: u64) -> impl Iterator<Item = u64> {
        let some = most.min(self.trained_on());
        (0..some).map(|i| self.row(self.held_out + i / self.blocks.rows, i % self.blocks.rows))
    }

    /// Returns the rows at consecutive places of the training, whose passes follow each other without end.
    pub fn rows(&self, places: Range<u64>) -> impl Iterator<Item = u64> {
        let n = self.trained_on();
        let (mut of_pass, mut of_window) = (None, None);
        places.map(move |place| {
            let pass = place / n;
            let order = kept(&mut of_pass, pass, || self.pass(pass));
            let (block, inside) = match self.blocks.rows {
                1 => (place % n, 0),
                _ => {
                    let window = self.window_at(place);
                    let (first, rows) = self.places(window);
                    let shuffled = || Order::new(rows, self.seed, (1 + window) << 32);
                    let within = kept(&mut of_window, window, shuffled);
                    let place = first % n + within.at(place - first);
                    (place / self.blocks.rows, place % self.blocks.rows)
                }
            };
            self.trained_row(order, block, inside)
        })
    }

    /// Returns the ranges of rows that the system should read ahead: those of the windows that these places of the
    /// training are in and of the next window, without those that were returned before. A random order of single rows
    /// has none.
    pub fn ahead(&self, places: Range<u64>) -> Vec<Range<u64>> {
        if self.blocks.rows == 1 || places.is_empty() {
            return Vec::new();
        }
        let n = self.trained_on();
        let end = self.window_at(places.end - 1) + 2;
        let told = self.told.fetch_max(end, Ordering::Relaxed);
        let mut rows = Vec::new();
        for window in told.max(self.window_at(places.start))..end {
            let (first, len) = self.places(window);
            let order = self.pass(first / n);
            let blocks = first % n / self.blocks.rows..(first % n + len) / self.blocks.rows;
            rows.extend(blocks.map(|block| {
                let first = self.trained_row(&order, block, 0);
                first..first + self.blocks.rows
            }));
        }
        rows
    }

    /// Returns the order of the blocks that are trained on in a pass.
    fn pass(&self, pass: u64) -> Order {
        Order::new(self.trained_blocks(), self.seed, 1 + pass)
    }

    /// Returns the number of the window of a place, counted over all passes.
    fn window_at(&self, place: u64) -> u64 {
        let n = self.trained_on();
        place / n * self.windows() + place % n / self.window_rows()
    }

    /// Returns the first place of a window, and the number of its places.
    fn places(&self, window: u64) -> (u64, u64) {
        let n = self.trained_on();
        let first = window % self.windows() * self.window_rows();
        let len = self.window_rows().min(n - first);
        (window / self.windows() * n + first, len)
    }

    /// Returns the number of windows in a pass.
    fn windows(&self) -> u64 {
        self.trained_on().div_ceil(self.window_rows())
    }

    /// Returns the number of rows in a window; the last window of a pass may have fewer.
    fn window_rows(&self) -> u64 {
        self.blocks.rows.saturating_mul(self.blocks.window)
    }

    fn trained_row(&self, pass: &Order, block: u64, inside: u64) -> u64 {
        self.row(self.held_out + pass.at(block), inside)
    }

    fn row(&self, block: u64, inside: u64) -> u64 {
        self.order.at(block) * self.blocks.rows + inside
    }
}

/// Returns the value that is kept under a key, made anew where the value kept is of another key.
fn kept<T>(kept: &mut Option<(u64, T)>, key: u64, make: impl FnOnce() -> T) -> &T {
    if kept.as_ref().is_none_or(|(of, _)| *of != key) {
        *kept = None;
    }
    &kept.get_or_insert_with(|| (key, make())).1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn shuffle(len: u64, rows: u64, window: u64) -> Shuffle {
        Shuffle::new(len, Blocks { rows, window }, 0.1, 3)
    }

    /// The sizes of all cases: whole blocks, and rows behind the last of them; whole windows, and shorter last ones.
    const SIZES: [(u64, u64, u64); 8] = [
        (1000, 1, 1),
        (1000, 1, 7),
        (1000, 8, 4),
        (1003, 8, 5),
        (1003, 8, 1),
        (1003, 8, 1 << 40),
        (37, 16, 2),
        (2, 1, 3),
    ];

    #[test]
    fn every_pass_reads_every_row_that_is_not_held_out_once() {
        for (len, rows, window) in SIZES {
            let shuffle = shuffle(len, rows, window);
            let (held_out, n) = (shuffle.held_out(), shuffle.trained_on());
            assert_eq!(held_out + n, len);
            let held_out = (0..held_out).map(|place| shuffle.held_out_row(place));
            let held_out: BTreeSet<u64> = held_out.collect();
            let passes: Vec<Vec<u64>> = (0..3)
                .map(|pass| shuffle.rows(pass * n..(pass + 1) * n).collect())
                .collect();
            for pass in &passes {
                let seen: BTreeSet<u64> = pass.iter().copied().collect();
                assert_eq!(
                    seen.len() as u64,
                    n,
                    "{len} rows by {rows}: a row comes twice"
                );
                assert!(seen.union(&held_out).copied().eq(0..len), "{len} by {rows}");
            }
            assert!(n == 1 || passes[0] != passes[1] && passes[1] != passes[2]);
            let some: BTreeSet<u64> = shuffle.some_trained_on(20).collect();
            assert_eq!(some.len() as u64, n.min(20));
            assert!(some.is_disjoint(&held_out));
        }
    }

    #[test]
    fn a_batch_is_the_same_wherever_reading_begins() {
        for (len, rows, window) in SIZES {
            let shuffle = shuffle(len, rows, window);
            let all: Vec<u64> = shuffle.rows(0..3 * len).collect();
            for first in (0..3 * len).step_by(7) {
                let batch = shuffle.rows(first..(first + 7).min(3 * len));
                assert!(batch.eq(all[first as usize..].iter().copied().take(7)));
            }
        }
    }

    /// The rows that are told ahead of a batch, or were before, hold every row of the batch, and no row of a pass is
    /// told twice.
    #[test]
    fn rows_are_told_of_once_and_before_they_are_read() {
        for (len, rows, window) in SIZES.into_iter().filter(|(_, rows, _)| *rows > 1) {
            let shuffle = shuffle(len, rows, window);
            let n = shuffle.trained_on();
            let mut told: Vec<u64> = Vec::new();
            for first in (0..2 * n).step_by(5) {
                let batch = first..(first + 5).min(2 * n);
                told.extend(shuffle.ahead(batch.clone()).into_iter().flatten());
                let read = shuffle.rows(0..batch.end);
                let mut left = told.clone();
                for row in read {
                    let place = left.iter().position(|told| *told == row);
                    left.swap_remove(place.expect("a row that is read was told of"));
                }
                assert!(left.len() as u64 <= 2 * shuffle.window_rows().min(n));
            }
        }
        let rows = shuffle(1000, 1, 4);
        assert!(rows.ahead(0..64).is_empty());
    }

    /// Within a window the rows of its blocks are mixed; without a window they come block by block.
    #[test]
    fn blocks_of_a_window_are_mixed() {
        let neighbours = |window| {
            let shuffle = shuffle(64 * 1024, 64, window);
            let rows: Vec<u64> = shuffle.rows(0..8192).collect();
            let together = rows.windows(2).filter(|w| w[0] / 64 == w[1] / 64);
            together.count()
        };
        // A row and the next one are of one block with probability 63/64 without mixing, and 1/128 within 128 blocks.
        assert!(neighbours(1) > 8000);
        assert!(neighbours(128) < 120, "{}", neighbours(128));
    }

    #[test]
    fn a_single_block_is_either_held_out_or_trained_on() {
        for (len, rows) in [(1, 1), (5, 8), (13, 8)] {
            let held_out = shuffle(len, rows, 1);
            assert_eq!((held_out.held_out(), held_out.trained_on()), (len, 0));
            assert_eq!(held_out.some_trained_on(5).count(), 0);
            let trained_on = held_out.without_held_out();
            let n = rows.min(len);
            assert_eq!((trained_on.held_out(), trained_on.trained_on()), (0, n));
            let pass: BTreeSet<u64> = trained_on.rows(n..2 * n).collect();
            assert!(pass.into_iter().eq(0..n));
        }
    }

    #[test]
    fn without_rows_held_out_all_whole_blocks_are_trained_on() {
        let shuffle = shuffle(37, 16, 2).without_held_out();
        assert_eq!((shuffle.held_out(), shuffle.trained_on()), (0, 32));
        let rows: BTreeSet<u64> = shuffle.rows(0..32).collect();
        assert!(rows.into_iter().eq(0..32));
    }
}
