//! Polynomial fits by the normal equations, in f64.

/// Returns ΔR²: R² of a parabola minus R² of a straight line, both fitted on one set of (x, y) and scored on another,
/// by the normal equations and Gaussian elimination.
pub fn delta_r2(fit: &[(f64, f64)], test: &[(f64, f64)]) -> f64 {
    r2(2, fit, test) - r2(1, fit, test)
}

fn r2(degree: usize, fit: &[(f64, f64)], test: &[(f64, f64)]) -> f64 {
    let c = polynomial(degree, fit);
    let predict = |x: f64| -> f64 { (0..).zip(&c).map(|(i, c)| c * x.powi(i)).sum() };
    let mean = test.iter().map(|(_, y)| y).sum::<f64>() / test.len() as f64;
    let residual: f64 = test.iter().map(|&(x, y)| (y - predict(x)).powi(2)).sum();
    let total: f64 = test.iter().map(|&(_, y)| (y - mean).powi(2)).sum();
    1.0 - residual / total
}

/// Returns the coefficients of 1, x, x², … of the polynomial of least squares.
fn polynomial(degree: usize, points: &[(f64, f64)]) -> Vec<f64> {
    let terms = degree + 1;
    let row = |i: usize| -> Vec<f64> {
        let moment = |j: usize| points.iter().map(|(x, _)| x.powi((i + j) as i32)).sum();
        let right = points.iter().map(|(x, y)| x.powi(i as i32) * y).sum();
        (0..terms).map(moment).chain([right]).collect()
    };
    solve((0..terms).map(row).collect())
}

/// Solves a linear system by Gaussian elimination with partial pivoting. The last column of `rows` is the right side.
pub fn solve(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for i in 0..n {
        let pivot = (i..n).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs()));
        rows.swap(i, pivot.expect("a row is left"));
        let pivot = rows[i].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(j, _)| *j != i) {
            let factor = row[i] / pivot[i];
            row.iter_mut()
                .zip(&pivot)
                .for_each(|(a, p)| *a -= factor * p);
        }
    }
    (0..n).map(|i| rows[i][n] / rows[i][i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_is_all_that_a_line_leaves() {
        // y = x² on −1, 0, 1: a line explains nothing, a parabola everything.
        let points = [(-1.0, 1.0), (0.0, 0.0), (1.0, 1.0)];
        assert!((delta_r2(&points, &points) - 1.0).abs() < 1e-12);
        assert_eq!(
            solve(vec![vec![0.0, 2.0, 4.0], vec![1.0, 1.0, 5.0]]),
            [3.0, 2.0]
        );
    }
}
