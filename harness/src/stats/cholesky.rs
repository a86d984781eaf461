//! Systems of equations with a positive definite matrix.

/// The lower triangular factor L of a positive definite matrix A = LLᵀ.
#[derive(Debug, Clone)]
pub struct Cholesky {
    n: usize,
    /// The factor L, row by row.
    factor: Vec<f64>,
}

impl Cholesky {
    /// Factors an n×n matrix, of which only the lower triangle is read. `None` if it is not positive definite, up to
    /// rounding.
    ///
    /// # Panics
    /// If `a` does not have n² entries.
    #[track_caller]
    pub fn of(mut a: Vec<f64>, n: usize) -> Option<Cholesky> {
        assert_eq!(a.len(), n * n, "a matrix of {} entries, not {n}²", a.len());
        for i in 0..n {
            let (above, rest) = a.split_at_mut(i * n);
            let row = &mut rest[..n];
            for j in 0..i {
                let other = &above[j * n..][..=j];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let square = dot(&row[..i], &row[..i]);
            let left = row[i] - square;
            // What is left of the diagonal is no more than the rounding error of the sum that was taken from it.
            let rounding = n as f64 * f64::EPSILON * square;
            if left.is_nan() || left <= rounding {
                return None;
            }
            row[i] = left.sqrt();
        }
        Some(Cholesky { n, factor: a })
    }

    /// Solves AX = B in place, for a B of n rows of equal length.
    ///
    /// # Panics
    /// If the length of `b` is no multiple of n.
    #[track_caller]
    pub fn solve(&self, b: &mut [f64]) {
        let n = self.n;
        if n == 0 {
            return;
        }
        assert!(b.len().is_multiple_of(n), "{} entries in {n} rows", b.len());
        let columns = b.len() / n;
        let at = |i: usize, j: usize| self.factor[i * n + j];
        for i in 0..n {
            let (before, rest) = b.split_at_mut(i * columns);
            let row = &mut rest[..columns];
            (0..i).for_each(|j| subtract(row, at(i, j), &before[j * columns..]));
            row.iter_mut().for_each(|v| *v /= at(i, i));
        }
        for i in (0..n).rev() {
            let (rest, after) = b.split_at_mut((i + 1) * columns);
            let row = &mut rest[i * columns..];
            for (j, other) in (i + 1..n).zip(after.chunks(columns.max(1))) {
                subtract(row, at(j, i), other);
            }
            row.iter_mut().for_each(|v| *v /= at(i, i));
        }
    }
}

/// Computes row −= factor · other.
fn subtract(row: &mut [f64], factor: f64, other: &[f64]) {
    row.iter_mut()
        .zip(other)
        .for_each(|(v, o)| *v -= factor * o);
}

/// Returns the inner product, computed in four sums side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<4>();
    let (b, b_rest) = b.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (a, b) in a.iter().zip(b) {
        (0..4).for_each(|k| sums[k] += a[k] * b[k]);
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn random_systems_are_solved() {
        let mut rng = Rng::stream(1, "test", "cholesky", 0);
        for (n, columns) in [(1, 1), (5, 3), (23, 2)] {
            let factors: Vec<f64> = (0..n * (n + 3)).map(|_| rng.normal()).collect();
            let row = |i: usize| &factors[i * (n + 3)..][..n + 3];
            let product =
                |i: usize, j: usize| -> f64 { row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum() };
            let a: Vec<f64> = (0..n * n).map(|k| product(k / n, k % n)).collect();
            let x: Vec<f64> = (0..n * columns).map(|_| rng.normal()).collect();
            let mut b = vec![0.0; n * columns];
            for i in 0..n {
                for j in 0..n {
                    for c in 0..columns {
                        b[i * columns + c] += a[i * n + j] * x[j * columns + c];
                    }
                }
            }
            Cholesky::of(a, n).unwrap().solve(&mut b);
            // A Gram matrix of n + 3 normal factors has a condition number of a few hundred at these sizes.
            let far = b.iter().zip(&x).map(|(a, b)| (a - b).abs());
            assert!(far.fold(0.0, f64::max) < 1e-10, "{n}");
        }
        Cholesky::of(Vec::new(), 0).unwrap().solve(&mut []);
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        for a in [
            vec![0.0],
            vec![f64::NAN],
            vec![1.0, 0.0, 1.0, 1.0],
            vec![1.0, 0.0, 2.0, 1.0],
        ] {
            let n = a.len().isqrt();
            assert!(Cholesky::of(a.clone(), n).is_none(), "{a:?}");
        }
    }
}
