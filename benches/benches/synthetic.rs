//! Times the drawing of samples of SynthSAEBench-16k and of a smaller model, on one thread.
//!
//! ```text
//! cargo bench -p benches --bench synthetic
//! ```
//!
//! The directions of features are not spread apart, which would take a minute and not change the time of a sample.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harness::sae::synthetic::samples::Samples;
use harness::sae::synthetic::spec::{Directions, Spec};
use harness::session::progress::{Progress, Show};
use kernels::{Exec, Isa};

const BATCH: u64 = 1024;

fn samples(criterion: &mut Criterion) {
    for name in ["synthsaebench-16k", "synthsaebench-1k"] {
        let spec = Spec {
            directions: Directions::Gaussian,
            ..Spec::read(name).expect("a built-in model")
        };
        let exec = Exec::serial(Isa::detect());
        let samples =
            Samples::new(spec, exec, &Progress::new(name, Show::Nothing)).expect("no interrupt");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.expect("a thread");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(BATCH));
        let mut first = 0;
        group.bench_function("one_thread", |bencher| {
            bencher.iter(|| {
                let numbers: Vec<u64> = (first..first + BATCH).collect();
                first += BATCH;
                pool.install(|| samples.batch(&numbers))
            });
        });
        group.finish();
    }
}

criterion_group!(all, samples);
criterion_main!(all);
