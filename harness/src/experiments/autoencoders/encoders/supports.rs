//! The comparison of active sets: is that of an encoder nearer to the truth, or that of codes by optimisation on the
//! same dictionary?
//!
//! Active sets are compared at the same number of active entries, since a longer set always has the better recall and a
//! shorter one the better precision.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use kernels::metrics::Matching;
use kernels::sparse_coding::{Pursuit, omp};
use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};

use crate::sae::optimum::{Overlap, Problem, active};

/// The number of halvings of the range of λ in which the λ of FISTA is sought.
const HALVINGS: usize = 10;

/// The overlaps of active entries with the true ones, at the number of active entries of the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Supports {
    /// The overlap of the encoder's own active entries.
    pub own: Overlap,
    /// The overlap of the active entries of FISTA, at the λ where they are as many in the mean, or come nearest to it.
    pub fista: Overlap,
    /// The overlap of the active entries of OMP, as many in each sample.
    pub omp: Overlap,
    /// The overlap of the largest products with the elements, as many in all: the dictionary read by its transpose.
    pub transposed: Overlap,
}

impl Supports {
    /// The empty overlaps of a model of which nothing is known.
    pub const UNKNOWN: Supports = Supports {
        own: Overlap::NOTHING,
        fista: Overlap::NOTHING,
        omp: Overlap::NOTHING,
        transposed: Overlap::NOTHING,
    };

    /// Returns the number of active entries of FISTA over that of the encoder. It may be below 1 at every λ if the
    /// encoder has more active elements than the activations have columns.
    pub fn fista_share(&self) -> f64 {
        self.fista.found() as f64 / self.own.found() as f64
    }
}

/// Compares the active entries of finite codes and others on the same dictionary with the features that are active in
/// each sample. An element stands for the feature that it is matched with.
pub fn compare(
    exec: Exec,
    elements: MatRef,
    features: MatRef,
    x: MatRef,
    codes: &[f32],
    truth: &[Vec<usize>],
) -> Supports {
    let n = elements.rows();
    // An element without a feature of its own stands for none that is ever active.
    let mut feature: Vec<usize> = (0..n).map(|j| features.rows() + j).collect();
    for &(element, matched, _) in &Matching::of(exec, elements, features).pairs {
        feature[element] = matched;
    }
    let overlap = |codes: &[f32]| {
        let mut overlap = Overlap::NOTHING;
        for (code, truth) in codes.chunks_exact(n).zip(truth) {
            let found: Vec<usize> = active(code).into_iter().map(|j| feature[j]).collect();
            overlap.add(&found, truth);
        }
        overlap
    };
    let counts: Vec<usize> = codes
        .chunks_exact(n)
        .map(|code| active(code).len())
        .collect();
    Supports {
        own: overlap(codes),
        fista: overlap(&by_fista(exec, elements, x, counts.iter().sum())),
        omp: overlap(&by_omp(exec, elements, x, &counts)),
        transposed: overlap(&by_transpose(exec, elements, x, counts.iter().sum())),
    }
}

/// Returns the best codes for the λ at which they have `wanted` active entries in all, or of those tried the number
/// nearest to it.
fn by_fista(exec: Exec, elements: MatRef, x: MatRef, wanted: usize) -> Vec<f32> {
    let (mut low, mut high) = (1e-4f64.ln(), 1e1f64.ln());
    let mut nearest: Option<(usize, Vec<f32>)> = None;
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        let Some(codes) = Problem::new(exec, elements, x, middle.exp()).best() else {
            break;
        };
        let count = codes.iter().filter(|c| **c > 0.0).count();
        match count > wanted {
            true => low = middle,
            false => high = middle,
        }
        let off = count.abs_diff(wanted);
        if nearest.as_ref().is_none_or(|(least, _)| off < *least) {
            nearest = Some((off, codes));
        }
    }
    nearest.map_or_else(Vec::new, |(_, codes)| codes)
}

/// Returns codes by OMP with a number of active entries for each sample.
fn by_omp(exec: Exec, elements: MatRef, x: MatRef, counts: &[usize]) -> Vec<f32> {
    let (n, width) = (elements.rows(), x.cols());
    let mut samples: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        samples.entry(count).or_default().push(i);
    }
    let mut codes = vec![0f32; counts.len() * n];
    for (atoms, samples) in samples {
        let rows: Vec<f32> = samples.iter().flat_map(|&i| x.row(i)).copied().collect();
        let pursuit = Pursuit {
            atoms,
            tolerance: 1e-9,
        };
        let mut found = vec![0f32; samples.len() * n];
        let into = MatMut::from_rows(&mut found, n);
        omp(
            exec,
            elements,
            MatRef::from_rows(&rows, width),
            pursuit,
            into,
        );
        for (&i, code) in samples.iter().zip(found.chunks_exact(n)) {
            codes[i * n..][..n].copy_from_slice(code);
        }
    }
    codes
}

