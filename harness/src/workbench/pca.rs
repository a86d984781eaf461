//! Principal components: how much of the variance the best linear reconstruction from r numbers for each row explains.
//!
//! A row's code of r active elements is r numbers, and which elements they belong to; its r principal components are r
//! numbers of either sign, whose directions are the same for all rows. Components come from the covariance of rows that
//! are trained on, and are measured on those that are held out.

use kernels::{Accumulate, Exec, MatMut, MatRef, matmul};

use crate::error::Result;
use crate::phase::Phase;
use crate::sae::reading::CHUNK;
use crate::stats::eigen::Eigen;
use crate::stats::observations::Observations as _;
use crate::workbench::data::Data;
use crate::workbench::settings::Role;
use crate::workbench::tables::{Measures, Model};

/// The largest number of columns: the time grows with its cube, to some minutes.
const WIDEST: usize = 1 << 12;

/// The largest number of rows that the components are taken from, but for the rest of a batch.
const ROWS: u64 = 1 << 16;

/// The measures of reconstructions of held-out rows from principal components.
pub struct Pca {
    /// The number of rows that the components are taken from.
    samples: u64,
    rows: u64,
    width: usize,
    /// The sum Σ‖x − x̄‖² over the rows measured, with x̄ their mean.
    spread: f64,
    /// The sum Σ‖x − m‖² over the rows measured, with m the mean of all rows that can be trained on, from which
    /// components reconstruct.
    distance: f64,
    /// The part of `distance` that each component takes, the largest component first.
    parts: Vec<f64>,
}

impl Pca {
    /// Returns the memory that the components take for rows of that width, in bytes.
    pub fn memory(width: usize) -> f64 {
        match width > WIDEST {
            true => 0.0,
            // This is the covariance, its eigenvectors and their copy in order, and the products of one block in f32.
            false => (3 * 8 + 4) as f64 * (width as f64).powi(2),
        }
    }

    /// Takes components from rows that are trained on, and measures them on the rows `held_out`; `None` if rows are too
    /// wide.
    pub fn new(exec: Exec, data: &Data, held_out: &[u64]) -> Result<Option<Pca>> {
        let _span = Phase::Metrics.begin();
        let d = data.width();
        if d > WIDEST {
            return Ok(None);
        }
        let mut trained_on = Products::new(d);
        let batches = ROWS.min(data.trained_on()).div_ceil(data.batch_rows());
        let mut batch = vec![0f32; data.batch_rows() as usize * d];
        for number in 0..batches {
            crate::session::progress::check()?;
            data.batch(number, &mut batch)?;
            // Back to the scale of the files, about their mean.
            for row in batch.chunks_exact_mut(d) {
                for ((value, mean), subtracted) in
                    row.iter_mut().zip(&data.whole_mean).zip(&data.mean)
                {
                    let raw = f64::from(*value) * f64::from(data.scale) + f64::from(*subtracted);
                    *value = (raw - mean) as f32;
                }
            }
            trained_on.add(exec, &batch);
        }
        let components = Eigen::of(trained_on.sums, d);

        let mut held = Products::new(d);
        let mut offset = vec![0f64; d];
        let mut values = Vec::new();
        for rows in held_out.chunks(CHUNK) {
            crate::session::progress::check()?;
            values.resize(rows.len() * d, 0f32);
            data.measured_rows()
                .gather(rows.iter().copied(), &mut values)?;
            for row in values.chunks_exact_mut(d) {
                let columns = row.iter_mut().zip(&data.whole_mean).zip(&mut offset);
                for ((value, mean), offset) in columns {
                    *value = (f64::from(*value) - mean) as f32;
                    *offset += f64::from(*value);
                }
            }
            held.add(exec, &values);
        }
        let sums = held.sums;
        let distance: f64 = (0..d).map(|i| sums[i * d + i]).sum();
        let of_mean = offset.iter().map(|o| o * o).sum::<f64>() / held_out.len() as f64;
        let parts = (0..d).map(|i| quadratic(&sums, components.vector(i)));
        Ok(Some(Pca {
            samples: batches * data.batch_rows(),
            rows: held_out.len() as u64,
            width: d,
            spread: distance - of_mean,
            distance,
            parts: parts.collect(),
        }))
    }

    /// Returns the rows of the table that stand beside models: one for each number of active elements that a model has,
    /// rounded.
    pub fn beside(&self, models: &[Model]) -> Vec<Model> {
        let known = models
            .iter()
            .filter(|m| m.role == Role::Model && m.measures.l0.is_finite());
        let count = |m: &Model| (m.measures.l0.round() as usize).clamp(1, self.parts.len());
        let row = |count: usize| Model {
            model: format!("pca-{count}"),
            cell: format!("pca-{count}"),
            role: Role::Pca,
            elements: count,
            sparsity: f64::NAN,
            target_l0: f64::NAN,
            end: "trained".into(),
            samples: self.samples,
            measures: self.measures(count),
            ..models[0].clone()
        };
        known.map(count).levels().into_iter().map(row).collect()
    }

    /// Returns the measures of the reconstruction from the first components; those that are not known are NaN.
    fn measures(&self, components: usize) -> Measures {
        let taken: f64 = self.parts[..components].iter().sum();
        let rest = self.distance - taken;
        let unknown = f64::NAN;
        Measures {
            rows: self.rows,
            // Where all rows are equal there is no variance to explain.
            explained_variance: match self.spread {
                0.0 => unknown,
                spread => 1.0 - rest / spread,
            },
            explained_variance_by_row: unknown,
            mse: rest / (self.rows * self.width as u64) as f64,
            l0: components as f64,
            l1: unknown,
            cosine: unknown,
            shrinkage: unknown,
            dead: unknown,
            rare: unknown,
            nearest: unknown,
        }
    }
}

/// The sum Σ xxᵀ over rows, some of which are added up in f32 at a time.
struct Products {
    width: usize,
    sums: Vec<f64>,
    some: Vec<f32>,
}

impl Products {
    fn new(width: usize) -> Products {
        Products {
            width,
            sums: vec![0.0; width * width],
            some: vec![0.0; width * width],
        }
    }

    fn add(&mut self, exec: Exec, rows: &[f32]) {
        let d = self.width;
        for rows in rows.chunks(CHUNK * d) {
            let x = MatRef::from_rows(rows, d);
            let some = MatMut::from_rows(&mut self.some, d);
            matmul(exec, x.t(), x, Accumulate::Replace, some);
            for (sum, &some) in self.sums.iter_mut().zip(&self.some) {
                *sum += f64::from(some);
            }
        }
    }
}

/// Returns vᵀ A v.
fn quadratic(a: &[f64], v: &[f64]) -> f64 {
    let rows = a.chunks_exact(v.len()).zip(v);
    let dot = |row: &[f64]| row.iter().zip(v).map(|(a, v)| a * v).sum::<f64>();
    rows.map(|(row, v_i)| v_i * dot(row)).sum()
}
