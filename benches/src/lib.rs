//! What the benchmarks share: the machine's own peak, products by all contenders, training steps, and the
//! [interleaved comparison](results) that `RESULTS.md` comes from.

pub mod autoencoder;
pub mod machine;
pub mod peers;
pub mod plain_step;
pub mod products;
pub mod residual;
pub mod results;

pub use harness::profile::machine::{fma_loop, fma_peak};
use kernels::{Exec, Isa};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The ways to run a benchmark: on one thread, then on all of the machine's, each with its pool.
///
/// # Panics
/// If `KERNELS_ISA` names no instruction set of this CPU, or threads cannot be made.
pub fn executions() -> Vec<(Exec, ThreadPool)> {
    let isa = Isa::from_env().unwrap_or_else(|error| panic!("{error}"));
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut executions = vec![(Exec::serial(isa), 1)];
    if all > 1 {
        executions.push((Exec::parallel(isa), all));
    }
    executions
        .into_iter()
        .map(|(exec, threads)| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            (exec, pool.unwrap())
        })
        .collect()
}

/// The median of measurements.
///
/// # Panics
/// If there are none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (below, above) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    (below + above) / 2.0
}
