//! Slices of every length: shorter than a vector, several vectors, with tails, and lengths that do not fit.

use kernels::elementwise::{Binary, Unary, binary, map, zip, zip_in_place};
use kernels::simd::{Op, Simd};
use kernels::{Exec, Isa, gelu, gelu_tanh, relu};
use proptests::{each_isa, panic_message};

use super::{Backward, FUNCTIONS, Kernel, apply};

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

each_isa!(every_length);
/// A value's result does not depend on where in a slice it stands, and nothing beyond is written.
fn every_length(isa: Isa) {
    const MOST: usize = 70;
    let x: Vec<f32> = (0..MOST)
        .map(|i| (i * 37 % MOST) as f32 / 10.0 - 3.5)
        .collect();
    let dy: Vec<f32> = (0..MOST)
        .map(|i| (i * 29 % MOST) as f32 / 30.0 - 1.0)
        .collect();
    let mut unary: Vec<Kernel> = FUNCTIONS.iter().map(|f| f.kernel).collect();
    unary.push(relu::forward);
    for exec in [Exec::serial(isa), Exec::parallel(isa)] {
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

each_isa!(different_lengths_are_named);
fn different_lengths_are_named(isa: Isa) {
    let exec = Exec::serial(isa);
    let unary = FUNCTIONS
        .iter()
        .map(|f| f.kernel)
        .chain([relu::forward as Kernel]);
    for f in unary {
        for (x, y) in [(33, 17), (17, 33), (0, 33)] {
            let said = panic_message(|| f(exec, &vec![0.0; x], &mut vec![0.0; y]));
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
            let said = panic_message(|| f(exec, &vec![0.0; x], &vec![0.0; dy], &mut vec![0.0; dx]));
            assert!(said.contains("33") && said.contains("17"), "{said}");
        }
    }
}

each_isa!(slices_of_different_lengths_are_refused_inside_an_operation);
/// Slices of different lengths are refused also where the shorter one ends in the same vector as the longer one.
fn slices_of_different_lengths_are_refused_inside_an_operation(isa: Isa) {
    struct InPlace<'a>(&'a mut [f32], &'a [f32]);
    impl Op for InPlace<'_> {
        type Output = ();
        fn run<S: Simd>(self, s: S) {
            zip_in_place(s, Min, self.0, self.1)
        }
    }
    struct Mapped<'a>(&'a [f32], &'a mut [f32]);
    impl Op for Mapped<'_> {
        type Output = ();
        fn run<S: Simd>(self, s: S) {
            map(s, Relu, self.0, self.1)
        }
    }
    struct Zipped<'a>([&'a [f32]; 2], &'a mut [f32]);
    impl Op for Zipped<'_> {
        type Output = ();
        fn run<S: Simd>(self, s: S) {
            zip(s, Min, self.0[0], self.0[1], self.1)
        }
    }
    for (a, b) in [(5, 4), (4, 5), (5, 8), (17, 16), (16, 17), (0, 1), (1, 0)] {
        let (x, start) = (vec![-1.0; a], vec![3.0; b]);
        let (mut y, mut in_place) = (start.clone(), start.clone());
        for said in [
            panic_message(|| isa.dispatch(InPlace(&mut in_place, &x))),
            panic_message(|| isa.dispatch(Mapped(&x, &mut y))),
            panic_message(|| isa.dispatch(Zipped([&x, &start], &mut vec![0.0; a]))),
            panic_message(|| isa.dispatch(Zipped([&x, &x], &mut vec![0.0; b]))),
        ] {
            assert!(said.contains("assertion `left == right` failed"), "{said}");
        }
        assert_eq!((&y, &in_place), (&start, &start));
    }
}

#[derive(Clone, Copy)]
struct Relu;

impl Unary for Relu {
    const FLOPS: usize = 1;
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
        s.max(x, s.splat(0.0))
    }
}

#[derive(Clone, Copy)]
struct Min;

impl Binary for Min {
    const FLOPS: usize = 0;
    fn eval<S: Simd>(self, s: S, a: S::F32, b: S::F32) -> S::F32 {
        s.min(a, b)
    }
}

#[derive(Clone, Copy)]
struct Max;

impl Binary for Max {
    const FLOPS: usize = 0;
    fn eval<S: Simd>(self, s: S, a: S::F32, b: S::F32) -> S::F32 {
        s.max(a, b)
    }
}

each_isa!(of_two_values_the_second_is_taken_where_either_is_nan);
fn of_two_values_the_second_is_taken_where_either_is_nan(isa: Isa) {
    const VALUES: [f32; 6] = [f32::NEG_INFINITY, -2.0, 1e-42, 3.0, f32::INFINITY, f32::NAN];
    let pairs = VALUES.iter().flat_map(|&a| VALUES.map(|b| (a, b)));
    let (a, b): (Vec<f32>, Vec<f32>) = pairs.unzip();
    let chosen = |first: fn(&f32, &f32) -> bool| -> Vec<f32> {
        let pairs = a.iter().zip(&b);
        pairs
            .map(|(a, b)| if first(a, b) { *a } else { *b })
            .collect()
    };
    let mut got = vec![0.0; a.len()];
    binary(Exec::serial(isa), Min, &a, &b, &mut got);
    assert_eq!(bits(&got), bits(&chosen(|a, b| a < b)));
    binary(Exec::serial(isa), Max, &a, &b, &mut got);
    assert_eq!(bits(&got), bits(&chosen(|a, b| a > b)));
}
