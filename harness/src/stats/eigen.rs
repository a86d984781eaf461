//! Eigenvalues and eigenvectors of a symmetric matrix.
//!
//! The method is Householder's reduction to a tridiagonal matrix, then its QL iteration with implicit shifts (Wilkinson
//! and Reinsch, *Linear Algebra*, 1971, contributions II/2 and II/4; the programs tred2 and tql2 of EISPACK).
//! Eigenvectors are rows here, so that every inner loop goes along memory.

/// The eigendecomposition A = Σ λᵢ vᵢ vᵢᵀ of a symmetric matrix.
#[derive(Debug, Clone)]
pub struct Eigen {
    /// The eigenvalues, the largest first.
    pub values: Vec<f64>,
    /// The orthonormal eigenvectors in the same order, one a row of n values.
    pub vectors: Vec<f64>,
}

impl Eigen {
    /// Returns the decomposition of a symmetric matrix with rows of `n` values; what is above its diagonal is not read.
    /// If values of the matrix are not finite, some of the result are not either.
    ///
    /// # Panics
    /// If there are not n² values.
    pub fn of(matrix: Vec<f64>, n: usize) -> Eigen {
        assert_eq!(matrix.len(), n * n, "values of a square matrix");
        let mut a = matrix;
        let (mut diagonal, mut beside, factors) = tridiagonal(&mut a, n);
        let mut vectors = product_of_reflections(&a, &factors, n);
        iterate(&mut diagonal, &mut beside, &mut vectors);
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| diagonal[j].total_cmp(&diagonal[i]));
        Eigen {
            values: order.iter().map(|&i| diagonal[i]).collect(),
            vectors: order
                .iter()
                .flat_map(|&i| &vectors[i * n..(i + 1) * n])
                .copied()
                .collect(),
        }
    }

    /// Returns the i-th eigenvector.
    pub fn vector(&self, i: usize) -> &[f64] {
        let n = self.values.len();
        &self.vectors[i * n..(i + 1) * n]
    }
}

/// Reduces a symmetric matrix to a tridiagonal one, and returns its diagonal and the values beside it, of which the one
/// at i is between i and i + 1. In row i of the matrix, before its diagonal, stays the vector u of the reflection 1 −
/// uuᵀ/h; the numbers h are the last result, 0 where there is no reflection.
fn tridiagonal(a: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (mut beside, mut factors) = (vec![0.0; n], vec![0.0; n]);
    let mut p = vec![0.0; n];
    for i in (1..n).rev() {
        let (above, row) = a.split_at_mut(i * n);
        let u = &mut row[..i];
        let scale: f64 = u[..i - 1].iter().map(|v| v.abs()).sum();
        if scale == 0.0 {
            beside[i - 1] = u[i - 1];
            continue;
        }
        // The row is scaled, so that no square overflows.
        let scale = scale + u[i - 1].abs();
        u.iter_mut().for_each(|v| *v /= scale);
        let square: f64 = u.iter().map(|v| v * v).sum();
        let last = u[i - 1];
        let root = -square.sqrt().copysign(last);
        beside[i - 1] = scale * root;
        let h = square - last * root;
        u[i - 1] = last - root;
        factors[i] = h;
        // This computes p = A u / h, of which only the lower half of A is stored.
        let p = &mut p[..i];
        p.fill(0.0);
        for j in 0..i {
            let (before, on) = (&above[j * n..j * n + j], above[j * n + j]);
            let mut sum = on * u[j];
            for ((p, &a), &u_k) in p.iter_mut().zip(before).zip(&*u) {
                sum += a * u_k;
                *p += a * u[j];
            }
            p[j] += sum;
        }
        p.iter_mut().for_each(|p| *p /= h);
        let half = p.iter().zip(&*u).map(|(p, u)| p * u).sum::<f64>() / (2.0 * h);
        for (p, u) in p.iter_mut().zip(&*u) {
            *p -= half * u;
        }
        for j in 0..i {
            let (u_j, p_j) = (u[j], p[j]);
            let entries = above[j * n..=j * n + j].iter_mut();
            for ((a, &u), &p) in entries.zip(&*u).zip(&*p) {
                *a -= u_j * p + p_j * u;
            }
        }
    }
    let diagonal = (0..n).map(|i| a[i * n + i]).collect();
    (diagonal, beside, factors)
}

/// Returns the product of the reflections, one after another, transposed: its rows are what QL iteration turns.
fn product_of_reflections(a: &[f64], factors: &[f64], n: usize) -> Vec<f64> {
    // The result is Qᵀ for Q = H_{n−1} ⋯ H_1: each reflection acts on the coordinates before its own.
    let mut q = vec![0.0; n * n];
    (0..n).for_each(|i| q[i * n + i] = 1.0);
    for i in 1..n {
        let h = factors[i];
        if h == 0.0 {
            continue;
        }
        let u = &a[i * n..i * n + i];
        for row in q[..i * n].chunks_exact_mut(n) {
            let row = &mut row[..i];
            let along = row.iter().zip(u).map(|(r, u)| r * u).sum::<f64>() / h;
            row.iter_mut().zip(u).for_each(|(r, u)| *r -= along * u);
        }
    }
    q
}

