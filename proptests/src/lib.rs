//! Tools for the tests of `kernels` and `harness`:
//!
//! - [`mod@reference`]: every function and model in f64, by the formulas of a textbook, and [polynomial fits](fit);
//! - [`bounded`]: numbers that carry a bound on the rounding error of an f32, so that a tolerance follows from an error
//!   analysis;
//! - [`compare`]: a comparison in units in the last place that can fail;
//! - [`wild`]: values of every kind, in operands that lie anywhere in memory;
//! - [`fixture`] and [`training`]: what PyTorch computed, and how whole trainings compare with it;
//! - [`each_isa!`]: a test on every instruction set.
//!
//! The tests of the kernels are in `tests/kernels`, with a folder for each folder of `kernels/src`.

pub mod bounded;
pub mod compare;
pub mod fit;
pub mod fixture;
pub mod isa;
pub mod reference;
pub mod training;
pub mod wild;

use proptest::test_runner::{Config, FileFailurePersistence};

/// Returns an endless stream of numbers in [−1, 1) from a seed: the upper bits of a 64-bit linear congruential
/// generator.
pub fn stream(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 40) as i32 - (1 << 23)) as f32 / (1 << 23) as f32
    }
}

/// Returns the settings of a property: it is tried on as many cases as `PROPTEST_CASES` says, or on `moderate` cases if
/// that is not set. The seed of a case that fails is written to a file beside its test, `*.regressions`, and is tried
/// before all others from then on: commit that file.
///
/// # Panics
/// If `PROPTEST_CASES` is not a number.
pub fn config(moderate: u32) -> Config {
    let cases = match std::env::var("PROPTEST_CASES") {
        Err(_) => moderate,
        Ok(cases) => cases
            .parse()
            .unwrap_or_else(|error| panic!("PROPTEST_CASES={cases}: {error}")),
    };
    let mut config = Config::with_cases(cases);
    // By default, mlp/passes.rs and sae/passes.rs would share a file.
    if config.failure_persistence.is_some() {
        config.failure_persistence = Some(Box::new(BESIDE));
    }
    config
}

/// The files in which the seeds of cases that fail are kept.
const BESIDE: FileFailurePersistence = FileFailurePersistence::WithSource("regressions");

/// Returns a rayon pool of `threads` threads.
pub fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool")
}

/// Returns the message with which `f` panics.
///
/// # Panics
/// If `f` does not panic, or panics without a message.
#[track_caller]
pub fn panic_message(f: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("no panic");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().expect("a message")).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::OnceLock;

    use proptest::prelude::any;
    use proptest::test_runner::{TestCaseError, TestRunner};

    use super::*;

    #[test]
    fn a_case_that_failed_is_kept_beside_its_test_and_tried_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join("test.rs");
        std::fs::write(&source, "").expect("a file");
        static SOURCE: OnceLock<String> = OnceLock::new();
        let source = SOURCE.get_or_init(|| source.to_str().expect("UTF-8").to_owned());
        // Returns the numbers that are tried on a property that fails for large numbers.
        let tried = || {
            let tried = RefCell::new(vec![]);
            let config = Config {
                source_file: Some(source),
                failure_persistence: Some(Box::new(BESIDE)),
                max_shrink_iters: 0,
                ..config(100)
            };
            let holds = |n: u64| {
                tried.borrow_mut().push(n);
                if n < 1 << 60 {
                    Ok(())
                } else {
                    Err(TestCaseError::fail("large"))
                }
            };
            TestRunner::new(config)
                .run(&any::<u64>(), holds)
                .expect_err("a large number");
            tried.into_inner()
        };
        let before = tried();
        let kept = std::fs::read_to_string(folder.path().join("test.regressions")).expect("a file");
        let failed = before.last().expect("one that fails");
        assert!(kept.contains(&format!("shrinks to {failed}")), "{kept}");
        assert_eq!(tried(), [*failed]);
    }
}
