//! exp, tanh, erf, both GELUs and ReLU against f64, on every instruction set.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kernels::{Exec, Isa, gelu, gelu_tanh, math, relu};
use proptest::prelude::*;
use proptests::compare::{Tolerance, ulps};
use proptests::{config, isas, reference};
use rayon::prelude::*;

type Kernel = fn(Exec, &[f32], &mut [f32]);
type Backward = fn(Exec, &[f32], &[f32], &mut [f32]);

/// A function of one value, and how good it should be.
struct Function {
    name: &'static str,
    kernel: Kernel,
    reference: fn(f64) -> f64,
    /// From here on the error is counted in ulps, below it is absolute.
    relative_from: f32,
}

const ULPS: f64 = 2.0;
const ABSOLUTE: f64 = 1e-7;

const FUNCTIONS: [Function; 7] = [
    Function {
        name: "exp",
        kernel: math::exp,
        reference: reference::exp,
        relative_from: f32::NEG_INFINITY,
    },
    Function {
        name: "tanh",
        kernel: math::tanh,
        reference: reference::tanh,
        relative_from: f32::NEG_INFINITY,
    },
    Function {
        name: "erf",
        kernel: math::erf,
        reference: reference::erf,
        relative_from: f32::NEG_INFINITY,
    },
    Function {
        name: "gelu",
        kernel: gelu::forward,
        reference: reference::gelu,
        relative_from: -1.0,
    },
    Function {
        name: "gelu_derivative",
        kernel: gelu::derivative,
        reference: reference::gelu_derivative,
        relative_from: 0.0,
    },
    Function {
        name: "gelu_tanh",
        kernel: gelu_tanh::forward,
        reference: reference::gelu_tanh,
        relative_from: -1.0,
    },
    Function {
        name: "gelu_tanh_derivative",
        kernel: gelu_tanh::derivative,
        reference: reference::gelu_tanh_derivative,
        relative_from: 0.0,
    },
];

/// The largest errors found, and where.
#[derive(Clone, Copy, Debug, Default)]
struct Worst {
    ulps: f64,
    ulps_at: f32,
    absolute: f64,
    absolute_at: f32,
}

impl Worst {
    fn and(self, other: Worst) -> Worst {
        let (u, a) = (other.ulps > self.ulps, other.absolute > self.absolute);
        Worst {
            ulps: if u { other.ulps } else { self.ulps },
            ulps_at: if u { other.ulps_at } else { self.ulps_at },
            absolute: if a { other.absolute } else { self.absolute },
            absolute_at: if a {
                other.absolute_at
            } else {
                self.absolute_at
            },
        }
    }
}

impl Function {
    fn references(&self, x: &[f32]) -> Vec<f64> {
        x.iter().map(|&x| (self.reference)(f64::from(x))).collect()
    }

    /// The largest errors of `isa` at these arguments.
    fn worst(&self, isa: Isa, x: &[f32], want: &[f64]) -> Worst {
        let mut y = vec![f32::NAN; x.len()];
        (self.kernel)(Exec::serial(isa), x, &mut y);
        let mut worst = Worst::default();
        for ((&x, &y), &want) in x.iter().zip(&y).zip(want) {
            if x < self.relative_from {
                let error = (f64::from(y) - want).abs();
                let error = if error.is_nan() { f64::INFINITY } else { error };
                if error > worst.absolute {
                    (worst.absolute, worst.absolute_at) = (error, x);
                }
            } else {
                let error = ulps(y, want);
                if error > worst.ulps {
                    (worst.ulps, worst.ulps_at) = (error, x);
                }
            }
        }
        worst
    }

