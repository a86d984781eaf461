//! Times each method of sparse coding on samples made of a few atoms, beside one product with the dictionary; an
//! element is a sample.
//!
//! ```text
//! cargo bench -p benches --bench sparse_coding
//! ```
//!
//! `coding_…/fista/TOLERANCE` starts from 0 and ends at that duality gap, as a share of ‖x‖²; `gradient_step` and
//! `nnls` work on a support of as many atoms as a sample is made of; `product` is the batch times Dᵀ.

use std::time::{Duration, Instant};

use benches::executions;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kernels::sparse_coding::{
    Certificate, Lasso, Pursuit, Stop, gradient_pursuit, gradient_step, nnls, omp,
};
use kernels::{Accumulate, Exec, MatMut, MatRef, dictionary, matmul};

/// The numbers of atoms, dimensions and samples.
const SIZES: [[usize; 3]; 2] = [[512, 256, 1024], [4096, 512, 256]];
const ACTIVE: usize = 8;
const LAMBDA: f32 = 0.05;

/// Returns a dictionary of unit rows in random directions, and samples that are sums of a few atoms.
fn problem(exec: Exec, [n, d, samples]: [usize; 3]) -> (Vec<f32>, Vec<f32>) {
    let mut uniform = proptests::stream(1);
    let mut atoms: Vec<f32> = (0..n * d)
        .map(|_| (0..4).map(|_| uniform()).sum())
        .collect();
    dictionary::normalise(exec, MatMut::new(&mut atoms, n, d).unwrap());
    let mut x = vec![0.0; samples * d];
    for x in x.chunks_mut(d) {
        for _ in 0..ACTIVE {
            let share = (uniform() + 1.0) / 2.0;
            let atom = ((share * n as f32) as usize).min(n - 1);
            let magnitude = uniform() + 1.0;
            let atom = &atoms[atom * d..][..d];
            x.iter_mut()
                .zip(atom)
                .for_each(|(x, a)| *x += magnitude * a);
        }
    }
    (atoms, x)
}

fn coding(criterion: &mut Criterion) {
    for (exec, pool) in executions() {
        let threads = pool.current_num_threads();
        for sizes in SIZES {
            let [n, d, samples] = sizes;
            let (atoms, x) = problem(exec, sizes);
            let atoms = MatRef::new(&atoms, n, d).unwrap();
            let x = MatRef::new(&x, samples, d).unwrap();
            let name = format!("coding_n{n}_d{d}/{threads}_threads");
            let mut group = criterion.benchmark_group(name);
            group
                .sample_size(10)
                .warm_up_time(Duration::from_millis(200))
                .measurement_time(Duration::from_secs(1))
                .throughput(Throughput::Elements(samples as u64));
            let mut bench = |name: &str, start: f32, method: &mut (dyn FnMut(MatMut) + Send)| {
                let mut codes = vec![0.0; samples * n];
                group.bench_function(name, |b| {
                    b.iter_custom(|times| {
                        let mut spent = Duration::ZERO;
                        for _ in 0..times {
                            codes.fill(0.0);
                            for row in codes.chunks_mut(n) {
                                let support = row.iter_mut().step_by(n / ACTIVE);
                                support.for_each(|c| *c = start);
                            }
                            let codes = MatMut::new(&mut codes, samples, n).unwrap();
                            spent += pool.install(|| {
                                let start = Instant::now();
                                method(codes);
                                start.elapsed()
                            });
                        }
                        spent
                    })
                });
            };
            let lasso = Lasso::new(exec, atoms, LAMBDA, None);
            let mut certificates = vec![Certificate::default(); samples];
            for tolerance in [1e-3, 1e-5] {
                let stop = Stop {
                    tolerance,
                    iterations: 10_000,
                };
                bench(&format!("fista/{tolerance:e}"), 0.0, &mut |codes| {
                    lasso.fista(exec, x, stop, codes, &mut certificates);
                });
            }
            let pursuit = Pursuit {
                atoms: ACTIVE,
                tolerance: 1e-9,
            };
            bench("omp", 0.0, &mut |codes| omp(exec, atoms, x, pursuit, codes));
            bench("gradient_pursuit", 0.0, &mut |codes| {
                gradient_pursuit(exec, atoms, x, pursuit, codes);
            });
            bench("gradient_step", 1.0, &mut |codes| {
                gradient_step(exec, atoms, x, codes);
            });
            bench("nnls", 1.0, &mut |codes| nnls(exec, atoms, x, codes));
            bench("product", 0.0, &mut |codes| {
                matmul(exec, x, atoms.t(), Accumulate::Replace, codes);
            });
            group.finish();
        }
    }
}

criterion_group!(benches, coding);
criterion_main!(benches);
