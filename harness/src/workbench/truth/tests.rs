//! Tests of models against features that are known: counts by hand, and from the definitions.

use kernels::Isa;
use kernels::sae::{BatchTopK, Shape, TopK};

use super::*;
use crate::rng::Rng;
use crate::sae::synthetic::spec::{Directions, Firing, Spec};
use crate::session::progress::{Progress, Show};
use crate::settings::{Preset, Settings as _};

const D: usize = 8;

/// Returns samples of orthogonal features, of which two are on in every sample.
fn samples() -> Samples {
    let spec = Spec {
        features: D,
        width: D,
        directions: Directions::Orthogonal,
        firing: Firing::Exactly,
        active: 2.0,
        ..Spec::preset(Preset::Default)
    };
    spec.check().unwrap();
    let exec = Exec::serial(Isa::detect());
    Samples::new(spec, exec, &Progress::new("", Show::Nothing)).unwrap()
}

/// Returns a model whose elements are these features, each times a sign.
fn model(samples: &Samples, variant: Variant, elements: &[(usize, f32)]) -> Parameters {
    let shape = Shape {
        width: D,
        dictionary: elements.len(),
    };
    let mut parameters = Parameters::zeros(shape, variant);
    for mut matrix in parameters.tensors_mut(["w_enc", "w_dec"]) {
        for (j, &(feature, sign)) in elements.iter().enumerate() {
            let row = samples.features().row(feature).iter().map(|v| sign * v);
            matrix
                .row_mut(j)
                .iter_mut()
                .zip(row)
                .for_each(|(to, v)| *to = v);
        }
    }
    parameters
}

fn truth(variant: Variant, elements: &[(usize, f32)]) -> Vec<Truth> {
    let samples = samples();
    let parameters = model(&samples, variant, elements);
    let numbers: Vec<u64> = (0..3000).collect();
    measure(&parameters, &samples, &numbers)
}

/// Returns the rows of a model in the table.
fn measure(parameters: &Parameters, samples: &Samples, numbers: &[u64]) -> Vec<Truth> {
    let exec = Exec::serial(Isa::detect());
    let Shape { width, dictionary } = parameters.shape();
    let mut comparison = Comparison::new(exec, parameters, samples);
    let mut stream = Stream::new(width, dictionary);
    let mut workspace = Workspace::new(parameters.task(), parameters.variant(), TOGETHER);
    let mut room = vec![0f32; TOGETHER * width];
    for numbers in numbers.chunks(TOGETHER) {
        let batch = samples.batch(numbers);
        let x = MatRef::from_rows(&batch.x, width);
        let codes = sae::encode(exec, parameters, x, &mut workspace);
        let mut x_hat = MatMut::first(&mut room, numbers.len(), width);
        sae::decode(exec, parameters, codes, x_hat.reborrow());
        stream.add(exec, x, x_hat.as_ref(), codes);
        comparison.add(exec, &batch, codes, x_hat.as_ref());
        comparison.add_together(exec, parameters, &batch, &mut workspace, x_hat);
    }
    comparison.rows("m", &stream)
}

#[test]
fn features_as_elements_are_found_without_a_mistake() {
    let all: Vec<_> = (0..D).rev().map(|i| (i, 1.0)).collect();
    let top2 = Variant::TopK(TopK { k: 2, aux: None });
    let [truth] = &truth(top2, &all)[..] else {
        panic!("one way")
    };
    let measures = [
        truth.mcc,
        truth.precision,
        truth.recall,
        truth.f1,
        truth.uniqueness,
        truth.l0 / 2.0,
    ];
    assert!(measures.iter().all(|m| (m - 1.0).abs() < 1e-6), "{truth:?}");
    assert!((truth.shrinkage - 1.0).abs() < 1e-6 && truth.explained_variance > 0.999_999);
    assert_eq!((truth.dead, truth.rows), (0.0, 3000));
}

