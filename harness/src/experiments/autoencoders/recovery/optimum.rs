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

crate::rows! {
    /// Codes of held-out samples against the code of least L1 norm for the same dictionary and reconstruction.
    pub struct Cheapest in "optimum" {
        /// trained, or untrained (the control)
        model: Kind [""],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// number of the sample
        sample: usize [""],
        /// L1 norm of the model's code
        l1: f64 ["1"],
        /// active elements of the model's code
        l0: usize ["elements"],
        /// L1 norm of the cheapest code
        least_l1: f64 ["1"],
        /// active elements of the cheapest code
        least_l0: usize ["elements"],
        /// active elements that the two codes have in common over those of either
        overlap: f64 ["1"],
        /// duality gap of the cheapest code over its cost
        gap: f64 ["1"],
    }
}

/// One sample's code against the cheapest one.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The two codes; nothing is known of the cheapest one if it was not found.
    pub row: Cheapest,
    /// ‖x̂ − Dᵀc‖ / ‖x̂‖ of the cheapest code.
    residual: f64,
}

/// A cheapest code must be proven to this share, and reconstruct to it: what f32 leaves of a sample.
const PROVEN: f64 = 1e-6;

impl Comparison {
    /// Whether the cheapest code was found, and proven to be that.
    pub fn is_proven(&self) -> bool {
        self.row.gap.abs() <= PROVEN && self.residual <= PROVEN
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
        let mut row = Cheapest {
            model: kind,
            seed,
            sample,
            l1,
            l0: ours.len(),
            least_l1: f64::NAN,
            least_l0: 0,
            overlap: f64::NAN,
            gap: f64::NAN,
        };
        let mut residual = f64::NAN;
        if let Some(proven) = homotopy.cheapest(&dictionary.decode(code)) {
            let theirs = support(&proven.code);
            let common = ours.iter().filter(|j| theirs.contains(j)).count();
            row.least_l1 = proven.code.iter().sum();
            row.least_l0 = theirs.len();
            row.overlap = common as f64 / (ours.len() + theirs.len() - common) as f64;
            row.gap = proven.gap;
            residual = proven.residual;
        }
        Ok(Some(Comparison { row, residual }))
    });
    let compared: Vec<Option<Comparison>> = compared.collect::<Result<_>>()?;
    Ok(compared.into_iter().flatten().collect())
}

/// All entries above 0, however small.
fn active(code: &[f64]) -> Vec<usize> {
    (0..code.len()).filter(|&j| code[j] > 0.0).collect()
}
