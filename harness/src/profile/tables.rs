//! The tables of a profile, and how they follow from what was counted.

use kernels::profile::{Part, Snapshot, Totals};

use super::machine::{Level, MACHINE};
use crate::phase::Phase;
use crate::table::{Column, Row, Table, TableSpec};

/// Columns of `profile/kernels.csv`.
pub static KERNELS: TableSpec = TableSpec {
    name: "kernels",
    about: "What the kernels took and did, all experiments together. Rates are those of one thread at work.",
    columns: &[
        Column::text("kernel", "which"),
        Column::int("calls", "1", "how often it was called"),
        Column::real("seconds", "s", "time of all threads in it, together"),
        Column::real(
            "share",
            "1",
            "share of the time of all threads, idle ones included",
        ),
        Column::int(
            "flop",
            "FLOP",
            "operations of the algorithm; a multiply-add is two",
        ),
        Column::int(
            "bytes",
            "byte",
            "compulsory traffic: operands read and results written once",
        ),
        Column::real("gflops", "GFLOP/s", "operations a second"),
        Column::real("gbytes", "GB/s", "compulsory traffic a second"),
        Column::real("intensity", "FLOP/byte", "arithmetic intensity"),
        Column::word(
            "roof",
            &["FMA", "L1", "L2", "L3", "DRAM", "none"],
            "what binds it: multiply-adds, or reading from the smallest level that holds what one call touches",
        ),
        Column::real(
            "roof_share",
            "1",
            "the least time by this roof, on one of the run's threads with all of them at work, over the time taken",
        ),
    ],
};

/// Columns of `profile/experiments.csv`.
pub static EXPERIMENTS: TableSpec = TableSpec {
    name: "experiments",
    about: "What each experiment spent its time on.",
    columns: &[
        Column::text("experiment", "which"),
        Column::int("threads", "1", "size of the thread pool"),
        Column::real("time", "s", "from its begin to its last table"),
        Column::word(
            "part",
            &[
                "kernels",
                Phase::Data.name(),
                Phase::Metrics.name(),
                Phase::Writing.name(),
                "rest",
            ],
            "on what; a kernel that is called for data or metrics is a kernel; the rest is other code, and threads without work",
        ),
        Column::real("seconds", "s", "time of all threads, together"),
        Column::real("share", "1", "share of threads × time"),
    ],
};

/// Columns of `profile/stacks.csv`.
pub static STACKS: TableSpec = TableSpec {
    name: "stacks",
    about: "Where the CPU was when it was looked at, some 100 times for each second of CPU time.",
    columns: &[
        Column::text(
            "stack",
            "functions from the outermost to the innermost, with semicolons between them",
        ),
        Column::int("samples", "1", "how often"),
    ],
};

/// All of them.
pub const ALL: [&TableSpec; 4] = [&MACHINE, &KERNELS, &EXPERIMENTS, &STACKS];

/// Rates that bind kernels, for one thread while all of the run's threads are at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Roofs {
    /// The run's instruction set.
    pub isa: String,
    /// The run's threads.
    pub threads: usize,
    /// GFLOP/s.
    pub fma: f64,
    /// The level, the data that it holds in bytes, and GB/s that are read from it; nearest first.
    pub levels: Vec<(Level, f64, f64)>,
}

impl Roofs {
    /// From the table of the machine; `None` if it does not hold them.
    pub fn of(machine: &Table) -> Option<Roofs> {
        let threads = machine.rows().map(|row| row.int("threads")).max()?;
        let mut rows = machine.rows().filter(|row| row.int("threads") == threads);
        let isa = rows.clone().find(|row| row.text("what") == "read")?;
        let isa = isa.text("isa").to_string();
        let per_thread = |row: Row| row.real("rate") / threads as f64;
        let levels = Level::ALL.into_iter().filter_map(|level| {
            let is = |row: &Row| row.text("what") == "read" && row.text("level") == level.name();
            let row = rows.clone().find(is)?;
            // Half of a cache, by the working set that fits; memory has no end.
            let holds = match level {
                Level::Dram => f64::INFINITY,
                _ => 2.0 * row.int("bytes") as f64,
            };
            Some((level, holds, per_thread(row)))
        });
        let levels: Vec<_> = levels.collect();
        let fma = rows.find(|row| row.text("what") == "FMA" && row.text("isa") == isa)?;
        Some(Roofs {
            fma: per_thread(fma),
            threads: threads as usize,
            levels,
            isa,
        })
    }

