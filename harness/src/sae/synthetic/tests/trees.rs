//! Tests of features in trees.

use super::*;

#[test]
fn children_need_their_parents_and_exclude_each_other() {
    let spec = small();
    let forest = spec.forest();
    let batch = generator(&spec).batch(5000, &mut rng(3));
    let (mut children, mut grandchildren) = (0, 0);
    for i in 0..5000 {
        let (on, magnitudes) = batch.codes(spec.features).row(i);
        assert!(on.is_sorted_by(|a, b| a < b) && magnitudes.iter().all(|&m| m > 0.0));
        let parents: Vec<usize> = on
            .iter()
            .filter_map(|&f| forest.parent(f as usize))
            .collect();
        // Rising numbers of nodes have rising parents, so siblings would follow each other.
        assert!(
            parents.is_sorted_by(|a, b| a < b),
            "two children of one parent in {on:?}"
        );
        assert!(
            parents.iter().all(|&p| on.contains(&(p as u32))),
            "a child without its parent in {on:?}"
        );
        children += parents.len();
        grandchildren += parents
            .iter()
            .filter(|&&p| forest.parent(p).is_some())
            .count();
    }
    assert!(
        children > 3000 && grandchildren > 500,
        "{children} {grandchildren}"
    );
}

#[test]
fn a_magnitude_is_a_product_along_its_branch() {
    // Without deviations every magnitude is a mean, and parents are at theirs.
    let still = Spec {
        deviation: vec![0.0],
        deviation_spread: 0.0,
        ..small()
    };
    let batch = generator(&still).batch(500, &mut rng(4));
    let means = still.means();
    for (f, m) in batch.features.iter().zip(&batch.magnitudes) {
        assert!((f64::from(*m) - means[*f as usize]).abs() < 1e-6);
    }
    // With deviations, what is left of a child when its parent is divided out is drawn from the child's own law, and
    // the parent's magnitude shows in it.
    let spec = Spec {
        deviation: vec![0.5],
        deviation_spread: 0.0,
        ..small()
    };
    let means = spec.means();
    let forest = spec.forest();
    let batch = generator(&spec).batch(20_000, &mut rng(5));
    let (mut own, mut scaled) = (Vec::new(), Vec::new());
    for i in 0..20_000 {
        let (on, magnitudes) = batch.codes(spec.features).row(i);
        let of = |f: usize| {
            Some(f64::from(
                magnitudes[on.iter().position(|&o| o as usize == f)?],
            ))
        };
        for &f in on {
            let f = f as usize;
            if let Some(parent) = forest.parent(f) {
                let ratio = of(parent).unwrap() / means[parent];
                own.push(of(f).unwrap() / ratio - means[f]);
                scaled.push(ratio);
            }
        }
    }
    let n = own.len() as f64;
    let moments = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / n;
        (
            mean,
            values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n,
        )
    };
    // Means are above 2, four deviations from 0, so that nearly nothing is cut off. Some draws share a sample, but
    // their own variables are independent.
    let (mean, variance) = moments(&own);
    assert!(mean.abs() < 5.0 * 0.5 / n.sqrt() + 1e-4, "{mean}");
    assert!(
        (variance - 0.25).abs() < 5.0 * 0.25 * (2.0 / n).sqrt() + 1e-4,
        "{variance}"
    );
    assert!(moments(&scaled).1 > 0.01);
}
