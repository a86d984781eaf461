//! Threads: the only file that names rayon.

use crate::Exec;

/// Runs both, at the same time where `exec` is parallel.
pub(crate) fn join<A: Send, B: Send>(
    exec: Exec,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if exec.is_parallel() {
        rayon::join(a, b)
    } else {
        (a(), b())
    }
}

/// How many threads `exec` may use here.
pub(crate) fn threads(exec: Exec) -> usize {
    if exec.is_parallel() {
        rayon::current_num_threads()
    } else {
        1
    }
}
