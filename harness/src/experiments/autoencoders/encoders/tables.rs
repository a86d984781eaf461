//! The tables of `encoders`.

use super::model::{Budget, Encoder, Model};
use super::reading::{Codes, Reading};
use super::supports::Supports;
use super::tuning::Tried;
use crate::sae::optimum::Distance;
use crate::table::Table;

crate::rows! {
    /// One dictionary: how its codes were found while it was trained, and how codes found otherwise do on it. Losses
    /// are ‖x − x̂‖² + λ Σ c, means over samples.
    pub struct Scores in "encoders" {
        /// synthetic data, with the coherence of the features if it is not 0; compressed (the control: more features
        /// than can be read linearly, and the dictionary held at them); or the residual stream after a layer of a model
        /// of `multilayer`, scaled to variance 1
        source: String [""],
        /// linear, two-layer, lista, free-codes (FISTA in training too) or true-features (FISTA on the features that
        /// the data are made of)
        encoder: Encoder [""],
        /// L1 coefficient
        lambda: f64 ["1"],
        /// numbers of steps that were tried: a third, or all (a third among them)
        budget: Budget [""],
        /// seed
        seed: u64 [""],
        /// the learning rate that was best, in multiples of the plan's
        rate: f64 ["1"],
        /// the number of steps that was best
        steps: u64 ["steps"],
        /// trained, or how it diverged
        end: String [""],
        /// mean over the known directions (true features; before the first layer input embeddings) of the largest
        /// cosine with an element
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
        /// loss of the encoder's own codes above that of the codes of least loss, in units of the latter
        excess: f64 ["1"],
        /// F1 of the encoder's active elements against those of the codes of least loss
        f1_to_best: f64 ["1"],
        /// share of the encoder's active elements whose features are active
        precision: f64 ["1"],
        /// share of the active features whose elements are active
        recall: f64 ["1"],
        /// F1 of the encoder's active elements against the active features
        f1: f64 ["1"],
        /// number of FISTA's active elements at the λ where these come nearest in number to the encoder's, over the
        /// number of the encoder's; below 1 where no λ gives as many
        fista_share: f64 ["1"],
        /// precision of FISTA's active elements at the λ of `fista_share`
        fista_precision: f64 ["1"],
        /// recall of FISTA's active elements at the λ of `fista_share`
        fista_recall: f64 ["1"],
        /// F1 of FISTA's active elements at the λ of `fista_share`
        fista_f1: f64 ["1"],
        /// precision of OMP's active elements, as many as the encoder's in each sample
        omp_precision: f64 ["1"],
        /// recall of OMP's active elements, as many as the encoder's in each sample
        omp_recall: f64 ["1"],
        /// F1 of OMP's active elements, as many as the encoder's in each sample
        omp_f1: f64 ["1"],
        /// F1 of the largest products with the elements, as many as the encoder's active ones in all
        transposed_f1: f64 ["1"],
    }
}

/// Returns the tables of all models and of all trainings that were tried.
pub fn tabulate(models: &[Model], tried: &[Tried]) -> Vec<Table> {
    let rows: Vec<Scores> = models.iter().map(scores).collect();
    vec![Table::of(&rows), Table::of(tried)]
}

fn scores(model: &Model) -> Scores {
    let (reading, end) = match &model.reading {
        Ok(reading) => (Some(reading), "trained"),
        Err(how) => (None, how.as_str()),
    };
    let codes = |of: fn(&Reading) -> Codes| reading.map_or(Codes::UNKNOWN, of);
    let (own, fista, omp) = (codes(|r| r.own), codes(|r| r.fista), codes(|r| r.omp));
    let on_known = codes(|r| r.on_known.unwrap_or(Codes::UNKNOWN));
    let supports = reading.map_or(Supports::UNKNOWN, |r| r.supports);
    let distance = reading.map_or(Distance::UNKNOWN, |r| r.distance);
    Scores {
        source: model.source.clone(),
        encoder: model.encoder,
        lambda: model.lambda,
        budget: model.budget,
        seed: model.seed,
        rate: model.tuned.0,
        steps: model.tuned.1,
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
        excess: distance.excess,
        f1_to_best: distance.f1,
        precision: supports.own.precision(),
        recall: supports.own.recall(),
        f1: supports.own.f1(),
        fista_share: supports.fista_share(),
        fista_precision: supports.fista.precision(),
        fista_recall: supports.fista.recall(),
        fista_f1: supports.fista.f1(),
        omp_precision: supports.omp.precision(),
        omp_recall: supports.omp.recall(),
        omp_f1: supports.omp.f1(),
        transposed_f1: supports.transposed.f1(),
    }
}
