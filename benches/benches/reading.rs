//! Batches of rows read from a file: in a random order of all rows, as a training reads them, in a random order of blocks
//! of rows, and in the order of the file; from memory, and from the disk once the file has been put out of memory.
//!
//! ```text
//! ACTIVATIONS=layer6.npy cargo bench -p benches --bench reading
//! ```
//!
//! The file should be some 2 GB or more, and fit into memory, into which it is read first. Then it is put out of memory by `posix_fadvise`, which
//! other processes that read it undo.

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use harness::activations::Rows;
use harness::activations::order::Order;

const BATCH: u64 = 2048;

/// Consecutive rows that are read together, in the order by blocks.
const BLOCK: u64 = 128;

fn reading(criterion: &mut Criterion) {
    let Some(path) = std::env::var_os("ACTIVATIONS") else {
        eprintln!("no benchmark of reading: ACTIVATIONS names no file");
        return;
    };
    let path = Path::new(&path);
    let rows = Rows::open(&[path.into()], None).expect("a file of activations");
    let mut values = vec![0f32; BATCH as usize * rows.width()];
    let all = Order::new(rows.len(), 0, 0);
    let blocks = Order::new(rows.len() / BLOCK, 0, 0);
    let whole_blocks = rows.len() / BLOCK * BLOCK;
    let by_row = |place: u64| all.at(place % rows.len());
    let by_block = |place: u64| {
        let place = place % whole_blocks;
        blocks.at(place / BLOCK) * BLOCK + place % BLOCK
    };
    let in_order = |place: u64| place % rows.len();
    let orders: [(&str, &dyn Fn(u64) -> u64); 3] = [
        ("random order of rows", &by_row),
        ("random order of blocks", &by_block),
        ("order of the file", &in_order),
    ];
    for (from, in_memory) in [("memory", true), ("disk", false)] {
        if !in_memory && !cfg!(target_os = "linux") {
            continue;
        }
        if in_memory {
            let mut file = std::fs::File::open(path).expect("the file is there");
            std::io::copy(&mut file, &mut std::io::sink()).expect("a file that can be read");
        }
        let mut group = criterion.benchmark_group(format!("batch of {BATCH} from {from}"));
        group
            .throughput(Throughput::Elements(BATCH))
            .sample_size(10);
        for (name, order) in orders {
            let mut first = 0;
            group.bench_function(name, |bencher| {
                bencher.iter_batched(
                    || {
                        if !in_memory {
                            put_out_of_memory(path);
                        }
                        first += BATCH;
                        first
                    },
                    |first| rows.gather((first..first + BATCH).map(order), &mut values),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

/// Has the system forget what it holds of the file.
#[cfg(not(target_os = "linux"))]
fn put_out_of_memory(_: &Path) {}

/// Has the system forget what it holds of the file.
#[cfg(target_os = "linux")]
fn put_out_of_memory(path: &Path) {
    let file = std::fs::File::open(path).expect("the file is there");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("a file on a disk");
}

criterion_group!(benches, reading);
criterion_main!(benches);
