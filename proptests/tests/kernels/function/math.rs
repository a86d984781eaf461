//! How far every function is from its reference, and properties of the functions that their kernels must share.

use kernels::{Exec, Isa, gelu, gelu_tanh, math};
use proptests::compare::{Tolerance, ulps};
use proptests::each_isa;
use rayon::prelude::*;

use super::{ABSOLUTE, FUNCTIONS, Function, Kernel, ULPS, apply};

/// The largest errors found, and the arguments at which they occur.
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
    /// Returns the largest errors of `isa` at these arguments.
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

    /// Prints the largest errors at these arguments on some instruction sets, and returns those that are too large.
    fn inaccurate(
        &self,
        isas: &[Isa],
        chunks: impl ParallelIterator<Item = Vec<f32>>,
    ) -> Vec<String> {
        let none = || vec![Worst::default(); isas.len()];
        let worst = chunks
            .map(|x| {
                let want = self.references(&x);
                isas.iter().map(|&isa| self.worst(isa, &x, &want)).collect()
            })
            .reduce(none, |a: Vec<Worst>, b: Vec<Worst>| {
                a.into_iter().zip(b).map(|(a, b)| a.and(b)).collect()
            });
        let mut bad = vec![];
        for (isa, w) in isas.iter().zip(&worst) {
            let found = format!(
                "{:20} {isa:8} {:.3} ulp at {:e}; {:.2e} absolute at {:e}",
                self.name, w.ulps, w.ulps_at, w.absolute, w.absolute_at
            );
            println!("{found}");
            if w.ulps > ULPS || w.absolute > ABSOLUTE {
                bad.push(found);
            }
        }
        bad
    }
}

/// Returns every `step`-th f32, NaNs and infinities included, in chunks.
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

each_isa!(accurate_at_a_sample_of_all_values);
fn accurate_at_a_sample_of_all_values(isa: Isa) {
    // The step is a prime, so that all low bits of the significand occur.
    let bad: Vec<_> = FUNCTIONS
        .iter()
        .flat_map(|f| f.inaccurate(&[isa], every(1021)))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// Tests of one function each, at every f32 on every instruction set: the sets share the references, which take nearly
/// all of the time. `cargo test -p proptests --test kernels everywhere -- --ignored --nocapture --test-threads 1`
/// prints the maxima.
mod everywhere {
    macro_rules! sweep {
        ($($name:ident)+) => { $(
            #[test]
            #[ignore = "takes a minute or two: every f32 on every instruction set"]
            fn $name() {
                let f = super::FUNCTIONS.iter().find(|f| f.name == stringify!($name));
                let isas = kernels::Isa::available();
                let bad = f.expect("a function").inaccurate(&isas, super::every(1));
                assert!(bad.is_empty(), "{bad:#?}");
            }
        )+ };
    }
    sweep!(exp tanh erf gelu gelu_derivative gelu_tanh gelu_tanh_derivative);
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

each_isa!(edges);
fn edges(isa: Isa) {
    for f in &FUNCTIONS {
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

each_isa!(limits_are_exact);
fn limits_are_exact(isa: Isa) {
    let at = |f: Kernel, x: f32| apply(f, isa, &[x])[0];
    for x in [6.0, 10.0, 1e10, f32::MAX, f32::INFINITY] {
        for f in [gelu::forward as Kernel, gelu_tanh::forward] {
            assert_eq!((at(f, x), at(f, -x)), (x, 0.0), "at ±{x:e}");
        }
        for f in [gelu::derivative as Kernel, gelu_tanh::derivative] {
            assert_eq!((at(f, x), at(f, -x)), (1.0, 0.0), "at ±{x:e}");
        }
        assert_eq!(
            (at(math::erf, x), at(math::erf, -x)),
            (1.0, -1.0),
            "at ±{x:e}"
        );
    }
    assert_eq!(
        (at(math::tanh, 9.1), at(math::tanh, -9.1)),
        (1.0, -1.0),
        "{isa}"
    );
    assert_eq!(at(math::exp, 0.0), 1.0, "{isa}");
    // The last argument with a finite result and the first without; the same at the other end.
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

each_isa!(ranges_and_symmetry);
/// Kernels keep to the properties of their functions: no result beyond the range, none of the wrong sign.
fn ranges_and_symmetry(isa: Isa) {
    // Every value where the GELUs fade to 0, and a sample of all others.
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
    });
}