    /// Prints the largest errors at these arguments on every instruction set; says if all are
    /// small enough.
    fn check(&self, chunks: impl ParallelIterator<Item = Vec<f32>>) -> bool {
        let isas = isas();
        let none = || vec![Worst::default(); isas.len()];
        let worst = chunks
            .map(|x| {
                let want = self.references(&x);
                isas.iter().map(|&isa| self.worst(isa, &x, &want)).collect()
            })
            .reduce(none, |a: Vec<Worst>, b: Vec<Worst>| {
                a.into_iter().zip(b).map(|(a, b)| a.and(b)).collect()
            });
        for (isa, w) in isas.iter().zip(&worst) {
            println!(
                "{:20} {isa:8} {:.3} ulp at {:e}; {:.2e} absolute at {:e}",
                self.name, w.ulps, w.ulps_at, w.absolute, w.absolute_at
            );
        }
        worst
            .iter()
            .all(|w| w.ulps <= ULPS && w.absolute <= ABSOLUTE)
    }
}

/// Every `step`-th f32, NaNs and infinities included, in chunks.
fn every(step: u64) -> impl ParallelIterator<Item = Vec<f32>> {
    const CHUNK: u64 = 1 << 16;
    (0..(1u64 << 32).div_ceil(CHUNK * step))
        .into_par_iter()
        .map(move |chunk| {
            (chunk * CHUNK..(chunk + 1) * CHUNK)
                .map(|i| f32::from_bits((i * step) as u32))
                .collect()
        })
}

#[test]
fn accurate_at_a_sample_of_all_values() {
    // A prime, so that all low bits of the significand occur.
    let bad: Vec<_> = FUNCTIONS
        .iter()
        .filter(|f| !f.check(every(1021)))
        .map(|f| f.name)
        .collect();
    assert!(bad.is_empty(), "{bad:?}: see the maxima above");
}

/// One function at every f32 on every instruction set. A minute or two each:
/// `cargo test -p proptests --test math -- --ignored --nocapture --test-threads 1` prints the maxima.
mod everywhere {
    macro_rules! sweep {
        ($($name:ident)+) => { $(
            #[test]
            #[ignore = "takes a minute or two: every f32 on every instruction set"]
            fn $name() {
                let f = super::FUNCTIONS.iter().find(|f| f.name == stringify!($name));
                assert!(f.expect("a function").check(super::every(1)), "see the maxima above");
            }
        )+ };
    }
    sweep!(exp tanh erf gelu gelu_derivative gelu_tanh gelu_tanh_derivative);
}

/// `f` of these values on `isa`.
fn apply(f: Kernel, isa: Isa, x: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; x.len()];
    f(Exec::serial(isa), x, &mut y);
    y
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// Zeros, subnormals, the largest values and infinities of both signs.
const EDGES: [f32; 14] = [
    0.0,
    -0.0,
    f32::from_bits(1),
    -f32::from_bits(1),
    f32::from_bits(0x7f_ffff),
    -f32::from_bits(0x7f_ffff),
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    f32::MAX,
    f32::MIN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    1.0,
    -1.0,
];

#[test]
fn edges() {
    for f in &FUNCTIONS {
        for isa in isas() {
            let y = apply(f.kernel, isa, &EDGES);
            for ((x, y), want) in EDGES.iter().zip(y).zip(f.references(&EDGES)) {
                let mut tolerance = Tolerance::ulps(ULPS);
                if *x == 0.0 {
                    tolerance = tolerance.with_signed_zero();
                } else if *x < f.relative_from {
                    tolerance = Tolerance::absolute(ABSOLUTE);
                }
                let name = f.name;
                assert!(
                    tolerance.accepts(y, want),
                    "{name}({x:e}) is {y:e} on {isa}, not {want:e}"
                );
            }
            for nan in [
                f32::NAN,
                -f32::NAN,
                f32::from_bits(0x7f80_0001),
                f32::from_bits(!0),
            ] {
                let y = apply(f.kernel, isa, &[nan])[0];
                assert!(y.is_nan(), "{}(NaN) is {y} on {isa}", f.name);
            }
        }
    }
}

