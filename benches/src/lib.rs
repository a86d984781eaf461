//! What the benchmarks share: the machine's own peak, products by all contenders, training steps, and the
//! [interleaved comparison](results) that `RESULTS.md` comes from.

pub mod autoencoder;
pub mod peers;
pub mod plain_step;
pub mod products;
pub mod residual;
pub mod results;

use std::hint::black_box;
use std::time::Instant;

use kernels::simd::{Op, Simd};
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
    values[values.len() / 2]
}

/// The most GFLOP/s that this many threads reach, measured by a loop of multiply-adds on registers.
pub fn fma_peak(isa: Isa, threads: usize) -> f64 {
    if threads == 1 {
        return one_thread(isa);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| one_thread(isa)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    })
}

fn one_thread(isa: Isa) -> f64 {
    const STEPS: usize = 50_000;
    (0..5)
        .map(|_| {
            let start = Instant::now();
            let flops = fma_loop(isa, STEPS);
            flops as f64 / start.elapsed().as_secs_f64() * 1e-9
        })
        .fold(0.0, f64::max)
}

/// Multiply-adds on registers and nothing else; returns how many FLOP they were.
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
