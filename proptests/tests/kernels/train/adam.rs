//! Adam against its textbook form in f64, over several steps.

use kernels::adam::{self, Adam};
use kernels::{Exec, Isa};
use proptest::prelude::*;
use proptests::bounded::{Bounded, assert_within};
use proptests::reference::adam::{Moments, step};
use proptests::{config, each_isa, panic_message, pool, stream};

/// Weights with their moments.
#[derive(Clone, Debug, PartialEq)]
struct State {
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl State {
    fn new(weights: Vec<f32>) -> State {
        let zeros = vec![0.0; weights.len()];
        State {
            weights,
            first: zeros.clone(),
            second: zeros,
        }
    }

    fn step(&mut self, exec: Exec, adam: Adam, t: u64, gradient: &[f32]) {
        let State {
            weights,
            first,
            second,
        } = self;
        adam::step(exec, adam, t, gradient, weights, first, second);
    }
}

prop_compose! {
    fn settings()(
        learning_rate in prop_oneof![Just(1e-3f32), 1e-5f32..1.0],
        beta1 in prop_oneof![Just(0.9f32), 0f32..0.999],
        beta2 in prop_oneof![Just(0.999f32), 0f32..0.9999],
        epsilon in prop_oneof![Just(1e-8f32), 1e-10f32..1e-2],
    ) -> Adam {
        Adam { learning_rate, beta1, beta2, epsilon }
    }
}

each_isa!(matches_the_textbook);
/// Steps match the textbook for every length up to several vectors and tails, and for gradients of every scale and of
/// 0.
fn matches_the_textbook(isa: Isa) {
    proptest!(config(256), |(
        settings in settings(),
        n in 0..70usize,
        scale in prop_oneof![Just(1.0f32), 1e-12f32..1e-6, 1.0f32..1e6],
        seed: u64,
    )| {
        const STEPS: u64 = 8;
        let mut next = stream(seed);
        let weights: Vec<f32> = (0..n).map(|_| next()).collect();
        let gradients: Vec<Vec<f32>> = (0..STEPS)
            .map(|_| (0..n).map(|i| if i % 7 == 3 { 0.0 } else { scale * next() }).collect())
            .collect();
        let mut want: Vec<(Bounded, Moments)> =
            weights.iter().map(|&w| (Bounded::exact(w), Moments::default())).collect();
        let mut state = State::new(weights.clone());
        for t in 1..=STEPS {
            let gradient = &gradients[t as usize - 1];
            for ((weight, moments), &g) in want.iter_mut().zip(gradient) {
                step(settings, t, weight, Bounded::exact(g), moments);
            }
            let of = |f: fn(&(Bounded, Moments)) -> Bounded| want.iter().map(f).collect::<Vec<_>>();
            state.step(Exec::serial(isa), settings, t, gradient);
            assert_within(&format!("step {t}: first moment"), &state.first, &of(|w| w.1.first));
            assert_within(&format!("step {t}: second moment"), &state.second, &of(|w| w.1.second));
            assert_within(&format!("step {t}: weights"), &state.weights, &of(|w| w.0));
        }
    });
}

each_isa!(steps_are_as_long_as_the_learning_rate);
/// With bias correction the length of the first step is the learning rate α whatever the size of the gradient, and
/// later steps under a steady gradient are as long.
fn steps_are_as_long_as_the_learning_rate(isa: Isa) {
    let adam = Adam::default();
    for g in [1e-3f32, 1.0, -50.0] {
        let mut state = State::new(vec![0.0; 19]);
        for t in 1..=20 {
            state.step(Exec::serial(isa), adam, t, &[g; 19]);
            let want = -g.signum() * 1e-3 * t as f32;
            // ε/|g| is at most 1e-5 of a step; rounding is far less.
            assert!(
                state
                    .weights
                    .iter()
                    .all(|w| (w - want).abs() < 2e-5 * want.abs()),
                "{} after {t} steps along {g}",
                state.weights[0]
            );
        }
    }
}

each_isa!(gradients_of_any_size);
/// With gradients at the ends of the range, steps are as long as the learning rate up to the largest finite gradient,
/// and as long as g/ε makes them where the square of g underflows in f32.
fn gradients_of_any_size(isa: Isa) {
    let adam = Adam::default();
    for g in [1e15f32, 1e19, -1e20, 1e22, 1e30, -f32::MAX] {
        let mut state = State::new(vec![0.0; 19]);
        for t in 1..=20 {
            state.step(Exec::serial(isa), adam, t, &[g; 19]);
            let want = -g.signum() * 1e-3 * t as f32;
            let near = |w: &f32| (w - want).abs() < 2e-5 * want.abs();
            assert!(state.weights.iter().all(near), "{:?}", state.weights);
        }
        assert!(state.second.iter().all(|v| v.is_finite()), "{g}");
    }
    for g in [1e-19f32, 1e-22, 1e-30] {
        let mut state = State::new(vec![0.0; 19]);
        state.step(Exec::serial(isa), adam, 1, &[g; 19]);
        // √v̂ = |g| is far below ε.
        let want = -1e-3 * f64::from(g) / 1e-8;
        let near = |w: &f32| (f64::from(*w) / want - 1.0).abs() < 1e-6;
        assert!(state.weights.iter().all(near), "{:?}", state.weights);
    }
    for g in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut state = State::new(vec![0.0; 19]);
        state.step(Exec::serial(isa), adam, 1, &[g; 19]);
        assert!(state.weights.iter().all(|w| w.is_nan()), "{g}");
    }
}

