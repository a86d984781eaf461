//! exp, tanh, erf, both GELUs and ReLU against f64, on every instruction set.

use kernels::{Exec, Isa, gelu, gelu_tanh, math};
use proptests::compare::ulps;
use proptests::{isas, reference};
use rayon::prelude::*;

type Kernel = fn(Exec, &[f32], &mut [f32]);

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
                // Also false for a NaN.
                let error = (f64::from(y) - want).abs();
                if !(error <= worst.absolute) {
                    (worst.absolute, worst.absolute_at) =
                        (if error.is_nan() { f64::INFINITY } else { error }, x);
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

#[test]
#[ignore = "takes minutes: every f32 on every instruction set; run with --nocapture for the maxima"]
fn accurate_everywhere() {
    let bad: Vec<_> = FUNCTIONS
        .iter()
        .filter(|f| !f.check(every(1)))
        .map(|f| f.name)
        .collect();
    assert!(bad.is_empty(), "{bad:?}: see the maxima above");
}