#[test]
fn limits_are_exact() {
    for isa in isas() {
        let at = |f: Kernel, x: f32| apply(f, isa, &[x])[0];
        for x in [6.0, 10.0, 1e10, f32::MAX, f32::INFINITY] {
            for f in [gelu::forward as Kernel, gelu_tanh::forward] {
                assert_eq!((at(f, x), at(f, -x)), (x, 0.0), "{isa}: at ±{x:e}");
            }
            for f in [gelu::derivative as Kernel, gelu_tanh::derivative] {
                assert_eq!((at(f, x), at(f, -x)), (1.0, 0.0), "{isa}: at ±{x:e}");
            }
            assert_eq!(
                (at(math::erf, x), at(math::erf, -x)),
                (1.0, -1.0),
                "{isa}: at ±{x:e}"
            );
        }
        assert_eq!(
            (at(math::tanh, 9.1), at(math::tanh, -9.1)),
            (1.0, -1.0),
            "{isa}"
        );
        assert_eq!(at(math::exp, 0.0), 1.0, "{isa}");
        // The last argument with a finite result, and the first without; likewise at the other end.
        let (last, first) = (f32::from_bits(0x42b1_7217), f32::from_bits(0x42b1_7218));
        assert!(
            at(math::exp, last).is_finite() && at(math::exp, first).is_infinite(),
            "{isa}"
        );
        assert_eq!(
            (at(math::exp, -103.9), at(math::exp, -104.0)),
            (f32::from_bits(1), 0.0),
            "{isa}"
        );
    }
}

/// What holds for the functions holds for their kernels: no result beyond the range, none of the
/// wrong sign.
#[test]
fn ranges_and_symmetry() {
    // Every value where the GELUs fade into 0, and a sample of all others.
    let fading = (4f32.to_bits()..6.1f32.to_bits())
        .map(f32::from_bits)
        .collect();
    every(4099).chain(rayon::iter::once(fading)).for_each(|x| {
        let x: Vec<f32> = x
            .into_iter()
            .filter(|x| !x.is_nan())
            .flat_map(|x| [x, -x])
            .collect();
        let minus: Vec<f32> = x.iter().map(|x| -x).collect();
        for isa in isas() {
            for f in [math::tanh as Kernel, math::erf] {
                let (y, opposite) = (apply(f, isa, &x), apply(f, isa, &minus));
                for i in 0..x.len() {
                    assert!(
                        y[i].abs() <= 1.0 && y[i].abs() <= 1.2 * x[i].abs(),
                        "at {:e}",
                        x[i]
                    );
                    assert_eq!(y[i].to_bits(), (-opposite[i]).to_bits(), "at ±{:e}", x[i]);
                }
            }
            for f in [gelu::forward as Kernel, gelu_tanh::forward] {
                for (x, y) in x.iter().zip(apply(f, isa, &x)) {
                    let fits = if *x < 0.0 {
                        -0.1701 < y && y <= 0.0
                    } else {
                        0.0 <= y && y <= *x
                    };
                    assert!(fits, "{y:e} at {x:e} on {isa}");
                }
            }
            assert!(apply(math::exp, isa, &x).iter().all(|&y| y >= 0.0));
        }
    });
}

