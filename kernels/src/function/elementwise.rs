//! Functions of one or two values, applied to whole slices, your own functions included.
//!
//! A [`Unary`] or [`Binary`] is written once, a vector at a time, and runs on every instruction set: over slices by
//! [`unary`] and [`binary`], inside a kernel of your own by [`map`] and [`zip`], and fused into a matrix product by the
//! epilogue [`Map`](crate::Map).
//!
//! ```
//! use kernels::elementwise::{Unary, unary};
//! use kernels::simd::Simd;
//! use kernels::Exec;
//!
//! /// The square of the positive part, max(0, x)².
//! #[derive(Clone, Copy)]
//! struct SquaredRelu;
//!
//! impl Unary for SquaredRelu {
//!     const FLOPS: usize = 1;
//!
//!     #[inline(always)]
//!     fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32 {
//!         let positive = s.max(s.splat(0.0), x);
//!         s.mul(positive, positive)
//!     }
//! }
//!
//! let mut y = [0.0; 3];
//! unary(Exec::default(), SquaredRelu, &[-1.0, 2.0, 3.0], &mut y);
//! assert_eq!(y, [0.0, 4.0, 9.0]);
//! ```

use crate::machine::exec::Exec;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};

/// A function of one value, computed a vector at a time.
pub trait Unary: Copy + Send + Sync {
    /// The number of floating-point operations for one value, as a profile counts them.
    const FLOPS: usize;
    /// Returns the function of each lane of `x`; implementations are `#[inline(always)]`.
    fn eval<S: Simd>(self, s: S, x: S::F32) -> S::F32;
}

/// A function of two values, computed a vector at a time.
pub trait Binary: Copy + Send + Sync {
    /// The number of floating-point operations for one pair of values, as a profile counts them.
    const FLOPS: usize;
    /// Returns the function of each pair of lanes of `a` and `b`; implementations are `#[inline(always)]`.
    fn eval<S: Simd>(self, s: S, a: S::F32, b: S::F32) -> S::F32;
}

/// Computes `y[i] = f(x[i])`, on the calling thread.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn unary<F: Unary>(exec: Exec, f: F, x: &[f32], y: &mut [f32]) {
    assert_eq!(
        x.len(),
        y.len(),
        "{} values in, {} places out",
        x.len(),
        y.len()
    );
    struct Map<'a, F>(F, &'a [f32], &'a mut [f32]);
    impl<F: Unary> Op for Map<'_, F> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            map(s, self.0, self.1, self.2)
        }
    }
    let n = x.len();
    let _span = profile::timed(Part::Activation, || Work::new(F::FLOPS * n, 2 * n));
    exec.isa().dispatch(Map(f, x, y))
}

/// Computes `y[i] = f(a[i], b[i])`, on the calling thread.
///
/// # Panics
/// If the lengths differ.
#[track_caller]
pub fn binary<F: Binary>(exec: Exec, f: F, a: &[f32], b: &[f32], y: &mut [f32]) {
    assert!(
        a.len() == b.len() && b.len() == y.len(),
        "{} and {} values in, {} places out",
        a.len(),
        b.len(),
        y.len()
    );
    struct Zip<'a, F>(F, &'a [f32], &'a [f32], &'a mut [f32]);
    impl<F: Binary> Op for Zip<'_, F> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            zip(s, self.0, self.1, self.2, self.3)
        }
    }
    let n = a.len();
    let _span = profile::timed(Part::Activation, || Work::new(F::FLOPS * n, 3 * n));
    exec.isa().dispatch(Zip(f, a, b, y))
}

/// Computes `y[i] = f(x[i])`, for use inside an [`Op`].
///
/// # Panics
/// If the lengths differ.
#[inline(always)]
pub fn map<S: Simd>(s: S, f: impl Unary, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "as many places as values");
    let (x, x_rest) = x.split_at(x.len() - x.len() % S::LANES);
    let (y, y_rest) = y.split_at_mut(x.len());
    for (x, y) in x.chunks_exact(S::LANES).zip(y.chunks_exact_mut(S::LANES)) {
        s.store(f.eval(s, s.load(x)), y);
    }
    s.store_partial(f.eval(s, s.load_partial(x_rest)), y_rest);
}

