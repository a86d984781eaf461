//! The codes of a sparse autoencoder against the minimum-L1 codes for the same dictionary and reconstruction.

use kernels::sae::{self, Parameters, Workspace};
use kernels::{Exec, MatRef};
use rayon::prelude::*;

use crate::error::Result;
use crate::sae::minimum_l1::{Dictionary, Homotopy, support};
use crate::session::progress;

crate::words! {
    /// The model that codes are from.
    pub enum Kind {
        /// The trained one.
        Trained,
        /// The one it started from.
        Untrained,
    }
}

/// One sample's code against the cheapest one.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The model of the code.
    pub kind: Kind,
    /// Seed of model and sample.
    pub seed: u64,
    /// Number of the sample.
    pub sample: usize,
    /// ‖f‖₁ of the model's code.
    pub l1: f64,
    /// Active entries of the model's code.
    pub l0: usize,
    /// ‖c‖₁ of the cheapest code.
    pub least: f64,
    /// Active entries of the cheapest code.
    pub least_l0: usize,
    /// Active entries that the two have in common over those of either.
    pub overlap: f64,
    /// Duality gap of the cheapest code over its cost: the cost is within this share of the least one.
    pub gap: f64,
    /// ‖x̂ − Dᵀc‖ / ‖x̂‖ of the cheapest code.
    pub residual: f64,
}

/// A cheapest code must be proven to this share, and reconstruct to it: what f32 leaves of a sample.
const PROVEN: f64 = 1e-6;

impl Comparison {
    /// Whether the cheapest code was found, and proven to be that.
    pub fn is_proven(&self) -> bool {
        self.gap.abs() <= PROVEN && self.residual <= PROVEN
    }
}

/// Compares the codes of samples; those without any activity have no cheaper code and are left out.
pub fn compare(
    exec: Exec,
    kind: Kind,
    seed: u64,
    parameters: &Parameters,
    x: MatRef,
) -> Result<Vec<Comparison>> {
    let shape = parameters.shape();
    let rows = parameters.dictionary();
    let values = (0..rows.rows())
        .flat_map(|j| rows.row(j))
        .map(|&v| f64::from(v));
    let dictionary = Dictionary::new(shape.width, values.collect());
    let homotopy = Homotopy::new(&dictionary);
    let mut workspace = Workspace::new(shape, parameters.variant(), x.rows());
    let codes = sae::encode(exec, parameters, x, &mut workspace);
    let codes: Vec<Vec<f64>> = (0..x.rows())
        .map(|i| {
            let mut code = vec![0.0; shape.dictionary];
            let (columns, values) = codes.row(i);
            columns
                .iter()
                .zip(values)
                .for_each(|(&j, &f)| code[j as usize] = f64::from(f));
            code
        })
        .collect();
    let compared = codes.par_iter().enumerate().map(|(sample, code)| {
        progress::check()?;
        let l1: f64 = code.iter().sum();
        if l1 == 0.0 {
            return Ok(None);
        }
        let ours = active(code);
        let mut comparison = Comparison {
            kind,
            seed,
            sample,
            l1,
            l0: ours.len(),
            least: f64::NAN,
            least_l0: 0,
            overlap: f64::NAN,
            gap: f64::NAN,
            residual: f64::NAN,
        };
        if let Some(proven) = homotopy.cheapest(&dictionary.decode(code)) {
            let theirs = support(&proven.code);
            let common = ours.iter().filter(|j| theirs.contains(j)).count();
            comparison = Comparison {
                least: proven.code.iter().sum(),
                least_l0: theirs.len(),
                overlap: common as f64 / (ours.len() + theirs.len() - common) as f64,
                gap: proven.gap,
                residual: proven.residual,
                ..comparison
            };
        }
        Ok(Some(comparison))
    });
    let compared: Vec<Option<Comparison>> = compared.collect::<Result<_>>()?;
    Ok(compared.into_iter().flatten().collect())
}

/// All entries above 0, however small.
fn active(code: &[f64]) -> Vec<usize> {
    (0..code.len()).filter(|&j| code[j] > 0.0).collect()
}
