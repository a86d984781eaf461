//! The comparison of training steps with those of peers, each at its best number of threads.

use std::fmt::Write as _;

use kernels::sae::{Shape, TopK, Trainer, Variant};
use kernels::{Exec, Isa, MatRef, mlp};
use rayon::ThreadPool;

use super::python::{Contender, Peers};
use super::{Measurement, PEAK, Part, ROUNDS, Rounds, Row, seconds};
use crate::autoencoder::{ACTIVE, L1_UNIT, STEP, shape, trainer};
use crate::residual::{STEPS, Training};
use crate::{executions_on, fma_peak};

/// The shapes and batch sizes of the autoencoders.
const AUTOENCODERS: [(Shape, usize); 2] = [(shape(256, 1024), 1024), STEP];
/// The peers that train with dense codes.
const DENSE: [Contender; 3] = [
    ("PyTorch eager", "PyTorch", "eager"),
    ("PyTorch compiled", "PyTorch", "compile"),
    ("JAX", "JAX", "jit"),
];
/// The peers that train a TopK autoencoder.
const TOPK: [Contender; 2] = [
    ("sparsify", "sparsify", "topk"),
    ("SAELens", "SAELens", "topk"),
];

/// A training step that can be run again and again.
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

/// Returns the training step of a residual MLP of width d with L layers, on a batch of B samples.
pub fn residual(exec: Exec, [d, layers, batch]: [usize; 3]) -> Box<dyn Step> {
    let training = Training::new(exec, [d, layers, batch]);
    Box::new(Residual {
        workspace: mlp::Workspace::new(training.shape(), batch),
        training,
        losses: vec![0.0; batch],
    })
}

/// Returns the training step of an autoencoder with about [`ACTIVE`] active codes a sample.
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

/// Returns the seconds of one step, as the mean over the steps in about 0.3 seconds, or of one step that takes longer.
pub fn time(pool: &ThreadPool, step: &mut dyn Step) -> f64 {
    pool.install(|| seconds(0.3, || step.run()))
}

/// The measurements of one training step.
struct Measured {
    rounds: Rounds,
    threads: Vec<usize>,
    peers: &'static [Contender],
}

impl Measured {
    fn new(
        pools: &[(Exec, ThreadPool)],
        steps: &mut [Box<dyn Step>],
        line: &str,
        contenders: &'static [Contender],
        peers: &mut Peers,
    ) -> Measured {
        eprintln!("{line}");
        let mut names = vec!["ours"];
        names.extend(contenders.iter().map(|(name, ..)| name));
        let mut rounds = Rounds::default();
        for round in 0..=ROUNDS {
            for ((exec, pool), step) in pools.iter().zip(&mut *steps) {
                let threads = pool.current_num_threads();
                let peak = fma_peak(exec.isa(), threads);
                if round > 0 {
                    rounds.add(PEAK, threads, peak);
                }
                rounds.take_turns(round, threads, &names, |turn| {
                    let taken = match turn {
                        0 => time(pool, step.as_mut()),
                        _ => {
                            let (_, package, mode) = contenders[turn - 1];
                            peers.seconds(package, threads, &format!("{line} {mode}"))?
                        }
                    };
                    Some(1e3 * taken)
                });
            }
        }
        let threads = pools.iter().map(|(_, p)| p.current_num_threads());
        Measured {
            rounds,
            threads: threads.collect(),
            peers: contenders,
        }
    }

    /// Returns the median time of a contender in milliseconds, or NaN if it was not measured.
    fn time(&self, contender: &str, threads: usize) -> f64 {
        let values = self.rounds.of(contender, threads);
        match values.is_empty() {
            true => f64::NAN,
            false => self.rounds.median(|i| values[i]),
        }
    }

    /// Returns the median ratio of the best time of these peers to our best time, over all numbers of threads; NaN if
    /// no peer was measured.
    fn ratio(&self, peers: &[Contender]) -> f64 {
        let best = |names: &[&str], i: usize| {
            let all = self
                .threads
                .iter()
                .flat_map(|&t| names.iter().map(move |n| (n, t)));
            let values = all.filter_map(|(name, t)| self.rounds.of(name, t).get(i));
            values.copied().fold(f64::INFINITY, f64::min)
        };
        let names: Vec<&str> = peers.iter().map(|(name, ..)| *name).collect();
        match best(&names, 0).is_finite() {
            true => self.rounds.median(|i| best(&names, i) / best(&["ours"], i)),
            false => f64::NAN,
        }
    }

