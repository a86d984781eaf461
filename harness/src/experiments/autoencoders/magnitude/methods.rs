//! Encoders and ways to mend their magnitudes, compared on synthetic data.

use kernels::metrics::Matching;
use kernels::sae::{Gated, JumpRelu, L1, Parameters, Rows, Shape, TopK, Variant};
use kernels::sparse_coding::{gradient_step, nnls};
use kernels::{Exec, MatMut, MatRef};

use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::phase::Phase;
use crate::sae::reading;
use crate::sae::synthetic::{Batch, Generator};
use crate::sae::training::{self, Candidate, Trained};
use crate::stats::max;

/// Models that are trained.
pub const TRAINED: usize = 4;

crate::words! {
    /// An encoder, and what is done to its magnitudes.
    pub enum Method {
        /// The L1 SAE's own magnitudes.
        #[strum(serialize = "L1")]
        L1,
        /// A factor for each of its elements.
        #[strum(serialize = "L1, scaled")]
        Scaled,
        /// One step of gradient pursuit from its codes.
        #[strum(serialize = "L1, 1 step")]
        OneStep,
        /// Non-negative least squares on its active sets.
        #[strum(serialize = "L1, refitted")]
        Refitted,
        /// The gated SAE.
        Gated,
        /// The JumpReLU SAE.
        #[strum(serialize = "JumpReLU")]
        JumpRelu,
        /// The TopK SAE.
        #[strum(serialize = "TopK")]
        TopK,
    }
}

crate::rows! {
    /// Methods compared on held-out samples.
    pub struct Scores in "methods" {
        /// encoder, and what is done to its magnitudes: scaled (a factor for each element), 1 step (of gradient
        /// pursuit), refitted (non-negative least squares on the active set)
        method: Method [""],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// Σ‖x̂ − x‖² / Σ‖x‖²
        error: f64 ["1"],
        /// mean number of active elements
        l0: f64 ["elements"],
        /// share of the samples whose active elements are those matched to the active features
        right: f64 ["1"],
    }
}

/// What is left by every method at one seed.
#[derive(Debug)]
pub struct Compared {
    /// A row for each method; nothing is known of a model that diverged.
    pub rows: Vec<Scores>,
    /// Error after refitting over error before, on samples whose active set is right; or why that is not known.
    pub left_by_refit: Result<f64, String>,
    /// That ratio for refitting on the active set of another one of these samples.
    pub left_by_other: Result<f64, String>,
}

/// Codes of all held-out samples, B×n, and where they leave the samples.
struct Coded<'a> {
    exec: Exec,
    dictionary: MatRef<'a>,
    /// x − b_dec, B×d.
    x: &'a [f32],
    codes: Vec<f32>,
}

impl<'a> Coded<'a> {
    fn samples(&self) -> usize {
        self.x.len() / self.dictionary.cols()
    }

    /// The same samples with other codes.
    fn with(&self, change: impl FnOnce(Exec, MatRef, MatRef, MatMut)) -> Coded<'a> {
        let mut codes = self.codes.clone();
        let x = MatRef::from_rows(self.x, self.dictionary.cols());
        let out = MatMut::from_rows(&mut codes, self.dictionary.rows());
        change(self.exec, self.dictionary, x, out);
        Coded { codes, ..*self }
    }

    fn code(&self, i: usize) -> &[f32] {
        let n = self.dictionary.rows();
        &self.codes[i * n..][..n]
    }

    fn active(&self, i: usize) -> Vec<usize> {
        let code = self.code(i).iter().enumerate();
        code.filter(|(_, f)| **f > 0.0).map(|(j, _)| j).collect()
    }

    /// ‖x − b_dec − Dᵀf‖² of one sample.
    fn error(&self, i: usize) -> f64 {
        let d = self.dictionary.cols();
        let mut rest: Vec<f64> = self.x[i * d..][..d].iter().map(|&v| f64::from(v)).collect();
        for (j, &f) in self.code(i).iter().enumerate().filter(|(_, f)| **f != 0.0) {
            let element = self.dictionary.row(j);
            rest.iter_mut()
                .zip(element)
                .for_each(|(r, e)| *r -= f64::from(f) * f64::from(*e));
        }
        rest.iter().map(|r| r * r).sum()
    }

    /// A count of active entries; not a number if an entry is not finite, which counts as neither.
    fn known(&self, count: usize) -> f64 {
        match self.codes.iter().all(|f| f.is_finite()) {
            true => count as f64,
            false => f64::NAN,
        }
    }

    /// The row of a method, by the sum of ‖x‖² and the number of samples whose active set is right.
    fn row(&self, method: Method, seed: u64, square: f64, right: usize) -> Scores {
        let rows = self.samples();
        let active: usize = (0..rows).map(|i| self.active(i).len()).sum();
        Scores {
            method,
            seed,
            error: (0..rows).map(|i| self.error(i)).sum::<f64>() / square,
            l0: self.known(active) / rows as f64,
            right: self.known(right) / rows as f64,
        }
    }
}

