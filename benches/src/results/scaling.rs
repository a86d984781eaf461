//! The time of training steps over their sizes and the number of threads, and their memory beside what the harness
//! estimates before a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::experiment::Needs;
use harness::experiments::REGISTRY;
use harness::figure::{Axis, Figure, Panel, Role};
use harness::settings::{Preset, Setting};
use kernels::{Exec, Isa};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::steps::{Step, autoencoder, residual, time};
use super::{Measurement, Part, ROUNDS, Rounds};
use crate::autoencoder::{L1_UNIT, shape};

/// Three sizes that are varied, each as its name, its place among the sizes of a step, and its values.
type Axes<const N: usize> = [(&'static str, usize, [usize; N]); 3];

/// The sizes d, L and batch of the residual MLP from which one size is varied at a time.
const RESIDUAL: [usize; 3] = [128, 8, 512];
/// The sizes of the residual MLP that are varied.
const RESIDUAL_AXES: Axes<5> = [
    ("d", 0, [64, 128, 256, 512, 1024]),
    ("L", 1, [2, 4, 8, 16, 32]),
    ("batch", 2, [128, 256, 512, 1024, 2048]),
];
/// The sizes d, dictionary and batch of the autoencoder from which one size is varied at a time.
const AUTOENCODER: [usize; 3] = [256, 1024, 1024];
/// The sizes of the autoencoder that are varied.
const AUTOENCODER_AXES: Axes<4> = [
    ("d", 0, [128, 256, 512, 1024]),
    ("dictionary", 1, [1024, 2048, 4096, 8192]),
    ("batch", 2, [256, 512, 1024, 2048]),
];
/// The widths of the residual MLPs whose memory in training is measured.
const WIDTHS: [usize; 4] = [64, 128, 256, 512];

/// Measures the time of steps over their sizes and over the number of threads, and the memory of training.
pub fn measure(isa: Isa, all: usize, harness: &Path, table: &mut Vec<Measurement>) -> Part {
    let mut part = Part {
        title: "Scaling",
        rows: Vec::new(),
        details: String::from(
            "\nExponents of the time of a step, fitted over the sizes of the figure:\n\n| step | size | from | to | exponent |\n| --- | --- | ---: | ---: | ---: |\n",
        ),
        figures: Vec::new(),
    };
    let pool = pool(all);
    let exec = match all {
        1 => Exec::serial(isa),
        _ => Exec::parallel(isa),
    };
    let mut panels = Vec::new();
    for (axis, place, sizes) in RESIDUAL_AXES {
        let make = |size| {
            let mut sizes = RESIDUAL;
            sizes[place] = size;
            residual(exec, sizes)
        };
        let steps = sizes.map(|size| (size, make(size)));
        panels.push(curve(
            "residual MLP",
            axis,
            steps.into(),
            &pool,
            isa,
            &mut part,
            table,
        ));
    }
    for (axis, place, sizes) in AUTOENCODER_AXES {
        let make = |size| {
            let mut sizes = AUTOENCODER;
            sizes[place] = size;
            let [d, n, batch] = sizes;
            autoencoder(exec, &pool, (shape(d, n), batch), L1_UNIT)
        };
        let steps = sizes.map(|size| (size, make(size)));
        panels.push(curve(
            "autoencoder",
            axis,
            steps.into(),
            &pool,
            isa,
            &mut part,
            table,
        ));
    }
    let caption = format!(
        "Time of a training step over one of its sizes, the others as they are: residual MLPs of d = 128, L = 8, batch 512, \
         autoencoders of d = 256, n = 1024, batch 1024 with 32 active codes; {all} thread(s), {isa}, medians of {ROUNDS} \
         interleaved rounds. The exponent is the slope of a straight line through the logarithms."
    );
    let figure = Figure::new("scaling", caption);
    part.figures
        .push(panels.into_iter().fold(figure, Figure::panel));
    threads(isa, all, &mut part, table);
    memory(harness, &mut part, table);
    part
}

fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads")
}

/// Measures the time of steps of several sizes in turn. Adds the fitted exponent to `part` and the measurements to
/// `table`, and returns the panel of the figure.
fn curve(
    step: &str,
    axis: &str,
    mut steps: Vec<(usize, Box<dyn Step>)>,
    pool: &ThreadPool,
    isa: Isa,
    part: &mut Part,
    table: &mut Vec<Measurement>,
) -> Panel {
    eprintln!("scaling, {step}, {axis}");
    let threads = pool.current_num_threads();
    let mut rounds = Rounds::default();
    for round in 0..=ROUNDS {
        for (size, step) in &mut steps {
            let ms = 1e3 * time(pool, step.as_mut());
            if round > 0 {
                rounds.add(&size.to_string(), threads, ms);
            }
        }
    }
    rounds.tabulate(
        ["scaling", &format!("{step}, {axis}"), isa.name()],
        "ms",
        table,
    );
    let median = |size: usize| {
        let name = size.to_string();
        let values = rounds.of(&name, threads);
        rounds.median(|i| values[i])
    };
    let points: Vec<(f64, f64)> = steps
        .iter()
        .map(|&(size, _)| (size as f64, median(size)))
        .collect();
    let exponent = slope(&points);
    let [first, last] = [&points[0], &points[points.len() - 1]];
    writeln!(
        part.details,
        "| {step} | {axis} | {} | {} | {exponent:.2} |",
        first.0, last.0
    )
    .expect("writing to a string");
    let title = format!("{step}: ∝ {axis}^{exponent:.2}");
    Panel::new(title, Axis::log(axis), Axis::log("time of a step (ms)")).dotted(
        Role::Other(0),
        "measured",
        points,
    )
}

/// Returns the exponent of a power law: the slope of the least-squares line through the logarithms of the points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let mean = |f: fn(&(f64, f64)) -> f64| logs.iter().map(f).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = logs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    covariance / logs.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}

/// Measures the speed of steps on several threads as a multiple of that on one, and adds a figure of it to `part`.
fn threads(isa: Isa, all: usize, part: &mut Part, table: &mut Vec<Measurement>) {
    let counts: Vec<usize> = (1..=all).collect();
    let pools: Vec<ThreadPool> = counts.iter().map(|&n| pool(n)).collect();
    let mut panel = Panel::new(
        "threads",
        Axis::linear("threads"),
        Axis::linear("times as fast as on one"),
    );
    for (place, (name, sizes)) in [
        ("residual MLP, d = 100", [100, 4, 256]),
        ("residual MLP, d = 500", [500, 8, 1024]),
        ("autoencoder, d = 512, n = 4096", [512, 4096, 2048]),
    ]
    .into_iter()
    .enumerate()
    {
        eprintln!("scaling, {name}, threads");
        let mut steps: Vec<Box<dyn Step>> = pools
            .iter()
            .map(|pool| {
                let exec = match pool.current_num_threads() {
                    1 => Exec::serial(isa),
                    _ => Exec::parallel(isa),
                };
                let [d, n, batch] = sizes;
                match name.starts_with("residual") {
                    true => residual(exec, sizes),
                    false => autoencoder(exec, pool, (shape(d, n), batch), L1_UNIT),
                }
            })
            .collect();
        let mut rounds = Rounds::default();
        for round in 0..=ROUNDS {
            for (pool, step) in pools.iter().zip(&mut steps) {
                let ms = 1e3 * time(pool, step.as_mut());
                if round > 0 {
                    rounds.add("ours", pool.current_num_threads(), ms);
                }
            }
        }
        rounds.tabulate(["threads", name, isa.name()], "ms", table);
        let one = rounds.of("ours", 1);
        let points = counts.iter().map(|&n| {
            let times = rounds.of("ours", n);
            (n as f64, rounds.median(|i| one[i] / times[i]))
        });
        let points: Vec<_> = points.collect();
        if let Some((n, gain)) = points.last() {
            writeln!(
                part.details,
                "| {name} | threads | 1 | {n} | {gain:.2} × as fast |"
            )
            .expect("writing to a string");
        }
        panel = panel.dotted(Role::Other(place as u8), name, points);
    }
    let caption = format!(
        "How many times as fast a training step is on several threads as on one: {isa}, medians of {ROUNDS} interleaved rounds."
    );
    part.figures
        .push(Figure::new("threads", caption).panel(panel));
}

/// Measures the largest resident size of short trainings of growing width, beside what the harness estimates.
fn memory(harness: &Path, part: &mut Part, table: &mut Vec<Measurement>) {
    let experiment = REGISTRY.find("multilayer").expect("an experiment");
    let (mut measured, mut estimated) = (Vec::new(), Vec::new());
    let mut rounds = Rounds::default();
    for width in WIDTHS {
        eprintln!("memory, d = {width}");
        let mut bound = experiment.bind(Preset::Quick);
        let sets = [
            ("width", width),
            ("hidden", width),
            ("epochs", 1),
            ("long_epochs", 1),
            ("saved_seeds", 0),
            ("other_seeds", 0),
            ("curve.seeds", 0),
            ("capacity.seeds", 0),
        ];
        let sets = sets.map(|(key, value)| (key, (value as i64).into()));
        let datapoints = ("datapoints", toml_list(&[1024.min(width * width)]));
        for (key, value) in sets.into_iter().chain([datapoints]) {
            let set = bound.settings_mut().set(key, value);
            set.expect("a setting of `multilayer`");
        }
        let estimate = bound.memory(&Needs(&BTreeMap::new()), 1) / 1e6;
        let folder = std::env::temp_dir().join(format!("memory-{}", std::process::id()));
        let mut command = Command::new(harness);
        command
            .args("run multilayer --preset quick --seeds 1 --threads 1 --quiet --out".split(' '));
        command.arg(&folder);
        for Setting { key, value, .. } in bound.settings().list() {
            command.args(["--set", &format!("multilayer.{key}={value}")]);
        }
        let peak = largest_size(&mut command);
        std::fs::remove_dir_all(&folder).expect("a folder of our own");
        rounds.add(&format!("d = {width}, measured"), 1, peak);
        rounds.add(&format!("d = {width}, estimated"), 1, estimate);
        measured.push((width as f64, peak));
        estimated.push((width as f64, estimate));
    }
    rounds.tabulate(["memory", "multilayer, 1024 datapoints", ""], "MB", table);
    part.details += "\nMemory of a training of `multilayer` (batch 1,024, L = 8), MB:\n\n| d | estimated | largest resident size |\n| ---: | ---: | ---: |\n";
    for (m, e) in measured.iter().zip(&estimated) {
        writeln!(part.details, "| {} | {:.0} | {:.0} |", m.0, e.1, m.1)
            .expect("writing to a string");
    }
    let panel = Panel::new("multilayer", Axis::log("d"), Axis::log("memory (MB)"))
        .dotted(Role::Other(0), "largest resident size", measured)
        .dotted(Role::Other(1), "estimated before the run", estimated);
    let caption = "Memory of a training of residual MLPs with L = 8 on minibatches of 1,024, on one thread: the largest resident size \
                   of the process, and what the harness estimates before a run, which leaves out the program itself.";
    part.figures
        .push(Figure::new("memory", caption).panel(panel));
}

fn toml_list(values: &[usize]) -> toml::Value {
    toml::Value::Array(values.iter().map(|&v| (v as i64).into()).collect())
}

/// Runs a process and returns its largest resident size in MB, as Linux tells it while the process runs.
///
/// # Panics
/// If the process fails, or the system does not tell its size.
fn largest_size(command: &mut Command) -> f64 {
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .expect("the harness starts");
    let path = format!("/proc/{}/status", child.id());
    let mut largest = f64::NAN;
    let status = loop {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        if let Some(kib) =
            line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse::<f64>().ok())
        {
            largest = largest.max(kib * 1024e-6);
        }
        if let Some(status) = child.try_wait().expect("a child of ours") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(status.success(), "the harness fails: {command:?}");
    assert!(!largest.is_nan(), "{path} has no VmHWM");
    largest
}
