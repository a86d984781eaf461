//! Times the matrix product as written and with a transposed operand, at the shapes of training and at extreme ones,
//! beside `faer`, `matrixmultiply` and a naive triple loop, and OpenBLAS, AOCL-BLAS and libxsmm where they are
//! installed (see `--bin results`).
//!
//! `cargo bench -p benches --bench matmul [FILTER]`
//!
//! An element is a floating-point operation. `--bin results` measures ratios in interleaved rounds.

use std::time::Duration;

use benches::executions;
use benches::products::{Case, NAIVE, SHAPES};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Tall, wide, tiny and deep shapes m×k×n, besides those that peers are compared at.
const EXTREMES: [[usize; 3]; 7] = [
    [1, 512, 512],
    [512, 512, 1],
    [8, 8, 8],
    [33, 17, 5],
    [16_384, 100, 100],
    [100, 100, 16_384],
    [64, 16_384, 64],
];

fn products(criterion: &mut Criterion) {
    for (exec, pool) in executions() {
        let threads = pool.current_num_threads();
        for shape in SHAPES.into_iter().chain(EXTREMES) {
            let [m, k, n] = shape;
            let mut case = pool.install(|| Case::new(exec, threads, shape));
            let mut group =
                criterion.benchmark_group(format!("matmul_{m}x{k}x{n}/{threads}_threads"));
            group
                .sample_size(10)
                .warm_up_time(Duration::from_millis(100))
                .measurement_time(Duration::from_millis(500))
                .throughput(Throughput::Elements((2 * m * k * n) as u64));
            for contender in case.contenders() {
                if contender == "naive" && m * k * n > NAIVE {
                    continue;
                }
                group.bench_function(contender, |b| {
                    pool.install(|| b.iter(|| case.run(contender)));
                });
            }
            group.finish();
        }
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
