//! Operations that are fused into a product give the bits of the product followed by the plain operation.

use kernels::{
    Accumulate, Activation, ActivationBackward, Bias, BiasActivation, Epilogue, Exec, Isa, MatMut,
    MatRef, Residual, matmul, matmul_with,
};
use proptest::prelude::*;
use proptests::{config, each_isa, panic_message, pool, stream};

/// A product of m×k by k×n, and operands for the operation after it. The rows of C lie `gap` values of NaN apart.
struct Case {
    m: usize,
    k: usize,
    n: usize,
    gap: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    bias: Vec<f32>,
    /// A matrix of C's shape and stride.
    x: Vec<f32>,
    accumulate: Accumulate,
}

impl Case {
    fn new(m: usize, k: usize, n: usize, gap: usize, add: bool, seed: u64) -> Case {
        let mut next = stream(seed);
        let mut values = |len: usize| (0..len).map(|_| 2.0 * next()).collect::<Vec<f32>>();
        let (a, b, bias) = (values(m * k), values(k * n), values(n));
        let mut in_c = || {
            let mut c = values(m * (n + gap));
            for row in c.chunks_mut((n + gap).max(1)) {
                row[n..].fill(f32::NAN);
            }
            c
        };
        let (c, x) = (in_c(), in_c());
        let accumulate = if add {
            Accumulate::Add
        } else {
            Accumulate::Replace
        };
        Case {
            m,
            k,
            n,
            gap,
            a,
            b,
            c,
            bias,
            x,
            accumulate,
        }
    }

    fn view<'a>(&self, values: &'a mut [f32]) -> MatMut<'a> {
        MatMut::with_stride(values, self.m, self.n, self.n + self.gap).unwrap()
    }

    fn x(&self) -> MatRef<'_> {
        MatRef::with_strides(&self.x, self.m, self.n, self.n + self.gap, 1).unwrap()
    }

    /// Returns C after the product and `epilogue`.
    fn product(&self, exec: Exec, epilogue: impl Epilogue) -> Vec<f32> {
        let mut c = self.c.clone();
        let a = MatRef::new(&self.a, self.m, self.k).unwrap();
        let b = MatRef::new(&self.b, self.k, self.n).unwrap();
        matmul_with(exec, a, b, epilogue, self.accumulate, self.view(&mut c));
        c
    }

    /// Returns C with every element replaced by `f` of its index in `c`, its column and its value.
    fn map(&self, c: &[f32], f: impl Fn(usize, usize, f32) -> f32) -> Vec<f32> {
        let mut c = c.to_vec();
        for i in 0..self.m {
            for j in 0..self.n {
                let at = i * (self.n + self.gap) + j;
                c[at] = f(at, j, c[at]);
            }
        }
        c
    }

    fn check(&self, exec: Exec) {
        let serial = Exec::serial(exec.isa());
        let plain = {
            let mut c = self.c.clone();
            let a = MatRef::new(&self.a, self.m, self.k).unwrap();
            let b = MatRef::new(&self.b, self.k, self.n).unwrap();
            matmul(serial, a, b, self.accumulate, self.view(&mut c));
            c
        };
        same("nothing", exec, self.product(exec, ()), plain.clone());
        let biased = self.map(&plain, |_, j, c| c + self.bias[j]);
        let bias = Bias(&self.bias);
        same("a bias", exec, self.product(exec, bias), biased.clone());
        let residual = self.map(&plain, |at, _, c| c + self.x[at]);
        let got = self.product(exec, Residual(self.x()));
        same("a residual", exec, got, residual);
        let both = self.map(&biased, |at, _, c| c + self.x[at]);
        let got = self.product(exec, (bias, Residual(self.x())));
        same("a bias and a residual", exec, got, both);
        for &activation in Activation::ALL {
            let mut out = self.x.clone();
            let epilogue = BiasActivation {
                bias: &self.bias,
                activation,
                out: self.view(&mut out),
            };
            let got = self.product(exec, epilogue);
            same("a pre-activation", exec, got, biased.clone());
            let want = self.map(&biased, |_, _, z| {
                let mut y = [0.0];
                activation.forward(serial, &[z], &mut y);
                y[0]
            });
            same("an activation", exec, out, want);
            let epilogue = ActivationBackward {
                activation,
                pre: self.x(),
            };
            let want = self.map(&plain, |at, _, dy| {
                let mut dx = [0.0];
                activation.backward(serial, &[self.x[at]], &[dy], &mut dx);
                dx[0]
            });
            let got = self.product(exec, epilogue);
            same("back through an activation", exec, got, want);
        }
    }
}

/// Asserts that two matrices have equal bits, NaN between the rows included.
#[track_caller]
fn same(what: &str, exec: Exec, got: Vec<f32>, want: Vec<f32>) {
    let differ = (0..want.len()).find(|&i| got[i].to_bits() != want[i].to_bits());
    if let Some(i) = differ {
        panic!("{what}, {exec:?}: {} for {} at {i}", got[i], want[i]);
    }
}

each_isa!(fused_is_composed);
fn fused_is_composed(isa: Isa) {
    proptest!(config(256), |(
        m in 0..40usize,
        k in 0..30usize,
        n in 0..80usize,
        gap in 0..4usize,
        add: bool,
        seed: u64,
    )| {
        let case = Case::new(m, k, n, gap, add, seed);
        case.check(Exec::serial(isa));
    });
}

each_isa!(fused_is_composed_across_blocks);
/// Results are the same with more columns, depth and rows than a block of the product has, on several threads.
fn fused_is_composed_across_blocks(isa: Isa) {
    let pool = pool(3);
    for (m, k, n) in [(300, 20, 40), (70, 520, 33), (9, 5, 1100)] {
        let case = Case::new(m, k, n, 1, false, 3);
        case.check(Exec::serial(isa));
        pool.install(|| case.check(Exec::parallel(isa)));
    }
}

each_isa!(what_does_not_fit_is_named);
fn what_does_not_fit_is_named(isa: Isa) {
    let case = Case::new(4, 2, 3, 0, false, 1);
    let exec = Exec::serial(isa);
    let small = MatRef::first(&case.x, 3, 3);
    let column_major = MatRef::with_strides(&case.x, 4, 3, 1, 4).unwrap();
    let says = |part: &str, f: &dyn Fn()| {
        let message = panic_message(f);
        assert!(message.contains(part), "{message}");
    };
    let residual = |x| drop(case.product(exec, Residual(x)));
    says("a residual of 3×3 for a product of 4×3", &|| {
        residual(small)
    });
    says("a residual whose rows are not contiguous", &|| {
        residual(column_major);
    });
    says("pre-activations of 3×3 for a product of 4×3", &|| {
        let activation = Activation::Relu;
        case.product(
            exec,
            ActivationBackward {
                activation,
                pre: small,
            },
        );
    });
    let activate = |bias: &[f32], rows: usize| {
        let mut out = vec![0.0; rows * 3];
        let out = MatMut::new(&mut out, rows, 3).unwrap();
        let activation = Activation::Relu;
        case.product(
            exec,
            BiasActivation {
                bias,
                activation,
                out,
            },
        );
    };
    says("activations of 5×3 for a product of 4×3", &|| {
        activate(&[0.0; 3], 5);
    });
    says("a bias of 2 values for 3 columns", &|| {
        activate(&[0.0; 2], 4)
    });
    says("a residual of 3×3", &|| {
        case.product(exec, (Bias(&case.bias), Residual(small)));
    });
}
