//! Elements of a dictionary that are nearly the same direction: do their encoders differ, and do they fire together?

use kernels::sae::Parameters;
use kernels::{Exec, MatRef};

use super::claims::DUPLICATE;
use super::model::Task;
use crate::phase::Phase;
use crate::sae::reading;

crate::rows! {
    /// Alive elements with their nearest other alive one, where their cosine is above 0.9, of the untied models of each
    /// ratio whose MMCS is largest.
    pub struct Pair in "pairs" {
        /// coefficient of the L1 norm
        lambda: f64 ["1"],
        /// elements of the dictionary for each true feature
        ratio: f64 ["1"],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// number of the element
        element: usize [""],
        /// number of its nearest neighbour
        other: usize [""],
        /// cosine of the two elements
        cosine: f64 ["1"],
        /// cosine of their rows of the encoder
        encoder_cosine: f64 ["1"],
        /// the encoder's bias of the element less that of the other
        bias: f64 ["1"],
        /// share of the held-out samples on which the element fires
        fires: f64 ["1"],
        /// samples on which both fire over those on which either does
        together: f64 ["1"],
    }
}

/// Returns the pairs of an untied model, with firings on the samples `x`.
pub fn of(exec: Exec, parameters: &Parameters, task: &Task, x: MatRef) -> Vec<Pair> {
    let _span = Phase::Metrics.begin();
    let n = parameters.shape().dictionary;
    let codes = reading::dense_codes(exec, parameters, x);
    let fires = |j: usize, code: &[f32]| code[j] > 0.0;
    let samples = || codes.chunks_exact(n);
    let firings: Vec<usize> = (0..n)
        .map(|j| samples().filter(|code| fires(j, code)).count())
        .collect();
    let (elements, encoder) = (parameters.dictionary(), parameters.tensor("w_enc"));
    let bias = parameters.tensor("b_enc");
    let mut pairs = Vec::new();
    for element in (0..n).filter(|&j| firings[j] > 0) {
        let others = (0..n).filter(|&j| j != element && firings[j] > 0);
        let near = others.map(|j| (j, cosine(elements.row(element), elements.row(j))));
        let nearest = near.max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((other, near)) = nearest.filter(|(_, near)| *near > DUPLICATE) else {
            continue;
        };
        let both = samples().filter(|code| fires(element, code) && fires(other, code));
        let both = both.count();
        let either = firings[element] + firings[other] - both;
        pairs.push(Pair {
            lambda: task.lambda,
            ratio: task.ratio,
            seed: task.seed,
            element,
            other,
            cosine: near,
            encoder_cosine: cosine(encoder.row(element), encoder.row(other)),
            bias: f64::from(bias.row(0)[element]) - f64::from(bias.row(0)[other]),
            fires: firings[element] as f64 / x.rows() as f64,
            together: both as f64 / either as f64,
        });
    }
    pairs
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let terms = a.iter().zip(b);
        terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[cfg(test)]
mod tests {
    use kernels::Isa;
    use kernels::sae::{L1, Rows, Shape, Variant};

    use super::super::model::Encoder;
    use super::*;

    #[test]
    fn a_pair_is_described_by_its_encoders_and_its_firings() {
        let shape = Shape {
            width: 2,
            dictionary: 3,
        };
        let rows = Rows::Unit;
        let mut p = Parameters::zeros(shape, Variant::L1(L1 { lambda: 0.1, rows }));
        let [mut w_dec, mut w_enc, mut b_enc] = p.tensors_mut(["w_dec", "w_enc", "b_enc"]);
        // Two elements that decode alike, with encoders that differ in direction and threshold, and one element apart.
        for (j, [dec, enc]) in [[[1.0, 0.0]; 2], [[1.0, 0.0], [1.0, 1.0]], [[0.0, 1.0]; 2]]
            .into_iter()
            .enumerate()
        {
            w_dec.row_mut(j).copy_from_slice(&dec);
            w_enc.row_mut(j).copy_from_slice(&enc);
        }
        b_enc.row_mut(0)[1] = -1.5;
        let x = [1.0, 0.0, 2.0, 0.0, 1.0, 1.0, -1.0, 3.0];
        let task = Task {
            encoder: Encoder::Untied,
            lambda: 0.1,
            ratio: 2.0,
            steps: 5,
            seed: 4,
        };
        let x = MatRef::from_rows(&x, 2);
        let pairs = of(Exec::serial(Isa::detect()), &p, &task, x);
        assert_eq!(pairs.len(), 2);
        let (first, second) = (&pairs[0], &pairs[1]);
        assert_eq!(
            (first.element, first.other, second.element, second.other),
            (0, 1, 1, 0)
        );
        assert_eq!((first.cosine, first.bias, second.bias), (1.0, 1.5, -1.5));
        assert!((first.encoder_cosine - 0.5f64.sqrt()).abs() < 1e-12);
        // The first fires on samples 1, 2, 3, the second on 2, 3, 4.
        assert_eq!(
            (first.fires, second.fires, first.together),
            (0.75, 0.75, 0.5)
        );
    }
}
