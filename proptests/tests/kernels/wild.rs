//! Every operation on values of every kind (subnormal, huge, ±0, ±∞, NaN), wherever its operands lie and on any
//! number of threads. What is ordinary is compared with references elsewhere; here is what must hold whatever the
//! values: what a formula says of NaN and infinity, that no value reaches what does not depend on it, that nothing is
//! written beside the results, and that threads do not show.

mod elementwise;
mod models;
mod products;
mod rows;

use kernels::{Exec, Isa};
use proptest::prelude::*;
use proptests::pool;

/// What `run` gives on one thread and on several, which is the same.
#[track_caller]
fn on_threads(isa: Isa, threads: usize, run: impl Fn(Exec) -> Vec<f32> + Sync) -> Vec<f32> {
    let serial = run(Exec::serial(isa));
    let shared = pool(threads).install(|| run(Exec::parallel(isa)));
    proptests::wild::assert_same(&format!("{isa}, {threads} threads"), &shared, &serial);
    serial
}

/// Where an operand begins and how far apart its rows are.
fn place() -> impl Strategy<Value = (usize, usize)> {
    (0..17usize, 0..4usize)
}
