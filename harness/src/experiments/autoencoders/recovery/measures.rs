//! The measures of a sparse autoencoder on held-out samples, and of its dictionary.

use kernels::metrics::{mmcs, neighbour_cosines};
use kernels::sae::Parameters;
use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};
use serde::{Deserialize, Serialize};

use crate::phase::Phase;
use crate::rng::Rng;
use crate::sae::optimum::{Distance, Problem};
use crate::sae::reading;
use crate::sae::synthetic::Generator;
use crate::stats::share;

/// Held-out samples of one seed, with the features that they are made of.
pub struct HeldOut<'a> {
    generator: &'a Generator,
    x: Vec<f32>,
}

impl<'a> HeldOut<'a> {
    /// Draws `samples` samples.
    pub fn draw(generator: &'a Generator, samples: usize, rng: &mut Rng) -> Self {
        let x = generator.batch(samples, rng).x;
        HeldOut { generator, x }
    }

    /// Returns the first `samples` samples.
    pub fn first(&self, samples: usize) -> MatRef<'_> {
        let width = self.generator.features().cols();
        MatRef::first(&self.x, samples, width)
    }

    /// Returns all samples.
    pub fn samples(&self) -> MatRef<'_> {
        self.first(self.x.len() / self.generator.features().cols())
    }
}

/// The measures of one model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reading {
    /// The mean over true features of the largest cosine with an element of the dictionary.
    pub mmcs: f64,
    /// The mean over alive elements of the largest cosine with a true feature.
    pub mmcs_of_alive: f64,
    /// The share of the elements that fire on no held-out sample.
    pub dead: f64,
    /// The loss ‖x̂ − x‖² + λ Σ f, mean over samples.
    pub loss: f64,
    /// The share of the variance of the samples that reconstructions explain.
    pub explained_variance: f64,
    /// The mean number of active entries of a code.
    pub l0: f64,
    /// The mean sum of a code.
    pub l1: f64,
    /// The largest cosine of each alive element with another alive one.
    pub neighbours: Vec<f64>,
    /// The distance of the encoder's codes from those of least loss on the dictionary; not a number without a penalty.
    pub own: Distance,
    /// The distance of the codes by the transpose of the dictionary, with thresholds of λ/2, from those of least loss;
    /// not a number without a penalty.
    pub transposed: Distance,
}

impl Reading {
    /// Measures a model trained with coefficient λ, and its distance from the best codes on the first `compared`
    /// samples. Sums run in f64, in the order of the samples.
    pub fn of(
        exec: Exec,
        parameters: &Parameters,
        lambda: f64,
        held_out: &HeldOut,
        compared: usize,
    ) -> Reading {
        let _span = Phase::Metrics.begin();
        let shape = parameters.shape();
        let stream = reading::measure(exec, parameters, held_out.samples());
        let elements = parameters.dictionary();
        let mut alive = Vec::new();
        for (j, &firings) in stream.firings().iter().enumerate() {
            if firings > 0 {
                alive.extend(elements.row(j));
            }
        }
        let alive = MatRef::from_rows(&alive, shape.width);
        let mut neighbours = vec![0.0; alive.rows()];
        neighbour_cosines(exec, alive, &mut neighbours);
        let features = held_out.generator.features();
        let [own, transposed] = match lambda > 0.0 {
            true => distances(exec, parameters, lambda, held_out.first(compared)),
            false => [Distance::UNKNOWN; 2],
        };
        Reading {
            own,
            transposed,
            mmcs: mmcs(exec, features, elements),
            mmcs_of_alive: mmcs(exec, alive, features),
            dead: reading::dead_fraction(&stream),
            loss: stream.squared_error() + lambda * stream.l1(),
            explained_variance: stream.explained_variance(),
            l0: reading::l0(&stream),
            l1: stream.l1(),
            neighbours: neighbours.into_iter().map(f64::from).collect(),
        }
    }

    /// Returns the share of the alive elements that have a neighbour at a cosine above `cosine`; not a number if none
    /// is alive, or a cosine is not a number.
    pub fn share_above(&self, cosine: f64) -> f64 {
        share(self.neighbours.iter().copied(), |c| c > cosine)
    }
}

/// Returns the distances of a model's codes, and of those by its transposed dictionary, from the best ones.
fn distances(exec: Exec, parameters: &Parameters, lambda: f64, x: MatRef) -> [Distance; 2] {
    let elements = reading::elements(exec, parameters);
    let elements = MatRef::from_rows(&elements, x.cols());
    let centred = reading::centred(parameters, x);
    let centred = MatRef::from_rows(&centred, x.cols());
    let problem = Problem::new(exec, elements, centred, lambda);
    let best = problem.best();
    let own = reading::dense_codes(exec, parameters, x);
    let mut transposed = vec![0f32; own.len()];
    let mut into = MatMut::from_rows(&mut transposed, elements.rows());
    matmul(
        exec,
        centred,
        elements.t(),
        Accumulate::Replace,
        into.reborrow(),
    );
    transposed
        .iter_mut()
        .for_each(|c| *c = (*c - (lambda / 2.0) as f32).max(0.0));
    [own, transposed].map(|codes| problem.distance(&codes, best.as_deref()))
}
