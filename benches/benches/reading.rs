//! Times the reading of batches of rows from a file: in a random order of all rows, in a random order of blocks, and in
//! the order of the file; from memory, and from the disk once the file has been put out of memory. A round reads 64
//! batches, as many as a window of the order by blocks has; the figure to compare is rows a second.
//!
//! ```text
//! ACTIVATIONS=layer6.npy cargo bench -p benches --bench reading
//! ```
//!
//! The file should be some 2 GB or more, and fit into memory, into which it is read first. Then it is put out of memory
//! by `posix_fadvise`, which other processes that read it undo.

use std::ops::Range;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use harness::activations::Rows;
use harness::activations::shuffle::{Blocks, Shuffle};

/// The number of rows of a batch.
const BATCH: u64 = 2048;

/// The number of batches that a round reads.
const BATCHES: u64 = 64;

fn reading(criterion: &mut Criterion) {
    let Some(path) = std::env::var_os("ACTIVATIONS") else {
        eprintln!("no benchmark of reading: ACTIVATIONS names no file");
        return;
    };
    let path = Path::new(&path);
    let rows = Rows::open(&[path.into()], None).expect("a file of activations");
    let mut values = vec![0f32; BATCH as usize * rows.width()];
    let shuffled = |rows, window| Some(Blocks { rows, window });
    let orders = [
        ("random order of rows", shuffled(1, 1)),
        ("blocks of 128 rows, windows of 1024", shuffled(128, 1024)),
        ("order of the file", None),
    ];
    for (from, in_memory) in [("memory", true), ("disk", false)] {
        if !in_memory && !cfg!(target_os = "linux") {
            continue;
        }
        if in_memory {
            let mut file = std::fs::File::open(path).expect("the file is there");
            std::io::copy(&mut file, &mut std::io::sink()).expect("a file that can be read");
        }
        let mut group =
            criterion.benchmark_group(format!("{BATCHES} batches of {BATCH} from {from}"));
        group
            .throughput(Throughput::Elements(BATCH * BATCHES))
            .sample_size(10);
        for (name, blocks) in &orders {
            let mut first = 0;
            group.bench_function(*name, |bencher| {
                bencher.iter_batched(
                    || {
                        if !in_memory {
                            put_out_of_memory(path);
                        }
                        first += BATCH * BATCHES;
                        // The order is made anew each time, so that nothing has been read ahead.
                        let order = blocks.map(|blocks| Shuffle::new(rows.len(), blocks, 0.05, 0));
                        (first, order)
                    },
                    |(first, order)| {
                        for batch in 0..BATCHES {
                            let places = first + batch * BATCH..first + (batch + 1) * BATCH;
                            read(&rows, order.as_ref(), places, &mut values);
                        }
                    },
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

/// Reads the rows at `places` of an order, or of the file where there is no order, into `values`.
fn read(rows: &Rows, order: Option<&Shuffle>, places: Range<u64>, values: &mut [f32]) {
    match order {
        Some(order) => {
            for soon in order.ahead(places.clone()) {
                rows.announce(soon);
            }
            rows.gather(order.rows(places), values)
        }
        None => rows.gather(places.map(|place| place % rows.len()), values),
    }
    .expect("rows that can be read");
}

/// Does nothing, since only Linux is asked to put a file out of memory.
#[cfg(not(target_os = "linux"))]
fn put_out_of_memory(_: &Path) {}

/// Asks the system to forget what it holds of the file in memory.
#[cfg(target_os = "linux")]
fn put_out_of_memory(path: &Path) {
    let file = std::fs::File::open(path).expect("the file is there");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("a file on a disk");
}

criterion_group!(benches, reading);
criterion_main!(benches);
