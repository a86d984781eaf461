//! Times activation functions and the functions behind them, in cache, on one thread, on every instruction set.
//!
//! `cargo bench -p benches --bench activations`

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kernels::{Exec, Isa, gelu, gelu_tanh, math, relu};
use proptests::compare::Tolerance;
use proptests::reference;

/// The number of values: large enough for the call not to count, while three arrays fit into a second-level cache and
/// two into most first-level ones.
const LEN: usize = 4096;

/// A kernel that writes to the last slice a function of the first, times the second where it is a gradient.
type Kernel = fn(Exec, &[f32], &[f32], &mut [f32]);
type Reference = fn(f64, f64) -> f64;

const KERNELS: [(&str, Kernel, Reference); 9] = [
    (
        "gelu",
        |e, x, _, y| gelu::forward(e, x, y),
        |x, _| reference::gelu(x),
    ),
    ("gelu_backward", gelu::backward, |x, dy| {
        dy * reference::gelu_derivative(x)
    }),
    (
        "gelu_tanh",
        |e, x, _, y| gelu_tanh::forward(e, x, y),
        |x, _| reference::gelu_tanh(x),
    ),
    ("gelu_tanh_backward", gelu_tanh::backward, |x, dy| {
        dy * reference::gelu_tanh_derivative(x)
    }),
    (
        "relu",
        |e, x, _, y| relu::forward(e, x, y),
        |x, _| reference::relu(x),
    ),
    ("relu_backward", relu::backward, |x, dy| {
        if x > 0.0 { dy } else { 0.0 }
    }),
    (
        "exp",
        |e, x, _, y| math::exp(e, x, y),
        |x, _| reference::exp(x),
    ),
    (
        "tanh",
        |e, x, _, y| math::tanh(e, x, y),
        |x, _| reference::tanh(x),
    ),
    (
        "erf",
        |e, x, _, y| math::erf(e, x, y),
        |x, _| reference::erf(x),
    ),
];

fn activations(c: &mut Criterion) {
    // The values are shuffled over [-4, 4), where pre-activations are. No kernel branches on its data, so that other
    // values take the same time.
    let x: Vec<f32> = (0..LEN)
        .map(|i| (i * 1777 % LEN) as f32 / 512.0 - 4.0)
        .collect();
    let dy: Vec<f32> = (0..LEN)
        .map(|i| (i * 797 % LEN) as f32 / 2048.0 - 1.0)
        .collect();
    let mut y = vec![0.0; LEN];
    // The tolerance is that of the kernels' own error bounds; the product with dy rounds once more.
    let tolerance = Tolerance {
        absolute: 1e-7,
        ..Tolerance::ulps(2.5)
    };
    for (name, kernel, reference) in KERNELS {
        let want: Vec<f64> = x
            .iter()
            .zip(&dy)
            .map(|(&x, &dy)| reference(x.into(), dy.into()))
            .collect();
        let mut group = c.benchmark_group(name);
        group
            .throughput(Throughput::Elements(LEN as u64))
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        for isa in Isa::available() {
            let exec = Exec::serial(isa);
            y.fill(f32::NAN);
            kernel(exec, &x, &dy, &mut y);
            tolerance.assert_all(&format!("{name} on {isa}"), &y, &want);
            group.bench_function(BenchmarkId::from_parameter(isa), |b| {
                b.iter(|| kernel(exec, black_box(&x), black_box(&dy), black_box(&mut y)))
            });
        }
        group.finish();
    }
}

criterion_group!(benches, activations);
criterion_main!(benches);
