//! The models of the experiment, by name.

use super::settings::Loss;
use serde::{Deserialize, Serialize};

crate::words! {
    /// The part of the experiment that a model belongs to.
    pub enum Part {
        /// The settings of the experiment, at which its claims are settled.
        Point,
        /// The opposite of each choice: the other loss, all datapoints in a batch, eight layers, equal steps, and an
        /// end as soon as every datapoint is learned.
        Opposite,
        /// The settings of the experiment with the other kind of targets: the class (i + j) mod d instead of a random
        /// one, or the other way round.
        OtherTargets,
        /// The settings of the experiment, with many more epochs.
        Long,
    }
}

crate::words! {
    /// The way in which a model is made.
    pub enum Kind {
        /// A model trained on the loss of its output.
        Trained,
        /// A model as it was before training.
        Untrained,
        /// A model built by hand: each datapoint is looked up by one hidden unit of one layer, and right from there on.
        LookUp,
        /// A circuit built by hand: every output is a sum over many hidden units that are dealt at random to all
        /// layers.
        AndSpread,
        /// A circuit of such units, all in one layer.
        AndInOneLayer,
    }
}

/// One model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The part of the experiment that the model belongs to.
    pub part: Part,
    /// The loss that is minimised and measured.
    pub loss: Loss,
    /// The number of datapoints.
    pub n: usize,
    /// The seed of the data, of the initial parameters and of the order of the data.
    pub seed: u64,
    /// The kind of the model.
    pub kind: Kind,
}

impl Task {
    /// Returns the name of the model in its files.
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