    /// The roof that binds so much work, and the seconds that it takes under it.
    fn bind(&self, work: Totals) -> (&'static str, f64) {
        let (flops, bytes) = (work.flops as f64 * 1e-9, work.bytes as f64 * 1e-9);
        let compute = ("FMA", flops / self.fma);
        let a_call = work.bytes as f64 / work.calls.max(1) as f64;
        let level = self.levels.iter().find(|(_, holds, _)| a_call <= *holds);
        let read = level.map_or(("none", 0.0), |&(level, _, rate)| {
            (level.name(), bytes / rate)
        });
        match (compute.1.max(read.1) > 0.0, compute.1 >= read.1) {
            (false, _) => ("none", 0.0),
            (true, true) => compute,
            (true, false) => read,
        }
    }
}

/// What an experiment took.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Which.
    pub experiment: String,
    /// How long it was under way.
    pub time: f64,
    /// What was counted.
    pub counts: Snapshot,
}

/// The table of kernels that were called, those first that took most.
pub fn kernels(all: &[Taken], roofs: &Roofs) -> Table {
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
    let mut table = Table::new(&KERNELS);
    for (part, sum) in totals {
        let seconds = sum.nanoseconds as f64 * 1e-9;
        let (flops, bytes) = (sum.flops as f64, sum.bytes as f64);
        let (roof, least) = roofs.bind(sum);
        table.push([
            part.name().into(),
            sum.calls.into(),
            seconds.into(),
            (seconds / (roofs.threads as f64 * time)).into(),
            sum.flops.into(),
            sum.bytes.into(),
            (flops / seconds * 1e-9).into(),
            (bytes / seconds * 1e-9).into(),
            (flops / bytes).into(),
            roof.into(),
            (least / seconds).into(),
        ]);
    }
    table
}

/// The table of experiments, in the order in which they ran.
pub fn experiments(all: &[Taken], threads: usize) -> Table {
    let mut table = Table::new(&EXPERIMENTS);
    for taken in all {
        let whole = threads as f64 * taken.time;
        let kernels = Part::ALL.iter().map(|&part| taken.counts.of(part));
        let kernels: u64 = kernels.map(|totals| totals.nanoseconds).sum();
        let kernels = kernels as f64 * 1e-9;
        let phases = Phase::ALL.map(Phase::name).map(|name| {
            let totals = taken.counts.of_phase(name);
            (name, totals.nanoseconds as f64 * 1e-9)
        });
        let sum = kernels + phases.iter().map(|(_, seconds)| seconds).sum::<f64>();
        let parts = [("kernels", kernels)].into_iter().chain(phases);
        for (part, seconds) in parts.chain([("rest", (whole - sum).max(0.0))]) {
            table.push([
                taken.experiment.as_str().into(),
                threads.into(),
                taken.time.into(),
                part.into(),
                seconds.into(),
                (seconds / whole).into(),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L1 of 32 KiB at 100, L2 of 1 MiB at 50, memory at 10 GB/s, and 80 GFLOP/s, for each of two threads.
    fn roofs() -> Roofs {
        let mut machine = Table::new(&MACHINE);
        for (what, level, threads, bytes, rate) in [
            ("FMA", "registers", 1usize, 0usize, 90.0),
            ("FMA", "registers", 2, 0, 160.0),
            ("read", "L1", 2, 16 << 10, 200.0),
            ("read", "L2", 2, 512 << 10, 100.0),
            ("copy", "L2", 2, 512 << 10, 70.0),
            ("read", "DRAM", 2, 32 << 20, 20.0),
        ] {
            machine.push([
                what.into(),
                level.into(),
                "avx2".into(),
                threads.into(),
                bytes.into(),
                rate.into(),
            ]);
        }
        Roofs::of(&machine).unwrap()
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
        assert_eq!(Roofs::of(&Table::new(&MACHINE)), None);
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
        // 8 GFLOP take 0.1 s, 1 GB from memory as well.
        assert_eq!(bind(1, 8_000_000_000, 900_000_000), ("FMA", 0.1));
        assert_eq!(bind(1, 7_000_000_000, 1_000_000_000), ("DRAM", 0.1));
        // The same traffic by calls that stay in a cache.
        assert_eq!(bind(10_000, 0, 1_000_000_000).0, "L2");
        assert_eq!(bind(1_000_000, 0, 1_000_000_000), ("L1", 0.01));
        assert_eq!(bind(3, 0, 0), ("none", 0.0));
    }
}