    /// Returns the share of the machine's peak rate that our step of `gflop` 10⁹ operations reaches.
    fn share(&self, gflop: f64, threads: usize) -> f64 {
        let [ours, peak] = ["ours", PEAK].map(|c| self.rounds.of(c, threads));
        self.rounds.median(|i| gflop / (1e-3 * ours[i]) / peak[i])
    }

    fn describe(&self, text: &mut String, name: &str) {
        let names = || std::iter::once("ours").chain(self.peers.iter().map(|(name, ..)| *name));
        for &threads in &self.threads {
            let times = names().map(|c| match self.time(c, threads) {
                t if t.is_nan() => "–".into(),
                t => format!("{t:.2}"),
            });
            let times: Vec<String> = times.collect();
            writeln!(text, "| {name} | {threads} | {} |", times.join(" | "))
                .expect("writing to a string");
        }
    }
}

/// Returns the head of a table in Markdown of our steps beside those of peers.
fn table_of(peers: &[Contender]) -> String {
    let names: Vec<&str> = peers.iter().map(|(name, ..)| *name).collect();
    format!(
        "\n| step | threads | ours | {} |\n| --- {}|\n",
        names.join(" | "),
        "| ---: ".repeat(2 + names.len())
    )
}

/// Returns a ratio as text, or that the peer is not installed where it is NaN.
fn against(ratio: f64) -> String {
    match ratio.is_nan() {
        true => "not installed here".into(),
        false => format!("{ratio:.2} ×"),
    }
}

/// Measures all training steps.
pub fn measure(isa: Isa, all: usize, peers: &mut Peers, table: &mut Vec<Measurement>) -> Part {
    let pools = executions_on(isa, all);
    let mut part = Part {
        title: "Training steps",
        rows: Vec::new(),
        details: "\nMilliseconds a step.\n".into(),
        figures: Vec::new(),
    };
    part.details += &table_of(&DENSE);
    for [d, layers, batch] in STEPS {
        let mut steps: Vec<_> = pools
            .iter()
            .map(|&(exec, _)| residual(exec, [d, layers, batch]))
            .collect();
        let line = format!("residual {d} {layers} {batch}");
        let m = Measured::new(&pools, &mut steps, &line, &DENSE, peers);
        let name = format!("residual MLP, d = {d}, L = {layers}, batch {batch}");
        m.rounds
            .tabulate(["residual step", &line, isa.name()], "ms", table);
        m.describe(&mut part.details, &name);
        let what = format!("{name}, against the best of PyTorch and JAX");
        match d {
            100 => {
                let bars = [(3.5, "3.5 ×"), (5.0, "5 ×")];
                part.rows
                    .push(Row::at_least(what, m.ratio(&DENSE), against, bars));
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
                    .push(Row::at_least(what, m.ratio(&DENSE), against, bars));
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
        let m = Measured::new(&pools, &mut steps, &line, &DENSE, peers);
        let name = format!("L1 autoencoder, d = {d}, n = {n}, batch {batch}, {ACTIVE} active");
        m.rounds
            .tabulate(["sae step", &line, isa.name()], "ms", table);
        m.describe(&mut part.details, &name);
        if n == 4096 {
            let bars = [(5.0, "5 ×"), (8.0, "8 ×")];
            let what = format!("{name}, against the best dense step of PyTorch and JAX");
            part.rows
                .push(Row::at_least(what, m.ratio(&DENSE), against, bars));
        }
    }

    part.details += &table_of(&TOPK);
    let (shape, batch) = STEP;
    let variant = Variant::TopK(TopK {
        k: ACTIVE,
        aux: None,
    });
    let mut steps: Vec<_> = pools
        .iter()
        .map(|(exec, pool)| autoencoder(*exec, pool, (shape, batch), variant))
        .collect();
    let line = format!("topk {} {} {batch} {ACTIVE}", shape.width, shape.dictionary);
    let m = Measured::new(&pools, &mut steps, &line, &TOPK, peers);
    let place = ["topk step", &line, isa.name()];
    m.rounds.tabulate(place, "ms", table);
    let name = format!(
        "TopK autoencoder, d = {}, n = {}, batch {batch}, k = {ACTIVE}",
        shape.width, shape.dictionary
    );
    m.describe(&mut part.details, &name);
    let bars = [
        [(6.0, "6 ×"), (8.0, "8 ×")],
        [(10.0, "10 ×"), (25.0, "25 ×")],
    ];
    for (peer, bars) in TOPK.iter().zip(bars) {
        let what = format!("{name}, against {}, each at its best", peer.0);
        let ratio = m.ratio(std::slice::from_ref(peer));
        part.rows.push(Row::at_least(what, ratio, against, bars));
    }
    part
}
