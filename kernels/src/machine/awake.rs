//! A second worker of the thread pool that stays awake between two joins that follow each other closely.
//!
//! A worker of rayon that finds nothing to do falls asleep within microseconds, and to wake it may take the system 50
//! µs: as long as half of a product of 512×128×128. The operations of a small model follow one another faster than
//! that, and each hands half of its work over. So a worker that hands work over leaves a job in the pool besides, and
//! the worker that takes it looks for work again and again, until nothing has been handed over for [`PATIENCE`].

use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The time for which a worker looks for work in vain before it may sleep: a few times what it takes to wake it.
const PATIENCE: Duration = Duration::from_micros(200);

/// The number of pauses of the processor between two looks for work.
const PAUSES: usize = 16;

/// The state that a worker that hands work over shares with the worker that it keeps awake.
#[derive(Default)]
struct Watch {
    hand_overs: AtomicU32,
    /// Whether the job that looks for work is in the pool, or runs.
    is_kept: AtomicBool,
}

thread_local! {
    static WATCH: Arc<Watch> = Arc::default();
    /// The number of joins that this thread is inside of.
    static JOINS: Cell<usize> = const { Cell::new(0) };
}

/// Calls `run`, which hands work over, on a worker of a pool, and keeps another worker awake for the next join.
pub(crate) fn join(run: impl FnOnce()) {
    if rayon::current_num_threads() > 1 {
        WATCH.with(|watch| {
            watch.hand_overs.fetch_add(1, Ordering::Relaxed);
            if !watch.is_kept.swap(true, Ordering::Relaxed) {
                let watch = Arc::clone(watch);
                rayon::spawn(move || stay(&watch));
            }
        });
    }
    let _inside = Inside::new();
    run();
}

/// A guard that counts a join of this thread for as long as it lives.
struct Inside;

impl Inside {
    fn new() -> Inside {
        JOINS.set(JOINS.get() + 1);
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        JOINS.set(JOINS.get() - 1);
    }
}

/// Looks for work until none has been found or handed over for [`PATIENCE`].
fn stay(watch: &Watch) {
    // A worker that waits in a join for its other half takes up what it finds, and this must not hold it up.
    if JOINS.get() == 0 {
        let (mut seen, mut since) = (watch.hand_overs.load(Ordering::Relaxed), Instant::now());
        while since.elapsed() < PATIENCE {
            let found = rayon::yield_now() == Some(rayon::Yield::Executed);
            let hand_overs = watch.hand_overs.load(Ordering::Relaxed);
            if found || hand_overs != seen {
                (seen, since) = (hand_overs, Instant::now());
            } else {
                (0..PAUSES).for_each(|_| spin_loop());
            }
        }
    }
    watch.is_kept.store(false, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits until the calling worker keeps another worker awake, or no longer does, as `is_kept` says. Returns false
    /// if that takes more than a minute.
    fn comes(is_kept: bool) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if WATCH.with(|watch| watch.is_kept.load(Ordering::Relaxed)) == is_kept {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    fn pool(threads: usize) -> rayon::ThreadPool {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().expect("threads")
    }

    #[test]
    fn a_worker_is_kept_awake_and_let_go() {
        pool(2).install(|| {
            for _ in 0..3 {
                let mut is_kept = false;
                join(|| is_kept = comes(true));
                assert!(is_kept && comes(false));
            }
        });
        pool(1).install(|| join(|| assert!(!WATCH.with(|w| w.is_kept.load(Ordering::Relaxed)))));
    }

    #[test]
    fn only_a_worker_outside_of_joins_looks_for_work() {
        for (is_inside, finds) in [(true, false), (false, true)] {
            let watch = Watch::default();
            watch.is_kept.store(true, Ordering::Relaxed);
            // The only worker runs the second half before `stay` returns if that looks for work, and else after it.
            let (found, is_found) = (AtomicBool::new(false), AtomicBool::new(false));
            pool(1).install(|| {
                let _inside = is_inside.then(Inside::new);
                let look = || {
                    stay(&watch);
                    is_found.store(found.load(Ordering::Relaxed), Ordering::Relaxed);
                };
                rayon::join(look, || found.store(true, Ordering::Relaxed));
            });
            assert_eq!(is_found.into_inner(), finds);
            assert!(!watch.is_kept.into_inner());
        }
    }
}
