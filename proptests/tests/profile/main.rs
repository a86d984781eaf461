//! The counters of `kernels::profile`, tested in a binary of their own since the counters belong to the whole process.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kernels::profile::{self, Part, Snapshot, Totals};
use kernels::sae::{self, L1, Rows, Trainer, Variant};
use kernels::{Accumulate, Exec, Isa, MatMut, MatRef, adam::Adam, matmul};
use proptests::{each_isa, pool, stream};

mod work;

/// Names of phases around kernels, as a program may choose them.
const DATA: &str = "data";
const METRICS: &str = "metrics";

static ALONE: Mutex<()> = Mutex::new(());

/// Returns a guard that keeps the other tests of this binary waiting.
fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns what is counted while `f` runs.
fn counted(f: impl FnOnce()) -> Snapshot {
    let before = profile::snapshot();
    profile::set_enabled(true);
    f();
    profile::set_enabled(false);
    profile::snapshot().since(&before)
}

/// Computes a product of m×k by k×n, and returns its bits.
fn product(exec: Exec, [m, k, n]: [usize; 3]) -> Vec<u32> {
    let mut next = stream(1);
    let (a, b): (Vec<_>, Vec<_>) = (
        (0..m * k).map(|_| next()).collect(),
        (0..k * n).map(|_| next()).collect(),
    );
    let mut c = vec![0.0; m * n];
    matmul(
        exec,
        MatRef::new(&a, m, k).unwrap(),
        MatRef::new(&b, k, n).unwrap(),
        Accumulate::Replace,
        MatMut::new(&mut c, m, n).unwrap(),
    );
    c.into_iter().map(f32::to_bits).collect()
}

/// Takes two training steps of an autoencoder, and returns the bits of its parameters.
fn training(exec: Exec) -> Vec<u32> {
    let shape = sae::Shape {
        width: 40,
        dictionary: 300,
    };
    let variant = Variant::L1(L1 {
        lambda: 0.1,
        rows: Rows::Unit,
    });
    let parameters = sae::Parameters::initial(shape, variant, stream(5));
    let mut trainer = Trainer::new(parameters, Adam::default(), 200);
    let mut next = stream(4);
    let x: Vec<f32> = (0..200 * 40).map(|_| next()).collect();
    for _ in 0..2 {
        trainer.step(exec, MatRef::new(&x, 200, 40).unwrap());
    }
    let values = trainer.parameters().values().iter();
    values.map(|v| v.to_bits()).collect()
}

fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

each_isa!(off_nothing_is_recorded);
fn off_nothing_is_recorded(isa: Isa) {
    let _alone = alone();
    let before = profile::snapshot();
    product(Exec::serial(isa), [70, 50, 60]);
    training(Exec::serial(isa));
    drop(profile::phase(DATA));
    assert_eq!(profile::snapshot(), before);
}

each_isa!(the_work_of_a_product_is_2mnk_whatever_the_threads);
fn the_work_of_a_product_is_2mnk_whatever_the_threads(isa: Isa) {
    let _alone = alone();
    for threads in [1, 2, 3] {
        for [m, k, n] in [[1, 1, 1], [300, 70, 90], [1000, 200, 300], [3, 0, 2]] {
            let counts = counted(|| {
                pool(threads).install(|| {
                    product(Exec::parallel(isa), [m, k, n]);
                })
            });
            let Totals {
                calls,
                nanoseconds,
                flops,
                bytes,
            } = counts.of(Part::Product);
            assert_eq!((calls, flops), (1, 2 * (m * n * k) as u64));
            assert_eq!(bytes, 4 * (m * k + k * n + m * n) as u64);
            assert!(nanoseconds > 0);
        }
    }
}

each_isa!(no_product_no_count);
fn no_product_no_count(isa: Isa) {
    let _alone = alone();
    let exec = Exec::serial(isa);
    let counts = counted(|| {
        product(exec, [0, 3, 4]);
        product(exec, [3, 3, 0]);
    });
    assert_eq!(counts, Snapshot::default());
}

each_isa!(results_are_the_same_bits_on_and_off);
fn results_are_the_same_bits_on_and_off(isa: Isa) {
    let _alone = alone();
    for threads in [1, 2] {
        let run = || {
            pool(threads).install(|| {
                let exec = Exec::parallel(isa);
                (product(exec, [333, 77, 99]), training(exec))
            })
        };
        let off = run();
        let mut on = None;
        counted(|| on = Some(run()));
        assert_eq!(on, Some(off));
    }
}