/// Computes `x[i] = f(x[i])`, for use inside an [`Op`].
#[inline(always)]
pub fn map_in_place<S: Simd>(s: S, f: impl Unary, x: &mut [f32]) {
    let mut x = x.chunks_exact_mut(S::LANES);
    for x in x.by_ref() {
        s.store(f.eval(s, s.load(x)), x);
    }
    let x = x.into_remainder();
    s.store_partial(f.eval(s, s.load_partial(x)), x);
}

/// Computes `y[i] = f(a[i], b[i])`, for use inside an [`Op`].
///
/// # Panics
/// If the lengths differ.
#[inline(always)]
pub fn zip<S: Simd>(s: S, f: impl Binary, a: &[f32], b: &[f32], y: &mut [f32]) {
    assert_eq!(a.len(), b.len(), "pairs of values");
    assert_eq!(a.len(), y.len(), "as many places as pairs");
    let (a, a_rest) = a.split_at(a.len() - a.len() % S::LANES);
    let (b, b_rest) = b.split_at(a.len());
    let (y, y_rest) = y.split_at_mut(a.len());
    let ab = a.chunks_exact(S::LANES).zip(b.chunks_exact(S::LANES));
    for ((a, b), y) in ab.zip(y.chunks_exact_mut(S::LANES)) {
        s.store(f.eval(s, s.load(a), s.load(b)), y);
    }
    let v = f.eval(s, s.load_partial(a_rest), s.load_partial(b_rest));
    s.store_partial(v, y_rest);
}

/// Computes `a[i] = f(a[i], b[i])`, for use inside an [`Op`].
///
/// # Panics
/// If the lengths differ.
#[inline(always)]
pub fn zip_in_place<S: Simd>(s: S, f: impl Binary, a: &mut [f32], b: &[f32]) {
    assert_eq!(a.len(), b.len(), "pairs of values");
    let mut a = a.chunks_exact_mut(S::LANES);
    let mut b = b.chunks_exact(S::LANES);
    for (a, b) in a.by_ref().zip(b.by_ref()) {
        s.store(f.eval(s, s.load(a), s.load(b)), a);
    }
    let (a, b) = (a.into_remainder(), b.remainder());
    s.store_partial(f.eval(s, s.load_partial(a), s.load_partial(b)), a);
}

/// The gradient through a function with the derivative D: the function of x and d_y with the value `d_y · D(x)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimesDerivative<D>(pub(crate) D);

impl<D: Unary> Binary for TimesDerivative<D> {
    const FLOPS: usize = 1 + D::FLOPS;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, x: S::F32, d_y: S::F32) -> S::F32 {
        s.mul(d_y, self.0.eval(s, x))
    }
}

/// The function of two values with its arguments exchanged: `eval(a, b)` of this is `eval(b, a)` of the inner one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Swapped<B>(pub(crate) B);

impl<B: Binary> Binary for Swapped<B> {
    const FLOPS: usize = B::FLOPS;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, a: S::F32, b: S::F32) -> S::F32 {
        self.0.eval(s, b, a)
    }
}

/// The sum `a + b`.
#[derive(Clone, Copy)]
pub(crate) struct Add;

impl Binary for Add {
    const FLOPS: usize = 1;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, a: S::F32, b: S::F32) -> S::F32 {
        s.add(a, b)
    }
}

/// The difference `a - b`.
#[derive(Clone, Copy)]
pub(crate) struct Sub;

impl Binary for Sub {
    const FLOPS: usize = 1;

    #[inline(always)]
    fn eval<S: Simd>(self, s: S, a: S::F32, b: S::F32) -> S::F32 {
        s.sub(a, b)
    }
}
