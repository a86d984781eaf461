//! Times the sparse autoencoder's training step: gradient, projection, Adam and renormalisation, on one thread and on
//! all threads.
//!
//! ```text
//! cargo bench -p benches --bench sae
//! ```
//!
//! `sae_…/steps` is the whole step at about 32 active codes of 4,096; `encoder_product` is its one dense product
//! alone, with its epilogue, in FLOP/s, beside `fma_peak`, the rate that the machine itself reaches.
//! `sae_…/encoders` is a TopK encoder by the whole product and screened, two ways to the same bits.
//! `sae_…/variants` is the whole step of the other variants at the same shape. The time of the gradient over the share
//! of active codes is measured by `cargo run --release -p benches --bin density`.

use std::time::{Duration, Instant};

use benches::autoencoder::{ACTIVE, L1_UNIT, STEP, activations, parameters, shape, trainer};
use benches::{executions, fma_loop};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kernels::sae::{
    Gated, JumpRelu, Lista, Screening, TiedL1, TopK, TwoLayer, Variant, Workspace, encode,
};
use kernels::{Accumulate, Bias, MatMut, MatRef, matmul_with};
use rayon::ThreadPool;

fn steps(criterion: &mut Criterion) {
    for (exec, pool) in executions() {
        let threads = pool.current_num_threads();
        let (shape, batch) = STEP;
        let (d, n) = (shape.width, shape.dictionary);
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
            let (mut trainer, x) = trainer(exec, &pool, STEP, variant);
            let x = MatRef::new(&x, batch, d).unwrap();
            group.bench_function(name, |b| {
                b.iter_custom(|n| {
                    timed(&pool, n, || {
                        trainer.step(exec, x);
                    })
                })
            });
        }

        let (parameters, x) = (parameters(shape, top_k), activations(d, batch));
        let x = MatRef::new(&x, batch, d).unwrap();
        let (w, bias) = (parameters.tensor("w_enc"), parameters.tensor("b_enc"));
        let mut out = vec![0.0; batch * n];
        group.throughput(Throughput::Elements((2 * batch * d * n) as u64));
        group.bench_function("encoder_product", |b| {
            b.iter_custom(|times| {
                timed(&pool, times, || {
                    let c = MatMut::new(&mut out, batch, n).unwrap();
                    matmul_with(exec, x, w.t(), Bias(bias.row(0)), Accumulate::Replace, c);
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

/// Times a TopK encoder by the whole product and screened, on initial weights and normal activations.
fn encoders(criterion: &mut Criterion) {
    for (exec, pool) in executions() {
        let threads = pool.current_num_threads();
        for (shape, batch) in [STEP, (shape(768, 16_384), 1024)] {
            let (d, n) = (shape.width, shape.dictionary);
            let name = format!("sae_d{d}_n{n}_b{batch}/encoders/{threads}_threads");
            let mut group = criterion.benchmark_group(name);
            group.sample_size(10);
            let variant = Variant::TopK(TopK {
                k: ACTIVE,
                aux: None,
            });
            let (parameters, x) = (parameters(shape, variant), activations(d, batch));
            let x = MatRef::new(&x, batch, d).unwrap();
            for (name, screening) in [
                ("whole product", Screening::Never),
                ("screened", Screening::Always),
            ] {
                let mut workspace = Workspace::new(shape, variant, batch);
                workspace.set_screening(screening);
                group.bench_function(name, |b| {
                    b.iter_custom(|n| {
                        timed(&pool, n, || {
                            encode(exec, &parameters, x, &mut workspace);
                        })
                    })
                });
            }
            group.finish();
        }
    }
}

/// Times the step of the other variants at the same shape, on all threads, so that a slow path shows.
fn variants(criterion: &mut Criterion) {
    const LAMBDA: f32 = 0.1;
    let variants = [
        ("l1", L1_UNIT),
        ("tied_l1", Variant::TiedL1(TiedL1 { lambda: LAMBDA })),
        ("gated", Variant::Gated(Gated { lambda: LAMBDA })),
        (
            "jump_relu",
            Variant::JumpRelu(JumpRelu {
                lambda: LAMBDA,
                bandwidth: 0.02,
                threshold: 0.02,
            }),
        ),
        (
            "two_layer",
            Variant::TwoLayer(TwoLayer {
                hidden: STEP.0.width,
                lambda: LAMBDA,
            }),
        ),
        (
            "lista",
            Variant::Lista(Lista {
                steps: 2,
                lambda: LAMBDA,
            }),
        ),
    ];
    let (exec, pool) = executions().pop().expect("one thread at least");
    let (shape, batch) = STEP;
    let (d, n) = (shape.width, shape.dictionary);
    let threads = pool.current_num_threads();
    let name = format!("sae_d{d}_n{n}_b{batch}/variants/{threads}_threads");
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    for (name, variant) in variants {
        let (mut trainer, x) = trainer(exec, &pool, STEP, variant);
        let x = MatRef::new(&x, batch, d).unwrap();
        group.bench_function(name, |b| {
            b.iter_custom(|n| {
                timed(&pool, n, || {
                    trainer.step(exec, x);
                })
            })
        });
    }
    group.finish();
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

criterion_group!(benches, steps, encoders, variants);
criterion_main!(benches);