#[test]
fn a_span_has_what_those_inside_it_leave_over() {
    let _alone = alone();
    let [inside, around] = [20, 5].map(Duration::from_millis);
    let whole = Instant::now();
    let counts = counted(|| {
        let _metrics = profile::phase(METRICS);
        spin(around);
        for _ in 0..2 {
            let _product = profile::span(Part::Product);
            let _packing = profile::span(Part::Packing);
            spin(inside);
        }
    });
    let whole = whole.elapsed().as_nanos() as u64;
    let of = |part| counts.of(part).nanoseconds;
    let metrics = counts.of_phase(METRICS);
    assert!(of(Part::Packing) >= 2 * inside.as_nanos() as u64 / 100 * 99);
    assert!(metrics.nanoseconds >= around.as_nanos() as u64 / 100 * 99);
    // No time counts twice, so none of the inner 40 ms is in the outer spans. Two clocks may differ a little.
    let sum = metrics.nanoseconds + of(Part::Product) + of(Part::Packing);
    assert!(sum <= whole / 100 * 101, "{sum} of {whole} ns");
    assert_eq!(metrics.calls, 1);
}

each_isa!(the_times_of_all_threads_are_at_most_threads_times_the_time);
fn the_times_of_all_threads_are_at_most_threads_times_the_time(isa: Isa) {
    let _alone = alone();
    const THREADS: usize = 3;

    let pool = pool(THREADS);
    let mut time = 0;
    let counts = counted(|| {
        let begun = Instant::now();
        // Threads that wait inside a span do other work meanwhile.
        pool.scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|_| {
                    let _metrics = profile::phase(METRICS);
                    product(Exec::parallel(isa), [500, 100, 100]);
                });
            }
        });
        time = begun.elapsed().as_nanos() as u64;
    });
    assert_eq!(counts.of(Part::Product).calls, 20);
    let all = Part::ALL.iter().map(|&part| counts.of(part).nanoseconds);
    let all = all.sum::<u64>() + counts.of_phase(METRICS).nanoseconds;
    let (sum, most) = (all, THREADS as u64 * time / 100 * 101);
    assert!(sum <= most, "{sum} of {most} ns");
}

each_isa!(a_panic_ends_its_spans);
fn a_panic_ends_its_spans(isa: Isa) {
    let _alone = alone();
    let time = Duration::from_millis(10);
    let counts = counted(|| {
        let _data = profile::phase(DATA);
        let caught = std::panic::catch_unwind(|| {
            let _product = profile::span(Part::Product);
            spin(time);
            // This way of panicking prints no message.
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(caught.is_err());
    });
    let of = |part| u128::from(counts.of(part).nanoseconds);
    assert!(of(Part::Product) >= time.as_nanos() / 100 * 99);
    // The outer span goes on as after any other inner span.
    let data = counts.of_phase(DATA);
    assert!(data.nanoseconds > 0 && data.calls == 1);
    let after = counted(|| {
        product(Exec::serial(isa), [20, 20, 20]);
    });
    assert_eq!(after.of(Part::Product).calls, 1);
}

each_isa!(what_ended_threads_have_counted_stays);
fn what_ended_threads_have_counted_stays(isa: Isa) {
    let _alone = alone();
    let exec = Exec::serial(isa);
    let counts = counted(|| {
        for _ in 0..3 {
            std::thread::spawn(move || product(exec, [9, 8, 7]))
                .join()
                .unwrap();
        }
    });
    assert_eq!(counts.of(Part::Product).flops, 3 * 2 * 9 * 8 * 7);
}

#[test]
fn parts_have_names_of_their_own() {
    let mut names: Vec<_> = Part::ALL.iter().map(|part| part.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Part::ALL.len());
}

#[test]
fn a_phase_counts_for_its_name_on_every_thread() {
    let _alone = alone();
    let counts = counted(|| {
        for name in [DATA, METRICS, DATA] {
            std::thread::spawn(move || drop(profile::phase(name)))
                .join()
                .unwrap();
        }
    });
    let calls = |name| counts.of_phase(name).calls;
    assert_eq!([calls(DATA), calls(METRICS), calls("another")], [2, 1, 0]);
    // What was counted before is not part of a later difference.
    assert_eq!(counted(|| {}), Snapshot::default());
}
