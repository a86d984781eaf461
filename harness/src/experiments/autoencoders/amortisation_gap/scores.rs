//! Mean correlation coefficients of codes and of dictionaries with the true ones.

use kernels::metrics::assign;
use serde::{Deserialize, Serialize};

use crate::stats::mean;

/// The scores of a method.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Scores {
    /// The mean correlation coefficient of the codes of the test samples with the true ones.
    pub code_mcc: f64,
    /// The mean correlation coefficient of the dictionary with the true one; not a number where none is learned.
    pub dictionary_mcc: f64,
}

/// Returns the mean |r| over the sources, for the one-to-one matching of codes (B×N) with true ones that makes it
/// largest; not a number if a code is not finite. r is Pearson's correlation over the samples, 0 where a code is the
/// same for all of them.
pub fn of_codes(codes: &[f32], truth: &[f32], sources: usize) -> f64 {
    if !codes.iter().all(|c| c.is_finite()) {
        return f64::NAN;
    }
    let samples = codes.len() / sources;
    let [codes, truth] = [codes, truth].map(|c| centred(&transposed(c, sources), samples));
    let with_squares = |rows| {
        let rows = <[f32]>::chunks_exact(rows, samples);
        rows.map(|row| (row, dot(row, row))).collect::<Vec<_>>()
    };
    let codes = with_squares(&codes);
    let mut sizes = Vec::with_capacity(sources * sources);
    for (source, of_source) in with_squares(&truth) {
        for &(code, of_code) in &codes {
            let norms = (of_source * of_code).sqrt();
            let r = match norms > 0.0 {
                true => dot(source, code) / norms,
                false => 0.0,
            };
            sizes.push(r.abs() as f32);
        }
    }
    let matched = assign(&sizes, sources).into_iter().enumerate();
    let matched = matched.map(|(i, j)| sizes[i * sources + j].into());
    mean(&matched.collect::<Vec<_>>())
}

/// Returns the mean |r| of pairs of atoms (N×M) and true ones, matched greedily, the largest |r| first and each atom
/// once; not a number if an r is not. r is Pearson's correlation over the M coordinates.
pub fn of_dictionaries(atoms: &[f32], truth: &[f32], dimensions: usize) -> f64 {
    let [atoms, truth] = [atoms, truth].map(|a| centred(a, dimensions));
    let mut pairs = Vec::new();
    for (i, a) in truth.chunks_exact(dimensions).enumerate() {
        for (j, b) in atoms.chunks_exact(dimensions).enumerate() {
            pairs.push((i, j, (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).abs()));
        }
    }
    if pairs.iter().any(|p| p.2.is_nan()) {
        return f64::NAN;
    }
    pairs.sort_by(|a, b| b.2.total_cmp(&a.2));
    let (mut ours, mut theirs, mut sum) = (Vec::new(), Vec::new(), 0.0);
    for (i, j, r) in pairs {
        if !ours.contains(&i) && !theirs.contains(&j) {
            ours.push(i);
            theirs.push(j);
            sum += r;
        }
    }
    sum / ours.len() as f64
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    let terms = a.iter().zip(b);
    terms.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|j| values.iter().skip(j).step_by(columns))
        .copied()
        .collect()
}

/// Returns rows of `length` values, each less its mean.
fn centred(values: &[f32], length: usize) -> Vec<f32> {
    let row = |row: &[f32]| {
        let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / row.len() as f64;
        row.iter()
            .map(|&v| (f64::from(v) - mean) as f32)
            .collect::<Vec<f32>>()
    };
    values.chunks_exact(length).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_know_neither_order_nor_scale_nor_offset() {
        let truth = [1.0, 0.0, 0.0, 2.0, 3.0, 0.0, 0.0, 1.0];
        // The two sources swapped, one of them doubled and one moved.
        let codes = [1.0, 2.0, 3.0, 0.0, 1.0, 6.0, 2.0, 0.0];
        assert!((of_codes(&codes, &truth, 2) - 1.0).abs() < 1e-6);
        let other = [1.0, 2.0, 3.0, 0.0, 1.0, 0.0, 2.0, 6.0];
        assert!(of_codes(&other, &truth, 2) < 0.9);
        assert!(of_codes(&[f32::NAN; 8], &truth, 2).is_nan());
        let atoms = [1.0, 2.0, 4.0, 0.0, 1.0, 0.0];
        let turned = [0.0, -2.0, 0.0, 3.0, 6.0, 12.0];
        assert!((of_dictionaries(&turned, &atoms, 3) - 1.0).abs() < 1e-12);
    }
}
