//! The tables of `harness sae layers`.

use crate::table::Record as _;
use crate::table::record::TableSpec;
use crate::workbench::tables::{Model, Step, Summary};

/// All of them.
pub const SPECS: [&TableSpec; 8] = [
    Step::SPEC,
    Layer::SPEC,
    LayerModel::SPEC,
    LayerSummary::SPEC,
    Persistence::SPEC,
    LayerElement::SPEC,
    Similarity::SPEC,
    Probe::SPEC,
];

crate::rows! {
    /// The layers, in their order.
    pub struct Layer in "layers" {
        /// number of the layer, from 0
        layer: usize [""],
        /// its first file
        file: String [""],
        /// name of the model whose elements are compared with those of other layers
        model: String [""],
    }
}

crate::rows! {
    /// Every model of every layer on held-out rows, which take and give raw activations.
    pub struct LayerModel in "models" {
        /// number of the layer
        layer: usize [""],
        ..model: Model,
    }
}

crate::rows! {
    /// Every measure of every cell of the sweep on every layer, over the seeds.
    pub struct LayerSummary in "summary" {
        /// number of the layer
        layer: usize [""],
        ..summary: Summary,
    }
}

crate::words! {
    /// Where an element is found.
    pub enum Place {
        /// The element is there at the input: in the dictionary of the first layer.
        Input,
        /// The element is there at the output: in the dictionary of the last layer.
        Output,
        /// The element is in both.
        Both,
        /// The element is in neither: it is unfinished.
        Neither,
    }
}

crate::rows! {
    /// What becomes of the elements of a layer. An element is found in another dictionary by its direction if the
    /// cosine with one of its elements is at least same_from, and by its function if the correlation of their
    /// activations over the same held-out rows is.
    pub struct Persistence in "persistence" {
        /// number of the layer
        layer: usize [""],
        /// elements that are compared: those that at least 10 of the rows switch on
        compared: usize ["elements"],
        /// share of them that the next layer has, by direction; NaN for the last layer
        next_direction: f64 ["1"],
        /// the same by function
        next_function: f64 ["1"],
        /// share of them that a second training on the same layer finds, by direction; NaN without a second seed
        again_direction: f64 ["1"],
        /// the same by function
        again_function: f64 ["1"],
        /// share of them that are unfinished by direction: neither the first nor the last layer has them
        unfinished_direction: f64 ["1"],
        /// the same by function
        unfinished_function: f64 ["1"],
        /// share of them that are unfinished by direction although a second training on their layer finds them; NaN
        /// without a second seed
        stable_unfinished_direction: f64 ["1"],
        /// the same by function
        stable_unfinished_function: f64 ["1"],
        /// largest cosine with an element of the next layer, mean over elements
        next_cosine: f64 ["1"],
        /// the same for a random dictionary of the size of the next layer's: the median
        chance_cosine: f64 ["1"],
        /// largest correlation with an element of the next layer, mean over elements
        next_correlation: f64 ["1"],
        /// the same with the rows of the next layer moved by half of their number, so that rows do not belong together
        chance_correlation: f64 ["1"],
    }
}

crate::rows! {
    /// Every element that is compared.
    pub struct LayerElement in "elements" {
        /// number of the layer
        layer: usize [""],
        /// number of the element in the dictionary of its layer
        element: usize [""],
        /// share of the compared rows that switch it on
        frequency: f64 ["1"],
        /// largest cosine with an element of the next layer; NaN for the last layer
        next_cosine: f64 ["1"],
        /// largest correlation with an element of the next layer; NaN for the last layer
        next_correlation: f64 ["1"],
        /// number of the element of the next layer with the largest cosine; empty for the last layer
        next_element: String [""],
        /// largest cosine with an element of the first layer
        input_cosine: f64 ["1"],
        /// largest correlation with one
        input_correlation: f64 ["1"],
        /// largest cosine with an element of the last layer
        output_cosine: f64 ["1"],
        /// largest correlation with one
        output_correlation: f64 ["1"],
        /// largest cosine with an element of a second training on the same layer; NaN without a second seed
        again_cosine: f64 ["1"],
        /// largest correlation with one
        again_correlation: f64 ["1"],
        /// input, output, both or neither: where its direction is found
        direction: Place [""],
        /// input, output, both or neither: where its function is found
        function: Place [""],
        /// following layers in a row that have it, by direction
        persists_direction: usize ["layers"],
        /// the same by function
        persists_function: usize ["layers"],
    }
}

crate::rows! {
    /// The dictionaries of two layers.
    pub struct Similarity in "similarity" {
        /// number of the layer
        layer: usize [""],
        /// number of the other layer
        other_layer: usize [""],
        /// largest cosine of an element with one of the other layer, mean over elements
        cosine: f64 ["1"],
        /// largest correlation of an element with one of the other layer, mean over elements
        correlation: f64 ["1"],
    }
}

crate::words! {
    /// The measure of a probe on held-out rows.
    pub enum Score {
        /// 1 − Σ(y − ŷ)² / Σ(y − mean)².
        #[strum(serialize = "R²")]
        R2,
        /// Share of the rows whose class has the largest output.
        Accuracy,
    }
}

crate::rows! {
    /// A linear probe (ridge regression) for a target on a layer, and the dictionary element whose decoder row is
    /// nearest to it, by the absolute value of the cosine. A classifier has a direction for each class.
    pub struct Probe in "probes" {
        /// number of the layer
        layer: usize [""],
        /// target, or class
        target: String [""],
        /// R² or accuracy
        score: Score [""],
        /// that of the probe on held-out rows
        held_out: f64 ["1"],
        /// that of a probe that knows no activations: R² 0, or the share of the class that is most frequent
        chance: f64 ["1"],
        /// largest |cosine| of an element with the weights of the probe, the direction in which it reads
        direction: f64 ["1"],
        /// number of that element
        direction_element: usize [""],
        /// 2.5 % of dictionaries of as many random rows of the layer, about their mean, have a smaller one
        direction_rows_low: f64 ["1"],
        /// 2.5 % have a larger one
        direction_rows_high: f64 ["1"],
        /// largest |cosine| of an element with the pattern of the probe: the covariance of activations and prediction,
        /// the direction in which rows differ that the probe tells apart (Haufe et al., On the interpretation of weight
        /// vectors of linear models, 2014)
        pattern: f64 ["1"],
        /// number of that element
        pattern_element: usize [""],
        /// as for the direction
        pattern_rows_low: f64 ["1"],
        /// as for the direction
        pattern_rows_high: f64 ["1"],
        /// 2.5 % of dictionaries of as many independent random directions have a smaller |cosine| with any direction
        random_low: f64 ["1"],
        /// 2.5 % have a larger one
        random_high: f64 ["1"],
    }
}
