//! The measures of a model on rows that it was not trained on.

use kernels::metrics::{Stream, neighbour_cosines};
use kernels::sae::{self, Parameters, Shape, Workspace};
use kernels::{Exec, MatMut, MatRef};

use crate::activations::Rows;
use crate::error::Result;
use crate::phase::Phase;
use crate::sae::reading;
use crate::session::progress;
use crate::workbench::activity::Activity;
use crate::workbench::tables::{Element, Measures};
use crate::workbench::truth::{Comparison, TOGETHER, Truth};

/// The measures of a model on held-out rows.
#[derive(Debug)]
pub struct Measured {
    /// The metrics of one pass over samples, codes and reconstructions.
    pub stream: Stream,
    /// The mean over rows of 1 − ‖x − x̂‖²/‖x − mean‖².
    pub explained_by_row: f64,
    /// The mean of ‖x̂‖/‖x‖ over the rows that are not 0.
    pub shrinkage: f64,
    /// The largest cosine of each element with another.
    pub nearest: Vec<f32>,
    /// The activity of the elements, if it was asked for.
    pub activity: Option<Activity>,
    /// The comparison with the true features, if the rows are those of a synthetic model.
    truth: Option<Comparison>,
}

impl Measured {
    /// Returns the columns that the model has in a table of models.
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

    /// Returns the model's rows in the table of models against true features; none if these are not known.
    pub fn truth(&self, model: &str) -> Vec<Truth> {
        let truth = self.truth.as_ref();
        truth.map_or_else(Vec::new, |truth| truth.rows(model, &self.stream))
    }

    /// Returns a row of the table of elements for each element.
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

/// The rows that models are measured on, and those that they reconstruct.
#[derive(Debug, Clone, Copy)]
pub struct Pairs<'a> {
    /// The rows that models read.
    pub rows: &'a Rows,
    /// The rows that transcoders reconstruct, as many as they read.
    pub target: Option<&'a Rows>,
    /// The mean of the rows that are reconstructed.
    pub mean: &'a [f64],
}

/// Measures a model that takes raw activations on the rows with the numbers `numbers`, each of which is read and
/// encoded once. For a transcoder, x of all measures is the target, and x̂ its reconstruction. The activity of elements
/// is measured if `top` says how many rows to keep for each.
///
/// # Panics
/// If the model is a transcoder, and there is no target.
pub fn measure(
    exec: Exec,
    parameters: &Parameters,
    pairs: Pairs,
    numbers: &[u64],
    top: Option<usize>,
) -> Result<Measured> {
    let Pairs { rows, target, mean } = pairs;
    let transcoder = parameters.task().is_transcoder();
    let target = target.filter(|_| transcoder);
    assert!(
        target.is_some() || !transcoder,
        "a transcoder without a target"
    );
    let _span = Phase::Metrics.begin();
    let Shape { width, dictionary } = parameters.shape();
    let mut stream = Stream::new(width, dictionary);
    let mut by_row = ByRow::default();
    let mut activity = top.map(|most| Activity::new(dictionary, most));
    let samples = rows.samples();
    let mut truth = samples.map(|samples| Comparison::new(exec, parameters, samples));
    let chunk = match truth {
        Some(_) => TOGETHER,
        None => reading::CHUNK,
    };
    let mut workspace = Workspace::new(parameters.task(), parameters.variant(), chunk);
    let input = parameters.task().input();
    let (mut values, mut targets) = (Vec::new(), Vec::new());
    let mut room = vec![0f32; chunk * width];
    for numbers in numbers.chunks(chunk) {
        progress::check()?;
        let drawn = samples.map(|samples| samples.batch(numbers));
        let read = match &drawn {
            Some(batch) => &batch.x,
            None => gathered(rows, numbers, &mut values)?,
        };
        let read = MatRef::from_rows(read, input);
        let x = match target {
            None => read,
            Some(target) => MatRef::from_rows(gathered(target, numbers, &mut targets)?, width),
        };
        let codes = sae::encode(exec, parameters, read, &mut workspace);
        let mut x_hat = MatMut::first(&mut room, numbers.len(), width);
        sae::reconstruct(exec, parameters, read, codes, x_hat.reborrow());
        stream.add(exec, x, x_hat.as_ref(), codes);
        by_row.add(exec, x, x_hat.as_ref(), mean);
        if let Some(activity) = &mut activity {
            activity.add(exec, codes, |i| numbers[i]);
        }
        if let (Some(truth), Some(batch)) = (&mut truth, &drawn) {
            truth.add(exec, batch, codes, x_hat.as_ref());
            truth.add_together(exec, parameters, batch, &mut workspace, x_hat);
        }
    }
    let mut nearest = vec![0f32; dictionary];
    let elements = reading::elements(exec, parameters);
    neighbour_cosines(exec, MatRef::from_rows(&elements, width), &mut nearest);
    Ok(Measured {
        stream,
        explained_by_row: by_row.explained / numbers.len() as f64,
        shrinkage: by_row.shrinkage / by_row.not_zero as f64,
        nearest,
        activity,
        truth,
    })
}

/// Reads the rows with these numbers to `values`, and returns them.
fn gathered<'a>(rows: &Rows, numbers: &[u64], values: &'a mut Vec<f32>) -> Result<&'a Vec<f32>> {
    values.resize(numbers.len() * rows.width(), 0.0);
    rows.gather(numbers.iter().copied(), values)?;
    Ok(values)
}

/// The sums over rows of ratios that each row has.
#[derive(Default)]
struct ByRow {
    /// The sum of 1 − ‖x − x̂‖²/‖x − mean‖² over rows.
    explained: f64,
    /// The sum of ‖x̂‖/‖x‖ over the rows that are not 0.
    shrinkage: f64,
    not_zero: u64,
}

impl ByRow {
    fn add(&mut self, exec: Exec, x: MatRef, x_hat: MatRef, mean: &[f64]) {
        let ratios = reading::by_row(exec, x.rows(), |i| {
            let [mut error, mut spread, mut from, mut to] = [0f64; 4];
            for ((&x, &x_hat), mean) in x.row(i).iter().zip(x_hat.row(i)).zip(mean) {
                let (x, x_hat) = (f64::from(x), f64::from(x_hat));
                error += (x - x_hat).powi(2);
                spread += (x - mean).powi(2);
                from += x * x;
                to += x_hat * x_hat;
            }
            (
                1.0 - error / spread,
                (from > 0.0).then(|| (to / from).sqrt()),
            )
        });
        for (explained, shrinkage) in ratios {
            self.explained += explained;
            if let Some(shrinkage) = shrinkage {
                self.shrinkage += shrinkage;
                self.not_zero += 1;
            }
        }
    }
}
