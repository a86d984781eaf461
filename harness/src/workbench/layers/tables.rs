//! The tables of `harness sae layers`.

use crate::table::Record as _;
use crate::table::record::TableSpec;
use crate::workbench::tables::{Model, Step, Summary};

/// The tables of `harness sae layers`, in the order in which they are described.
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
        /// place in the order, from 0
        place: usize [""],
        /// name of the layer, which is that of its file or folder
        layer: String [""],
        /// its file or folder
        file: String [""],
        /// name of the model whose elements are compared with those of other layers
        model: String [""],
    }
}

crate::rows! {
    /// Every model of every layer on held-out rows, which take and give raw activations.
    pub struct LayerModel in "models" {
        /// name of the layer
        layer: String [""],
        ..model: Model,
    }
}

crate::rows! {
    /// Every measure of every cell of the sweep on every layer, over the seeds.
    pub struct LayerSummary in "summary" {
        /// name of the layer
        layer: String [""],
        ..summary: Summary,
    }
}

crate::words! {
    /// The place where an element is found.
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
        /// name of the layer
        layer: String [""],
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
        /// name of the layer
        layer: String [""],
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
        /// name of the layer
        layer: String [""],
        /// name of the other layer
        other_layer: String [""],
        /// largest cosine of an element with one of the other layer, mean over elements
        cosine: f64 ["1"],
        /// largest correlation of an element with one of the other layer, mean over elements
        correlation: f64 ["1"],
    }
}

crate::words! {
    /// The measure of a probe on held-out rows.
    pub enum Score {
        /// The coefficient of determination, 1 − Σ(y − ŷ)² / Σ(y − mean)².
        #[strum(serialize = "R²")]
        R2,
        /// The share of the rows whose class has the largest output.
        Accuracy,
    }
}

crate::rows! {
    /// A linear probe (ridge regression) for a target on a layer, and the dictionary element whose decoder row is
    /// nearest to it, by the absolute value of the cosine. A classifier has a direction for each class, and of two
    /// classes one that tells them apart.
    pub struct Probe in "probes" {
        /// name of the layer
        layer: String [""],
        /// target, class, or the two classes
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
        /// 2.5 % of dictionaries of as many random rows of the layer, about their mean, have a smaller |cosine| with
        /// the pattern
        pattern_rows_low: f64 ["1"],
        /// 2.5 % of such dictionaries of random rows have a larger |cosine| with the pattern
        pattern_rows_high: f64 ["1"],
        /// 2.5 % of dictionaries of as many independent random directions have a smaller |cosine| with any direction
        random_low: f64 ["1"],
        /// 2.5 % have a larger one
        random_high: f64 ["1"],
    }
}

/// The element that is nearest to a probe, with the controls that say how near one comes by chance.
#[derive(Debug, Clone, Copy)]
pub struct Nearest {
    /// The direction of the probe that the element is near to: `weights` or `pattern`.
    pub to: &'static str,
    /// The number of the element.
    pub element: usize,
    /// The |cosine| of the element with that direction.
    pub cosine: f64,
    /// The |cosine| that 97.5 % of dictionaries of random rows of the layer stay below.
    pub rows: f64,
    /// The |cosine| that 97.5 % of dictionaries of random directions stay below.
    pub directions: f64,
}

impl Nearest {
    /// Returns the excess of the |cosine| over the stricter of the two controls.
    pub fn excess(&self) -> f64 {
        self.cosine - self.rows.max(self.directions)
    }
}

impl Probe {
    /// Returns the element nearest to the weights of the probe.
    pub fn by_weights(&self) -> Nearest {
        Nearest {
            to: "weights",
            element: self.direction_element,
            cosine: self.direction,
            rows: self.direction_rows_high,
            directions: self.random_high,
        }
    }

    /// Returns the element nearest to the pattern of the probe.
    pub fn by_pattern(&self) -> Nearest {
        Nearest {
            to: "pattern",
            element: self.pattern_element,
            cosine: self.pattern,
            rows: self.pattern_rows_high,
            directions: self.random_high,
        }
    }
}