each_isa!(a_weight_recovers_from_a_huge_gradient);
/// After one gradient whose square overflows, its weight moves again once the mean of squares has decayed.
fn a_weight_recovers_from_a_huge_gradient(isa: Isa) {
    const DECAYED: u64 = 100_000;
    let adam = Adam::default();
    let mut state = State::new(vec![0.0; 3]);
    state.step(Exec::serial(isa), adam, 1, &[1e22; 3]);
    for t in 2..=DECAYED {
        state.step(Exec::serial(isa), adam, t, &[1.0; 3]);
    }
    let before = state.weights.clone();
    for t in DECAYED + 1..=DECAYED + 1000 {
        state.step(Exec::serial(isa), adam, t, &[1.0; 3]);
    }
    // 1000 steps of 10⁻³, each rounded to half an ulp of a weight below 32.
    for (before, after) in before.iter().zip(&state.weights) {
        assert!((before - after - 1.0).abs() < 1e-3, "{before} to {after}");
    }
}

each_isa!(moments_are_never_subnormal);
/// Moments are never subnormal. Subnormal numbers are many times as slow on some processors, and decay no further than
/// to the smallest one, which rounds to itself.
fn moments_are_never_subnormal(isa: Isa) {
    let is_normal = |x: &f32| *x == 0.0 || x.is_normal();
    let adam = Adam::default();
    for size in [1e-3f32, 1e-10, 1e-17, 1e-18, 1e-20, 1e-30, 1e-37, 1e-40] {
        let mut state = State::new(vec![0.1; 19]);
        let hold = |state: &State, t| {
            let moments = state.first.iter().chain(&state.second);
            assert!(
                moments.clone().all(is_normal),
                "step {t} of gradients of {size}: {:e} and {:e}",
                state.first[0],
                state.second[0]
            );
        };
        for t in 1..=50 {
            let gradient: Vec<f32> = (0..19).map(|i| size * (i as f32 - 9.0) / 9.0).collect();
            state.step(Exec::serial(isa), adam, t, &gradient);
            hold(&state, t);
        }
        // 0.9¹⁰⁰⁰ is 10⁻⁴⁶.
        for t in 51..=1050 {
            state.step(Exec::serial(isa), adam, t, &[0.0; 19]);
            hold(&state, t);
        }
        assert!(state.first.iter().all(|&m| m == 0.0), "{:?}", state.first);
    }
}

each_isa!(late_steps);
/// Steps are right at counts beyond i32, where both bias corrections are 1.
fn late_steps(isa: Isa) {
    for t in [1 << 40, u64::MAX] {
        let mut state = State::new(vec![1.0; 3]);
        state.step(Exec::serial(isa), Adam::default(), t, &[1.0; 3]);
        // m = 0.1, v = 0.001
        let want = 1.0 - 1e-3 * 0.1 / 0.001f32.sqrt();
        assert!((state.weights[2] - want).abs() < 1e-6, "{isa}");
    }
}

each_isa!(results_do_not_depend_on_the_number_of_threads);
fn results_do_not_depend_on_the_number_of_threads(isa: Isa) {
    let pools: Vec<_> = (1..=4).map(pool).collect();
    for n in [0, 1, 1 << 15, (1 << 15) + 1, 100_003, 300_000] {
        let mut next = stream(n as u64);
        let mut values = || (0..n).map(|_| next()).collect::<Vec<f32>>();
        let (weights, gradients) = (values(), [values(), values()]);
        let run = |exec| {
            let mut state = State::new(weights.clone());
            for (t, gradient) in (1..).zip(&gradients) {
                state.step(exec, Adam::default(), t, gradient);
            }
            state
        };
        let serial = run(Exec::serial(isa));
        for pool in &pools {
            let shared = pool.install(|| run(Exec::parallel(isa)));
            assert!(serial == shared, "{pool:?}, {n} weights");
        }
    }
}

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let exec = Exec::serial(isa);
    let run = |t, w: usize, g: usize, m: usize, v: usize| {
        let zeros = |n| vec![0.0; n];
        let (mut w, mut m, mut v) = (zeros(w), zeros(m), zeros(v));
        adam::step(exec, Adam::default(), t, &zeros(g), &mut w, &mut m, &mut v);
    };
    assert_eq!(panic_message(|| run(0, 3, 3, 3, 3)), "steps count from 1");
    for (g, m, v) in [(4, 3, 3), (3, 4, 3), (3, 3, 4)] {
        let message = panic_message(|| run(1, 3, g, m, v));
        assert_eq!(
            message,
            format!("3 weights, {g} gradients, {m} and {v} moments")
        );
    }
}
