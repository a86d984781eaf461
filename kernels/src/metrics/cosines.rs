//! The cosine of each row with its nearest row: products of rows of norm 1, of which only the largest is kept.

use crate::function::vector::largest;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::simd::Simd;
use crate::matrix::dictionary;
use crate::matrix::matmul::{Sink, matmul_into};
use crate::matrix::view::{MatMut, MatRef};

/// The number of rows of a product that exist at a time.
const PIECE: usize = 32;

/// Computes `best[i]` = maxⱼ cos(row i of a, row j of b), for contiguous rows of d values; −∞ if b has no rows.
///
/// Cosines are signed: a row counts as far from its opposite. A row of zeros has cosine 0 with every row. The error is
/// at most γ_{3d+10}, whatever the scale of a row. The result is NaN where row i of a or any row of b holds a NaN or an
/// infinity.
///
/// # Panics
/// If the rows of the two differ in length, or `best` has not as many places as a has rows.
#[track_caller]
pub fn max_cosines(exec: Exec, a: MatRef, b: MatRef, best: &mut [f32]) {
    assert_eq!(
        a.cols(),
        b.cols(),
        "rows of {} and of {} values",
        a.cols(),
        b.cols()
    );
    check(a, best);
    nearest(exec, &Unit::of(exec, a), &Unit::of(exec, b), false, best);
}

/// Returns the mean max cosine similarity (MMCS): the mean over the rows of a (n×d) of the largest cosine with a row of
/// b (m×d) (Sharkey, Braun and Millidge, *Taking features out of superposition with sparse autoencoders*, 2022). It is
/// not symmetric: with the true features as a, it is low where some of them were not found; with the dictionary as a,
/// where some of its elements are no true feature. It is NaN where a has no rows, and −∞ where b has none.
///
/// # Panics
/// If the rows of the two differ in length.
#[track_caller]
pub fn mmcs(exec: Exec, a: MatRef, b: MatRef) -> f64 {
    let mut best = vec![0.0; a.rows()];
    max_cosines(exec, a, b, &mut best);
    best.iter().map(|&c| f64::from(c)).sum::<f64>() / best.len() as f64
}

/// Computes `best[i]` = the largest cosine of row i of the dictionary with another row; −∞ if there is no other row.
/// The error and the results for NaN are those of [`max_cosines`].
///
/// # Panics
/// If `best` has not as many places as there are rows.
#[track_caller]
pub fn neighbour_cosines(exec: Exec, dictionary: MatRef, best: &mut [f32]) {
    check(dictionary, best);
    let unit = Unit::of(exec, dictionary);
    nearest(exec, &unit, &unit, true, best);
}

#[track_caller]
fn check(a: MatRef, best: &[f32]) {
    assert_eq!(
        best.len(),
        a.rows(),
        "{} places for {} rows",
        best.len(),
        a.rows()
    );
}

/// A copy of some rows, scaled to norm 1.
pub(super) struct Unit {
    values: Vec<f32>,
    rows: usize,
    cols: usize,
}

impl Unit {
    pub(super) fn of(exec: Exec, m: MatRef) -> Unit {
        let (rows, cols) = (m.rows(), m.cols());
        let mut values = Vec::with_capacity(rows * cols);
        for i in 0..rows {
            values.extend_from_slice(m.row(i));
        }
        let unit = MatMut::first(&mut values, rows, cols);
        dictionary::normalise(exec, unit);
        Unit { values, rows, cols }
    }

    /// Returns whether row i held a NaN or an infinity, which makes all its values NaN.
    fn is_nan(&self, i: usize) -> bool {
        let first = self.values.get(i * self.cols);
        first.is_some_and(|value| value.is_nan())
    }

    pub(super) fn as_ref(&self) -> MatRef<'_> {
        MatRef::first(&self.values, self.rows, self.cols)
    }
}

fn nearest(exec: Exec, a: &Unit, b: &Unit, others: bool, best: &mut [f32]) {
    if b.rows <= usize::from(others) {
        return best.fill(f32::NEG_INFINITY);
    }
    let none = vec![0.0; b.rows];
    let sink = Nearest {
        rows: 0..a.rows,
        others,
        best: &mut *best,
    };
    matmul_into(exec, a.as_ref(), b.as_ref().t(), &none, PIECE, sink);
    // A maximum passes over NaN, so NaNs are written here.
    let all = (0..b.rows).any(|j| b.is_nan(j));
    for (i, best) in best.iter_mut().enumerate() {
        if all || a.is_nan(i) {
            *best = f32::NAN;
        }
    }
}

/// The sink that keeps the largest value of each row of a product.
struct Nearest<'a> {
    rows: std::ops::Range<usize>,
    /// Whether a row's product with itself is left out.
    others: bool,
    best: &'a mut [f32],
}

impl par::Rows for Nearest<'_> {
    fn rows(&self) -> usize {
        self.best.len()
    }
    fn split_rows(self, at: usize) -> (Self, Self) {
        let Nearest { rows, others, best } = self;
        let (rows, rows_rest) = rows.split_rows(at);
        let (best, best_rest) = best.split_at_mut(at);
        (
            Nearest { rows, others, best },
            Nearest {
                rows: rows_rest,
                others,
                best: best_rest,
            },
        )
    }
}

impl Sink for Nearest<'_> {
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, row: usize, c: &mut [f32]) {
        if self.others {
            c[self.rows.start + row] = f32::NEG_INFINITY;
        }
        self.best[row] = largest(s, c);
    }
}
