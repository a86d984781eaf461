//! A model on rows that it was not trained on.

use kernels::metrics::{Stream, neighbour_cosines};
use kernels::sae::{self, Parameters, Shape, Workspace};
use kernels::{Exec, MatMut, MatRef};

use crate::error::Result;
use crate::phase::Phase;
use crate::sae::reading;
use crate::workbench::data::Data;

/// What held-out rows tell of a model.
#[derive(Debug)]
pub struct Measured {
    /// Everything that one pass over samples, codes and reconstructions tells.
    pub stream: Stream,
    /// Mean over rows of 1 − ‖x − x̂‖²/‖x − mean‖².
    pub explained_by_row: f64,
    /// Mean over rows of ‖x̂‖/‖x‖.
    pub shrinkage: f64,
    /// Largest cosine of each element with another.
    pub nearest: Vec<f32>,
}

/// Measures a model that takes raw activations; `mean` is that of all rows.
pub fn measure(
    exec: Exec,
    parameters: &Parameters,
    data: &Data,
    rows: &[u64],
    mean: &[f64],
) -> Result<Measured> {
    let _span = Phase::Metrics.begin();
    let Shape { width, dictionary } = parameters.shape();
    let mut stream = Stream::new(width, dictionary);
    let mut workspace = Workspace::new(parameters.shape(), parameters.variant(), reading::CHUNK);
    let mut room = vec![0f32; reading::CHUNK * width];
    let (mut explained, mut shrinkage) = (0.0, 0.0);
    for rows in rows.chunks(reading::CHUNK) {
        crate::session::progress::check()?;
        let values = data.raw(rows)?;
        let x = MatRef::from_rows(&values, width);
        let codes = sae::encode(exec, parameters, x, &mut workspace);
        let mut x_hat = MatMut::first(&mut room, rows.len(), width);
        sae::decode(exec, parameters, codes, x_hat.reborrow());
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
            shrinkage += (to / from).sqrt();
        }
    }
    let mut nearest = vec![0f32; dictionary];
    let elements = reading::elements(exec, parameters);
    neighbour_cosines(exec, MatRef::from_rows(&elements, width), &mut nearest);
    let n = rows.len() as f64;
    Ok(Measured {
        stream,
        explained_by_row: explained / n,
        shrinkage: shrinkage / n,
        nearest,
    })
}
