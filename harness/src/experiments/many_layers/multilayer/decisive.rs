//! The share of one layer in what a model does for a datapoint, measured in four ways.

use super::traces::Traces;

crate::words! {
    /// A measure of what each layer does for a datapoint. The share of a layer is its part of the sum over the layers.
    pub enum Measure {
        /// The norm of the gradient of the correct output with respect to the layer's weight matrices.
        Gradient,
        /// The amount that the layer adds to the correct logit (direct logit attribution), where it adds to it.
        Contribution,
        /// The drop of the loss over the layer, where it drops.
        Loss,
        /// The rise of the correct logit over the largest other one, where it rises. The layer that decides is the one
        /// from which on the datapoint is right.
        Margin,
    }
}

/// Returns the shares of the layers 1 … L in what a measure finds for a datapoint; `None` if it finds nothing.
pub fn shares(traces: &Traces, measure: Measure, datapoint: usize) -> Option<Vec<f64>> {
    let parts: Vec<f64> = match measure {
        Measure::Gradient => traces.norm.iter().map(|v| v[datapoint].into()).collect(),
        Measure::Contribution => rises(&traces.logit, 1.0, datapoint),
        Measure::Loss => rises(&traces.loss, -1.0, datapoint),
        Measure::Margin => rises(&traces.margin, 1.0, datapoint),
    };
    let total: f64 = parts.iter().sum();
    (total > 0.0 && total.is_finite()).then(|| parts.iter().map(|v| v / total).collect())
}

/// Returns the share of the layer that decides: the largest one or, by the margin, that of the layer from which on the
/// datapoint is right. Returns `None` if there is nothing to share or, by the margin, the datapoint is not right at the
/// end.
pub fn decisive_share(traces: &Traces, measure: Measure, datapoint: usize) -> Option<f64> {
    let shares = shares(traces, measure, datapoint)?;
    if measure != Measure::Margin {
        return shares.iter().copied().max_by(f64::total_cmp);
    }
    let wrong = |margins: &Vec<f32>| margins[datapoint] <= 0.0 || margins[datapoint].is_nan();
    match traces.margin.iter().rposition(wrong) {
        // The datapoint is right from the input on: no layer decides.
        None => Some(0.0),
        Some(last) => shares.get(last).copied(),
    }
}

/// Returns the rise of a value times `sign` over each layer; 0 where it falls.
fn rises(values: &[Vec<f32>], sign: f64, datapoint: usize) -> Vec<f64> {
    let at = |v: &Vec<f32>| f64::from(v[datapoint]);
    let steps = values.windows(2).map(|w| sign * (at(&w[1]) - at(&w[0])));
    steps.map(|step| step.max(0.0)).collect()
}
