//! The comparison of a model with the features that its data are made of, as SynthSAEBench measures it
//! (`eval_sae_on_synthetic_data` of SAELens), on samples of a synthetic model.
//!
//! Each element stands for the feature with the largest |cosine|, which several elements may share. What is asked of an
//! element is then what is asked of a classifier: is it on where its feature is?

use kernels::metrics::{Stream, assign};
use kernels::sae::{self, Parameters, Shape, Variant, Workspace};
use kernels::{Accumulate, Exec, MatMut, MatRef, SparseRef, matmul};

use crate::sae::reading;
use crate::sae::synthetic::Batch;
use crate::sae::synthetic::samples::Samples;
use crate::text::{number, percent};

/// The number of samples among which codes are chosen together.
pub const TOGETHER: usize = 1024;

crate::words! {
    /// The rows among which the entries of a code are chosen.
    pub enum Codes {
        /// The code of each row is chosen by itself, as the model is used: BatchTopK and Matryoshka take the entries
        /// above their threshold.
        Alone,
        /// The codes of 1,024 samples are chosen together, as in a training step: BatchTopK and Matryoshka take k times
        /// 1,024 entries. The published numbers of SynthSAEBench are found so.
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

/// Writes the measures in words, for the terminal.
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
    /// The feature that each element stands for.
    feature: Vec<usize>,
    mcc: f64,
}

impl Pairs {
    /// Finds the feature of each element; `elements` and `features` are unit directions, as rows.
    fn of(exec: Exec, elements: MatRef, features: MatRef) -> Pairs {
        let (n, m) = (elements.rows(), features.rows());
        // The rows of the matrix are those of the smaller set, as the assignment needs no more rows than columns.
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
            // The first of equal cosines is taken.
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

/// The numbers of samples on which features are on, and elements together with their features.
#[derive(Debug)]
struct Counts {
    both: Vec<u64>,
    features: Vec<u64>,
    /// The mean of ‖x̂‖/‖x‖.
    shrinkage: Mean,
}

impl Counts {
    fn new(elements: usize, features: usize) -> Counts {
        Counts {
            both: vec![0; elements],
            features: vec![0; features],
            shrinkage: Mean::default(),
        }
    }

    fn add(&mut self, exec: Exec, pairs: &Pairs, batch: &Batch, codes: SparseRef, x_hat: MatRef) {
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
        let x = MatRef::from_rows(&batch.x, x_hat.cols());
        let norm = |row: &[f32]| {
            let squares = row.iter().map(|&v| f64::from(v).powi(2));
            squares.sum::<f64>().sqrt()
        };
        let norms = reading::by_row(exec, x.rows(), |i| (norm(x.row(i)), norm(x_hat.row(i))));
        for (of_x, of_x_hat) in norms {
            if of_x > 1e-6 {
                self.shrinkage.add(of_x_hat / of_x);
            }
        }
    }

    /// Returns the row of a model in the table, for codes that are found in the way `codes`.
    fn row(&self, model: &str, codes: Codes, pairs: &Pairs, stream: &Stream) -> Truth {
        let [mut precision, mut recall, mut f1] = [Mean::default(); 3];
        for (element, &on) in stream.firings().iter().enumerate() {
            let share = |of: u64| match of {
                0 => 0.0,
                of => self.both[element] as f64 / of as f64,
            };
            let (p, r) = (share(on), share(self.features[pairs.feature[element]]));
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
            l0: reading::l0(stream),
            dead: reading::dead_fraction(stream),
            shrinkage: self.shrinkage.value(),
        }
    }
}

/// The comparison of a model with the features that samples are made of, batch after batch.
#[derive(Debug)]
pub struct Comparison {
    pairs: Pairs,
    alone: Counts,
    /// The measures of codes that are found together, for variants that have such codes.
    together: Option<(Stream, Counts)>,
}

impl Comparison {
    /// Returns the estimated memory, in bytes: all cosines of elements and features, and the codes of the samples that
    /// are encoded at once.
    pub fn memory(shape: Shape, features: usize) -> f64 {
        let (n, d, b) = (shape.dictionary as f64, shape.width as f64, TOGETHER as f64);
        4.0 * (n * features as f64 + n * d + b * (4.0 * n + 2.0 * d))
    }

    /// Returns a comparison on no samples yet.
    pub fn new(exec: Exec, parameters: &Parameters, samples: &Samples) -> Comparison {
        let Shape { width, dictionary } = parameters.shape();
        let elements = reading::elements(exec, parameters);
        let counts = || Counts::new(dictionary, samples.features().rows());
        let together = match parameters.variant() {
            Variant::BatchTopK(_) | Variant::Matryoshka(_) => {
                Some((Stream::new(width, dictionary), counts()))
            }
            _ => None,
        };
        Comparison {
            pairs: Pairs::of(
                exec,
                MatRef::from_rows(&elements, width),
                samples.features(),
            ),
            alone: counts(),
            together,
        }
    }

    /// Adds samples with their codes, each of which is found by itself, and the reconstructions from these.
    pub fn add(&mut self, exec: Exec, batch: &Batch, codes: SparseRef, x_hat: MatRef) {
        self.alone.add(exec, &self.pairs, batch, codes, x_hat);
    }

    /// Adds samples, at most 1,024, with the codes that are found of all of them together, if the variant has such;
    /// `room` is for their reconstructions.
    pub fn add_together(
        &mut self,
        exec: Exec,
        parameters: &Parameters,
        batch: &Batch,
        workspace: &mut Workspace,
        mut room: MatMut,
    ) {
        if let Some((stream, counts)) = &mut self.together {
            let x = MatRef::from_rows(&batch.x, room.cols());
            let codes = sae::encode_batch(exec, parameters, x, workspace);
            sae::decode(exec, parameters, codes, room.reborrow());
            stream.add(exec, x, room.as_ref(), codes);
            counts.add(exec, &self.pairs, batch, codes, room.as_ref());
        }
    }

    /// Returns the rows of the table: one for each way in which codes are found. `stream` holds the measures of the
    /// codes that are each found by themselves.
    pub fn rows(&self, model: &str, stream: &Stream) -> Vec<Truth> {
        let alone = self.alone.row(model, Codes::Alone, &self.pairs, stream);
        let together = self
            .together
            .as_ref()
            .map(|(stream, counts)| counts.row(model, Codes::Together, &self.pairs, stream));
        std::iter::once(alone).chain(together).collect()
    }
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
mod tests;