/// A value's result does not depend on where in a slice it stands, and nothing beyond is written.
#[test]
fn every_length() {
    const MOST: usize = 70;
    let x: Vec<f32> = (0..MOST)
        .map(|i| (i * 37 % MOST) as f32 / 10.0 - 3.5)
        .collect();
    let dy: Vec<f32> = (0..MOST)
        .map(|i| (i * 29 % MOST) as f32 / 30.0 - 1.0)
        .collect();
    let mut unary: Vec<Kernel> = FUNCTIONS.iter().map(|f| f.kernel).collect();
    unary.push(relu::forward);
    for exec in isas()
        .into_iter()
        .flat_map(|isa| [Exec::serial(isa), Exec::parallel(isa)])
    {
        for f in &unary {
            let one_by_one: Vec<f32> = x.iter().map(|&x| apply(*f, exec.isa(), &[x])[0]).collect();
            for len in 0..=MOST {
                let mut y = [-77.0; MOST];
                f(exec, &x[..len], &mut y[..len]);
                assert_eq!(bits(&y[..len]), bits(&one_by_one[..len]), "{exec:?}, {len}");
                assert!(y[len..].iter().all(|&y| y == -77.0), "{exec:?}, {len}");
            }
        }
        for (f, derivative) in BACKWARDS {
            let slope = apply(derivative, exec.isa(), &x);
            let want: Vec<f32> = slope.iter().zip(&dy).map(|(s, dy)| s * dy).collect();
            for len in 0..=MOST {
                let mut dx = [-77.0; MOST];
                f(exec, &x[..len], &dy[..len], &mut dx[..len]);
                assert_eq!(bits(&dx[..len]), bits(&want[..len]), "{exec:?}, {len}");
                assert!(dx[len..].iter().all(|&dx| dx == -77.0), "{exec:?}, {len}");
            }
        }
    }
}

/// Each backward pass and the derivative it multiplies by.
const BACKWARDS: [(Backward, Kernel); 2] = [
    (gelu::backward, gelu::derivative),
    (gelu_tanh::backward, gelu_tanh::derivative),
];

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn relu_is_exact(x in prop::collection::vec(any::<f32>(), 0..70), dy in any::<f32>()) {
        let dy = vec![dy; x.len()];
        for isa in isas() {
            let y = apply(relu::forward, isa, &x);
            let mut dx = vec![f32::NAN; x.len()];
            relu::backward(Exec::serial(isa), &x, &dy, &mut dx);
            for i in 0..x.len() {
                prop_assert!(Tolerance::ulps(0.0).accepts(y[i], reference::relu(x[i].into())));
                let want = if x[i] > 0.0 { dy[i] } else { 0.0 };
                prop_assert_eq!(dx[i].to_bits(), want.to_bits(), "at {}", x[i]);
            }
        }
    }

    /// Against f64, at any scale of the incoming gradient.
    #[test]
    fn gradients(x in -8f32..8.0, dy in -1e6f32..1e6) {
        for isa in isas() {
            for (backward, want) in [
                (gelu::backward as Backward, reference::gelu_derivative(x.into())),
                (gelu_tanh::backward, reference::gelu_tanh_derivative(x.into())),
            ] {
                let mut dx = [f32::NAN];
                backward(Exec::serial(isa), &[x], &[dy], &mut dx);
                let want = f64::from(dy) * want;
                // The derivative's error, and one rounding more.
                let tolerance = Tolerance {
                    absolute: f64::from(dy).abs() * ABSOLUTE,
                    ..Tolerance::ulps(ULPS + 0.5)
                };
                prop_assert!(tolerance.accepts(dx[0], want), "{} is not {want} on {isa}", dx[0]);
            }
        }
    }
}

#[test]
fn different_lengths_are_named() {
    let message = |f: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("different lengths");
        panic
            .downcast_ref::<String>()
            .expect("a formatted message")
            .clone()
    };
    for isa in isas() {
        let exec = Exec::serial(isa);
        let unary = FUNCTIONS
            .iter()
            .map(|f| f.kernel)
            .chain([relu::forward as Kernel]);
        for f in unary {
            for (x, y) in [(33, 17), (17, 33), (0, 33)] {
                let said = message(&|| f(exec, &vec![0.0; x], &mut vec![0.0; y]));
                let both = said.contains(&x.to_string()) && said.contains(&y.to_string());
                assert!(both, "{said}");
            }
        }
        for f in [
            gelu::backward as Backward,
            gelu_tanh::backward,
            relu::backward,
        ] {
            for (x, dy, dx) in [(33, 33, 17), (33, 17, 33), (17, 33, 33)] {
                let said = message(&|| f(exec, &vec![0.0; x], &vec![0.0; dy], &mut vec![0.0; dx]));
                assert!(said.contains("33") && said.contains("17"), "{said}");
            }
        }
    }
}
