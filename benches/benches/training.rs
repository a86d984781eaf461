//! The residual MLP's training step: forward, loss, backward and Adam, beside the same step on
//! `faer`'s product and on a naive triple loop, at one thread and at all of them.
//!
//! ```text
//! cargo bench -p benches --bench training
//! ```
//!
//! An element is a floating-point operation of the step's matrix products (6·B·L·2·d², as usual), so
//! the rates are FLOP/s; `fma_peak` is what the machine itself reaches.

use std::time::{Duration, Instant};

use benches::plain_step::PlainStep;
use benches::{executions, fma_loop};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use kernels::adam::{self, Adam};
use kernels::loss::Loss;
use kernels::mlp::{self, Applied, Parameters, Shape, Workspace};
use kernels::{Activation, Exec, MatMut, MatRef};
use rayon::ThreadPool;

/// d, L and B of the steps that the peers were timed on.
const STEPS: [[usize; 3]; 3] = [[100, 4, 256], [128, 8, 512], [500, 8, 1024]];
/// The naive step is left out from this width on: it takes seconds.
const NAIVE: usize = 500;

/// A model at its initial weights, its optimiser, and a batch.
struct Training {
    exec: Exec,
    parameters: Parameters,
    gradient: Parameters,
    moments: [Vec<f32>; 2],
    pairs: Vec<[u32; 2]>,
    targets: Vec<u32>,
}

impl Training {
    fn new(exec: Exec, [d, layers, batch]: [usize; 3]) -> Training {
        let shape = Shape {
            vocabulary: d,
            width: d,
            hidden: d,
            layers,
            activation: Activation::Gelu,
        };
        let mut parameters = Parameters::zeros(shape);
        let bound = (3.0 / d as f32).sqrt();
        for (i, w) in parameters.values_mut().iter_mut().enumerate() {
            *w = bound * ((i * 7919 % 10_007) as f32 / 5003.0 - 1.0);
        }
        let n = shape.parameters();
        Training {
            exec,
            gradient: Parameters::zeros(shape),
            parameters,
            moments: [vec![0.0; n], vec![0.0; n]],
            pairs: (0..batch)
                .map(|b| [b * 7, b * 13].map(|i| (i % d) as u32))
                .collect(),
            targets: (0..batch).map(|b| (b * 31 % d) as u32).collect(),
        }
    }

    fn step(&mut self, workspace: &mut Workspace, losses: &mut [f32]) {
        let Training {
            exec,
            parameters,
            gradient,
            moments: [m, v],
            pairs,
            targets,
        } = self;
        let loss = Loss::SquaredError;
        mlp::forward(*exec, parameters, pairs, workspace);
        let output = workspace.residual(parameters.shape().layers);
        loss.forward(*exec, output, targets, losses);
        let applied = Applied::Output;
        mlp::backward(
            *exec, parameters, pairs, targets, loss, applied, workspace, gradient,
        );
        adam::step(
            *exec,
            Adam::default(),
            1,
            parameters.values_mut(),
            gradient.values(),
            m,
            v,
        );
    }

    fn plain_step(&mut self, plain: &mut PlainStep, product: benches::plain_step::Product) {
        let Training {
            exec,
            parameters,
            gradient,
            moments,
            pairs,
            targets,
        } = self;
        plain.step(
            *exec, product, parameters, gradient, moments, pairs, targets,
        );
    }
}

fn faer_product(threads: usize, mut c: MatMut, add: bool, a: MatRef, b: MatRef) {
    fn row_major(m: MatRef<'_>) -> faer::MatRef<'_, f32> {
        let (rows, cols) = (m.rows(), m.cols());
        faer::MatRef::from_row_major_slice_with_stride(m.data(), rows, cols, m.row_stride())
    }
    fn view(m: MatRef<'_>) -> faer::MatRef<'_, f32> {
        match m.col_stride() {
            1 => row_major(m),
            _ => row_major(m.t()).transpose(),
        }
    }
    let (rows, cols, stride) = (c.rows(), c.cols(), c.row_stride() as isize);
    // SAFETY: the rows of `c`, which is borrowed for as long.
    let c =
        unsafe { faer::MatMut::from_raw_parts_mut(c.row(0).as_mut_ptr(), rows, cols, stride, 1) };
    let accumulate = if add {
        faer::Accum::Add
    } else {
        faer::Accum::Replace
    };
    let parallelism = match threads {
        1 => faer::Par::Seq,
        _ => faer::Par::rayon(threads),
    };
    faer::linalg::matmul::matmul(c, accumulate, view(a), view(b), 1.0, parallelism);
}

/// Rows of A times rows of B or of Bᵀ, as a C programmer would write it without a library.
fn naive_product(mut c: MatMut, add: bool, a: MatRef, b: MatRef) {
    for i in 0..c.rows() {
        let c = c.row(i);
        if !add {
            c.fill(0.0);
        }
        for p in 0..a.cols() {
            let value = a.at(i, p);
            for (j, c) in c.iter_mut().enumerate() {
                *c += value * b.at(p, j);
            }
        }
    }
}

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
    let mut workspace = Workspace::new(training.parameters.shape(), batch);
    let mut losses = vec![0.0; batch];
    // Two steps, so that the second one's losses hang on the first one's gradients.
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
        let mut plain = PlainStep::new(training.parameters.shape(), batch);
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

criterion_group!(benches, training);
criterion_main!(benches);
