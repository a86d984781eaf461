//! A model against the features that its data are made of, as SynthSAEBench measures it (`eval_sae_on_synthetic_data`
//! of SAELens), on samples of a synthetic model.
//!
//! Each element stands for the feature with the largest |cosine|, which several elements may share. What is asked of an
//! element is then what is asked of a classifier: is it on where its feature is?

use kernels::metrics::{Stream, assign};
use kernels::sae::{self, Parameters, Variant, Workspace};
use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};

use crate::activations::Rows;
use crate::error::Result;
use crate::phase::Phase;
use crate::sae::reading;
use crate::sae::synthetic::Batch;
use crate::sae::synthetic::samples::Samples;
use crate::session::progress;
use crate::text::{number, percent};

/// Samples that are encoded at once, among which codes are chosen together.
const TOGETHER: usize = 1024;

crate::words! {
    /// How codes are found.
    pub enum Codes {
        /// Each for itself, as the model is used: BatchTopK and Matryoshka take what is above their threshold.
        Alone,
        /// Those of 1,024 samples together, as in a training step: k times 1,024 entries of BatchTopK and Matryoshka.
        /// The published numbers of SynthSAEBench are found so.
        Together,
    }
}

crate::rows! {
    /// Models against the features that their data are made of, for data of a synthetic model.
    pub struct Truth in "truth" {
        /// name of the model
        model: String [""],
        /// how codes are found: alone (each for itself, as the model is used) or together (those of 1,024 samples, as
        /// in training, for batch-topk and matryoshka; SynthSAEBench does so)
        codes: Codes [""],
        /// samples measured
        rows: u64 ["rows"],
        /// mean |cosine| of elements and features, matched one to one so that it is largest (the Hungarian method)
        mcc: f64 ["1"],
        /// of the samples on which an element is on, the share on which its feature is, which is the one of largest
        /// |cosine|; 0 for an element that is never on; mean over elements
        precision: f64 ["1"],
        /// of the samples on which its feature is on, the share on which the element is; 0 for a feature that is never
        /// on; mean over elements
        recall: f64 ["1"],
        /// F1 = 2PR/(P + R) of precision and recall, 0 where both are 0; mean over elements
        f1: f64 ["1"],
        /// number of different features that elements stand for, for each element
        uniqueness: f64 ["1"],
        /// explained variance: 1 − Σ‖x − x̂‖² / Σ‖x − mean‖²
        explained_variance: f64 ["1"],
        /// active elements for each sample
        l0: f64 ["elements"],
        /// share of the elements that no sample switches on
        dead: f64 ["1"],
        /// ‖x̂‖/‖x‖, mean over samples with ‖x‖ above 10⁻⁶
        shrinkage: f64 ["1"],
    }
}

/// In words, for the terminal.
impl std::fmt::Display for Truth {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let together = match self.codes {
            Codes::Alone => "",
            Codes::Together => ", codes chosen of 1,024 samples together",
        };
        writeln!(
            f,
            "{}{together}, against the true features: F1 {}, precision {}, recall {}, MCC {}, uniqueness {}, \
             explained variance {}, L0 {}",
            self.model,
            number(self.f1),
            number(self.precision),
            number(self.recall),
            number(self.mcc),
            number(self.uniqueness),
            percent(self.explained_variance),
            number(self.l0),
        )
    }
}

/// Elements and the features that they stand for.
#[derive(Debug)]
struct Pairs {
    /// The feature of each element.
    feature: Vec<usize>,
    mcc: f64,
}

impl Pairs {
    /// Those of unit directions.
    fn of(exec: Exec, elements: MatRef, features: MatRef) -> Pairs {
        let (n, m) = (elements.rows(), features.rows());
        // Rows are those of the smaller one, for the assignment.
        let swapped = n > m;
        let (few, many) = if swapped {
            (features, elements)
        } else {
            (elements, features)
        };
        let mut cosines = vec![0f32; n * m];
        let columns = many.rows();
        matmul(
            exec,
            few,
            many.t(),
            Accumulate::Replace,
            MatMut::from_rows(&mut cosines, columns),
        );
        // A dictionary that is not finite has no direction.
        cosines
            .iter_mut()
            .for_each(|c| *c = if c.is_finite() { c.abs() } else { 0.0 });
        let cosine = |element: usize, feature: usize| match swapped {
            true => cosines[feature * columns + element],
            false => cosines[element * columns + feature],
        };
        let nearest = |element: usize| {
            // The first of equal ones.
            (0..m)
                .rev()
                .max_by(|&a, &b| cosine(element, a).total_cmp(&cosine(element, b)))
        };
        let feature = (0..n).map(|element| nearest(element).expect("there are features"));
        let feature = feature.collect();
        let matched = assign(&cosines, columns);
        let sum: f64 = matched
            .iter()
            .enumerate()
            .map(|(i, &j)| f64::from(cosines[i * columns + j]))
            .sum();
        Pairs {
            feature,
            mcc: sum / matched.len() as f64,
        }
    }
}

/// How often elements and features are on, and elements with their features.
#[derive(Debug)]
struct Counts {
    both: Vec<u64>,
    features: Vec<u64>,
}

impl Counts {
    fn add(&mut self, pairs: &Pairs, batch: &Batch, codes: kernels::SparseRef) {
        let mut on = vec![false; self.features.len()];
        let truth = batch.codes(on.len());
        for i in 0..codes.rows() {
            let (active, _) = truth.row(i);
            for &feature in active {
                on[feature as usize] = true;
                self.features[feature as usize] += 1;
            }
            let (elements, values) = codes.row(i);
            for (&element, _) in elements
                .iter()
                .zip(values)
                .filter(|(_, value)| **value != 0.0)
            {
                self.both[element as usize] += u64::from(on[pairs.feature[element as usize]]);
            }
            active
                .iter()
                .for_each(|&feature| on[feature as usize] = false);
        }
    }
}

