//! The rates of the machine: multiply-adds on registers, and bandwidths of caches and memory.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use kernels::Isa;
use kernels::simd::{Op, Simd};

use crate::error::Result;
use crate::session::progress;

crate::words! {
    /// An operation whose rate is measured on the machine.
    pub enum Operation {
        /// Multiply-adds on registers.
        #[strum(serialize = "FMA")]
        Fma,
        /// Reading of data.
        Read,
        /// Copying of data.
        Copy,
    }
}

crate::words! {
    /// A level of the memory that data come from; the levels are in order, the nearest first.
    pub enum Level {
        /// Registers: nothing is read.
        Registers,
        /// The first-level cache.
        #[strum(serialize = "L1")]
        L1,
        /// The second-level cache.
        #[strum(serialize = "L2")]
        L2,
        /// The third-level cache.
        #[strum(serialize = "L3")]
        L3,
        /// The main memory.
        #[strum(serialize = "DRAM")]
        Dram,
    }
}

impl Level {
    /// The levels that data are read from, nearest first.
    pub const READ: [Level; 4] = [Level::L1, Level::L2, Level::L3, Level::Dram];
}

crate::rows! {
    /// What the machine can do, all threads together.
    pub struct Rate in "machine" {
        /// FMA: multiply-adds on registers; read: reading; copy: copying, where what is read and what is written counts
        what: Operation [""],
        /// where the data are
        level: Level [""],
        /// instruction set
        isa: String [""],
        /// threads that do it at once
        threads: usize ["1"],
        /// data of each thread
        bytes: usize ["byte"],
        /// the sum of each thread's best rate
        rate: f64 ["GFLOP/s or GB/s"],
    }
}

/// The sizes of the three data caches in bytes; a size that the system does not tell is as on a small desktop machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Caches([usize; 3]);

impl Caches {
    /// Returns the caches of the first CPU, as Linux tells them.
    fn detect() -> Caches {
        let mut sizes = [32 << 10, 512 << 10, 8 << 20];
        for index in 0..8 {
            let file = |name: &str| {
                let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}");
                std::fs::read_to_string(path).unwrap_or_default()
            };
            let level: Option<usize> = file("level").trim().parse().ok();
            let size = parse_size(file("size").trim());
            if let (Some(level @ 1..=3), Some(size)) = (level, size)
                && file("type").trim() != "Instruction"
            {
                sizes[level - 1] = size;
            }
        }
        Caches(sizes)
    }

    /// Returns the bytes that each of `threads` threads works on, so that together they fill a level and not the one
    /// before.
    fn working_set(self, level: Level, threads: usize) -> usize {
        let Caches([l1, l2, l3]) = self;
        match level {
            Level::Registers => 0,
            Level::L1 => l1 / 2,
            Level::L2 => l2 / 2,
            // The third level is shared, but the data of a thread must not fit in its own second-level cache.
            Level::L3 => (l3 / 2 / threads).max(2 * l2),
            Level::Dram => (4 * l3 / threads).max(32 << 20),
        }
    }
}

/// Reads a size such as `48K`, `1024K` or `32M`, and returns it in bytes.
fn parse_size(text: &str) -> Option<usize> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "K" => 1 << 10,
        "M" => 1 << 20,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}

/// Measures the machine: the FMA peak of every instruction set, and read and copy bandwidth of all levels on `isa`, on
/// one thread and on `threads` at once. It takes about a second.
///
/// # Errors
/// If the user interrupts.
pub fn measure(isa: Isa, threads: usize) -> Result<Vec<Rate>> {
    let mut rates = Vec::new();
    let counts = if threads > 1 {
        vec![1, threads]
    } else {
        vec![1]
    };
    for isa in Isa::available() {
        for &threads in &counts {
            progress::check()?;
            rates.push(Rate {
                what: Operation::Fma,
                level: Level::Registers,
                isa: isa.name().into(),
                threads,
                bytes: 0,
                rate: fma_peak(isa, threads),
            });
        }
    }
    let caches = Caches::detect();
    for level in Level::READ {
        for &threads in &counts {
            let bytes = caches.working_set(level, threads);
            for what in [Operation::Read, Operation::Copy] {
                progress::check()?;
                let copies = what == Operation::Copy;
                rates.push(Rate {
                    what,
                    level,
                    isa: isa.name().into(),
                    threads,
                    bytes,
                    rate: bandwidth(isa, threads, bytes, copies),
                });
            }
        }
    }
    Ok(rates)
}

/// The number of times that each rate is measured; the best counts.
const ROUNDS: usize = 5;
/// The shortest time that a measurement lasts.
const ROUND: Duration = Duration::from_millis(8);

/// Returns the sum over `threads` threads of the best rate of each, in units of work per nanosecond. `start` makes the
/// work of a thread, a function that does some of it at each call and returns how much it was.
fn best_rate<W: FnMut() -> u64>(threads: usize, start: impl Fn() -> W + Sync) -> f64 {
    let barrier = Barrier::new(threads);
    let one = || {
        let mut work = start();
        let mut best: f64 = 0.0;
        for _ in 0..ROUNDS {
            barrier.wait();
            let begun = Instant::now();
            let (mut done, mut elapsed) = (0, Duration::ZERO);
            while elapsed < ROUND {
                done += work();
                elapsed = begun.elapsed();
            }
            best = best.max(done as f64 / elapsed.as_nanos() as f64);
        }
        best
    };
    if threads == 1 {
        return one();
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let rates = threads.into_iter().map(|thread| thread.join());
        rates.map(|rate| rate.expect("a loop without panics")).sum()
    })
}

