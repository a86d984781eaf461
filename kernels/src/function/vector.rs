//! Multiples, sums and products of vectors: what BLAS calls its first level. All functions are for use inside an
//! [`Op`](crate::simd::Op): they are inlined into it, and so are compiled for its instruction set.

use crate::machine::simd::Simd;

/// Computes `x[i] *= factor`.
#[inline(always)]
pub(crate) fn scale<S: Simd>(s: S, factor: f32, x: &mut [f32]) {
    for x in x.chunks_mut(S::LANES) {
        s.store_partial(s.mul(s.splat(factor), s.load_partial(x)), x);
    }
}

/// Computes `x[i] *= factor`, for a factor that may lie outside the range of f32.
#[inline(always)]
pub(crate) fn scale_wide<S: Simd>(s: S, factor: f64, x: &mut [f32]) {
    if (factor as f32).is_normal() {
        scale(s, factor as f32, x);
    } else {
        for x in x {
            *x = (f64::from(*x) * factor) as f32;
        }
    }
}

/// Computes `y[i] += a * x[i]`.
#[inline(always)]
pub(crate) fn axpy<S: Simd>(s: S, a: f32, x: &[f32], y: &mut [f32]) {
    let a = s.splat(a);
    for (x, y) in x.chunks(S::LANES).zip(y.chunks_mut(S::LANES)) {
        s.store_partial(s.mul_add(a, s.load_partial(x), s.load_partial(y)), y);
    }
}

/// Returns Σ `x[i]`², summed in as many partial sums as a vector has lanes.
#[inline(always)]
pub(crate) fn sum_of_squares<S: Simd>(s: S, x: &[f32]) -> f32 {
    let mut sums = s.splat(0.0);
    for x in x.chunks(S::LANES) {
        let x = s.load_partial(x);
        sums = s.mul_add(x, x, sums);
    }
    s.reduce_sum(sums)
}

/// Returns ‖x‖², summed in f64 where the squares leave the range of f32.
#[inline(always)]
pub(crate) fn square<S: Simd>(s: S, x: &[f32]) -> f64 {
    const SAFE: std::ops::Range<f32> = 1e-25..1e35;
    let sum = sum_of_squares(s, x);
    if SAFE.contains(&sum) {
        f64::from(sum)
    } else {
        square_f64(x)
    }
}

/// Returns ‖x‖₂, for values of any size.
#[inline(always)]
pub(crate) fn norm<S: Simd>(s: S, x: &[f32]) -> f64 {
    square(s, x).sqrt()
}

/// Returns ‖x‖², summed value after value in f64, in which squares of f32 are exact.
pub(crate) fn square_f64(x: &[f32]) -> f64 {
    x.iter().map(|&x| f64::from(x).powi(2)).sum()
}

/// Returns Σ `a[i]·b[i]`, summed in four vectors of partial sums.
#[inline(always)]
pub(crate) fn dot<S: Simd>(s: S, a: &[f32], b: &[f32]) -> f32 {
    // As many sums as cover the latency of a multiply-add, 4 cycles.
    const SUMS: usize = 4;
    let mut sums = [s.splat(0.0); SUMS];
    let mut a = a.chunks_exact(SUMS * S::LANES);
    let mut b = b.chunks_exact(SUMS * S::LANES);
    for (a, b) in a.by_ref().zip(b.by_ref()) {
        for (v, sum) in sums.iter_mut().enumerate() {
            let (a, b) = (s.load(&a[v * S::LANES..]), s.load(&b[v * S::LANES..]));
            *sum = s.mul_add(a, b, *sum);
        }
    }
    let rest = a.remainder().chunks(S::LANES);
    for (a, b) in rest.zip(b.remainder().chunks(S::LANES)) {
        sums[0] = s.mul_add(s.load_partial(a), s.load_partial(b), sums[0]);
    }
    let [p, q, r, t] = sums;
    s.reduce_sum(s.add(s.add(p, r), s.add(q, t)))
}

/// Returns Σ `a[i]·b[i]`, summed in f64, in which products of f32 are exact. The compiler vectorises the sum, whose
/// bits are the same on every instruction set.
#[inline(always)]
pub(crate) fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    sum_f64(a, b, |a, b| a * b)
}

/// Returns Σ `(a[i] − b[i])²`, summed in f64, in which the difference of two f32 is as good as exact. Its bits are the
/// same on every instruction set, as those of [`dot_f64`].
#[inline(always)]
pub(crate) fn squared_distance_f64(a: &[f32], b: &[f32]) -> f64 {
    sum_f64(a, b, |a, b| (a - b) * (a - b))
}

/// Returns Σ `f(a[i], b[i])`, summed in as many partial sums as keep vectors of any width busy.
#[inline(always)]
fn sum_f64(a: &[f32], b: &[f32], f: impl Fn(f64, f64) -> f64) -> f64 {
    const LANES: usize = 16;
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for l in 0..LANES {
            sums[l] += f(f64::from(a[l]), f64::from(b[l]));
        }
    }
    for ((a, b), sum) in a_rest.iter().zip(b_rest).zip(&mut sums) {
        *sum += f(f64::from(*a), f64::from(*b));
    }
    sums.iter().sum()
}

/// Returns an iterator over the vectors of `x`, the last of which is filled up with −∞.
#[inline(always)]
pub(crate) fn vectors<S: Simd>(s: S, x: &[f32]) -> impl Iterator<Item = S::F32> {
    let whole = x.chunks_exact(S::LANES);
    let mut rest = [f32::NEG_INFINITY; 16];
    rest[..whole.remainder().len()].copy_from_slice(whole.remainder());
    let rest = s.load(&rest);
    whole.map(move |x| s.load(x)).chain([rest])
}

/// Returns the largest value of `x`, or −∞ if it is empty; unspecified where a value is NaN.
#[inline(always)]
pub(crate) fn largest<S: Simd>(s: S, x: &[f32]) -> f32 {
    let mut top = s.splat(f32::NEG_INFINITY);
    for x in vectors(s, x) {
        top = s.max(x, top);
    }
    s.reduce_max(top)
}