/// Runs the QL iteration with implicit shifts on a tridiagonal matrix, whose diagonal becomes the eigenvalues; the
/// rotations are applied to the rows of `vectors`.
fn iterate(d: &mut [f64], e: &mut [f64], vectors: &mut [f64]) {
    /// The largest number of iterations for one eigenvalue, of which two or three are usual.
    const MOST: usize = 64;
    let n = d.len();
    for l in 0..n {
        for _ in 0..MOST {
            let small = |m: usize| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs());
            let m = (l..n - 1).find(|&m| small(m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            let g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut g = d[m] - d[l] + e[l] / (g + g.hypot(1.0).copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut whole = true;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r = f.hypot(g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    whole = false;
                    break;
                }
                (s, c) = (f / r, g / r);
                let shifted = d[i + 1] - p;
                let turned = (d[i] - shifted) * s + 2.0 * c * b;
                p = s * turned;
                d[i + 1] = shifted + p;
                g = c * turned - b;
                rotate(vectors, i, n, c, s);
            }
            if whole {
                d[l] -= p;
                e[l] = g;
                e[m] = 0.0;
            }
        }
    }
}

/// Rotates rows i and i + 1 into each other, by the angle with cosine `c` and sine `s`.
fn rotate(vectors: &mut [f64], i: usize, n: usize, c: f64, s: f64) {
    let (first, second) = vectors[i * n..(i + 2) * n].split_at_mut(n);
    for (a, b) in first.iter_mut().zip(second) {
        let (old_a, old_b) = (*a, *b);
        *b = s * old_a + c * old_b;
        *a = c * old_a - s * old_b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(matrix: &[f64], n: usize) -> Eigen {
        let eigen = Eigen::of(matrix.to_vec(), n);
        let size = matrix.iter().map(|v| v * v).sum::<f64>().sqrt();
        let rounding = 16.0 * n as f64 * f64::EPSILON;
        assert!(eigen.values.is_sorted_by(|a, b| a >= b));
        for i in 0..n {
            for j in 0..n {
                let product: f64 = (eigen.vector(i).iter().zip(eigen.vector(j)))
                    .map(|(a, b)| a * b)
                    .sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((product - expected).abs() <= rounding, "{i} {j}: {product}");
                // The vector fulfils A v = λ v, entry by entry.
                let (row, v) = (&matrix[j * n..(j + 1) * n], eigen.vector(i));
                let turned: f64 = row.iter().zip(v).map(|(a, v)| a * v).sum();
                let apart = (turned - eigen.values[i] * v[j]).abs();
                assert!(apart <= rounding * size, "{i} {j}: {apart}");
            }
        }
        eigen
    }

    #[test]
    fn random_matrices_and_those_with_equal_eigenvalues_are_decomposed() {
        for n in [1, 2, 3, 10, 65] {
            let value = |i: usize, j: usize| (1.7 * (i.max(j) * 100 + i.min(j)) as f64).sin();
            let matrix: Vec<f64> = (0..n * n).map(|at| value(at / n, at % n)).collect();
            for scale in [1.0, 1e-150, 1e150] {
                let scaled: Vec<f64> = matrix.iter().map(|v| v * scale).collect();
                holds(&scaled, n);
            }
            // Most eigenvalues of a Gram matrix of few vectors are 0.
            let vectors: Vec<f64> = (0..3 * n).map(|i| (0.7 * i as f64).cos()).collect();
            let entry = |k: usize, at: usize| vectors[k * n + at / n] * vectors[k * n + at % n];
            let gram: Vec<f64> = (0..n * n)
                .map(|at| (0..3).map(|k| entry(k, at)).sum())
                .collect();
            let eigen = holds(&gram, n);
            assert!(
                eigen
                    .values
                    .iter()
                    .skip(3)
                    .all(|v| v.abs() < 1e-12 * n as f64)
            );
            holds(&vec![0.0; n * n], n);
        }
        let diagonal = [3.0, 0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, -1.0];
        assert_eq!(holds(&diagonal, 3).values, [7.0, 3.0, -1.0]);
    }

    #[test]
    fn the_second_difference_has_the_eigenvalues_that_are_known() {
        let n = 40;
        let entry = |i: usize, j: usize| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        let matrix: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        let eigen = holds(&matrix, n);
        for (i, value) in eigen.values.iter().enumerate() {
            let angle = std::f64::consts::PI * (n - i) as f64 / (n + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-13, "{i}");
        }
    }
}
