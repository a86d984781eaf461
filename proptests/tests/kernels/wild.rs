//! Every operation on values of every kind (subnormal, huge, ±0, ±∞, NaN), wherever its operands lie and on any number
//! of threads. Other tests compare ordinary values with references; these hold whatever the values are: what a formula
//! says of NaN and infinity, that no value reaches a result that does not depend on it, that nothing is written beside
//! the results, and that results do not depend on the number of threads.

mod elementwise;
mod models;
mod products;
mod rows;

use kernels::{Exec, Isa};
use proptest::prelude::*;
use proptests::pool;

/// Returns the result of `run`, which is the same on one thread and on several.
#[track_caller]
fn on_threads(isa: Isa, threads: usize, run: impl Fn(Exec) -> Vec<f32> + Sync) -> Vec<f32> {
    let serial = run(Exec::serial(isa));
    let shared = pool(threads).install(|| run(Exec::parallel(isa)));
    proptests::wild::assert_same(&format!("{threads} threads"), &shared, &serial);
    serial
}

/// Returns a strategy for where an operand begins and how far apart its rows are.
fn place() -> impl Strategy<Value = (usize, usize)> {
    (0..17usize, 0..4usize)
}
