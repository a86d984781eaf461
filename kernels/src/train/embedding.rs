//! The embedding of pairs of one-hot vectors, the input layer of a model: rows are looked up, and no product is
//! computed.
//!
//! ```
//! use kernels::{Exec, MatMut, MatRef, embedding};
//!
//! let exec = Exec::default();
//! let (first, second) = ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]); // two rows each
//! let (first, second) = (MatRef::from_rows(&first, 2), MatRef::from_rows(&second, 2));
//! let pairs = [[1, 0]];
//! let mut out = [0.0; 2];
//! embedding::forward(exec, first, second, &pairs, MatMut::from_rows(&mut out, 2));
//! assert_eq!(out, [3.0 + 10.0, 4.0 + 20.0]);
//!
//! let (d_out, mut d_first, mut d_second) = ([0.5, -0.5], [0.0; 4], [0.0; 4]);
//! embedding::backward_add(
//!     exec,
//!     MatRef::from_rows(&d_out, 2),
//!     &pairs,
//!     MatMut::from_rows(&mut d_first, 2),
//!     MatMut::from_rows(&mut d_second, 2),
//! );
//! assert_eq!((d_first, d_second), ([0.0, 0.0, 0.5, -0.5], [0.5, -0.5, 0.0, 0.0]));
//! ```

use crate::function::elementwise::{Add, zip, zip_in_place};
use crate::machine::exec::Exec;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::{MatMut, MatRef};

/// Checks pairs against embeddings of `first` and `second` rows, and an output or gradient of `rows` rows.
///
/// # Panics
/// If an index lies outside its embedding, or there are not as many pairs as rows.
#[track_caller]
pub(crate) fn check(first: usize, second: usize, pairs: &[[u32; 2]], rows: usize) {
    assert_eq!(pairs.len(), rows, "{} pairs for {rows} rows", pairs.len());
    for (at, &[i, j]) in pairs.iter().enumerate() {
        assert!(
            (i as usize) < first && (j as usize) < second,
            "pair {at}, ({i}, {j}), reaches beyond embeddings of {first} and {second} rows"
        );
    }
}

/// Computes `out[b] = first[i] + second[j]` for the `b`-th pair (i, j): the product of a pair of one-hot vectors
/// with the stacked embedding matrices.
///
/// `first` and `second` are v×d with contiguous rows, `out` is B×d.
///
/// # Panics
/// If the shapes do not match, or an index lies outside its embedding.
#[track_caller]
pub fn forward(exec: Exec, first: MatRef, second: MatRef, pairs: &[[u32; 2]], out: MatMut) {
    check(first.rows(), second.rows(), pairs, out.rows());
    assert!(
        first.cols() == out.cols() && second.cols() == out.cols(),
        "embeddings of {} and {} values for {}",
        first.cols(),
        second.cols(),
        out.cols()
    );
    struct Gather<'a>(MatRef<'a>, MatRef<'a>, &'a [[u32; 2]], MatMut<'a>);
    impl Op for Gather<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Gather(first, second, pairs, mut out) = self;
            for (b, &[i, j]) in pairs.iter().enumerate() {
                let (first, second) = (first.row(i as usize), second.row(j as usize));
                zip(s, Add, first, second, out.row_mut(b));
            }
        }
    }
    let n = out.rows() * out.cols();
    let _span = profile::timed(Part::Embedding, || Work::new(n, 3 * n));
    exec.isa().dispatch(Gather(first, second, pairs, out))
}

/// Adds the gradient of [`forward`] to what `d_first` and `d_second` hold: `d_first[i] += d_out[b]` and
/// `d_second[j] += d_out[b]` for the `b`-th pair (i, j), pair after pair.
///
/// # Panics
/// If the shapes do not match, or an index lies outside its embedding.
#[track_caller]
pub fn backward_add(
    exec: Exec,
    d_out: MatRef,
    pairs: &[[u32; 2]],
    d_first: MatMut,
    d_second: MatMut,
) {
    check(d_first.rows(), d_second.rows(), pairs, d_out.rows());
    assert!(
        d_first.cols() == d_out.cols() && d_second.cols() == d_out.cols(),
        "embeddings of {} and {} values for {}",
        d_first.cols(),
        d_second.cols(),
        d_out.cols()
    );
    struct Scatter<'a>(MatRef<'a>, &'a [[u32; 2]], MatMut<'a>, MatMut<'a>);
    impl Op for Scatter<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Scatter(d_out, pairs, mut d_first, mut d_second) = self;
            for (b, &[i, j]) in pairs.iter().enumerate() {
                for d in [d_first.row_mut(i as usize), d_second.row_mut(j as usize)] {
                    zip_in_place(s, Add, d, d_out.row(b));
                }
            }
        }
    }
    let n = d_out.rows() * d_out.cols();
    let _span = profile::timed(Part::Embedding, || Work::new(2 * n, 5 * n));
    exec.isa()
        .dispatch(Scatter(d_out, pairs, d_first, d_second))
}
