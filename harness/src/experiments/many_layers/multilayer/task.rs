//! The models of the experiment, by name.

use super::settings::Loss;
use serde::{Deserialize, Serialize};

crate::words! {
    /// The part of the experiment that a model belongs to.
    pub enum Part {
        /// The settings of the experiment, at which its claims are settled.
        Point,
        /// The opposite of each choice: squared error, all datapoints in a batch, eight layers, equal steps, and an end
        /// as soon as every datapoint is learned.
        Opposite,
        /// The settings of the experiment, with (i + j) mod d for a class where they have random ones, and the other
        /// way round.
        OtherTargets,
        /// The settings of the experiment, with many more epochs.
        Long,
    }
}

crate::words! {
    /// What a model is.
    pub enum Kind {
        /// Trained on the loss of its output.
        Trained,
        /// The model as it was before training.
        Untrained,
        /// Built by hand: each datapoint is looked up by one hidden unit of one layer, and right from there on.
        LookUp,
        /// Built by hand: every output is a sum over many hidden units that are dealt at random to all layers.
        AndSpread,
        /// The same units, all in one layer.
        AndInOneLayer,
    }
}

/// One model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The part of the experiment that it belongs to.
    pub part: Part,
    /// The loss that is minimised and measured.
    pub loss: Loss,
    /// Number of datapoints.
    pub n: usize,
    /// Seed of data, initial parameters and order.
    pub seed: u64,
    /// What it is.
    pub kind: Kind,
}

impl Task {
    /// Name of its files.
    pub fn slug(&self) -> String {
        let Task {
            part,
            loss,
            n,
            seed,
            kind,
        } = self;
        format!("{part}-{kind}-{loss}-n{n}-seed{seed}")
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Task {
            part,
            loss,
            n,
            seed,
            kind,
        } = self;
        write!(f, "{kind} model ({part}), {loss}, N = {n}, seed {seed}")
    }
}
