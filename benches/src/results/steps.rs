//! Both training steps beside PyTorch's, each at its best number of threads.

use std::fmt::Write as _;
use std::time::Instant;

use kernels::sae::{Shape, Trainer, Variant};
use kernels::{Exec, Isa, MatRef, mlp};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::pytorch::PyTorch;
use super::{Measurement, Part, ROUNDS, Rounds, Row};
use crate::autoencoder::{ACTIVE, L1_UNIT, shape, trainer};
use crate::fma_peak;
use crate::residual::{STEPS, Training};

/// Autoencoders: shape and batch.
const AUTOENCODERS: [(Shape, usize); 2] = [(shape(256, 1024), 1024), (shape(512, 4096), 2048)];
const MODES: [&str; 2] = ["eager", "compile"];
const PEAK: &str = "peak";

/// A step that can be run again and again.
pub trait Step: Send {
    /// Runs the step once.
    fn run(&mut self);
}

struct Residual {
    training: Training,
    workspace: mlp::Workspace,
    losses: Vec<f32>,
}

impl Step for Residual {
    fn run(&mut self) {
        self.training.step(&mut self.workspace, &mut self.losses);
    }
}

struct Autoencoder {
    exec: Exec,
    trainer: Trainer,
    x: Vec<f32>,
    batch: usize,
}

impl Step for Autoencoder {
    fn run(&mut self) {
        let x = MatRef::first(&self.x, self.batch, self.x.len() / self.batch);
        self.trainer.step(self.exec, x);
    }
}

/// The residual MLP's step.
pub fn residual(exec: Exec, [d, layers, batch]: [usize; 3]) -> Box<dyn Step> {
    let training = Training::new(exec, [d, layers, batch]);
    Box::new(Residual {
        workspace: mlp::Workspace::new(training.shape(), batch),
        training,
        losses: vec![0.0; batch],
    })
}

/// An autoencoder's step with about [`ACTIVE`] active codes a sample.
pub fn autoencoder(
    exec: Exec,
    pool: &ThreadPool,
    (shape, batch): (Shape, usize),
    variant: Variant,
) -> Box<dyn Step> {
    let (trainer, x) = trainer(exec, pool, (shape, batch), variant);
    Box::new(Autoencoder {
        exec,
        trainer,
        x,
        batch,
    })
}

/// The seconds of one step, as the mean of a few in a row.
pub fn time(pool: &ThreadPool, step: &mut dyn Step) -> f64 {
    pool.install(|| {
        step.run();
        let start = Instant::now();
        let mut times = 0;
        while times < 3 || (start.elapsed().as_secs_f64() < 0.1 && times < 1000) {
            step.run();
            times += 1;
        }
        start.elapsed().as_secs_f64() / f64::from(times)
    })
}

/// The pools to compare, and how to run in each.
fn pools(isa: Isa, all: usize) -> Vec<(Exec, ThreadPool)> {
    let pool = |n| ThreadPoolBuilder::new().num_threads(n).build();
    let mut pools = vec![(Exec::serial(isa), pool(1).expect("a thread"))];
    if all > 1 {
        pools.push((Exec::parallel(isa), pool(all).expect("threads")));
    }
    pools
}

/// What was measured of one step.
struct Measured {
    rounds: Rounds,
    threads: Vec<usize>,
}

impl Measured {
    fn new(
        pools: &[(Exec, ThreadPool)],
        steps: &mut [Box<dyn Step>],
        line: &str,
        torch: &mut Result<PyTorch, String>,
    ) -> Measured {
        eprintln!("{line}");
        let mut rounds = Rounds::default();
        for round in 0..=ROUNDS {
            for ((exec, pool), step) in pools.iter().zip(&mut *steps) {
                let threads = pool.current_num_threads();
                let peak = fma_peak(exec.isa(), threads);
                let ours = time(pool, step.as_mut());
                if round > 0 {
                    rounds.add(PEAK, threads, peak);
                    rounds.add("ours", threads, 1e3 * ours);
                }
                for mode in MODES {
                    let line = format!("{line} {mode}");
                    let Ok(torch) = torch else { continue };
                    match torch.seconds(threads, &line) {
                        Ok(theirs) if round > 0 => rounds.add(mode, threads, 1e3 * theirs),
                        Ok(_) => {}
                        Err(why) => eprintln!("{why}"),
                    }
                }
            }
        }
        let threads = pools.iter().map(|(_, p)| p.current_num_threads());
        Measured {
            rounds,
            threads: threads.collect(),
        }
    }

