//! Times the cost of profiling: a small product and the residual MLP's training step, with the counters of
//! `kernels::profile` off and on.
//!
//! ```text
//! cargo bench -p benches --bench profile
//! ```
//!
//! Each group ends with a ratio: the median ratio over pairs of short turns, one with the counters on and one with them
//! off. It is steadier than the ratio of two times that were measured one after the other. To see what the counters
//! cost while they are off, run the same benchmark on the commit before them.

use std::time::{Duration, Instant};

use benches::residual::{STEPS, Training};
use benches::{executions, median};
use criterion::{Criterion, criterion_group, criterion_main};
use kernels::mlp::Workspace;
use kernels::{Accumulate, Exec, MatMut, MatRef, matmul, profile};
use rayon::ThreadPool;

/// The number of rows and columns of the matrices of the small product.
const SIDE: usize = 64;
/// The number of pairs of turns.
const PAIRS: usize = 200;
/// The length of a turn.
const TURN: Duration = Duration::from_millis(2);

fn bench(criterion: &mut Criterion) {
    for (exec, pool) in executions() {
        product(criterion, exec, &pool);
        training(criterion, exec, &pool);
    }
}

fn product(criterion: &mut Criterion, exec: Exec, pool: &ThreadPool) {
    let a: Vec<f32> = (0..SIDE * SIDE).map(|i| (i % 13) as f32 - 6.0).collect();
    let mut c = vec![0.0; SIDE * SIDE];
    compare(criterion, pool, &format!("product_{SIDE}"), || {
        let view = MatRef::new(&a, SIDE, SIDE).unwrap();
        let out = MatMut::new(&mut c, SIDE, SIDE).unwrap();
        matmul(exec, view, view, Accumulate::Replace, out);
    });
}

fn training(criterion: &mut Criterion, exec: Exec, pool: &ThreadPool) {
    let sizes @ [d, layers, batch] = STEPS[0];
    let mut training = Training::new(exec, sizes);
    let mut workspace = Workspace::new(training.shape(), batch);
    let mut losses = vec![0.0; batch];
    let name = format!("residual_d{d}_l{layers}_b{batch}");
    compare(criterion, pool, &name, || {
        training.step(&mut workspace, &mut losses)
    });
}

/// Times `run` with the counters off and on, and prints the median ratio of paired turns.
fn compare(criterion: &mut Criterion, pool: &ThreadPool, name: &str, mut run: impl FnMut() + Send) {
    let name = format!("{name}/{}_threads", pool.current_num_threads());
    let mut group = criterion.benchmark_group(&name);
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    for (label, on) in [("off", false), ("on", true)] {
        profile::set_enabled(on);
        group.bench_function(label, |b| pool.install(|| b.iter(&mut run)));
    }
    group.finish();
    let ratio = pool.install(|| paired(&mut run));
    println!("{name}: on/off {ratio:.4}, median of {PAIRS} pairs");
    profile::set_enabled(false);
}

/// Returns the median ratio of the time with counters to that without, over pairs of turns that follow each other.
fn paired(run: &mut impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut steps = 0u32;
    while begun.elapsed() < TURN {
        run();
        steps += 1;
    }
    let mut turn = |on: bool| {
        profile::set_enabled(on);
        let begun = Instant::now();
        (0..steps).for_each(|_| run());
        begun.elapsed().as_secs_f64()
    };
    let ratios = (0..PAIRS).map(|pair| {
        // Pairs alternate in which of the two comes first.
        let first = turn(pair % 2 == 0);
        let second = turn(pair % 2 == 1);
        if pair % 2 == 0 {
            first / second
        } else {
            second / first
        }
    });
    median(ratios.collect())
}

criterion_group!(benches, bench);
criterion_main!(benches);
