//! The sparse autoencoder's training step: gradient, projection, Adam and renormalisation, at one
//! thread and at all of them.
//!
//! ```text
//! cargo bench -p benches --bench sae
//! ```
//!
//! `sae_…/steps`: the whole step at about 32 active codes of 4,096; `encoder_product` is its one dense product
//! alone, with its epilogue, in FLOP/s, beside `fma_peak`, what the machine itself reaches.
//! `sae_…/density`: the gradient alone on both paths, sparse and dense products, over the share of active codes.

use std::time::{Duration, Instant};

use benches::{executions, fma_loop};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kernels::adam::Adam;
use kernels::sae::{self, L1, Parameters, Rows, Shape, TopK, Trainer, Variant, Workspace};
use kernels::{Accumulate, Bias, Exec, MatMut, MatRef, matmul_with};
use rayon::ThreadPool;

/// d, n and B of the step that the peers were timed on.
const STEP: [usize; 3] = [512, 4096, 2048];
/// The same of the curves over density: that step, and one that fits the cache.
const CURVES: [[usize; 3]; 2] = [STEP, [256, 1024, 1024]];
const ACTIVE: usize = 32;
const DENSITIES: [f64; 9] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.5];
const L1_UNIT: Variant = Variant::L1(L1 {
    lambda: 0.1,
    rows: Rows::Unit,
});

/// Roughly normal numbers: sums of four uniform ones, from a linear congruential generator.
fn normals(seed: u64) -> impl FnMut() -> f32 {
    let mut uniform = proptests::stream(seed);
    move || (0..4).map(|_| uniform()).sum::<f32>() * 0.75f32.sqrt()
}

/// Initial parameters whose `b_enc` lets this share of the codes be active, and a batch.
fn model(
    exec: Exec,
    [d, n, batch]: [usize; 3],
    variant: Variant,
    density: f64,
) -> (Parameters, Vec<f32>) {
    let shape = Shape {
        width: d,
        dictionary: n,
    };
    let mut parameters = Parameters::initial(shape, variant, normals(1));
    let mut next = normals(2);
    let x: Vec<f32> = (0..batch * d).map(|_| next()).collect();
    // Every code is active at this bias, and their quantile is where the others should end.
    const HIGH: f32 = 100.0;
    if !matches!(variant, Variant::TopK(_)) {
        let few = batch.min(64);
        let sample = MatRef::new(&x[..few * d], few, d).unwrap();
        parameters.tensors_mut(["b_enc"])[0].row(0).fill(HIGH);
        let mut workspace = Workspace::new(shape, variant, few);
        let codes = sae::encode(exec, &parameters, sample, &mut workspace);
        let mut values: Vec<f32> = (0..few).flat_map(|b| codes.row(b).1.to_vec()).collect();
        values.sort_by(f32::total_cmp);
        let quantile = values[((1.0 - density) * values.len() as f64) as usize];
        let bias = HIGH - quantile;
        parameters.tensors_mut(["b_enc"])[0].row(0).fill(bias);
    }
    (parameters, x)
}

fn steps(criterion: &mut Criterion) {
    for (exec, pool) in executions() {
        let threads = pool.current_num_threads();
        let [d, n, batch] = STEP;
        let name = format!("sae_d{d}_n{n}_b{batch}/steps/{threads}_threads");
        let mut group = criterion.benchmark_group(name);
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3));
        let top_k = Variant::TopK(TopK {
            k: ACTIVE,
            aux: None,
        });
        for (name, variant) in [("topk", top_k), ("l1", L1_UNIT)] {
            let (parameters, x) = model(exec, STEP, variant, ACTIVE as f64 / n as f64);
            // At a learning rate of 0 the step costs the same, and the density stays.
            let adam = Adam {
                learning_rate: 0.0,
                ..Adam::default()
            };
            let mut trainer = Trainer::new(parameters, adam, batch);
            let x = MatRef::new(&x, batch, d).unwrap();
            let density = pool.install(|| trainer.step(exec, x)).density;
            println!("{name}: {:.1} of {n} codes active", density * n as f64);
            group.bench_function(name, |b| {
                b.iter_custom(|n| {
                    timed(&pool, n, || {
                        trainer.step(exec, x);
                    })
                })
            });
        }

        let (parameters, x) = model(exec, STEP, top_k, 0.0);
        let x = MatRef::new(&x, batch, d).unwrap();
        let (w, bias) = (parameters.tensor("w_enc"), parameters.tensor("b_enc"));
        let mut out = vec![0.0; batch * n];
        group.throughput(Throughput::Elements((2 * batch * d * n) as u64));
        group.bench_function("encoder_product", |b| {
            b.iter_custom(|times| {
                timed(&pool, times, || {
                    let c = MatMut::new(&mut out, batch, n).unwrap();
                    matmul_with(exec, c, Accumulate::Overwrite, x, w.t(), Bias(bias.row(0)));
                })
            })
        });
        const LOOPS: usize = 50_000;
        let flops = fma_loop(exec.isa(), LOOPS) * threads as u64;
        group.throughput(Throughput::Elements(flops));
        group.bench_function("fma_peak", |b| {
            b.iter_custom(|times| {
                let start = Instant::now();
                std::thread::scope(|scope| {
                    for _ in 0..threads {
                        scope.spawn(|| {
                            for _ in 0..times {
                                fma_loop(exec.isa(), LOOPS);
                            }
                        });
                    }
                });
                start.elapsed()
            })
        });
        group.finish();
    }
}

fn density(criterion: &mut Criterion) {
    for (exec, pool) in executions() {
        let threads = pool.current_num_threads();
        for sizes in CURVES {
            let [d, n, batch] = sizes;
            let name = format!("sae_d{d}_n{n}_b{batch}/density/{threads}_threads");
            let mut group = criterion.benchmark_group(name);
            group
                .sample_size(10)
                .warm_up_time(Duration::from_millis(100))
                .measurement_time(Duration::from_millis(500));
            for density in DENSITIES {
                let (parameters, x) = model(exec, sizes, L1_UNIT, density);
                let x = MatRef::new(&x, batch, d).unwrap();
                let mut gradient = parameters.clone();
                for (path, dense_from) in [("sparse", f64::INFINITY), ("dense", 0.0)] {
                    let mut workspace = Workspace::new(parameters.shape(), L1_UNIT, batch);
                    workspace.set_dense_from(dense_from);
                    group.bench_function(format!("{path}/{density}"), |b| {
                        b.iter_custom(|times| {
                            timed(&pool, times, || {
                                sae::gradient(exec, &parameters, x, &mut workspace, &mut gradient);
                            })
                        })
                    });
                }
            }
            group.finish();
        }
    }
}

/// The time of `n` steps in a row, all inside the pool, as in training.
fn timed(pool: &ThreadPool, n: u64, mut step: impl FnMut() + Send) -> Duration {
    pool.install(|| {
        let start = Instant::now();
        for _ in 0..n {
            step();
        }
        start.elapsed()
    })
}

criterion_group!(benches, steps, density);
criterion_main!(benches);
