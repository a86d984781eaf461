//! The tables of a profile, and how they follow from what was counted.

use kernels::profile::{Part, Snapshot, Totals};

use super::machine::{Level, Operation, Rate};
use crate::phase::Phase;
use crate::table::record::Word as _;
use crate::table::{Record, TableSpec};

crate::words! {
    /// The limit that binds the rate of a kernel.
    pub enum Roof {
        /// Multiply-adds on registers.
        #[strum(serialize = "FMA")]
        Fma,
        /// Reading from the first-level cache.
        #[strum(serialize = "L1")]
        L1,
        /// Reading from the second-level cache.
        #[strum(serialize = "L2")]
        L2,
        /// Reading from the third-level cache.
        #[strum(serialize = "L3")]
        L3,
        /// Reading from memory.
        #[strum(serialize = "DRAM")]
        Dram,
        /// No limit: nothing was counted that one would bind.
        None,
    }
}

crate::rows! {
    /// What the kernels took and did, all experiments together. Rates are those of one thread at work.
    pub struct Kernel in "kernels" {
        /// name of the kernel
        kernel: String [""],
        /// number of calls
        calls: u64 ["1"],
        /// time of all threads in the kernel, together
        seconds: f64 ["s"],
        /// share of the time of all threads, idle ones included
        share: f64 ["1"],
        /// operations of the algorithm; a multiply-add is two
        flop: u64 ["FLOP"],
        /// compulsory traffic: operands read and results written once
        bytes: u64 ["byte"],
        /// operations a second
        gflops: f64 ["GFLOP/s"],
        /// compulsory traffic a second
        gbytes: f64 ["GB/s"],
        /// arithmetic intensity
        intensity: f64 ["FLOP/byte"],
        /// what binds it: multiply-adds, or reading from the smallest level that holds what one call touches
        roof: Roof [""],
        /// the least time by this roof, on one of the run's threads with all of them at work, over the time taken
        roof_share: f64 ["1"],
    }
}

crate::rows! {
    /// What each experiment spent its time on.
    pub struct Spent in "experiments" {
        /// name of the experiment
        experiment: String [""],
        /// size of the thread pool
        threads: usize ["1"],
        /// time from the beginning of the experiment to its last table
        time: f64 ["s"],
        /// what the time went to; a kernel that is called for data or metrics is a kernel; the rest is other code, and
        /// threads without work
        part: Phase [""],
        /// time of all threads in this part, together
        seconds: f64 ["s"],
        /// share of threads × time that the part took
        share: f64 ["1"],
    }
}

crate::rows! {
    /// Stacks of functions that the CPU was in, sampled some 100 times for each second of CPU time.
    pub struct Stack in "stacks" {
        /// functions from the outermost to the innermost, with semicolons between them
        stack: String [""],
        /// number of samples with this stack
        samples: usize ["1"],
    }
}

/// The specifications of all tables of a profile.
pub const ALL: [&TableSpec; 4] = [Rate::SPEC, Kernel::SPEC, Spent::SPEC, Stack::SPEC];

impl Roof {
    /// Returns the roof of reading from a level.
    fn reading(level: Level) -> Roof {
        match level {
            Level::Registers => Roof::None,
            Level::L1 => Roof::L1,
            Level::L2 => Roof::L2,
            Level::L3 => Roof::L3,
            Level::Dram => Roof::Dram,
        }
    }
}

/// The rates that bind kernels, for one thread while all threads of the run are at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Roofs {
    /// The instruction set of the run.
    pub isa: String,
    /// The number of threads of the run.
    pub threads: usize,
    /// The rate of multiply-adds in GFLOP/s.
    pub fma: f64,
    /// The levels of memory, nearest first: each with the bytes of data that it holds, and the GB/s that are read from
    /// it.
    pub levels: Vec<(Level, f64, f64)>,
}

impl Roofs {
    /// Returns the roofs by the rates of the machine; `None` if `rates` lacks one of them.
    pub fn of(rates: &[Rate]) -> Option<Roofs> {
        let threads = rates.iter().map(|r| r.threads).max()?;
        let find = |is: &dyn Fn(&Rate) -> bool| {
            let mut all = rates.iter().filter(|r| r.threads == threads);
            all.find(|r| is(r))
        };
        let per_thread = |r: &Rate| r.rate / threads as f64;
        let isa = &find(&|r| r.what == Operation::Read)?.isa;
        let levels = Level::READ.into_iter().filter_map(|level| {
            let row = find(&|r| (r.what, r.level) == (Operation::Read, level))?;
            // A working set is half of its cache; memory is taken to have no end.
            let holds = match level {
                Level::Dram => f64::INFINITY,
                _ => 2.0 * row.bytes as f64,
            };
            Some((level, holds, per_thread(row)))
        });
        let fma = find(&|r| r.what == Operation::Fma && r.isa == *isa)?;
        Some(Roofs {
            isa: isa.clone(),
            threads,
            fma: per_thread(fma),
            levels: levels.collect(),
        })
    }

    /// Returns the roof that binds `work`, and the least time in seconds that the work takes under it.
    fn bind(&self, work: Totals) -> (Roof, f64) {
        let (flops, bytes) = (work.flops as f64 * 1e-9, work.bytes as f64 * 1e-9);
        let compute = (Roof::Fma, flops / self.fma);
        let a_call = work.bytes as f64 / work.calls.max(1) as f64;
        let level = self.levels.iter().find(|(_, holds, _)| a_call <= *holds);
        let read = level.map_or((Roof::None, 0.0), |&(level, _, rate)| {
            (Roof::reading(level), bytes / rate)
        });
        match (compute.1.max(read.1) > 0.0, compute.1 >= read.1) {
            (false, _) => (Roof::None, 0.0),
            (true, true) => compute,
            (true, false) => read,
        }
    }
}

