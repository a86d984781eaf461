//! Sharing of work among threads. This file and `awake` are the only ones that call rayon.

use std::ops::Range;

#[cfg(feature = "rayon")]
use crate::machine::awake;
use crate::machine::exec::Exec;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};

/// The number of values that is worth another thread, where each value takes a few operations.
pub(crate) const LEAF: usize = 1 << 15;

/// Runs `a` and `b`, at the same time where `exec` is parallel, and returns their results.
pub(crate) fn join<A: Send, B: Send>(
    exec: Exec,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    #[cfg(feature = "rayon")]
    if exec.is_parallel() {
        let (mut a, mut b) = (Some(a), Some(b));
        let (mut of_a, mut of_b) = (None, None);
        both(&mut || of_a = a.take().map(|a| a()), &mut || {
            of_b = b.take().map(|b| b())
        });
        return (of_a.expect("it has run"), of_b.expect("it has run"));
    }
    let _ = exec;
    (a(), b())
}

/// Runs `a` and `b` at the same time, on the current rayon pool. The closures are `dyn` so that rayon's part is
/// compiled once, and not for every operation; a call through a pointer costs nothing beside handing work to another
/// thread.
#[cfg(feature = "rayon")]
fn both(a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
    let on_a_worker = || {
        awake::join(|| {
            rayon::join(a, b);
        })
    };
    match rayon::current_thread_index() {
        Some(_) => on_a_worker(),
        None => rayon::scope(|_| on_a_worker()),
    }
}

/// Returns the number of threads that `exec` may use: those of the current rayon pool, or 1.
pub(crate) fn threads(exec: Exec) -> usize {
    #[cfg(feature = "rayon")]
    if exec.is_parallel() {
        return rayon::current_num_threads();
    }
    let _ = exec;
    1
}

/// Operands whose rows are independent of each other. In a tuple, all operands are cut at the same row.
pub(crate) trait Rows: Send + Sized {
    /// Returns the number of rows.
    fn rows(&self) -> usize;
    /// Returns the rows before row `at`, and those from `at` on.
    fn split_rows(self, at: usize) -> (Self, Self);
}

/// Calls `run` on the rows of `work` in pieces of at most `piece` rows, on as many threads as `exec` has. Where the
/// cuts lie depends on `piece` and the number of rows alone.
pub(crate) fn share_rows<W: Rows>(exec: Exec, piece: usize, work: W, run: &(impl Fn(W) + Sync)) {
    let rows = work.rows();
    if rows <= piece.max(1) {
        return run(work);
    }
    let pieces = rows.div_ceil(piece.max(1));
    let (upper, lower) = work.split_rows(pieces / 2 * piece.max(1));
    join(
        exec,
        || share_rows(exec, piece, upper, run),
        || share_rows(exec, piece, lower, run),
    );
}

/// An operation on rows that are independent of each other. The fields of the type that implements it are what all rows
/// share.
pub(crate) trait RowOp<R: Rows>: Copy + Send + Sync {
    /// The part of the profile that the time of the operation is counted for.
    const PART: Part;

    /// Runs the operation on the given rows; implementations are `#[inline(always)]`.
    fn run<S: Simd>(self, s: S, rows: R);
}

/// Runs `op` on all rows, in pieces of at most `leaf` rows, with the instructions and on the threads of `exec`. While
/// profiling is on, it counts a call with the work that `work` returns.
pub(crate) fn run<R: Rows, O: RowOp<R>>(
    exec: Exec,
    op: O,
    rows: R,
    leaf: usize,
    work: impl FnOnce() -> Work,
) {
    struct Piece<O, R>(O, R);
    impl<R: Rows, O: RowOp<R>> Op for Piece<O, R> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            self.0.run(s, self.1)
        }
    }
    profile::call(O::PART, work);
    share_timed(O::PART, exec, leaf, rows, &|rows| {
        exec.isa().dispatch(Piece(op, rows))
    });
}

/// Calls `run` on pieces of the rows as [`share_rows`] does, and times it as a part of the profile: piece by piece
/// where threads share the rows, else all at once. [`run`] calls it for a [`RowOp`]; others call it for pieces that do
/// not run inside one instruction set as a whole.
pub(crate) fn share_timed<W: Rows>(
    part: Part,
    exec: Exec,
    piece: usize,
    work: W,
    run: &(impl Fn(W) + Sync),
) {
    if exec.is_parallel() {
        share_rows(exec, piece, work, &|work| {
            let _span = profile::span(part);
            run(work)
        });
    } else {
        let _span = profile::span(part);
        share_rows(exec, piece, work, run);
    }
}

/// A slice has rows of one value each.
impl<T: Send> Rows for &mut [T] {
    fn rows(&self) -> usize {
        self.len()
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

impl<T: Sync> Rows for &[T] {
    fn rows(&self) -> usize {
        self.len()
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

/// A range stands for the rows whose indices it holds.
impl Rows for Range<usize> {
    fn rows(&self) -> usize {
        self.len()
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let at = self.start + at;
        (self.start..at, at..self.end)
    }
}

macro_rules! rows_of_tuples {
    ($($name:ident)+) => {
        #[allow(non_snake_case)]
        impl<First: Rows, $($name: Rows),+> Rows for (First, $($name),+) {
            fn rows(&self) -> usize {
                self.0.rows()
            }
            fn split_rows(self, at: usize) -> (Self, Self) {
                let (First, $($name),+) = self;
                let First = First.split_rows(at);
                $(let $name = $name.split_rows(at);)+
                ((First.0, $($name.0),+), (First.1, $($name.1),+))
            }
        }
    };
}
rows_of_tuples!(A);
rows_of_tuples!(A B);
rows_of_tuples!(A B C);
rows_of_tuples!(A B C D);

#[cfg(all(test, feature = "rayon"))]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::machine::isa::Isa;

    /// Returns whether the first closure of a join, which waits for the second, sees it run within `patience`.
    fn meet(exec: Exec, patience: Duration) -> bool {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
        let met = AtomicBool::new(false);
        let wait = || {
            let begun = Instant::now();
            while !met.load(Ordering::Relaxed) && begun.elapsed() < patience {
                std::thread::yield_now();
            }
            met.load(Ordering::Relaxed)
        };
        let come = || met.store(true, Ordering::Relaxed);
        pool.expect("two threads")
            .install(|| join(exec, wait, come))
            .0
    }

    #[test]
    fn both_run_at_the_same_time_where_exec_is_parallel() {
        let isa = Isa::detect();
        assert!(meet(Exec::parallel(isa), Duration::from_secs(60)));
        assert!(!meet(Exec::serial(isa), Duration::from_millis(20)));
    }

    #[test]
    fn only_a_parallel_exec_has_the_threads_of_the_pool() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        let isa = Isa::detect();
        let count = |exec| {
            pool.as_ref()
                .expect("three threads")
                .install(|| threads(exec))
        };
        assert_eq!(count(Exec::parallel(isa)), 3);
        assert_eq!(count(Exec::serial(isa)), 1);
    }
}
