//! What the property tests in `tests/` share: [references](mod@reference) and [fits](fit) in f64, a
//! [comparison](compare) that can fail, [bounds](bounded) for it that follow from an error analysis, [what PyTorch computed](fixture) and how whole
//! [trainings](training) compare with it, and the [instruction sets](isas) to test.

pub mod bounded;
pub mod compare;
pub mod fit;
pub mod fixture;
pub mod reference;
pub mod training;

use kernels::Isa;

/// The instruction sets to test: all that this CPU has, or the one that `KERNELS_ISA` names.
///
/// # Panics
/// If `KERNELS_ISA` names none, or one that this CPU lacks: a test that cannot run must not pass.
pub fn isas() -> Vec<Isa> {
    match std::env::var_os("KERNELS_ISA") {
        None => Isa::available(),
        Some(_) => vec![Isa::from_env().unwrap_or_else(|error| panic!("{error}"))],
    }
}

/// Numbers in [−1, 1) from a seed: the upper bits of a 64-bit linear congruential generator.
pub fn stream(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 40) as i32 - (1 << 23)) as f32 / (1 << 23) as f32
    }
}

/// How many cases a property is tried on: as many as `PROPTEST_CASES` says, else so many.
///
/// # Panics
/// If `PROPTEST_CASES` is no number.
pub fn cases(moderate: u32) -> u32 {
    match std::env::var("PROPTEST_CASES") {
        Err(_) => moderate,
        Ok(cases) => cases
            .parse()
            .unwrap_or_else(|error| panic!("PROPTEST_CASES={cases}: {error}")),
    }
}

/// A rayon pool of so many threads.
pub fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool")
}

/// What `f` says when it panics.
///
/// # Panics
/// If `f` does not, or says nothing.
#[track_caller]
pub fn panic_message(f: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("no panic");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().expect("a message")).to_owned(),
    }
}
