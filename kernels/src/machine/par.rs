//! Threads: this file and `awake` are the only ones that name rayon.

use std::ops::Range;

#[cfg(feature = "rayon")]
use crate::machine::awake;
use crate::machine::exec::Exec;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};

/// Values that are worth another thread, where each takes a few operations.
pub(crate) const LEAF: usize = 1 << 15;

/// Runs both, at the same time where `exec` is parallel.
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

/// Runs both at the same time. The closures are `dyn` so that rayon's part is compiled once, and not for every operation;
/// a call through a pointer is nothing beside a hand-over.
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

/// The number of threads that `exec` may use here.
pub(crate) fn threads(exec: Exec) -> usize {
    #[cfg(feature = "rayon")]
    if exec.is_parallel() {
        return rayon::current_num_threads();
    }
    let _ = exec;
    1
}

/// Operands whose rows are independent of each other: a tuple of them is cut all at the same row.
pub(crate) trait Rows: Send + Sized {
    /// Number of rows.
    fn rows(&self) -> usize;
    /// The rows above `at`, and those from it on.
    fn split_rows(self, at: usize) -> (Self, Self);
}

/// Hands `run` the rows in pieces, at most `piece` of them each, on as many threads as `exec` has. Where the cuts lie
/// depends on `piece` and the number of rows alone.
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

/// An operation on rows that are independent of each other. Its own fields are what all rows share.
pub(crate) trait RowOp<R: Rows>: Copy + Send + Sync {
    /// The part of the profile that its time belongs to.
    const PART: Part;

    /// Computes some of the rows; implementations are `#[inline(always)]`.
    fn run<S: Simd>(self, s: S, rows: R);
}

/// Runs `op` on all rows, in pieces of at most `leaf` of them, with the instructions and on the threads of `exec`.
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

/// [`share_rows`], timed as a part of the profile: piece by piece where threads share them, else all at once. It is for
/// pieces that do not run inside one instruction set as a whole, as a [`RowOp`] does.
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

/// One value a row.
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

/// The numbers of the rows.
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

    /// Whether the first of two, which waits for the second, sees it run.
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
