//! The comparison of matrix products with those of peers, and of each instruction set with its own peak.

use std::fmt::Write as _;

use kernels::{Exec, Isa};
use rayon::ThreadPoolBuilder;

use super::{Measurement, PEAK, Part, ROUNDS, Rounds, Row, seconds, settle};
use crate::fma_peak;
use crate::peers::blas;
use crate::products::{Case, GRADIENTS, NAIVE, OURS, SHAPES};

/// The seconds that one measurement takes, about.
const LASTING: f64 = 0.02;

/// The measurements of products of one shape, on one instruction set and so many threads.
struct Measured {
    case: Case,
    contenders: Vec<&'static str>,
    shape: [usize; 3],
    rounds: Rounds,
    threads: usize,
}

impl Measured {
    fn new(isa: Isa, threads: usize, shape: [usize; 3], only_ours: bool) -> Measured {
        let exec = match threads {
            1 => Exec::serial(isa),
            _ => Exec::parallel(isa),
        };
        let [m, k, n] = shape;
        let case = Case::new(exec, threads, shape);
        let mut contenders = case.contenders();
        contenders.retain(|&c| match c {
            "naive" => !only_ours && m * k * n <= NAIVE,
            "A·B" => true,
            _ => !only_ours,
        });
        Measured {
            case,
            contenders,
            shape,
            rounds: Rounds::default(),
            threads,
        }
    }

    /// Measures the peak, then each contender in its turn; the results of round 0 do not count.
    fn round(&mut self, isa: Isa, round: usize) {
        let [m, k, n] = self.shape;
        let gflop = 2e-9 * (m * k * n) as f64;
        let peak = fma_peak(isa, self.threads);
        if round > 0 {
            self.rounds.add(PEAK, self.threads, peak);
        }
        let (case, contenders, threads) = (&mut self.case, &self.contenders, self.threads);
        self.rounds.take_turns(round, threads, contenders, |turn| {
            let contender = contenders[turn];
            let rate = gflop / seconds(LASTING, || case.run(contender));
            if threads > 1 && blas::here().any(|blas| blas.name == contender) {
                settle();
            }
            Some(rate)
        });
    }

    fn is_cube(&self) -> bool {
        let [m, k, n] = self.shape;
        m == k && k == n
    }

    fn name(&self) -> String {
        let [m, k, n] = self.shape;
        format!("{m}×{k}×{n}")
    }

    /// Returns the median rate of a contender in GFLOP/s, or NaN if it was not measured.
    fn rate(&self, contender: &str) -> f64 {
        let values = self.rounds.of(contender, self.threads);
        match values.is_empty() {
            true => f64::NAN,
            false => self.rounds.median(|i| values[i]),
        }
    }

    /// Returns the median ratio of the rate of contender `a` to that of `b`.
    fn ratio(&self, a: &str, b: &str) -> f64 {
        let [a, b] = [a, b].map(|c| self.rounds.of(c, self.threads));
        self.rounds.median(|i| a[i] / b[i])
    }

    /// Returns the median ratio of the rate of A·B to that of the fastest of the peers in `names`.
    fn to_best(&self, names: &[&str]) -> f64 {
        let ours = self.rounds.of("A·B", self.threads);
        let peers = names.iter().map(|c| self.rounds.of(c, self.threads));
        let peers: Vec<_> = peers.filter(|rates| !rates.is_empty()).collect();
        let best = |i: usize| peers.iter().map(|p| p[i]).fold(0.0, f64::max);
        self.rounds.median(|i| ours[i] / best(i))
    }
}

/// Measures all shapes, each once a round, so that a bad second of the machine costs a shape one round at most.
fn rounds(isa: Isa, threads: usize, shapes: &[[usize; 3]], only_ours: bool) -> Vec<Measured> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads").install(|| {
        let new = |&shape| Measured::new(isa, threads, shape, only_ours);
        let mut measured: Vec<Measured> = shapes.iter().map(new).collect();
        for round in 0..=ROUNDS {
            eprintln!("products, {isa}, {threads} thread(s): round {round} of {ROUNDS}");
            for shape in &mut measured {
                shape.round(isa, round);
            }
        }
        measured
    })
}

/// Compares all shapes on one thread and on all threads, then the instruction sets.
pub fn measure(isa: Isa, all: usize, table: &mut Vec<Measurement>) -> Part {
    let mut part = Part {
        title: "Matrix products",
        rows: Vec::new(),
        details: String::new(),
        figures: Vec::new(),
    };
    for threads in if all > 1 { vec![1, all] } else { vec![1] } {
        let measured = rounds(isa, threads, &SHAPES, false);
        for shape in &measured {
            let place = ["product", &shape.name(), isa.name()];
            shape.rounds.tabulate(place, "GFLOP/s", table);
        }
        details(&mut part.details, &measured, isa, threads);
        match threads {
            1 => one_thread(&mut part.rows, &measured),
            _ => several_threads(&mut part.rows, &measured),
        }
    }
    backends(&mut part, table);
    part
}

