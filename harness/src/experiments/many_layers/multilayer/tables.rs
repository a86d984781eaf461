//! The tables of `multilayer`.

use super::capacity::Way;
use super::curve::{Batch, Budget};
use super::decisive::Measure;
use super::settings::Loss;
use super::task::{Kind, Part};

crate::rows! {
    /// One model.
    pub struct Summary in "models" {
        /// point (the settings of the experiment), opposite (of each choice), other-targets (modular instead of random,
        /// or the other way round) or long (many more epochs)
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// trained, untrained, or built by hand: look-up (one layer decides), and-spread (all layers do),
        /// and-in-one-layer
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// number L of layers
        layers: usize ["layers"],
        /// steps of training
        steps: u64 ["steps"],
        /// untrained, built, learned (every datapoint, where that ends the training), budget (all steps used), or why
        /// there is no model
        end: String [""],
        /// fraction of the datapoints learned at the output: their loss is below the threshold
        learned: f64 ["1"],
        /// fraction learned one layer before the end
        learned_before_last: f64 ["1"],
        /// mean over layers 0 to L-1 of the fraction learned
        area: f64 ["1"],
        /// first layer after which half of the datapoints are learned, as a share of L
        depth: f64 ["1"],
        /// R² of a line through the mean loss after each layer of the last half
        late_r2: f64 ["1"],
        /// largest change of the mean loss over one of the layers of the last half
        late_change: f64 ["loss"],
        /// largest layer's share of the gradient norm, median over datapoints
        largest_share: f64 ["1"],
    }
}

crate::rows! {
    /// One layer of one model, over all datapoints. What is right is read from the residual stream after the layer.
    pub struct Layer in "layers" {
        /// as in models.csv
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// as in models.csv
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// the layer after which is read; 0 is the input
        layer: usize [""],
        /// mean loss of the logit lens
        mean_loss: f64 ["loss"],
        /// 10 % quantile over the datapoints of that loss
        loss_q10: f64 ["loss"],
        /// median over the datapoints of that loss
        loss_median: f64 ["loss"],
        /// 90 % quantile over the datapoints of that loss
        loss_q90: f64 ["loss"],
        /// fraction of the datapoints whose loss is below the threshold
        learned: f64 ["1"],
        /// fraction of the datapoints whose correct logit is the largest
        right: f64 ["1"],
        /// the same through an affine lens fitted on the half of the datapoints that this one is not in
        right_affine: f64 ["1"],
        /// norm of the gradient of the correct output with respect to the layer's weight matrices, median over
        /// datapoints; the input has none
        gradient_norm: f64 ["1"],
        /// the layer's share of the sum of the gradient norms of all layers, median over datapoints
        gradient_share: f64 ["1"],
        /// its share of what layers add to the correct logit, median over datapoints
        contribution_share: f64 ["1"],
        /// its share of the drops of the loss, median over datapoints
        loss_share: f64 ["1"],
        /// its share of the rises of the correct logit over the largest other one, median over datapoints
        margin_share: f64 ["1"],
    }
}

crate::rows! {
    /// Share of the layer that decides in what a model does for a datapoint: quantiles over the datapoints.
    pub struct Decisive in "decisive" {
        /// as in models.csv
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// as in models.csv
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// gradient (norm of the gradient of the correct output), contribution (to the correct logit), loss (its drop)
        /// or margin (rise of the correct logit over the largest other one)
        measure: Measure [""],
        /// 10 % quantile of the largest layer's share; by the margin, of the share of the layer from which on the
        /// datapoint is right
        q10: f64 ["1"],
        /// 25 % quantile
        q25: f64 ["1"],
        /// median
        median: f64 ["1"],
        /// 75 % quantile
        q75: f64 ["1"],
        /// 90 % quantile
        q90: f64 ["1"],
        /// the median in units of 1/L
        in_layers: f64 ["1/L"],
    }
}

crate::rows! {
    /// One random datapoint at one layer of one model.
    pub struct Datapoint in "datapoints" {
        /// as in models.csv
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// as in models.csv
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// number of the datapoint
        datapoint: usize [""],
        /// the layer after which is read; 0 is the input
        layer: usize [""],
        /// loss of the datapoint
        value: f64 ["loss"],
        /// its correct logit
        logit: f64 ["1"],
        /// norm of the gradient of the datapoint's correct output with respect to the layer's weight matrices
        gradient_norm: f64 ["1"],
    }
}

crate::rows! {
    /// One look at all datapoints during a training.
    pub struct Evaluation in "training" {
        /// as in models.csv
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// steps done by then
        step: u64 ["steps"],
        /// mean loss of the output
        mean_loss: f64 ["loss"],
        /// datapoints whose loss at the output is below the threshold
        learned: u64 ["datapoints"],
        /// R² of a line through the mean loss after each layer of the last half
        late_r2: f64 ["1"],
        /// mean over layers 0 to L-1 of the fraction learned
        area: f64 ["1"],
        /// first layer after which half of the datapoints are learned, as a share of L
        depth: f64 ["1"],
    }
}

crate::rows! {
    /// One model of the specification curve.
    pub struct OfCurve in "curve" {
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number L of layers
        layers: usize ["layers"],
        /// minibatch, or all datapoints
        batch: Batch [""],
        /// equal-epochs or equal-steps for every N, or early-stop once every datapoint is below the threshold
        budget: Budget [""],
        /// learning rate
        rate: f64 ["1"],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// fraction of the datapoints learned at the output
        learned: f64 ["1"],
        /// first layer after which half of the datapoints are learned, as a share of L
        depth: f64 ["1"],
        /// mean over layers 0 to L-1 of the fraction learned
        area: f64 ["1"],
        /// mean over layers 0 to L-1 of the fraction of the datapoints whose correct logit is the largest
        right_area: f64 ["1"],
        /// R² of a line through the mean loss after each layer of the last half
        late_r2: f64 ["1"],
        /// largest change of the mean loss over one of the layers of the last half
        late_change: f64 ["loss"],
        /// largest layer's share of the gradient norm, median over datapoints, in units of 1/L
        gradient: f64 ["1/L"],
        /// largest layer's share of the contributions to the correct logit
        contribution: f64 ["1/L"],
        /// largest layer's share of the drops of the loss
        loss_drop: f64 ["1/L"],
        /// share of the rises of the margin in the layer from which on a datapoint is right
        margin: f64 ["1/L"],
    }
}

crate::rows! {
    /// One attempt to learn a number of pairs.
    pub struct OfCapacity in "capacity" {
        /// end-to-end, or block-by-block (each block trained on the loss after it, those before it as they are)
        way: Way [""],
        /// number L of blocks; those at the settings of the experiment come first
        layers: usize ["layers"],
        /// width h of their hidden layers
        hidden: usize ["units"],
        /// learning rate
        rate: f64 ["1"],
        /// number of pairs
        n: usize ["datapoints"],
        /// pairs that look-up blocks of the same size hold
        looked_up: usize ["datapoints"],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// fraction learned at the end
        learned: f64 ["1"],
    }
}

impl OfCapacity {
    /// Whether this attempt was made with the blocks and the learning rate of another.
    pub fn is_like(&self, other: &OfCapacity) -> bool {
        let blocks = |r: &OfCapacity| (r.layers, r.hidden, r.rate);
        blocks(self) == blocks(other)
    }
}
