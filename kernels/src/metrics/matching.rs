//! The one-to-one matching of two dictionaries, by the assignment with the largest sum of cosines.

use super::cosines::Unit;
use crate::machine::exec::Exec;
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::view::{MatMut, MatRef};

/// A matching of the rows of two dictionaries: as many pairs as the smaller one has rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Matching {
    /// The pairs: a row of a, a row of b, and their cosine, in ascending order of rows of a.
    pub pairs: Vec<(usize, usize, f32)>,
}

impl Matching {
    /// Returns the matching with the largest sum of cosines of all, for a (n×d) and b (m×d) with contiguous rows. It
    /// takes 4·nm bytes, and time in O(nm·min(n, m)) at worst: for 1,024 rows against as many unrelated ones, a quarter
    /// of a second.
    ///
    /// # Panics
    /// If the rows of the two differ in length, or hold a NaN or an infinity.
    #[track_caller]
    pub fn of(exec: Exec, a: MatRef, b: MatRef) -> Matching {
        assert_eq!(
            a.cols(),
            b.cols(),
            "rows of {} and of {} values",
            a.cols(),
            b.cols()
        );
        // The rows of the matrix of cosines are those of the smaller dictionary.
        let swapped = a.rows() > b.rows();
        let (few, many) = if swapped { (b, a) } else { (a, b) };
        let (n, m) = (few.rows(), many.rows());
        let mut cosines = vec![0.0; n * m];
        let out = MatMut::first(&mut cosines, n, m);
        let (unit_few, unit_many) = (Unit::of(exec, few), Unit::of(exec, many));
        let (few, many) = (unit_few.as_ref(), unit_many.as_ref().t());
        matmul(exec, few, many, Accumulate::Replace, out);
        if let Some(at) = cosines.iter().position(|c| !c.is_finite()) {
            let (i, j) = match swapped {
                true => (at % m, at / m),
                false => (at / m, at % m),
            };
            panic!(
                "a cosine of {} between row {i} of the first dictionary and row {j} of the second",
                cosines[at]
            );
        }
        let columns = assign(&cosines, m);
        let mut pairs: Vec<_> = (0..n)
            .map(|i| {
                let (j, cosine) = (columns[i], cosines[i * m + columns[i]]);
                if swapped {
                    (j, i, cosine)
                } else {
                    (i, j, cosine)
                }
            })
            .collect();
        pairs.sort_unstable_by_key(|&(i, ..)| i);
        Matching { pairs }
    }

    /// Returns the mean cosine over the pairs (MCC), or NaN where there are no pairs.
    pub fn mean_cosine(&self) -> f64 {
        let sum: f64 = self.pairs.iter().map(|&(.., c)| f64::from(c)).sum();
        sum / self.pairs.len() as f64
    }
}

/// Assigns to each row of a matrix of finite values a column of its own, so that the sum of the values chosen is the
/// largest. Returns the column of each row. The rows of the matrix follow each other in `values`.
///
/// ```
/// // The largest value of each row is in the first column, which only one row can have.
/// assert_eq!(kernels::metrics::assign(&[3.0, 1.0, 2.0, 9.0, 8.0, 0.0], 3), [0, 1]);
/// ```
///
/// The method is that of shortest augmenting paths with dual variables (Jonker & Volgenant 1987, in the rectangular
/// form of Crouse, *On implementing 2D rectangular assignment algorithms*, 2016), in f64.
///
/// # Panics
/// If there are more rows than columns, `values` are not whole rows, or a value is NaN or infinite.
#[track_caller]
pub fn assign(values: &[f32], columns: usize) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let rows = values.len() / columns.max(1);
    assert!(
        rows * columns == values.len() && rows <= columns,
        "{} values in rows of {columns}",
        values.len()
    );
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let (row, column) = (at / columns, at % columns);
        panic!(
            "a value of {} in row {row}, column {column} of an assignment",
            values[at]
        );
    }
    let mut row_dual = vec![0.0; rows];
    let mut column_dual = vec![0.0; columns];
    let mut row_of = vec![NONE; columns];
    let mut column_of = vec![NONE; rows];
    // The shortest path to each column: its length, and the row before its end.
    let mut length = vec![0.0; columns];
    let mut before = vec![NONE; columns];
    let mut left: Vec<usize> = vec![];
    for first in 0..rows {
        length.fill(f64::INFINITY);
        left.clear();
        left.extend(0..columns);
        // The columns reached, nearest first.
        let mut reached = vec![];
        let (mut row, mut lowest) = (first, 0.0);
        let end = loop {
            let costs = &values[row * columns..][..columns];
            let mut nearest = (f64::INFINITY, 0);
            for (at, &j) in left.iter().enumerate() {
                // The cost of a value is its negative.
                let path = lowest - f64::from(costs[j]) - row_dual[row] - column_dual[j];
                if path < length[j] {
                    length[j] = path;
                    before[j] = row;
                }
                // Among columns at the same distance, one that ends the path is taken.
                if length[j] < nearest.0 || (length[j] == nearest.0 && row_of[j] == NONE) {
                    nearest = (length[j], at);
                }
            }
            lowest = nearest.0;
            let column = left.swap_remove(nearest.1);
            reached.push(column);
            if row_of[column] == NONE {
                break column;
            }
            row = row_of[column];
        };
        row_dual[first] += lowest;
        for &j in &reached {
            if row_of[j] != NONE {
                row_dual[row_of[j]] += lowest - length[j];
            }
            column_dual[j] -= lowest - length[j];
        }
        let mut column = end;
        loop {
            let row = before[column];
            row_of[column] = row;
            std::mem::swap(&mut column_of[row], &mut column);
            if row == first {
                break;
            }
        }
    }
    column_of
}
