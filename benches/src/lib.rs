//! The code that the benchmarks share: the machine's own peak rate, products by all contenders, training steps, and the
//! [interleaved comparison](results) that `RESULTS.md` is made of.

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

/// Returns the ways to run a benchmark, each with its pool: on one thread, then, where there are several, on all
/// threads of the machine.
///
/// # Panics
/// If `KERNELS_ISA` names no instruction set of this CPU, or threads cannot be made.
pub fn executions() -> Vec<(Exec, ThreadPool)> {
    let isa = Isa::from_env().unwrap_or_else(|error| panic!("{error}"));
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    executions_on(isa, all)
}

/// Returns the ways to run a benchmark as [`executions`] does, on the instruction set `isa` and a machine of `all`
/// threads.
pub(crate) fn executions_on(isa: Isa, all: usize) -> Vec<(Exec, ThreadPool)> {
    let pool = |n| ThreadPoolBuilder::new().num_threads(n).build();
    let mut executions = vec![(Exec::serial(isa), pool(1).expect("a thread"))];
    if all > 1 {
        executions.push((Exec::parallel(isa), pool(all).expect("threads")));
    }
    executions
}

/// Returns the median of `values`.
///
/// # Panics
/// If there are no values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (below, above) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    (below + above) / 2.0
}
