//! Codes of held-out samples, their errors, and the samples whose active set is right.

use kernels::metrics::Matching;
use kernels::sae::Parameters;
use kernels::{Exec, MatMut, MatRef};

use crate::phase::Phase;
use crate::sae::reading;
use crate::sae::synthetic::{Batch, Generator};
use crate::sae::training::Trained;

/// The codes of all held-out samples, with the samples and the dictionary.
pub(super) struct Coded<'a> {
    pub exec: Exec,
    /// The dictionary, n×d.
    pub dictionary: MatRef<'a>,
    /// The samples less the bias of the decoder, x − b_dec, B×d.
    pub x: &'a [f32],
    /// The codes f, B×n.
    pub codes: Vec<f32>,
}

impl<'a> Coded<'a> {
    /// Returns the number of samples B.
    pub fn samples(&self) -> usize {
        self.x.len() / self.dictionary.cols()
    }

    /// Returns the same samples with codes that `change` makes of these.
    pub fn with(&self, change: impl FnOnce(Exec, MatRef, MatRef, MatMut)) -> Coded<'a> {
        let mut codes = self.codes.clone();
        let x = MatRef::from_rows(self.x, self.dictionary.cols());
        let out = MatMut::from_rows(&mut codes, self.dictionary.rows());
        change(self.exec, self.dictionary, x, out);
        Coded { codes, ..*self }
    }

    /// Returns the code of sample `i`.
    pub fn code(&self, i: usize) -> &[f32] {
        let n = self.dictionary.rows();
        &self.codes[i * n..][..n]
    }

    /// Returns the active elements of sample `i`, increasing.
    pub fn active(&self, i: usize) -> Vec<usize> {
        let code = self.code(i).iter().enumerate();
        code.filter(|(_, f)| **f > 0.0).map(|(j, _)| j).collect()
    }

    /// Returns the squared error ‖x − b_dec − Dᵀf‖² of sample `i`.
    pub fn error(&self, i: usize) -> f64 {
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

    /// Returns `count`, a count of active entries; not a number if an entry of the codes is not finite, which is
    /// neither active nor inactive.
    pub fn known(&self, count: usize) -> f64 {
        match self.codes.iter().all(|f| f.is_finite()) {
            true => count as f64,
            false => f64::NAN,
        }
    }
}

/// Returns samples less the bias of the decoder, x − b_dec.
pub(super) fn centred(parameters: &Parameters, x: &[f32]) -> Vec<f32> {
    let bias = parameters.b_dec();
    let rows = x.chunks_exact(bias.len());
    rows.flat_map(|x| x.iter().zip(bias).map(|(x, b)| x - b))
        .collect()
}

/// Returns the codes of samples from which the bias of the decoder was taken.
pub(super) fn encode<'a>(exec: Exec, trained: &'a Trained, x: &'a [f32]) -> Coded<'a> {
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

/// Returns the samples with some activity whose active elements are those matched to the active features.
pub(super) fn right_sets(
    exec: Exec,
    generator: &Generator,
    held_out: &Batch,
    coded: &Coded,
) -> Vec<usize> {
    let _span = Phase::Metrics.begin();
    let matching = Matching::of(exec, generator.features(), coded.dictionary);
    let mut element = vec![None; generator.features().rows()];
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
        assert_eq!(
            (good.known(3), good.error(0), good.error(1)),
            (3.0, 0.0, 2.0)
        );
        assert_eq!((good.active(0), good.active(1)), (vec![0], vec![0, 1]));
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in 0..4 {
                let mut codes = [2.0, 0.0, 1.0, 2.0];
                codes[place] = broken;
                assert!(coded(codes).known(3).is_nan());
            }
        }
    }
}