/// The time and the work of an experiment.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The name of the experiment.
    pub experiment: String,
    /// The time of the experiment in seconds.
    pub time: f64,
    /// The calls, times and operations that were counted during the experiment.
    pub counts: Snapshot,
}

/// Returns the rows of the kernels that were called, the one that took most time first.
pub fn kernels(all: &[Taken], roofs: &Roofs) -> Vec<Kernel> {
    let time: f64 = all.iter().map(|taken| taken.time).sum();
    let mut totals: Vec<(Part, Totals)> = Vec::new();
    for &part in Part::ALL {
        let mut sum = Totals::default();
        for of in all.iter().map(|taken| taken.counts.of(part)) {
            sum.calls += of.calls;
            sum.nanoseconds += of.nanoseconds;
            sum.flops += of.flops;
            sum.bytes += of.bytes;
        }
        if sum.calls > 0 {
            totals.push((part, sum));
        }
    }
    totals.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.nanoseconds));
    let row = |(part, sum): (Part, Totals)| {
        let seconds = sum.nanoseconds as f64 * 1e-9;
        let (flops, bytes) = (sum.flops as f64, sum.bytes as f64);
        let (roof, least) = roofs.bind(sum);
        Kernel {
            kernel: part.name().into(),
            calls: sum.calls,
            seconds,
            share: seconds / (roofs.threads as f64 * time),
            flop: sum.flops,
            bytes: sum.bytes,
            gflops: flops / seconds * 1e-9,
            gbytes: bytes / seconds * 1e-9,
            intensity: flops / bytes,
            roof,
            roof_share: least / seconds,
        }
    };
    totals.into_iter().map(row).collect()
}

/// Returns the rows of what the experiments spent their time on, in the order in which they ran.
pub fn experiments(all: &[Taken], threads: usize) -> Vec<Spent> {
    let mut rows = Vec::new();
    for taken in all {
        let kernels = Part::ALL.iter().map(|&part| taken.counts.of(part));
        let kernels: u64 = kernels.map(|totals| totals.nanoseconds).sum();
        let whole = threads as f64 * taken.time;
        let mut rest = whole;
        let spent = Phase::ALL.iter().map(|&phase| {
            let seconds = match phase {
                Phase::Kernels => kernels as f64 * 1e-9,
                Phase::Rest => rest.max(0.0),
                _ => taken.counts.of_phase(phase.word()).nanoseconds as f64 * 1e-9,
            };
            rest -= seconds;
            (phase, seconds)
        });
        rows.extend(spent.map(|(part, seconds)| Spent {
            experiment: taken.experiment.clone(),
            threads,
            time: taken.time,
            part,
            seconds,
            share: seconds / whole,
        }));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the roofs of a machine with L1 of 32 KiB at 100, L2 of 1 MiB at 50, memory at 10 GB/s, and 80 GFLOP/s,
    /// for each of two threads.
    fn roofs() -> Roofs {
        let rates = [
            (Operation::Fma, Level::Registers, 1, 0, 90.0),
            (Operation::Fma, Level::Registers, 2, 0, 160.0),
            (Operation::Read, Level::L1, 2, 16 << 10, 200.0),
            (Operation::Read, Level::L2, 2, 512 << 10, 100.0),
            (Operation::Copy, Level::L2, 2, 512 << 10, 70.0),
            (Operation::Read, Level::Dram, 2, 32 << 20, 20.0),
        ]
        .map(|(what, level, threads, bytes, rate)| Rate {
            what,
            level,
            isa: "avx2".into(),
            threads,
            bytes,
            rate,
        });
        Roofs::of(&rates).unwrap()
    }

    #[test]
    fn roofs_are_those_of_a_thread_among_all() {
        let roofs = roofs();
        assert_eq!((roofs.threads, roofs.fma), (2, 80.0));
        let rates: Vec<_> = roofs
            .levels
            .iter()
            .map(|&(level, _, r)| (level, r))
            .collect();
        assert_eq!(
            rates,
            [(Level::L1, 100.0), (Level::L2, 50.0), (Level::Dram, 10.0)]
        );
        assert_eq!(Roofs::of(&[]), None);
    }

    #[test]
    fn the_roof_that_binds_takes_the_longest() {
        let bind = |calls, flops, bytes| {
            roofs().bind(Totals {
                calls,
                nanoseconds: 1,
                flops,
                bytes,
            })
        };
        // 8 GFLOP take 0.1 s, and so does 1 GB from memory.
        assert_eq!(bind(1, 8_000_000_000, 900_000_000), (Roof::Fma, 0.1));
        assert_eq!(bind(1, 7_000_000_000, 1_000_000_000), (Roof::Dram, 0.1));
        // The same traffic is bound by a cache where each call stays in it.
        assert_eq!(bind(10_000, 0, 1_000_000_000).0, Roof::L2);
        assert_eq!(bind(1_000_000, 0, 1_000_000_000), (Roof::L1, 0.01));
        assert_eq!(bind(3, 0, 0), (Roof::None, 0.0));
    }
}