fn details(text: &mut String, measured: &[Measured], isa: Isa, threads: usize) {
    // The peers that are compared at some shape, in the order of the contenders.
    let mut peers: Vec<&str> = Vec::new();
    for contender in measured.iter().flat_map(|m| &m.contenders) {
        if !OURS.contains(contender) && *contender != "naive" && !peers.contains(contender) {
            peers.push(contender);
        }
    }
    writeln!(
        text,
        "\n{threads} thread(s), {isa}, GFLOP/s:\n\n| m×k×n | peak | A·B | {} | A·B ÷ best | share of peak | A·Bᵀ ÷ A·B | Aᵀ·B ÷ A·B |\n| --- {}|",
        peers.join(" | "),
        "| ---: ".repeat(6 + peers.len()),
    )
    .expect("writing to a string");
    for m in measured {
        let rate = |peer: &&str| match m.rate(peer) {
            rate if rate.is_nan() => "–".into(),
            rate => format!("{rate:.0}"),
        };
        let rates: Vec<String> = peers.iter().map(rate).collect();
        writeln!(
            text,
            "| {} | {:.0} | {:.0} | {} | {:.2} | {:.2} | {:.2} | {:.2} |",
            m.name(),
            m.rate(PEAK),
            m.rate("A·B"),
            rates.join(" | "),
            m.to_best(&peers),
            m.ratio("A·B", PEAK),
            m.ratio("A·Bᵀ", "A·B"),
            m.ratio("Aᵀ·B", "A·B"),
        )
        .expect("writing to a string");
    }
}

fn one_thread(rows: &mut Vec<Row>, measured: &[Measured]) {
    let ratios: Vec<f64> = measured
        .iter()
        .map(|m| m.to_best(&["faer", "matrixmultiply"]))
        .collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64;
    let mean = mean.exp();
    rows.push(Row {
        what: "product, one thread, against the faster of faer and matrixmultiply".into(),
        measured: format!("{mean:.3} geometric mean, {least:.2} at the worst shape"),
        reach: "1.04, ≥ 1.00 at each",
        aim: "1.08",
        met: Some([mean >= 1.04 && least >= 1.0, mean >= 1.08]),
    });
    let shares = measured
        .iter()
        .filter(|m| m.is_cube() && (128..=1024).contains(&m.shape[0]))
        .map(|m| m.ratio("A·B", PEAK));
    let [low, high] = ends(shares);
    rows.push(Row {
        what: "the same, share of peak from 128³ to 1024³".into(),
        measured: format!("{low:.2} to {high:.2}"),
        reach: "0.88",
        aim: "0.95",
        met: Some([low >= 0.88, low >= 0.95]),
    });
    let transposed =
        measured
            .iter()
            .filter(|m| !m.is_cube())
            .map(|m| match GRADIENTS.contains(&m.shape) {
                true => m.ratio("Aᵀ·B", "A·B"),
                false => m.ratio("A·Bᵀ", "A·B"),
            });
    let [low, high] = ends(transposed);
    rows.push(Row {
        what: "A·Bᵀ or Aᵀ·B, whichever training makes of a shape, against A·B".into(),
        measured: format!("{low:.2} to {high:.2}"),
        reach: "0.97",
        aim: "0.97",
        met: Some([low >= 0.97; 2]),
    });
}

fn several_threads(rows: &mut Vec<Row>, measured: &[Measured]) {
    let large = measured.iter().filter(|m| m.is_cube() && m.shape[0] >= 256);
    let [low, high] = ends(large.map(|m| m.ratio("A·B", PEAK)));
    let threads = measured[0].threads;
    rows.push(Row {
        what: format!("product, {threads} threads, 256³ to 2048³, share of their peak"),
        measured: format!("{low:.2} to {high:.2}"),
        reach: "0.85",
        aim: "0.92",
        met: Some([low >= 0.85, low >= 0.92]),
    });
    let small = measured.iter().find(|m| m.shape == [128; 3]).expect("128³");
    let rate = small.rate("A·B");
    rows.push(Row {
        what: format!("128³ from inside the pool, {threads} threads"),
        measured: format!("{rate:.0} GFLOP/s, {:.2} of peak", small.ratio("A·B", PEAK)),
        reach: "160 GFLOP/s",
        aim: "160 GFLOP/s",
        met: Some([rate >= 160.0; 2]),
    });
}

/// Compares every instruction set of the machine with its own peak, on one thread.
fn backends(part: &mut Part, table: &mut Vec<Measurement>) {
    let shapes = [[128; 3], [256; 3], [512; 3], [1024, 500, 500]];
    let mut shares = Vec::new();
    part.details += "\nEach instruction set beside its own peak, one thread, GFLOP/s:\n\n| | m×k×n | peak | A·B | share |\n| --- | --- | ---: | ---: | ---: |\n";
    for isa in Isa::available() {
        let mut sum = 0.0;
        for m in rounds(isa, 1, &shapes, true) {
            m.rounds
                .tabulate(["backend", &m.name(), isa.name()], "GFLOP/s", table);
            let share = m.ratio("A·B", PEAK);
            sum += share / shapes.len() as f64;
            writeln!(
                part.details,
                "| {isa} | {} | {:.0} | {:.0} | {share:.2} |",
                m.name(),
                m.rate(PEAK),
                m.rate("A·B"),
            )
            .expect("writing to a string");
        }
        shares.push((isa.name(), sum));
    }
    let share = |name| shares.iter().find(|s| s.0 == name).map(|s| s.1);
    if let Some(portable) = share("portable") {
        let bars = [(0.8, "0.80"), (0.8, "0.80")];
        let show = |v| format!("{v:.2}");
        let what = "portable product, share of its own peak (mean of four shapes)";
        part.rows.push(Row::at_least(what, portable, show, bars));
    }
    if let (Some(avx2), Some(avx512)) = (share("avx2"), share("avx512")) {
        let bars = [(0.95, "0.95"), (1.0, "1.00")];
        let show = |v| format!("{v:.2} ({avx2:.2} against {avx512:.2})");
        let what = "AVX2's share of its peak, against AVX-512's";
        part.rows
            .push(Row::at_least(what, avx2 / avx512, show, bars));
    }
}

/// Returns the smallest and the largest of some positive values.
fn ends(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, 0.0], |[low, high], v| {
        [low.min(v), high.max(v)]
    })
}