/// Trains the models on the same batches and measures all methods on held-out samples.
pub fn compare(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Compared> {
    let generator = Generator::new(s.data, &mut ctx.rng(seed, "features", 0));
    let shape = Shape {
        width: s.data.width,
        dictionary: s.elements(),
    };
    let lambda = s.lambda as f32;
    let variants: [(Method, Variant); TRAINED] = [
        (
            Method::L1,
            Variant::L1(L1 {
                lambda,
                rows: Rows::Unit,
            }),
        ),
        (
            Method::Gated,
            Variant::Gated(Gated {
                lambda: s.gated_lambda as f32,
            }),
        ),
        (
            Method::JumpRelu,
            Variant::JumpRelu(JumpRelu {
                lambda: s.l0_lambda as f32,
                bandwidth: s.bandwidth as f32,
                threshold: s.bandwidth as f32,
            }),
        ),
        (Method::TopK, Variant::TopK(TopK { k: s.k, aux: None })),
    ];
    let candidates = variants.iter().map(|&(method, variant)| {
        let mut rng = ctx.rng(seed, "initial", 0);
        Candidate {
            slug: format!("{method}-seed{seed}"),
            title: format!("{method} SAE, seed {seed}"),
            source: 0,
            start: training::initial(shape, variant, &mut rng),
            rate: 1.0,
        }
    });
    let draw = |_, number| {
        generator
            .batch(s.training.batch, &mut ctx.rng(seed, "batch", number))
            .x
    };
    let trained = training::train(candidates.collect(), &s.training, s, &ctx.session, draw)?;

    let exec = ctx.session.parallel();
    let held_out = generator.batch(s.held_out, &mut ctx.rng(seed, "held-out", 0));
    let square: f64 = held_out.x.iter().map(|&v| f64::from(v).powi(2)).sum();
    let mut rows = Vec::new();
    let mut left = [
        Err("the L1 SAE was not trained".to_string()),
        Err(String::new()),
    ];
    for (&(method, _), trained) in variants.iter().zip(&trained) {
        if let Some(how) = &trained.divergence {
            rows.push(Scores {
                method,
                seed,
                error: f64::NAN,
                l0: f64::NAN,
                right: f64::NAN,
            });
            if method == Method::L1 {
                left = [
                    Err(format!("the L1 SAE {how}")),
                    Err(format!("the L1 SAE {how}")),
                ];
            }
            continue;
        }
        let x = centred(&trained.parameters, &held_out.x);
        let coded = encode(exec, trained, &x);
        let right = right_sets(exec, &generator, &held_out, &coded);
        let row = |method, of: &Coded| of.row(method, seed, square, right.len());
        rows.push(row(method, &coded));
        if method != Method::L1 {
            continue;
        }
        let tuning = generator
            .batch(s.held_out, &mut ctx.rng(seed, "scales", 0))
            .x;
        let tuning = centred(&trained.parameters, &tuning);
        let scales = scales(&encode(exec, trained, &tuning));
        let scaled = coded.with(|_, _, _, mut codes| {
            for i in 0..codes.rows() {
                let code = codes.row_mut(i).iter_mut();
                code.zip(&scales)
                    .for_each(|(f, s)| *f = (f64::from(*f) * s) as f32);
            }
        });
        let refitted = coded.with(nnls);
        rows.push(row(Method::Scaled, &scaled));
        rows.push(row(Method::OneStep, &coded.with(gradient_step)));
        rows.push(row(Method::Refitted, &refitted));
        left = refit_on(&coded, &refitted, &right);
    }
    let [left_by_refit, left_by_other] = left;
    Ok(Compared {
        rows,
        left_by_refit,
        left_by_other,
    })
}

/// x − b_dec.
fn centred(parameters: &Parameters, x: &[f32]) -> Vec<f32> {
    let bias = parameters.b_dec();
    let rows = x.chunks_exact(bias.len());
    rows.flat_map(|x| x.iter().zip(bias).map(|(x, b)| x - b))
        .collect()
}

/// The codes of samples that come without the decoder's bias.
fn encode<'a>(exec: Exec, trained: &'a Trained, x: &'a [f32]) -> Coded<'a> {
    let parameters = &trained.parameters;
    let rows = x.chunks_exact(parameters.shape().width);
    let with_bias: Vec<f32> = rows
        .flat_map(|x| x.iter().zip(parameters.b_dec()).map(|(x, b)| x + b))
        .collect();
    let with_bias = MatRef::from_rows(&with_bias, parameters.shape().width);
    let codes = reading::dense_codes(exec, parameters, with_bias);
    Coded {
        exec,
        dictionary: parameters.dictionary(),
        x,
        codes,
    }
}

/// The samples with some activity whose active elements are those matched to the active features.
fn right_sets(exec: Exec, generator: &Generator, held_out: &Batch, coded: &Coded) -> Vec<usize> {
    let _span = Phase::Metrics.begin();
    let matching = Matching::of(exec, generator.features(), coded.dictionary);
    let mut element = vec![None; generator.law().features];
    for &(feature, matched, _) in &matching.pairs {
        element[feature] = Some(matched);
    }
    let is_right = |&i: &usize| {
        let features = &held_out.features[held_out.starts[i]..held_out.starts[i + 1]];
        let matched: Option<Vec<usize>> = features.iter().map(|&f| element[f as usize]).collect();
        matched.is_some_and(|mut matched| {
            matched.sort_unstable();
            !matched.is_empty() && matched == coded.active(i)
        })
    };
    (0..coded.samples()).filter(is_right).collect()
}

/// A factor for each element, by least squares over all samples: A s = b with A_jk = Σ fⱼfₖ dⱼ·dₖ and b_j = Σ fⱼ dⱼ·x.
fn scales(coded: &Coded) -> Vec<f64> {
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
    // By Gauss and Seidel: A is positive semi-definite with a dominant diagonal where codes are sparse; an element that
    // never fires keeps the factor 1.
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

/// The error after refitting over the error before on samples whose active set is right, on their own active sets and each
/// on that of the next of them.
fn refit_on(coded: &Coded, refitted: &Coded, right: &[usize]) -> [Result<f64, String>; 2] {
    for (codes, whose) in [(coded, "of the L1 SAE"), (refitted, "refitted to it")] {
        if codes.known(0).is_nan() {
            let why = format!("a code {whose} is not finite");
            return [Err(why.clone()), Err(why)];
        }
    }
    if right.len() < 2 {
        let why = "the L1 SAE has fewer than two samples with the right active set".to_string();
        return [Err(why.clone()), Err(why)];
    }
    let n = coded.dictionary.rows();
    let others = coded.with(|exec, dictionary, x, mut codes| {
        for (k, &i) in right.iter().enumerate() {
            let other = right[(k + 1) % right.len()];
            codes
                .row_mut(i)
                .copy_from_slice(&coded.codes[other * n..][..n]);
        }
        nnls(exec, dictionary, x, codes);
    });
    let sum = |of: &Coded| right.iter().map(|&i| of.error(i)).sum::<f64>();
    let before = sum(coded);
    [Ok(sum(refitted) / before), Ok(sum(&others) / before)]
}

#[cfg(test)]
mod tests {
    use kernels::Isa;

    use super::*;

    #[test]
    fn an_entry_that_is_not_finite_is_not_counted_as_inactive() {
        let identity = [1.0, 0.0, 0.0, 1.0];
        let x = [2.0, 0.0, 0.0, 3.0];
        let coded = |codes: [f32; 4]| Coded {
            exec: Exec::serial(Isa::detect()),
            dictionary: MatRef::new(&identity, 2, 2).unwrap(),
            x: &x,
            codes: codes.to_vec(),
        };
        let good = coded([2.0, 0.0, 1.0, 2.0]);
        let row = good.row(Method::L1, 0, 13.0, 1);
        assert_eq!((row.error, row.l0, row.right), (2.0 / 13.0, 1.5, 0.5));
        assert_eq!(refit_on(&good, &coded(x), &[0, 1])[0], Ok(0.0));
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in 0..4 {
                let mut codes = [2.0, 0.0, 1.0, 2.0];
                codes[place] = broken;
                let bad = coded(codes);
                let row = bad.row(Method::L1, 0, 13.0, 1);
                assert!(row.l0.is_nan() && row.right.is_nan() && !row.error.is_finite());
                assert!(refit_on(&bad, &good, &[0, 1])[0].is_err());
                assert!(refit_on(&good, &bad, &[0, 1])[0].is_err());
            }
        }
    }
}
