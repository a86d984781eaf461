//! The tables of `recovery`.

use super::claims::{self, Family};
use super::measures::Reading;
use super::model::{Encoder, Model};
use super::pairs::Pair;
use super::settings::Settings;
use crate::sae::training::Record;
use crate::stats::share;
use crate::table::Table;

crate::rows! {
    /// One row a model, measured on held-out samples.
    pub struct Sae in "saes" {
        /// untied or tied
        encoder: Encoder [""],
        /// coefficient of the L1 norm; 0 in the control
        lambda: f64 ["1"],
        /// elements of the dictionary for each true feature
        ratio: f64 ["1"],
        /// steps of its training
        steps: u64 ["steps"],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// elements of the dictionary
        elements: usize ["1"],
        /// trained, or how it diverged
        end: String [""],
        /// mean over true features of the largest cosine with an element
        mmcs: f64 ["1"],
        /// mean over alive elements of the largest cosine with a true feature
        mmcs_of_alive: f64 ["1"],
        /// share of the elements that never fire
        dead: f64 ["1"],
        /// ‖x̂ − x‖² + λ Σ f, mean over samples
        loss: f64 ["1"],
        /// share of the variance of the samples that is explained
        explained_variance: f64 ["1"],
        /// mean number of active elements
        l0: f64 ["elements"],
        /// mean sum of a code
        l1: f64 ["1"],
        /// share of the alive elements with another alive one at a cosine above 0.9
        duplicates: f64 ["1"],
        /// loss above that of the best codes for the same dictionary, samples and λ, in units of the latter
        excess: f64 ["1"],
        /// F1 of the active entries against those of the best codes
        f1: f64 ["1"],
        /// excess of the codes by the transpose of the dictionary with thresholds of λ/2 (control)
        transposed_excess: f64 ["1"],
        /// F1 of the active entries of these codes against those of the best codes
        transposed_f1: f64 ["1"],
    }
}

crate::rows! {
    /// Alive elements by their largest cosine with another one, for the untied models of each seed and ratio whose MMCS
    /// is largest.
    pub struct Neighbours in "neighbours" {
        /// coefficient of the L1 norm
        lambda: f64 ["1"],
        /// elements of the dictionary for each true feature
        ratio: f64 ["1"],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// lower end of the bin of the largest cosine
        from: f64 ["1"],
        /// upper end of the bin of the largest cosine
        to: f64 ["1"],
        /// share of the alive elements whose largest cosine lies in the bin
        share: f64 ["1"],
    }
}

crate::rows! {
    /// Losses on the training batch before some steps.
    pub struct Loss in "training" {
        /// untied or tied
        encoder: Encoder [""],
        /// coefficient of the L1 norm; 0 in the control
        lambda: f64 ["1"],
        /// elements of the dictionary for each true feature
        ratio: f64 ["1"],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// the step, from 0, of the full trainings
        step: u64 ["steps"],
        /// ‖x̂ − x‖², mean over the batch
        reconstruction: f64 ["1"],
        /// λ Σ f, mean over the batch
        sparsity: f64 ["1"],
        /// share of the entries of the codes that are active
        density: f64 ["1"],
    }
}

/// Returns all tables, in the order in which the experiment lists them.
pub fn tabulate(s: &Settings, models: &[Model], pairs: &[Pair]) -> Vec<Table> {
    let saes: Vec<Sae> = models.iter().map(sae).collect();
    let full = || models.iter().filter(|m| m.task.steps == s.training.steps);
    let neighbours: Vec<Neighbours> = full().flat_map(|m| neighbours(m, models)).collect();
    let training: Vec<Loss> = full().flat_map(losses).collect();
    vec![
        Table::of(&saes),
        Table::of(&neighbours),
        Table::of(pairs),
        Table::of(&training),
    ]
}

fn sae(model: &Model) -> Sae {
    let reading = model.reading.as_ref();
    let value = |of: fn(&Reading) -> f64| reading.map_or(f64::NAN, of);
    let end = reading.err().cloned();
    Sae {
        encoder: model.task.encoder,
        lambda: model.task.lambda,
        ratio: model.task.ratio,
        steps: model.task.steps,
        seed: model.task.seed,
        elements: model.elements,
        end: end.unwrap_or_else(|| "trained".into()),
        mmcs: value(|r| r.mmcs),
        mmcs_of_alive: value(|r| r.mmcs_of_alive),
        dead: value(|r| r.dead),
        loss: value(|r| r.loss),
        explained_variance: value(|r| r.explained_variance),
        l0: value(|r| r.l0),
        l1: value(|r| r.l1),
        duplicates: value(|r| r.share_above(claims::DUPLICATE)),
        excess: value(|r| r.own.excess),
        f1: value(|r| r.own.f1),
        transposed_excess: value(|r| r.transposed.excess),
        transposed_f1: value(|r| r.transposed.f1),
    }
}

/// The number of bins of the histogram of neighbours.
const BINS: usize = 40;

/// Returns the histogram of a model, if it is the untied one of its ratio and seed whose MMCS is largest; else nothing.
fn neighbours(model: &Model, models: &[Model]) -> Vec<Neighbours> {
    let task = &model.task;
    let best = Family::new(models, Encoder::Untied, task.steps, task.seed).best(task.ratio);
    let shown = best.is_ok_and(|best| std::ptr::eq(best, model));
    let (true, Ok(reading)) = (shown, &model.reading) else {
        return Vec::new();
    };
    let bin_of = |cosine: f64| ((cosine * BINS as f64) as usize).min(BINS - 1);
    let edge = |i: usize| i as f64 / BINS as f64;
    let cosines = &reading.neighbours;
    let row = |bin| Neighbours {
        lambda: task.lambda,
        ratio: task.ratio,
        seed: task.seed,
        from: edge(bin),
        to: edge(bin + 1),
        share: match cosines.is_empty() {
            true => 0.0,
            false => share(cosines.iter().copied(), |c| bin_of(c) == bin),
        },
    };
    (0..BINS).map(row).collect()
}

fn losses(model: &Model) -> Vec<Loss> {
    let task = &model.task;
    let row = |look: &Record| Loss {
        encoder: task.encoder,
        lambda: task.lambda,
        ratio: task.ratio,
        seed: task.seed,
        step: look.step,
        reconstruction: look.reconstruction,
        sparsity: look.sparsity,
        density: look.density,
    };
    model.records.iter().map(row).collect()
}