/// The ways in which codes of a variant are found, where they differ.
fn ways(variant: Variant) -> &'static [Codes] {
    match variant {
        Variant::BatchTopK(_) | Variant::Matryoshka(_) => &[Codes::Alone, Codes::Together],
        _ => &[Codes::Alone],
    }
}

/// Measures models that take raw samples on those of these numbers; nothing, if the rows are not those of a synthetic
/// model.
pub fn of_all<'a>(
    exec: Exec,
    models: impl IntoIterator<Item = (&'a str, &'a Parameters)>,
    rows: &Rows,
    numbers: &[u64],
) -> Result<Vec<Truth>> {
    let mut all = Vec::new();
    if let Some(samples) = rows.samples() {
        for (name, parameters) in models {
            all.extend(measure(exec, name, parameters, samples, numbers)?);
        }
    }
    Ok(all)
}

/// Measures a model: a row for each way in which its codes are found.
fn measure(
    exec: Exec,
    model: &str,
    parameters: &Parameters,
    samples: &Samples,
    numbers: &[u64],
) -> Result<Vec<Truth>> {
    let _span = Phase::Metrics.begin();
    let shape = parameters.shape();
    let elements = reading::elements(exec, parameters);
    let pairs = Pairs::of(
        exec,
        MatRef::from_rows(&elements, shape.width),
        samples.features(),
    );
    let mut workspace = Workspace::new(shape, parameters.variant(), TOGETHER);
    let mut room = vec![0f32; TOGETHER * shape.width];
    let mut found: Vec<_> = ways(parameters.variant())
        .iter()
        .map(|&way| {
            let counts = Counts {
                both: vec![0; shape.dictionary],
                features: vec![0; samples.features().rows()],
            };
            (
                way,
                Stream::new(shape.width, shape.dictionary),
                counts,
                Mean::default(),
            )
        })
        .collect();
    for numbers in numbers.chunks(TOGETHER) {
        progress::check()?;
        let batch = samples.batch(numbers);
        let x = MatRef::from_rows(&batch.x, shape.width);
        for (way, stream, counts, shrinkage) in &mut found {
            let codes = match way {
                Codes::Alone => sae::encode(exec, parameters, x, &mut workspace),
                Codes::Together => sae::encode_batch(exec, parameters, x, &mut workspace),
            };
            let mut x_hat = MatMut::first(&mut room, numbers.len(), shape.width);
            sae::decode(exec, parameters, codes, x_hat.reborrow());
            stream.add(exec, x, x_hat.as_ref(), codes);
            counts.add(&pairs, &batch, codes);
            for i in 0..numbers.len() {
                let norm = |row: &[f32]| {
                    row.iter()
                        .map(|&v| f64::from(v).powi(2))
                        .sum::<f64>()
                        .sqrt()
                };
                let (of_x, of_x_hat) = (norm(x.row(i)), norm(x_hat.as_ref().row(i)));
                if of_x > 1e-6 {
                    shrinkage.add(of_x_hat / of_x);
                }
            }
        }
    }
    let row = |(codes, stream, counts, shrinkage): (Codes, Stream, Counts, Mean)| {
        let [mut precision, mut recall, mut f1] = [Mean::default(); 3];
        for (element, &on) in stream.firings().iter().enumerate() {
            let share = |of: u64| match of {
                0 => 0.0,
                of => counts.both[element] as f64 / of as f64,
            };
            let (p, r) = (share(on), share(counts.features[pairs.feature[element]]));
            precision.add(p);
            recall.add(r);
            f1.add(if p + r > 0.0 {
                2.0 * p * r / (p + r)
            } else {
                0.0
            });
        }
        let mut distinct = pairs.feature.clone();
        distinct.sort_unstable();
        distinct.dedup();
        Truth {
            model: model.into(),
            codes,
            rows: stream.samples(),
            mcc: pairs.mcc,
            precision: precision.value(),
            recall: recall.value(),
            f1: f1.value(),
            uniqueness: distinct.len() as f64 / pairs.feature.len() as f64,
            explained_variance: stream.explained_variance(),
            l0: reading::l0(&stream),
            dead: reading::dead_fraction(&stream),
            shrinkage: shrinkage.value(),
        }
    };
    Ok(found.into_iter().map(row).collect())
}

/// A mean of numbers that come one by one.
#[derive(Debug, Default, Clone, Copy)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(&self) -> f64 {
        self.sum / self.count as f64
    }
}

#[cfg(test)]
mod tests {
    use kernels::Isa;
    use kernels::sae::{BatchTopK, Shape, TopK};

    use super::*;
    use crate::rng::Rng;
    use crate::sae::synthetic::spec::{Directions, Firing, Spec};
    use crate::session::progress::{Progress, Show};
    use crate::settings::{Preset, Settings as _};

    const D: usize = 8;

    /// Orthogonal features, of which two are on in every sample.
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

    /// A model whose elements are these features, times a sign.
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
        measure(
            Exec::serial(Isa::detect()),
            "m",
            &parameters,
            &samples,
            &numbers,
        )
        .unwrap()
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

    /// Straight from the definitions, with dense codes and magnitudes.
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
        let truth = measure(exec, "m", &parameters, &samples, &numbers).unwrap();
        assert_eq!(
            truth.iter().map(|t| t.codes).collect::<Vec<_>>(),
            [Codes::Alone, Codes::Together]
        );
        // k for every sample of two batches, 1,024 and 476.
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
}
