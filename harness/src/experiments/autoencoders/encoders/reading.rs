//! The reading of an encoder and its dictionary, together and apart.

use kernels::metrics::{Matching, Stream, mmcs};
use kernels::sae::Parameters;
use kernels::sparse_coding::{Pursuit, omp};
use kernels::{Accumulate, Exec, MatMut, MatRef, SparseRef, matmul};
use serde::{Deserialize, Serialize};

use super::source::Source;
use super::supports::{self, Supports};
use crate::phase::Phase;
use crate::sae::optimum::{Distance, Problem};
use crate::sae::reading;

/// The scores of codes of samples on some dictionary.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Codes {
    /// The mean number of active entries of a code.
    pub l0: f64,
    /// The share of the variance that reconstructions explain.
    pub explained_variance: f64,
    /// The loss ‖x − x̂‖² + λ Σ c, mean over samples.
    pub loss: f64,
}

impl Codes {
    /// The scores of codes that could not be found.
    pub const UNKNOWN: Codes = Codes {
        l0: f64::NAN,
        explained_variance: f64::NAN,
        loss: f64::NAN,
    };
}

/// The measures of one dictionary and its encoder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reading {
    /// The mean over the known directions of the largest cosine with an element; not a number if none are known.
    pub mmcs: f64,
    /// The scores of the encoder's own codes.
    pub own: Codes,
    /// The scores of the best codes (FISTA) for the same loss on the same dictionary.
    pub fista: Codes,
    /// The distance of the encoder's own codes from the best ones.
    pub distance: Distance,
    /// The scores of codes by OMP on the same dictionary, with as many active entries as the encoder has in the mean.
    pub omp: Codes,
    /// The scores of the encoder's codes with each element replaced by the known direction that it is matched with, if
    /// directions are known.
    pub on_known: Option<Codes>,
    /// The overlap of the active entries of encoder, FISTA and OMP with the true ones, where these are known.
    pub supports: Supports,
}

impl Reading {
    /// Reads a sparse autoencoder.
    pub fn of_encoder(
        exec: Exec,
        parameters: &Parameters,
        lambda: f64,
        source: &Source,
    ) -> Reading {
        let codes = reading::dense_codes(exec, parameters, source.samples_to_compare());
        let (elements, bias) = (parameters.dictionary(), parameters.b_dec());
        Self::of(exec, elements, bias, Some(&codes), lambda, source)
    }

    /// Reads a dictionary without bias whose codes are the best ones.
    pub fn of_dictionary(exec: Exec, elements: &[f32], lambda: f64, source: &Source) -> Reading {
        let elements = MatRef::from_rows(elements, source.width);
        let bias = vec![0.0; source.width];
        Self::of(exec, elements, &bias, None, lambda, source)
    }

    fn of(
        exec: Exec,
        elements: MatRef,
        bias: &[f32],
        codes: Option<&[f32]>,
        lambda: f64,
        source: &Source,
    ) -> Reading {
        let _span = Phase::Metrics.begin();
        let x = source.samples_to_compare();
        let (samples, n) = (x.rows(), elements.rows());
        let centred: Vec<f32> = (0..samples)
            .flat_map(|b| x.row(b).iter().zip(bias).map(|(x, bias)| x - bias))
            .collect();
        let centred = MatRef::from_rows(&centred, x.cols());
        let score = |codes: &[f32], elements: MatRef| score(exec, centred, codes, elements, lambda);

        let problem = Problem::new(exec, elements, centred, lambda);
        let best = problem.best();
        let fista = match &best {
            Some(best) => score(best, elements),
            None => Codes::UNKNOWN,
        };
        let own = codes.map_or(fista, |codes| score(codes, elements));

        let pursuit = Pursuit {
            atoms: (own.l0.round() as usize).clamp(1, n),
            tolerance: 1e-9,
        };
        let mut greedy = vec![0f32; samples * n];
        let into = MatMut::from_rows(&mut greedy, n);
        omp(exec, elements, centred, pursuit, into);

        let known = source.known();
        let on_known = (known.rows() > 0).then(|| {
            let matched = matched(exec, elements, known);
            let matched = MatRef::from_rows(&matched, x.cols());
            match codes.or(best.as_deref()) {
                None => Codes::UNKNOWN,
                Some(codes) => score(codes, matched),
            }
        });
        Reading {
            mmcs: match known.rows() {
                0 => f64::NAN,
                _ => mmcs(exec, known, elements),
            },
            own,
            fista,
            distance: match codes {
                Some(codes) => problem.distance(codes, best.as_deref()),
                None => Distance::UNKNOWN,
            },
            omp: match own.l0.is_finite() {
                true => score(&greedy, elements),
                false => Codes::UNKNOWN,
            },
            on_known,
            supports: match (&source.active, codes) {
                (Some(active), Some(codes)) if own.l0.is_finite() => {
                    supports::compare(exec, elements, known, centred, codes, active)
                }
                _ => Supports::UNKNOWN,
            },
        }
    }
}

/// Returns, in the place of each element, the known direction that it is matched with, at norm 1; zeros where it has
/// none.
fn matched(exec: Exec, elements: MatRef, known: MatRef) -> Vec<f32> {
    let width = elements.cols();
    let mut rows = vec![0f32; elements.rows() * width];
    for &(element, direction, _) in &Matching::of(exec, elements, known).pairs {
        let direction = known.row(direction);
        let norm = direction.iter().map(|v| v * v).sum::<f32>().sqrt();
        let row = &mut rows[element * width..][..width];
        row.iter_mut()
            .zip(direction)
            .for_each(|(to, v)| *to = v / norm);
    }
    rows
}

/// Returns the scores of dense codes of samples on some elements.
fn score(exec: Exec, x: MatRef, codes: &[f32], elements: MatRef, lambda: f64) -> Codes {
    let (samples, n, width) = (x.rows(), elements.rows(), x.cols());
    let dense = MatRef::from_rows(codes, n);
    let mut x_hat = vec![0f32; samples * width];
    let mut into = MatMut::from_rows(&mut x_hat, width);
    matmul(exec, dense, elements, Accumulate::Replace, into.reborrow());
    let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for row in codes.chunks_exact(n) {
        for (j, &value) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
            columns.push(j as u32);
            values.push(value);
        }
        starts.push(columns.len());
    }
    let sparse = SparseRef::new(&starts, &columns, &values, n).expect("columns below n");
    let mut stream = Stream::new(width, n);
    stream.add(exec, x, into.as_ref(), sparse);
    Codes {
        l0: reading::l0(&stream),
        explained_variance: stream.explained_variance(),
        loss: stream.squared_error() + lambda * stream.l1(),
    }
}
