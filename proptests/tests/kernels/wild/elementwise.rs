//! Functions of single values, losses and Adam.

use kernels::adam::{self, Adam};
use kernels::loss::Loss;
use kernels::{Activation, Exec, Isa, gelu, gelu_tanh, math, relu};
use proptest::prelude::*;
use proptests::bounded::{Bounded, assert_within};
use proptests::wild::{Placed, any_kind, assert_same};
use proptests::{config, each_isa, reference};

use super::{on_threads, place};

type Kernel = fn(Exec, &[f32], &mut [f32]);

const UNARY: [Kernel; 9] = [
    math::exp,
    math::tanh,
    math::erf,
    gelu::forward,
    gelu::derivative,
    gelu_tanh::forward,
    gelu_tanh::derivative,
    relu::forward,
    relu::derivative,
];

/// Returns `f` of one value alone.
fn alone(f: Kernel, exec: Exec, x: f32) -> f32 {
    let mut y = [f32::NAN];
    f(exec, &[x], &mut y);
    y[0]
}

each_isa!(functions_of_one_value);
/// The result of a function of one value does not depend on where the value stands and what is around it.
fn functions_of_one_value(isa: Isa) {
    proptest!(config(100), |(
        n in 0..150usize,
        kinds in (any_kind(), any_kind()),
        places in (place(), place(), place()),
        threads in 1..4usize,
        seed: u64,
    )| {
        let mut spread = kinds.0.stream(seed);
        let x = Placed::new((1, n), places.0, || 8.0 * spread());
        let dy = Placed::new((1, n), places.1, kinds.1.stream(seed ^ 1));
        let to = Placed::new((1, n), places.2, || 7.0);
        let serial = Exec::serial(isa);
        for f in UNARY {
            let got = on_threads(isa, threads, |exec| {
                let mut y = to.clone();
                f(exec, x.slice(), y.slice_mut());
                y.values()
            });
            let want: Vec<f32> = x.slice().iter().map(|&x| alone(f, serial, x)).collect();
            assert_same("one by one", &got, &want);
        }
        for &activation in Activation::ALL {
            let got = on_threads(isa, threads, |exec| {
                let mut dx = to.clone();
                activation.backward(exec, x.slice(), dy.slice(), dx.slice_mut());
                dx.values()
            });
            let one = |x: f32, dy: f32| match activation {
                Activation::Relu => if x > 0.0 { dy } else if x <= 0.0 { 0.0 } else { x },
                smooth => {
                    let mut slope = [f32::NAN];
                    smooth.derivative(serial, &[x], &mut slope);
                    dy * slope[0]
                }
            };
            let pairs = x.slice().iter().zip(dy.slice());
            let want: Vec<f32> = pairs.map(|(&x, &dy)| one(x, dy)).collect();
            assert_same("backward", &got, &want);
            let got = on_threads(isa, threads, |exec| {
                let mut y = to.clone();
                activation.forward(exec, x.slice(), y.slice_mut());
                y.values()
            });
            let one = |x: f32| {
                let mut y = [f32::NAN];
                activation.forward(serial, &[x], &mut y);
                y[0]
            };
            let want: Vec<f32> = x.slice().iter().map(|&x| one(x)).collect();
            assert_same("forward", &got, &want);
        }
    });
}