/// Element 0 is right, 1 is its copy, 2 points away from its feature and is never on with it, and k = 1 loses the
/// smaller of two.
#[test]
fn mistakes_count_as_defined() {
    let top1 = Variant::TopK(TopK { k: 1, aux: None });
    let [truth] = &truth(top1, &[(0, 1.0), (0, 1.0), (3, -1.0)])[..] else {
        panic!("one way")
    };
    // Feature 0 is matched once, its copy to an orthogonal feature, and −v₃ to v₃.
    assert!((truth.mcc - 2.0 / 3.0).abs() < 1e-6, "{truth:?}");
    assert!((truth.uniqueness - 2.0 / 3.0).abs() < 1e-12);
    // Of two equal entries the first is kept. So element 0 is on exactly where its feature is, and element 1 never.
    // Elements may be on by rounding where their feature is not, which moves precision alone; without it, 1/3.
    assert!((truth.recall - 1.0 / 3.0).abs() < 1e-12, "{truth:?}");
    assert!(truth.precision > 0.0 && truth.precision <= 1.0 / 3.0 && truth.f1 <= 1.0 / 3.0);
    assert!(truth.dead >= 1.0 / 3.0);
}

/// The counts are compared with those straight from the definitions, with dense codes and magnitudes.
#[test]
fn counts_are_those_of_their_definitions() {
    let samples = samples();
    let mut rng = Rng::stream(1, "test", "truth", 0);
    let shape = Shape {
        width: D,
        dictionary: 12,
    };
    let variant = Variant::BatchTopK(BatchTopK { k: 3, aux: None });
    let mut parameters = Parameters::initial(shape, variant, || rng.normal() as f32);
    let [mut threshold] = parameters.tensors_mut(["threshold"]);
    threshold.row_mut(0).fill(0.3);
    let numbers: Vec<u64> = (0..1500).collect();
    let exec = Exec::serial(Isa::detect());
    let truth = measure(&parameters, &samples, &numbers);
    assert_eq!(
        truth.iter().map(|t| t.codes).collect::<Vec<_>>(),
        [Codes::Alone, Codes::Together]
    );
    // L0 is k for every sample of two batches, 1,024 and 476.
    assert!((truth[1].l0 - 3.0).abs() < 1e-12 && (truth[0].l0 - 3.0).abs() > 1e-3);

    let batch = samples.batch(&numbers);
    let x = MatRef::from_rows(&batch.x, D);
    let codes = reading::dense_codes(exec, &parameters, x);
    let active = |i: usize, feature: usize| batch.codes(D).row(i).0.contains(&(feature as u32));
    let cosine = |j: usize, feature: usize| {
        let pairs = parameters
            .dictionary()
            .row(j)
            .iter()
            .zip(samples.features().row(feature));
        pairs
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum::<f64>()
            .abs()
    };
    let (mut precision, mut recall, mut f1) = (0.0, 0.0, 0.0);
    for j in 0..12 {
        let b = (0..D)
            .max_by(|&p, &q| cosine(j, p).total_cmp(&cosine(j, q)))
            .unwrap();
        let count = |on: bool, with: bool| {
            let is = |i: &usize| (codes[i * 12 + j] != 0.0) == on && active(*i, b) == with;
            (0..1500).filter(is).count() as f64
        };
        let (tp, fp, missed) = (count(true, true), count(true, false), count(false, true));
        // 0 where there is nothing to divide by.
        let share = |a: f64, of: f64| if of > 0.0 { a / of } else { 0.0 };
        let (p, r) = (share(tp, tp + fp), share(tp, tp + missed));
        (precision, recall) = (precision + p / 12.0, recall + r / 12.0);
        f1 += share(2.0 * p * r, p + r) / 12.0;
    }
    for (ours, want) in [
        (truth[0].precision, precision),
        (truth[0].recall, recall),
        (truth[0].f1, f1),
    ] {
        assert!((ours - want).abs() < 1e-12, "{ours} {want}");
    }
    // All matchings of eight features to twelve elements are too many; a bound from each side will do here: no
    // matching is better than every feature's best element, and a greedy one is no better.
    let best = |feature: usize| (0..12).map(|j| cosine(j, feature)).fold(0.0, f64::max);
    let bound = (0..D).map(best).sum::<f64>() / D as f64;
    let mut left: Vec<usize> = (0..12).collect();
    let greedy = (0..D).map(|feature| {
        let at = (0..left.len())
            .max_by(|&a, &b| cosine(left[a], feature).total_cmp(&cosine(left[b], feature)));
        cosine(left.swap_remove(at.unwrap()), feature)
    });
    let greedy = greedy.sum::<f64>() / D as f64;
    assert!(greedy - 1e-6 <= truth[0].mcc && truth[0].mcc <= bound + 1e-6);
}
