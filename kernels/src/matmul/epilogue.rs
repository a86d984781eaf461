//! What follows a product, row by row, while the row is in cache.

use std::ops::Range;

use crate::simd::Simd;

/// A pass over the rows of a product, fused into its write-back.
pub trait Epilogue: Send + Sized {
    /// Panics unless the epilogue suits a product of `rows × cols`.
    #[track_caller]
    fn check(&self, rows: usize, cols: usize);

    /// The epilogues of the rows above `at`, and of those from it on.
    fn split_rows(self, at: usize) -> (Self, Self);

    /// Passes over `c`, which is row `row`, columns `cols` of the product.
    fn row<S: Simd>(&mut self, s: S, row: usize, cols: Range<usize>, c: &mut [f32]);
}

impl Epilogue for () {
    fn check(&self, _: usize, _: usize) {}
    fn split_rows(self, _: usize) -> ((), ()) {
        ((), ())
    }
    #[inline(always)]
    fn row<S: Simd>(&mut self, _: S, _: usize, _: Range<usize>, _: &mut [f32]) {}
}

/// Adds a bias to every row: C ← C + 1·biasᵀ.
#[derive(Clone, Copy, Debug)]
pub struct Bias<'a>(
    /// One value a column.
    pub &'a [f32],
);

impl Epilogue for Bias<'_> {
    #[track_caller]
    fn check(&self, _: usize, cols: usize) {
        assert_eq!(
            self.0.len(),
            cols,
            "a bias of {} values for {cols} columns",
            self.0.len()
        );
    }
    fn split_rows(self, _: usize) -> (Self, Self) {
        (self, self)
    }
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, _: usize, cols: Range<usize>, c: &mut [f32]) {
        add_in_place(s, c, &self.0[cols]);
    }
}

/// `c[i] += a[i]`.
#[inline(always)]
fn add_in_place<S: Simd>(s: S, c: &mut [f32], a: &[f32]) {
    for (c, a) in c.chunks_mut(S::LANES).zip(a.chunks(S::LANES)) {
        s.store_partial(s.add(s.load_partial(c), s.load_partial(a)), c);
    }
}