/// Returns the most GFLOP/s that this many threads reach together, measured by a loop of multiply-adds on registers.
pub fn fma_peak(isa: Isa, threads: usize) -> f64 {
    const STEPS: usize = 50_000;
    best_rate(threads, || || fma_loop(isa, STEPS))
}

/// Runs a loop of multiply-adds on registers and nothing else, and returns the number of floating-point operations.
pub fn fma_loop(isa: Isa, steps: usize) -> u64 {
    const SUMS: usize = 12;
    struct Loop(usize);
    impl Op for Loop {
        type Output = f32;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> f32 {
            let (x, y) = (s.splat(black_box(1.0)), s.splat(black_box(1e-9)));
            let mut sums = [s.splat(0.0); SUMS];
            for _ in 0..self.0 {
                for sum in &mut sums {
                    *sum = s.mul_add(*sum, x, y);
                }
            }
            s.reduce_sum(sums.into_iter().reduce(|a, b| s.add(a, b)).unwrap())
        }
    }
    black_box(isa.dispatch(Loop(steps)));
    (steps * SUMS * isa.lanes() * 2) as u64
}

/// Returns the GB/s at which this many threads together read `bytes` each, or copy one half of them to the other: then
/// both what is read and what is written count.
fn bandwidth(isa: Isa, threads: usize, bytes: usize, copies: bool) -> f64 {
    best_rate(threads, || {
        // The values are written once, so that their memory is really there.
        let mut values = vec![1f32; bytes / size_of::<f32>() + LINE];
        // There are so many passes that reading the clock takes no notable part of the time.
        let passes = PASSES.div_ceil(bytes);
        move || {
            let values = from_line(&mut values);
            for _ in 0..passes {
                let values = black_box(&mut *values);
                match copies {
                    true => isa.dispatch(Copy(values)),
                    false => {
                        black_box(isa.dispatch(Read(values)));
                    }
                }
            }
            (passes * bytes) as u64
        }
    })
}

/// The number of f32 values in a cache line.
const LINE: usize = 16;

/// Returns `values` from the beginning of a cache line on, one line shorter: a vector across two lines would halve the
/// rate.
fn from_line(values: &mut [f32]) -> &mut [f32] {
    let len = values.len() - LINE;
    let start = values.as_ptr().align_offset(LINE * size_of::<f32>());
    &mut values[start.min(LINE)..][..len]
}

/// The least number of bytes that are read or copied between two readings of the clock.
const PASSES: usize = 4 << 20;
/// The number of vectors in a turn of the loops.
const VECTORS: usize = 8;

struct Read<'a>(&'a [f32]);

impl Op for Read<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let mut sums = [s.splat(0.0); VECTORS];
        for turn in self.0.chunks_exact(VECTORS * S::LANES) {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = s.add(*sum, s.load(&turn[v * S::LANES..]));
            }
        }
        s.reduce_sum(sums.into_iter().reduce(|a, b| s.add(a, b)).unwrap())
    }
}

struct Copy<'a>(&'a mut [f32]);

impl Op for Copy<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (from, to) = self.0.split_at_mut(self.0.len() / 2);
        let turns = to.chunks_exact_mut(VECTORS * S::LANES);
        for (to, from) in turns.zip(from.chunks_exact(VECTORS * S::LANES)) {
            for v in 0..VECTORS {
                s.store(s.load(&from[v * S::LANES..]), &mut to[v * S::LANES..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_linux_writes_them() {
        assert_eq!(parse_size("48K"), Some(48 << 10));
        assert_eq!(parse_size("32M"), Some(32 << 20));
        for other in ["", "K", "12", "1.5M", "-1K", "µ"] {
            assert_eq!(parse_size(other), None, "{other}");
        }
    }

    #[test]
    fn a_working_set_fits_its_level_and_not_the_one_before() {
        let caches = Caches([32 << 10, 1 << 20, 32 << 20]);
        for threads in [1, 2, 8, 64] {
            let [l1, l2, l3, dram] = Level::READ.map(|level| caches.working_set(level, threads));
            assert!(l1 < 32 << 10 && (32 << 10..1 << 20).contains(&l2));
            assert!(l3 > 1 << 20 && dram * threads > 32 << 20);
        }
    }

    #[test]
    fn bandwidths_are_measured_from_where_a_line_begins() {
        let mut values = vec![0.0; 100];
        for from in 0..LINE {
            let aligned = from_line(&mut values[from..]);
            assert_eq!(aligned.as_ptr().align_offset(LINE * size_of::<f32>()), 0);
            assert_eq!(aligned.len(), 100 - from - LINE);
        }
    }

    #[test]
    fn every_rate_is_measured() {
        let isa = Isa::detect();
        let rates = measure(isa, 2).unwrap();
        let expected = Isa::available().len() * 2 + Level::READ.len() * 2 * 2;
        assert_eq!(rates.len(), expected);
        assert!(rates.iter().all(|row| row.rate > 0.0));
    }
}
