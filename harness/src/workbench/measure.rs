//! A model on rows that it was not trained on.

use kernels::metrics::{Stream, neighbour_cosines};
use kernels::sae::{self, Parameters, Shape, Workspace};
use kernels::{Exec, MatMut, MatRef};

use crate::activations::Rows;
use crate::error::Result;
use crate::phase::Phase;
use crate::sae::reading;
use crate::workbench::tables::{Element, Measures};

/// What held-out rows tell of a model.
#[derive(Debug)]
pub struct Measured {
    /// Everything that one pass over samples, codes and reconstructions tells.
    pub stream: Stream,
    /// Mean over rows of 1 − ‖x − x̂‖²/‖x − mean‖².
    pub explained_by_row: f64,
    /// Mean of ‖x̂‖/‖x‖ over the rows that are not 0.
    pub shrinkage: f64,
    /// Largest cosine of each element with another.
    pub nearest: Vec<f32>,
}

impl Measured {
    /// The columns that a table of models has of it.
    pub fn measures(&self) -> Measures {
        let stream = &self.stream;
        Measures {
            rows: stream.samples(),
            explained_variance: stream.explained_variance(),
            explained_variance_by_row: self.explained_by_row,
            mse: stream.mse(),
            l0: reading::l0(stream),
            l1: stream.l1(),
            cosine: stream.cosine_similarity(),
            shrinkage: self.shrinkage,
            dead: reading::dead_fraction(stream),
            rare: self.rare(),
            nearest: self.mean_nearest(),
        }
    }

    fn rare(&self) -> f64 {
        let firings = self.stream.firings();
        let rows = self.stream.samples() as f64;
        let rare = firings
            .iter()
            .filter(|&&n| (n as f64) < 1e-4 * rows || n == 0);
        rare.count() as f64 / firings.len() as f64
    }

    fn mean_nearest(&self) -> f64 {
        let sum: f64 = self.nearest.iter().map(|&cosine| f64::from(cosine)).sum();
        sum / self.nearest.len() as f64
    }

    /// A row of the table of elements for each.
    pub fn elements(&self, model: &str) -> impl Iterator<Item = Element> {
        let rows = self.stream.samples() as f64;
        let each = self.stream.firings().iter().zip(&self.nearest).enumerate();
        each.map(move |(element, (&firings, &nearest))| Element {
            model: model.into(),
            element,
            frequency: firings as f64 / rows,
            nearest: nearest.into(),
        })
    }
}

/// What models are measured on.
#[derive(Debug, Clone, Copy)]
pub struct Pairs<'a> {
    /// The rows that they read.
    pub rows: &'a Rows,
    /// The rows that transcoders reconstruct, as many.
    pub target: Option<&'a Rows>,
    /// The mean of what is reconstructed.
    pub mean: &'a [f64],
}

/// Measures a model that takes raw activations on the rows of these numbers. In a transcoder, x of all measures is the
/// target, and x̂ what is made of it.
///
/// # Panics
/// If it is a transcoder, and there is no target.
pub fn measure(
    exec: Exec,
    parameters: &Parameters,
    pairs: Pairs,
    rows: &[u64],
) -> Result<Measured> {
    let Pairs {
        rows: data,
        target,
        mean,
    } = pairs;
    let transcoder = parameters.task().is_transcoder();
    let target = target.filter(|_| transcoder);
    assert!(
        target.is_some() || !transcoder,
        "a transcoder without a target"
    );
    let _span = Phase::Metrics.begin();
    let Shape { width, dictionary } = parameters.shape();
    let mut stream = Stream::new(width, dictionary);
    let mut workspace = Workspace::new(parameters.task(), parameters.variant(), reading::CHUNK);
    let input = parameters.task().input();
    let (mut values, mut targets) = (Vec::new(), Vec::new());
    let mut room = vec![0f32; reading::CHUNK * width];
    let (mut explained, mut shrinkage, mut not_zero) = (0.0, 0.0, 0u64);
    for rows in rows.chunks(reading::CHUNK) {
        crate::session::progress::check()?;
        values.resize(rows.len() * input, 0f32);
        data.gather(rows.iter().copied(), &mut values)?;
        let x = MatRef::from_rows(&values, input);
        let read = x;
        let x = match target {
            None => x,
            Some(target) => {
                targets.resize(rows.len() * width, 0f32);
                target.gather(rows.iter().copied(), &mut targets)?;
                MatRef::from_rows(&targets, width)
            }
        };
        let codes = sae::encode(exec, parameters, read, &mut workspace);
        let mut x_hat = MatMut::first(&mut room, rows.len(), width);
        sae::reconstruct(exec, parameters, read, codes, x_hat.reborrow());
        let x_hat = x_hat.as_ref();
        stream.add(exec, x, x_hat, codes);
        for i in 0..rows.len() {
            let (x, x_hat) = (x.row(i), x_hat.row(i));
            let [mut error, mut spread, mut from, mut to] = [0f64; 4];
            for ((&x, &x_hat), mean) in x.iter().zip(x_hat).zip(mean) {
                let (x, x_hat) = (f64::from(x), f64::from(x_hat));
                error += (x - x_hat).powi(2);
                spread += (x - mean).powi(2);
                from += x * x;
                to += x_hat * x_hat;
            }
            explained += 1.0 - error / spread;
            if from > 0.0 {
                shrinkage += (to / from).sqrt();
                not_zero += 1;
            }
        }
    }
    let mut nearest = vec![0f32; dictionary];
    let elements = reading::elements(exec, parameters);
    neighbour_cosines(exec, MatRef::from_rows(&elements, width), &mut nearest);
    let n = rows.len() as f64;
    Ok(Measured {
        stream,
        explained_by_row: explained / n,
        shrinkage: shrinkage / not_zero as f64,
        nearest,
    })
}