/// Returns the largest positive products of samples and elements, `wanted` in all, with zeros in the place of the
/// others.
fn by_transpose(exec: Exec, elements: MatRef, x: MatRef, wanted: usize) -> Vec<f32> {
    let n = elements.rows();
    let mut products = vec![0f32; x.rows() * n];
    let mut into = MatMut::from_rows(&mut products, n);
    matmul(exec, x, elements.t(), Accumulate::Replace, into.reborrow());
    let mut sorted = products.clone();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let least = sorted.get(wanted.saturating_sub(1)).copied();
    let least = least.filter(|_| wanted > 0).unwrap_or(f32::INFINITY);
    let kept = |p: f32| if p >= least && p > 0.0 { p } else { 0.0 };
    products.into_iter().map(kept).collect()
}

#[cfg(test)]
mod tests {
    use kernels::Isa;

    use super::*;

    #[test]
    fn sets_are_compared_at_the_same_length() {
        // Three directions in the plane. Sample 1 is half of each of the first two, sample 2 the third alone.
        let elements = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8];
        let x = [0.5, 0.5, 0.6, 0.8];
        let (elements, x) = (MatRef::from_rows(&elements, 2), MatRef::from_rows(&x, 2));
        let truth = [vec![0, 1], vec![2]];
        // The encoder has sample 1 right and takes another element for sample 2.
        let codes = [0.5, 0.5, 0.0, 0.9, 0.0, 0.0];
        let exec = Exec::serial(Isa::detect());
        let found = compare(exec, elements, elements, x, &codes, &truth);
        assert_eq!(
            (found.own.precision(), found.own.recall()),
            (2.0 / 3.0, 2.0 / 3.0)
        );
        // OMP begins sample 1 with the third element, whose product is the largest, 0.7 against 0.5; then one is left.
        assert_eq!(found.omp.precision(), 2.0 / 3.0);
        // The largest products are 1.0 and 0.8 of sample 2, and 0.7 of sample 1 with the third element.
        assert_eq!(found.transposed.precision(), 1.0 / 3.0);
        // The codes of FISTA come nearest to three entries in all.
        assert!(found.fista.recall() >= 2.0 / 3.0 && found.fista.precision() >= 0.5);
        assert_eq!(found.fista_share(), found.fista.found() as f64 / 3.0);
        // Elements in another order stand for the same features.
        let swapped = [0.6, 0.8, 1.0, 0.0, 0.0, 1.0];
        let swapped = MatRef::from_rows(&swapped, 2);
        let codes = [0.0, 0.5, 0.5, 0.0, 0.9, 0.0];
        let again = compare(exec, swapped, elements, x, &codes, &truth);
        assert_eq!((again.own, again.omp), (found.own, found.omp));
    }

    #[test]
    fn fista_may_have_fewer_entries_than_the_encoder() {
        // One column: the best code of a sample has a single entry, whatever λ is; the encoder has three.
        let (elements, x) = ([1.0, 0.5, 0.25], [1.0]);
        let (elements, x) = (MatRef::from_rows(&elements, 1), MatRef::from_rows(&x, 1));
        let exec = Exec::serial(Isa::detect());
        let found = compare(exec, elements, elements, x, &[0.4, 0.4, 0.4], &[vec![0]]);
        assert_eq!(found.fista_share(), 1.0 / 3.0);
    }

    #[test]
    fn a_code_of_nothing_keeps_nothing() {
        let (elements, x) = ([1.0, 0.0, 0.0, 1.0], [1.0, 2.0]);
        let (elements, x) = (MatRef::from_rows(&elements, 2), MatRef::from_rows(&x, 2));
        let exec = Exec::serial(Isa::detect());
        let found = compare(exec, elements, elements, x, &[0.0, 0.0], &[vec![0]]);
        for overlap in [found.own, found.omp, found.transposed] {
            assert_eq!((overlap.recall(), overlap.f1()), (0.0, 0.0));
        }
    }
}
