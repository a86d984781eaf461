//! The table of `encoders`.

use super::model::{Encoder, Model};
use super::reading::{Codes, Reading};
use crate::table::Table;

crate::rows! {
    /// One dictionary: how its codes were found while it was trained, and how codes found otherwise do on it. Losses
    /// are ‖x − x̂‖² + λ Σ c, means over samples.
    pub struct Scores in "encoders" {
        /// synthetic, or the residual stream x_l of a model of `multilayer`, scaled to variance 1
        source: String [""],
        /// linear, two-layer, lista, free-codes (FISTA in training too) or true-features (FISTA on the features that
        /// the data are made of)
        encoder: Encoder [""],
        /// L1 coefficient
        lambda: f64 ["1"],
        /// seed
        seed: u64 [""],
        /// trained, or how it diverged
        end: String [""],
        /// mean over the known directions (true features; at x_0 input embeddings) of the largest cosine with an
        /// element
        mmcs: f64 ["1"],
        /// active elements of the encoder's own codes, mean over samples
        l0: f64 ["elements"],
        /// share of the variance that the encoder's own codes explain
        explained_variance: f64 ["1"],
        /// loss of the encoder's own codes
        loss: f64 ["1"],
        /// active elements of the codes of least loss on the dictionary (FISTA), mean over samples
        fista_l0: f64 ["elements"],
        /// share of the variance that the codes of least loss on the dictionary (FISTA) explain
        fista_explained_variance: f64 ["1"],
        /// loss of the codes of least loss on the dictionary (FISTA)
        fista_loss: f64 ["1"],
        /// share of the variance that codes by orthogonal matching pursuit on the dictionary explain, with as many
        /// active elements as the encoder's own codes have in the mean
        omp_explained_variance: f64 ["1"],
        /// share of the variance that the encoder's own codes explain with each element replaced by the known direction
        /// that it is matched with
        known_explained_variance: f64 ["1"],
    }
}

/// The rows of all models.
pub fn tabulate(models: &[Model]) -> Vec<Table> {
    let rows: Vec<Scores> = models.iter().map(scores).collect();
    vec![Table::of(&rows)]
}

fn scores(model: &Model) -> Scores {
    let (reading, end) = match &model.reading {
        Ok(reading) => (Some(reading), "trained"),
        Err(how) => (None, how.as_str()),
    };
    let codes = |of: fn(&Reading) -> Codes| reading.map_or(Codes::UNKNOWN, of);
    let (own, fista, omp) = (codes(|r| r.own), codes(|r| r.fista), codes(|r| r.omp));
    let on_known = codes(|r| r.on_known.unwrap_or(Codes::UNKNOWN));
    Scores {
        source: model.source.clone(),
        encoder: model.encoder,
        lambda: model.lambda,
        seed: model.seed,
        end: end.into(),
        mmcs: reading.map_or(f64::NAN, |r| r.mmcs),
        l0: own.l0,
        explained_variance: own.explained_variance,
        loss: own.loss,
        fista_l0: fista.l0,
        fista_explained_variance: fista.explained_variance,
        fista_loss: fista.loss,
        omp_explained_variance: omp.explained_variance,
        known_explained_variance: on_known.explained_variance,
    }
}
