//! A factor for each element, which mends shrinkage but not overlap.

use super::coded::Coded;
use crate::stats::max;

/// Returns a factor for each element, by least squares over all samples: A s = b with A_jk = Σ fⱼfₖ dⱼ·dₖ and
/// b_j = Σ fⱼ dⱼ·x.
pub(super) fn scales(coded: &Coded) -> Vec<f64> {
    let (n, d) = (coded.dictionary.rows(), coded.dictionary.cols());
    let element = |j: usize| coded.dictionary.row(j);
    let product = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    let (mut a, mut b) = (vec![vec![0.0; n]; n], vec![0.0; n]);
    for i in 0..coded.samples() {
        let code = coded.code(i);
        let active = coded.active(i);
        for &j in &active {
            b[j] += f64::from(code[j]) * product(element(j), &coded.x[i * d..][..d]);
            for &k in &active {
                a[j][k] += f64::from(code[j]) * f64::from(code[k]);
            }
        }
    }
    for (j, row) in a.iter_mut().enumerate() {
        for (k, entry) in row.iter_mut().enumerate().filter(|(_, v)| **v != 0.0) {
            *entry *= product(element(j), element(k));
        }
    }
    // The system is solved by the Gauss–Seidel method: A is positive semi-definite with a dominant diagonal where codes
    // are sparse. An element that never fires keeps the factor 1.
    let mut s = vec![1.0; n];
    for _ in 0..1000 {
        let mut change: f64 = 0.0;
        for j in (0..n).filter(|&j| a[j][j] > 0.0) {
            let others: f64 = (0..n).filter(|&k| k != j).map(|k| a[j][k] * s[k]).sum();
            let new = (b[j] - others) / a[j][j];
            change = max([change, (new - s[j]).abs()]);
            s[j] = new;
        }
        if change < 1e-12 {
            break;
        }
    }
    s
}
