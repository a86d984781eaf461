//! The tables of a training and of an evaluation.

use crate::table::Record as _;
use crate::table::record::TableSpec;
use crate::workbench::cards::Top;
use crate::workbench::settings::{Kind, Role};
use crate::workbench::truth::Truth;

/// The tables of `harness sae train`; the last one is written where the rows measured are those of a synthetic model.
pub const SPECS: [&TableSpec; 6] = [
    Step::SPEC,
    Model::SPEC,
    Summary::SPEC,
    Element::SPEC,
    Top::SPEC,
    Truth::SPEC,
];

/// The tables of `harness sae eval`.
pub const EVALUATION: [&TableSpec; 2] = [Evaluation::SPEC, Element::SPEC];

crate::rows! {
    /// The losses of a batch at some steps of each training.
    pub struct Step in "metrics" {
        /// name of the model
        model: String [""],
        /// rows seen before
        samples: u64 ["rows"],
        /// squared error of the normalised activations, summed over columns, mean over the batch
        reconstruction: f64 ["1"],
        /// penalty, mean over the batch
        penalty: f64 ["1"],
        /// active elements for each row
        l0: f64 ["elements"],
        /// coefficient λ of the penalty in that step, for normalised activations; 0 where there is none
        lambda: f64 ["1"],
    }
}

crate::rows! {
    /// The measures of a model on rows that it was not trained on.
    pub struct Measures in "measures" {
        /// rows measured
        rows: u64 ["rows"],
        /// explained variance: 1 − Σ‖x − x̂‖² / Σ‖x − mean‖², both over all rows measured, whose mean it is
        explained_variance: f64 ["1"],
        /// mean over rows of 1 − ‖x − x̂‖²/‖x − mean‖², which SAELens calls legacy; a training takes the mean of all
        /// its rows, or of all those of --eval, an evaluation that of the rows measured
        explained_variance_by_row: f64 ["1"],
        /// squared error, mean over rows and columns
        mse: f64 ["1"],
        /// active elements for each row; NaN where a code is not finite
        l0: f64 ["elements"],
        /// sum of a code, mean over rows
        l1: f64 ["1"],
        /// cosine of x̂ and x, mean over rows
        cosine: f64 ["1"],
        /// ‖x̂‖/‖x‖, mean over the rows that are not 0
        shrinkage: f64 ["1"],
        /// share of the elements that no row switches on; NaN where a code is not finite
        dead: f64 ["1"],
        /// share of the elements that fewer than one row in 10,000 switches on, the dead ones among them
        rare: f64 ["1"],
        /// largest cosine of an element with another, mean over elements
        nearest: f64 ["1"],
    }
}

crate::rows! {
    /// Every model, which takes and gives raw activations, on the rows that were held out, or on those of --eval.
    pub struct Model in "models" {
        /// name of the model, which is that of its folder in models/
        model: String [""],
        /// name of its cell: that of the model without its seed
        cell: String [""],
        /// model (one that was asked for), random-decoder or random-encoder (the same with a part that stays random),
        /// or pca (as many principal components of rows that are trained on as a model has active elements, each a
        /// number of either sign)
        role: Role [""],
        /// variant
        variant: Kind [""],
        /// elements n of the dictionary
        elements: usize ["elements"],
        /// k of topk, batch-topk and matryoshka, else the coefficient λ of the penalty for normalised activations, at
        /// the end of the training where it was steered
        sparsity: f64 ["1"],
        /// active elements for each row that λ was steered to; NaN where it was not
        target_l0: f64 ["elements"],
        /// seed
        seed: u64 [""],
        /// trained, or how it diverged
        end: String [""],
        /// rows trained on, those of later passes again
        samples: u64 ["rows"],
        ..measures: Measures,
    }
}

crate::rows! {
    /// Every measure of every cell of the sweep, over the seeds. The loss above that of the best codes is measured by
    /// `harness sae eval` alone.
    pub struct Summary in "summary" {
        /// name of the cell: that of its models without their seeds
        cell: String [""],
        /// model, or what it is held against
        role: Role [""],
        /// elements n of the dictionaries
        elements: usize ["elements"],
        /// name of the measure, which is that of its column in models.csv or truth.csv, there of codes that are found
        /// alone (mcc) or together (mcc_together, l0_together)
        measure: String [""],
        /// number of seeds
        seeds: usize ["1"],
        /// mean over the seeds
        mean: f64 ["1"],
        /// lower end of the 95 % confidence interval of the mean: by Student's t for fewer than 20 seeds, else by the
        /// bias-corrected and accelerated bootstrap; NaN for one seed
        low: f64 ["1"],
        /// upper end of it
        high: f64 ["1"],
    }
}

crate::rows! {
    /// Models side by side on the same rows, which they take and give as they are.
    pub struct Evaluation in "models" {
        /// name of the model: that of its folder, or its path where several have one name
        model: String [""],
        /// variant
        variant: String [""],
        /// elements n of the dictionary
        elements: usize ["elements"],
        /// k of topk, or the coefficient λ of the penalty for raw activations; NaN where its folder does not say
        sparsity: f64 ["1"],
        /// on up to 128 of the rows, the loss above that of the best code found on the same dictionary, in units of the
        /// latter: for topk the squared error, against orthogonal matching pursuit with k elements, for batch-topk and
        /// matryoshka with as many as the row has active, and below 0 where that greedy choice is worse; under an L1
        /// penalty ‖x − x̂‖² + λ Σ f, against FISTA, for up to 8,192 elements; NaN for the rest
        excess_loss: f64 ["1"],
        ..measures: Measures,
    }
}

crate::rows! {
    /// Every element of every dictionary, on the rows that models are measured on.
    pub struct Element in "elements" {
        /// name of the model
        model: String [""],
        /// number of the element
        element: usize [""],
        /// share of the rows that switch it on
        frequency: f64 ["1"],
        /// largest cosine with another element
        nearest: f64 ["1"],
    }
}
