//! Measures the time of a gradient of a sparse autoencoder by sparse and by dense products, over the share of active
//! codes: [`DENSE`] should lie where the curves cross.
//!
//! ```text
//! cargo run --release -p benches --bin density [FOLDER]
//! ```
//!
//! The program writes `density.csv`, with one row for each measurement, and `density.svg`, with their medians, to this
//! machine's folder in `benches/results`, or to the folder that is named. The rounds are interleaved: each times every
//! share on both paths once, on all threads.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use benches::autoencoder::{STEP, activations, biases, parameters, set_bias, shape};
use benches::{executions, machine, median};
use harness::error::Result;
use harness::figure::{Axis, Figure, Panel, Role};
use harness::store::folder::Folder;
use harness::table::Table;
use kernels::sae::{self, DENSE, L1, Rows, Shape, Variant, Workspace};
use kernels::{Exec, MatRef};

/// The shapes and batch sizes that are measured: those of the step that peers are timed on, and of one that fits the
/// cache.
const CURVES: [(Shape, usize); 2] = [STEP, (shape(256, 1024), 1024)];
const DENSITIES: [f64; 9] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5];
const PATHS: [(&str, f64); 2] = [("sparse", f64::INFINITY), ("dense", 0.0)];
const ROUNDS: usize = 5;
const VARIANT: Variant = Variant::L1(L1 {
    lambda: 0.1,
    rows: Rows::Unit,
});

harness::rows! {
    /// The time of one gradient.
    struct Timed in "density" {
        /// Instruction set
        isa: String [""],
        /// Threads
        threads: usize ["1"],
        /// Width of the activations
        d: usize ["1"],
        /// Elements of the dictionary
        n: usize ["1"],
        /// Samples
        batch: usize ["1"],
        /// Interleaved round, from 1
        round: usize ["1"],
        /// Share of the codes that are active
        density: f64 ["1"],
        /// Products that are taken: `sparse` or `dense`
        path: String [""],
        /// Wall-clock time
        time: f64 ["ms"],
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    if arguments.next().is_some() {
        eprintln!("error: one folder at most, for the results");
        return ExitCode::from(2);
    }
    match run(folder.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(folder: Option<&Path>) -> Result<()> {
    // The folder is opened before anything is measured, so that one that cannot be written to shows at once.
    let folder = match folder {
        Some(named) => Folder::open(named, [])?,
        None => machine::folder()?,
    };
    let (exec, pool) = executions().pop().expect("one thread at least");
    let threads = pool.current_num_threads();
    let mut table = Vec::new();
    let mut figure = Figure::new("density", caption(exec, threads));
    for (shape, batch) in CURVES {
        let [sparse, dense] = pool.install(|| measure(exec, threads, shape, batch, &mut table));
        let Shape { width, dictionary } = shape;
        let panel = Panel::new(
            format!("d = {width}, n = {dictionary}, batch {batch}"),
            Axis::log("share of active codes"),
            Axis::log("time of a gradient (ms)"),
        );
        figure = figure.panel(
            panel
                .dotted(Role::Other(0), "sparse products", sparse)
                .dotted(Role::Other(1), "dense products", dense),
        );
    }
    folder.write("density.csv", Table::of(&table).csv())?;
    folder.write("density.svg", figure.to_svg())
}

fn caption(exec: Exec, threads: usize) -> String {
    format!(
        "Time of one gradient of an L1 autoencoder by sparse and by dense products, over the share of \
         active codes: medians of {ROUNDS} interleaved rounds on {threads} threads, {}. The encoder's own \
         product is dense in both. Unless told otherwise, dense products are taken from a share of {DENSE} on.",
        exec.isa()
    )
}

/// Measures all densities, adds the measurements to `table`, and returns the points (density, median time) of each
/// path.
fn measure(
    exec: Exec,
    threads: usize,
    shape: Shape,
    batch: usize,
    table: &mut Vec<Timed>,
) -> [Vec<(f64, f64)>; 2] {
    let mut parameters = parameters(shape, VARIANT);
    let x = activations(shape.width, batch);
    let x = MatRef::from_rows(&x, shape.width);
    let biases = biases(exec, &parameters, x, DENSITIES);
    let mut workspace = Workspace::new(shape, VARIANT, batch);
    let mut gradient = parameters.clone();
    let mut times = PATHS.map(|_| biases.map(|_| Vec::new()));
    let mut densities = [0.0; DENSITIES.len()];
    // Round 0 touches all memory, and checks that both paths compute the same.
    for round in 0..=ROUNDS {
        eprintln!("{shape:?}, batch {batch}: round {round} of {ROUNDS}");
        for (i, &bias) in biases.iter().enumerate() {
            set_bias(&mut parameters, bias);
            let losses = [0, 1].map(|p| {
                let (path, dense_from) = PATHS[p];
                workspace.set_dense_from(dense_from);
                let start = Instant::now();
                let losses = sae::gradient(exec, &parameters, x, &mut workspace, &mut gradient);
                let time = 1e3 * start.elapsed().as_secs_f64();
                if round > 0 {
                    times[p][i].push(time);
                    table.push(Timed {
                        isa: exec.isa().to_string(),
                        threads,
                        d: shape.width,
                        n: shape.dictionary,
                        batch,
                        round,
                        density: losses.density,
                        path: path.into(),
                        time,
                    });
                }
                losses
            });
            let [sparse, dense] = losses.map(|losses| losses.total());
            assert!((sparse - dense).abs() < 1e-5 * dense, "{sparse} {dense}");
            densities[i] = losses[0].density;
        }
    }
    times.map(|times| {
        let medians = times.into_iter().map(median);
        densities.into_iter().zip(medians).collect()
    })
}