    /// The median of a contender's milliseconds.
    fn time(&self, contender: &str, threads: usize) -> f64 {
        let values = self.rounds.of(contender, threads);
        match values.is_empty() {
            true => f64::NAN,
            false => self.rounds.median(|i| values[i]),
        }
    }

    /// The time of the best of PyTorch as a multiple of that of the best of ours; not a number without PyTorch.
    fn ratio(&self) -> f64 {
        let best = |names: &[&str], i: usize| {
            let all = self
                .threads
                .iter()
                .flat_map(|&t| names.iter().map(move |n| (n, t)));
            let values = all.filter_map(|(name, t)| self.rounds.of(name, t).get(i));
            values.copied().fold(f64::INFINITY, f64::min)
        };
        if self.rounds.of(MODES[0], self.threads[0]).is_empty() {
            return f64::NAN;
        }
        self.rounds.median(|i| best(&MODES, i) / best(&["ours"], i))
    }

    /// The share of the machine's peak rate that our step reaches, of so many operations.
    fn share(&self, gflop: f64, threads: usize) -> f64 {
        let [ours, peak] = ["ours", PEAK].map(|c| self.rounds.of(c, threads));
        self.rounds.median(|i| gflop / (1e-3 * ours[i]) / peak[i])
    }

    fn describe(&self, text: &mut String, name: &str) {
        for &threads in &self.threads {
            let times = ["ours", "eager", "compile"].map(|c| match self.time(c, threads) {
                t if t.is_nan() => "–".into(),
                t => format!("{t:.2}"),
            });
            writeln!(text, "| {name} | {threads} | {} |", times.join(" | "))
                .expect("writing to a string");
        }
    }
}

/// Measures all steps.
pub fn measure(
    isa: Isa,
    all: usize,
    torch: &mut Result<PyTorch, String>,
    table: &mut Vec<Measurement>,
) -> Part {
    let pools = pools(isa, all);
    let mut part = Part {
        title: "Training steps",
        rows: Vec::new(),
        details: "\nMilliseconds a step:\n\n| step | threads | ours | PyTorch eager | compiled |\n| --- | ---: | ---: | ---: | ---: |\n".into(),
        figures: Vec::new(),
    };
    let against = |v: f64| match v.is_nan() {
        true => "no PyTorch here".to_string(),
        false => format!("{v:.2} ×"),
    };
    for [d, layers, batch] in STEPS {
        let mut steps: Vec<_> = pools
            .iter()
            .map(|&(exec, _)| residual(exec, [d, layers, batch]))
            .collect();
        let line = format!("residual {d} {layers} {batch}");
        let m = Measured::new(&pools, &mut steps, &line, torch);
        let name = format!("residual MLP, d = {d}, L = {layers}, batch {batch}");
        m.rounds
            .tabulate(["residual step", &line, isa.name()], "ms; GFLOP/s", table);
        m.describe(&mut part.details, &name);
        let what = format!("{name}, against the best of PyTorch");
        match d {
            100 => {
                let bars = [(3.5, "3.5 ×"), (5.0, "5 ×")];
                part.rows
                    .push(Row::at_least(what, m.ratio(), against, bars));
            }
            500 => {
                let gflop = 12e-9 * (batch * layers * d * d) as f64;
                for &threads in &m.threads {
                    let bars = [(0.85, "0.85"), (0.92, "0.92")];
                    let what = format!("{name}, {threads} thread(s), share of peak");
                    let share = m.share(gflop, threads);
                    let show = |v| format!("{v:.2}");
                    part.rows.push(Row::at_least(what, share, show, bars));
                }
                let bars = [(1.25, "1.25 ×"), (1.4, "1.4 ×")];
                part.rows
                    .push(Row::at_least(what, m.ratio(), against, bars));
            }
            _ => {}
        }
    }
    for (shape, batch) in AUTOENCODERS {
        let (d, n) = (shape.width, shape.dictionary);
        let mut steps: Vec<_> = pools
            .iter()
            .map(|(exec, pool)| autoencoder(*exec, pool, (shape, batch), L1_UNIT))
            .collect();
        let line = format!("sae {d} {n} {batch}");
        let m = Measured::new(&pools, &mut steps, &line, torch);
        let name = format!("autoencoder, d = {d}, n = {n}, batch {batch}, {ACTIVE} active");
        m.rounds
            .tabulate(["sae step", &line, isa.name()], "ms; GFLOP/s", table);
        m.describe(&mut part.details, &name);
        if n == 4096 {
            let bars = [(5.0, "5 ×"), (8.0, "8 ×")];
            let what = format!("{name}, against the best of PyTorch");
            part.rows
                .push(Row::at_least(what, m.ratio(), against, bars));
        }
    }
    part
}
