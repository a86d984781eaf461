//! Operations on the dense layers that an encoder may have before its codes.

use crate::function::elementwise::{Add, Binary, map_in_place, zip_in_place};
use crate::function::relu::{Relu, ReluBackward};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::{MatMut, MatRef};

/// Rows that are worth another thread.
const LEAF: usize = 16;

/// x ← max(0, x), a NaN kept.
pub(super) fn relu(exec: Exec, x: MatMut) {
    struct Rows<'a>(MatMut<'a>);
    impl Op for Rows<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(mut self, s: S) {
            for i in 0..self.0.rows() {
                map_in_place(s, Relu, self.0.row(i));
            }
        }
    }
    let n = x.rows() * x.cols();
    profile::call(Part::Elementwise, || Work::new(0, 2 * n));
    par::share_timed(Part::Elementwise, exec, LEAF, x, &|x| {
        exec.isa().dispatch(Rows(x))
    });
}

/// Back through a ReLU: d ← d where its output `y` is above 0, else 0; NaN where that is NaN.
pub(super) fn relu_backward(exec: Exec, y: MatRef, d: MatMut) {
    combine(exec, WhereActive, y, d);
}

/// a ← a + b
pub(super) fn add(exec: Exec, b: MatRef, a: MatMut) {
    combine(exec, Add, b, a);
}

/// to ← from
pub(super) fn copy(from: MatRef, mut to: MatMut) {
    for i in 0..from.rows() {
        to.row(i).copy_from_slice(from.row(i));
    }
}

/// a ← f(a, b)
fn combine<F: Binary + Send + Sync>(exec: Exec, f: F, b: MatRef, a: MatMut) {
    struct Rows<'a, F>(F, MatRef<'a>, MatMut<'a>);
    impl<F: Binary> Op for Rows<'_, F> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Rows(f, b, mut a) = self;
            for i in 0..b.rows() {
                zip_in_place(s, f, a.row(i), b.row(i));
            }
        }
    }
    let n = b.rows() * b.cols();
    profile::call(Part::Elementwise, || Work::new(F::FLOPS * n, 3 * n));
    par::share_timed(Part::Elementwise, exec, LEAF, (b, a), &|(b, a)| {
        exec.isa().dispatch(Rows(f, b, a))
    });
}

#[derive(Clone, Copy)]
struct WhereActive;

impl Binary for WhereActive {
    const FLOPS: usize = 0;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, d: S::F32, y: S::F32) -> S::F32 {
        ReluBackward.eval(s, y, d)
    }
}