each_isa!(losses);
/// A loss is not finite where an output is NaN or +∞. Else it is that of the formula, with a probability of 0 at −∞, as
/// long as no square overflows. A sample's loss and gradient depend on that sample alone, and a weight of 0 leaves its
/// gradient as it is.
fn losses(isa: Isa) {
    proptest!(config(100), |(
        (rows, cols) in (1..6usize, 1..50usize),
        kinds in (any_kind(), any_kind()),
        places in (place(), place()),
        threads in 1..4usize,
        seed: u64,
    )| {
        let outputs = Placed::new((rows, cols), places.0, kinds.0.stream(seed));
        let gradient = Placed::new((rows, cols), places.1, kinds.1.stream(seed ^ 1));
        let targets: Vec<u32> = (0..rows).map(|b| ((seed as usize / 7 + 3 * b) % cols) as u32).collect();
        let weights: Vec<f32> = (0..rows).map(|b| [1.0, 0.0, -0.5, 1e-30][b % 4]).collect();
        for &loss in Loss::ALL {
            let got = on_threads(isa, threads, |exec| {
                let mut losses = Placed::new((1, rows), places.1, || 7.0);
                loss.forward(exec, outputs.view(), &targets, losses.slice_mut());
                losses.values()
            });
            let slopes = on_threads(isa, threads, |exec| {
                let mut gradient = gradient.clone();
                    loss.backward_add(exec, outputs.view(), &targets, &weights, gradient.view_mut());
                gradient.values()
            });
            for b in 0..rows {
                let x = outputs.view().row(b);
                let before = gradient.view().row(b);
                let what = format!("{loss:?}, class {} of {x:?}", targets[b]);
                let exec = Exec::serial(isa);
                let row = kernels::MatRef::new(x, 1, cols).unwrap();
                let mut own = [f32::NAN];
                loss.forward(exec, row, &targets[b..=b], &mut own);
                assert_same(&what, &own, &got[b..=b]);
                let mut own = before.to_vec();
                let to = kernels::MatMut::new(&mut own, 1, cols).unwrap();
                    loss.backward_add(exec, row, &targets[b..=b], &weights[b..=b], to);
                assert_same(&what, &own, &slopes[b * cols..][..cols]);
                if weights[b] == 0.0 {
                    assert_same(&what, before, &slopes[b * cols..][..cols]);
                }

                let silent = x.iter().all(|&x| x == f32::NEG_INFINITY);
                let lost = x.iter().any(|x| x.is_nan() || *x == f32::INFINITY);
                let squares = loss == Loss::SquaredError && x.iter().any(|x| x.abs() > 1e18);
                if lost || silent || squares {
                    prop_assert!(!got[b].is_finite(), "{what}: {}", got[b]);
                    continue;
                }
                let bounded: Vec<Bounded> = x.iter().map(|&x| Bounded::exact(x)).collect();
                let want = reference::loss::forward(loss, &bounded, targets[b]);
                assert_within(&what, &got[b..=b], &[want]);
            }
        }
    });
}

each_isa!(adam_steps);
/// The step of a weight does not depend on the others; a weight whose gradient or moments are NaN or infinite does not
/// stay finite, unless an infinite second moment holds it.
fn adam_steps(isa: Isa) {
    proptest!(config(100), |(
        n in prop_oneof![9 => 0..100usize, 1 => Just((1 << 15) + 70)],
        kinds in (any_kind(), any_kind()),
        offset in 0..17usize,
        t in 1..30u64,
        threads in 1..5usize,
        seed: u64,
    )| {
        let mut next = kinds.1.stream(seed);
        let [weights, first] = [(); 2].map(|()| Placed::new((1, n), (offset, 0), &mut next));
        let second = Placed::new((1, n), (offset / 2, 0), || next().abs());
        let gradient = Placed::new((1, n), (offset / 3, 0), kinds.0.stream(seed ^ 1));
        let step = |exec, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]| {
            adam::step(exec, Adam::default(), t, g, w, m, v);
        };
        let got = on_threads(isa, threads, |exec| {
            let (mut w, mut m, mut v) = (weights.clone(), first.clone(), second.clone());
            step(exec, w.slice_mut(), gradient.slice(), m.slice_mut(), v.slice_mut());
            [w.values(), m.values(), v.values()].concat()
        });
        for i in (0..n).filter(|i| n < 200 || i % 997 == 0) {
            let (w, m, v, g) = (weights.slice()[i], first.slice()[i], second.slice()[i], gradient.slice()[i]);
            let (mut ws, mut ms, mut vs) = ([w], [m], [v]);
            step(Exec::serial(isa), &mut ws, &[g], &mut ms, &mut vs);
            let own = [ws[0], ms[0], vs[0]];
            assert_same("alone", &own, &[got[i], got[n + i], got[2 * n + i]]);
            prop_assert_eq!(own[1].is_finite(), g.is_finite() && m.is_finite(), "{:?}", (w, m, v, g));
            if w.is_nan() || own[1].is_nan() || own[2].is_nan() {
                prop_assert!(own[0].is_nan());
            }
            if own[2] == f32::INFINITY && own[1].is_finite() {
                prop_assert!(own[0] == w || w.is_nan(), "a step of 0");
            }
        }
    });
}
