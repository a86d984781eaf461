//! Times the residual MLP's training step: forward, loss, backward and Adam, beside the same step with `faer`'s product
//! and with a naive triple loop, on one thread and on all threads.
//!
//! ```text
//! cargo bench -p benches --bench training
//! ```
//!
//! An element is a floating-point operation of the step's matrix products (6·B·L·2·d², as usual), so
//! the rates are FLOP/s; `fma_peak` is the rate that the machine itself reaches.

use std::time::{Duration, Instant};

use benches::peers::{faer_product, naive_product};
use benches::plain_step::PlainStep;
use benches::residual::{STEPS, Training};
use benches::{executions, fma_loop};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use kernels::mlp::Workspace;
use kernels::{Exec, MatMut, MatRef};
use rayon::ThreadPool;

/// The width from which on the naive step is left out, since it takes seconds.
const NAIVE: usize = 500;

fn training(criterion: &mut Criterion) {
    for (exec, pool) in executions() {
        let threads = pool.current_num_threads();
        for sizes in STEPS {
            let [d, layers, batch] = sizes;
            let name = format!("residual_d{d}_l{layers}_b{batch}/{threads}_threads");
            let mut group = criterion.benchmark_group(name);
            group
                .sample_size(20)
                .warm_up_time(Duration::from_millis(500))
                .measurement_time(Duration::from_secs(3));
            contenders(&mut group, &pool, exec, sizes);
            group.finish();
        }
    }
}

fn contenders(
    group: &mut BenchmarkGroup<WallTime>,
    pool: &ThreadPool,
    exec: Exec,
    sizes: [usize; 3],
) {
    let [d, layers, batch] = sizes;
    let threads = pool.current_num_threads();
    group.throughput(Throughput::Elements((12 * batch * layers * d * d) as u64));

    let mut training = Training::new(exec, sizes);
    let mut workspace = Workspace::new(training.shape(), batch);
    let mut losses = vec![0.0; batch];
    // Two steps are made, so that the losses of the second depend on the gradients of the first.
    for _ in 0..2 {
        training.step(&mut workspace, &mut losses);
    }
    let expected = losses.clone();
    group.bench_function("kernels", |b| {
        b.iter_custom(|n| timed(pool, n, || training.step(&mut workspace, &mut losses)))
    });

    let faer = |c: MatMut, add: bool, a: MatRef, b: MatRef| faer_product(threads, c, add, a, b);
    let naive = |c: MatMut, add: bool, a: MatRef, b: MatRef| naive_product(c, add, a, b);
    let mut peers: Vec<(&str, benches::plain_step::Product)> = vec![("faer", &faer)];
    if threads == 1 && d < NAIVE {
        peers.push(("naive", &naive));
    }
    for (name, product) in peers {
        let mut training = Training::new(exec, sizes);
        let mut plain = PlainStep::new(training.shape(), batch);
        for _ in 0..2 {
            training.plain_step(&mut plain, product);
        }
        for (ours, theirs) in expected.iter().zip(&plain.losses) {
            assert!(
                (ours - theirs).abs() <= 1e-3 * ours.abs(),
                "{name}: {theirs} for {ours}"
            );
        }
        group.bench_function(name, |b| {
            b.iter_custom(|n| timed(pool, n, || training.plain_step(&mut plain, product)))
        });
    }

    const LOOPS: usize = 50_000;
    group.throughput(Throughput::Elements(
        threads as u64 * fma_loop(exec.isa(), 1),
    ));
    group.bench_function("fma_peak", |b| {
        b.iter_custom(|iterations| {
            let start = Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        for _ in 0..iterations.div_ceil(LOOPS as u64) {
                            fma_loop(exec.isa(), LOOPS);
                        }
                    });
                }
            });
            let done = iterations.div_ceil(LOOPS as u64) * LOOPS as u64;
            start.elapsed().mul_f64(iterations as f64 / done as f64)
        })
    });
}

/// Returns the time of `n` steps in a row, all inside the pool, as in training.
fn timed(pool: &ThreadPool, n: u64, mut step: impl FnMut() + Send) -> Duration {
    pool.install(|| {
        let start = Instant::now();
        for _ in 0..n {
            step();
        }
        start.elapsed()
    })
}

criterion_group!(benches, training);
criterion_main!(benches);
