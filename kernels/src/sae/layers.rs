//! Operations on dense matrices: on the input of an encoder, and on the layers that an encoder may have before its
//! codes.

use crate::function::elementwise::{Add, Binary, Sub, map_in_place, zip, zip_in_place};
use crate::function::relu::{Relu, ReluBackward};
use crate::machine::exec::Exec;
use crate::machine::par::{self, RowOp};
use crate::machine::profile::{Part, Work};
use crate::machine::simd::Simd;
use crate::matrix::view::{MatMut, MatRef};

/// The number of rows that is worth another thread.
const LEAF: usize = 16;

/// Computes x ← max(0, x); a NaN stays NaN.
pub(super) fn relu(exec: Exec, x: MatMut) {
    #[derive(Clone, Copy)]
    struct InPlace;
    impl RowOp<MatMut<'_>> for InPlace {
        const PART: Part = Part::Elementwise;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, mut x: MatMut) {
            for i in 0..x.rows() {
                map_in_place(s, Relu, x.row_mut(i));
            }
        }
    }
    let n = x.rows() * x.cols();
    par::run(exec, InPlace, x, LEAF, || Work::new(0, 2 * n));
}

/// Computes the gradient through a ReLU with output `y`: `d` stays where `y` is above 0, and becomes 0 elsewhere, or
/// NaN where `y` is NaN.
pub(super) fn relu_backward(exec: Exec, y: MatRef, d: MatMut) {
    combine(exec, WhereActive, y, d);
}

/// Computes a ← a + b.
pub(super) fn add(exec: Exec, b: MatRef, a: MatMut) {
    combine(exec, Add, b, a);
}

/// Computes out ← x − 1·bᵀ: subtracts b from each row of x.
pub(super) fn subtract_bias(exec: Exec, x: MatRef, b: &[f32], out: MatMut) {
    /// The number of rows that is worth another thread.
    const LEAF: usize = 64;
    #[derive(Clone, Copy)]
    struct Subtract<'a>(&'a [f32]);
    impl<'a> RowOp<(MatRef<'a>, MatMut<'a>)> for Subtract<'_> {
        const PART: Part = Part::Elementwise;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, (x, mut out): (MatRef, MatMut)) {
            for i in 0..x.rows() {
                zip(s, Sub, x.row(i), self.0, out.row_mut(i));
            }
        }
    }
    let n = x.rows() * x.cols();
    par::run(exec, Subtract(b), (x, out), LEAF, || Work::new(n, 2 * n));
}

/// Copies the values of `from` to `to`, which has the same shape.
pub(super) fn copy(from: MatRef, mut to: MatMut) {
    for i in 0..from.rows() {
        to.row_mut(i).copy_from_slice(from.row(i));
    }
}

/// Computes a ← b − a.
pub(super) fn subtract_from(exec: Exec, b: MatRef, a: MatMut) {
    combine(exec, From, b, a);
}

/// Computes a ← f(a, b), value by value.
fn combine<F: Binary>(exec: Exec, f: F, b: MatRef, a: MatMut) {
    #[derive(Clone, Copy)]
    struct InPlace<F>(F);
    impl<'a, F: Binary> RowOp<(MatRef<'a>, MatMut<'a>)> for InPlace<F> {
        const PART: Part = Part::Elementwise;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, (b, mut a): (MatRef, MatMut)) {
            for i in 0..b.rows() {
                zip_in_place(s, self.0, a.row_mut(i), b.row(i));
            }
        }
    }
    let n = b.rows() * b.cols();
    let work = || Work::new(F::FLOPS * n, 3 * n);
    par::run(exec, InPlace(f), (b, a), LEAF, work);
}

/// The gradient `d` through a ReLU whose output is `y`.
#[derive(Clone, Copy)]
struct WhereActive;

impl Binary for WhereActive {
    const FLOPS: usize = 0;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, d: S::F32, y: S::F32) -> S::F32 {
        ReluBackward.eval(s, y, d)
    }
}

/// The difference b − a.
#[derive(Clone, Copy)]
struct From;

impl Binary for From {
    const FLOPS: usize = 1;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, a: S::F32, b: S::F32) -> S::F32 {
        s.sub(b, a)
    }
}
