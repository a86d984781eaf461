//! Settings of a training on activations.

use crate::sae::training::{BATCH, learning_rate};
use crate::settings::range::{above, increasing, worded};

crate::words! {
    /// A variant of sparse autoencoder.
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Kind {
        /// The k largest entries of a code, and an auxiliary loss that brings dead elements back.
        #[serde(rename = "topk")]
        #[strum(serialize = "topk")]
        TopK,
        /// The same with k as the mean over a batch, and a threshold by which codes are read.
        #[serde(rename = "batch-topk")]
        #[strum(serialize = "batch-topk")]
        BatchTopK,
        /// ReLU codes and an L1 penalty, elements of norm 1.
        L1,
        /// The same with one matrix for encoder and decoder.
        L1Tied,
    }
}

crate::words! {
    /// What is done to activations before they are trained on.
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Normalise {
        /// Nothing.
        None,
        /// The mean is subtracted.
        Mean,
        /// The mean is subtracted, and all are divided by one number, so that columns have a variance of 1 in the mean.
        Scale,
    }
}

crate::words! {
    /// What is done with rows that hold a NaN or an infinite value.
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum NonFinite {
        /// The first of them ends the training before it has begun.
        Refuse,
        /// They are left out and counted.
        Skip,
    }
}

crate::settings! {
    /// Settings of a training. Every combination of the lists is a model.
    pub struct Settings {
        /// Variant: topk (the k largest entries of a code), batch-topk (k in the mean over a batch, and codes that are read
        /// by a threshold), l1 (ReLU codes and an L1 penalty) or l1-tied (one matrix for encoder and decoder).
        variant: Kind = Kind::TopK;
        /// Numbers of active elements k, for topk and batch-topk.
        k: Vec<usize> = vec![32], in increasing(1..=64, 1..=1 << 20);
        /// L1 coefficients λ, for l1 and l1-tied, for an error that is summed over the columns of normalised activations.
        lambda: Vec<f64> = vec![1.0], in worded("1 to 64 numbers above 0, increasing", increasing(1..=64, above(0.0).at_most(1e6)));
        /// Numbers of elements of a dictionary; eight times the width of the activations unless told otherwise.
        elements: Vec<usize> = vec![4096], in increasing(1..=64, 1..=1 << 22);
        /// The seed of the first model; it decides on its first weights. The order of the rows is that of the first seed.
        seed: u64 = 0, in 0..=1 << 48;
        /// Number of seeds: every model is trained once for each.
        seeds: u64 = 1, in 1..=1000;
        /// Rows that each model is trained on in all, over as many passes as it takes.
        samples: u64 = 1 << 22, in 1..=1 << 50;
        /// Rows in a batch.
        batch: usize = 2048, in BATCH;
        /// Learning rate of Adam for a dictionary of 16,384 elements; for n elements it is √(16384/n) times that (Gao et
        /// al., Scaling and evaluating sparse autoencoders, 2024).
        learning_rate: f64 = 2e-4, in learning_rate();
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        cooldown: f64 = 0.2, in 0.0..=1.0;
        /// Share of the rows that are held out from training, for the measures.
        held_out: f64 = 0.05, in worded("above 0 and at most 0.5", above(0.0).at_most(0.5));
        /// Most held-out rows that models are measured on.
        measured: u64 = 1 << 16, in 1..=1 << 40;
        /// What is done with rows that hold a NaN or an infinite value: refuse (the first of them ends the training before it
        /// has begun) or skip (they are left out and counted).
        nonfinite: NonFinite = NonFinite::Refuse;
        /// What is done to activations before training: none, mean (the mean is subtracted) or scale (then all are divided
        /// by one number, so that columns have a variance of 1 in the mean). Saved models take raw activations all the same.
        normalise: Normalise = Normalise::Scale;
        /// Rows without firing after which an element counts as dead, for the auxiliary loss of topk and batch-topk; a
        /// sixteenth of `samples` unless told otherwise.
        dead_after: u64 = 1 << 18, in 1..=1 << 50;
        /// Coefficient of the auxiliary loss of topk and batch-topk, for a squared error summed over columns; 0 for
        /// none.
        auxiliary: f64 = 0.03125, in 0.0..=1e6;
    }
}
