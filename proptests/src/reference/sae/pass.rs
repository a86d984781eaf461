//! The results of a pass over a batch.

use crate::bounded::Bounded;

/// The results of a pass over a batch.
#[derive(Clone, Default)]
pub struct Pass {
    /// The codes, a sample a row.
    pub codes: Matrix,
    /// The reconstructions, a sample a row.
    pub x_hat: Matrix,
    /// The mean of ‖x̂ − y‖² over the samples; y = x in an autoencoder.
    pub reconstruction: Bounded,
    /// The mean of the penalty over the samples.
    pub sparsity: Bounded,
    /// The mean of the auxiliary loss over the samples.
    pub auxiliary: Bounded,
    /// The target of the auxiliary loss of dead elements: what the reconstructions leave of y.
    pub left_over: Matrix,
    /// The gradient with respect to the parameters, in their order.
    pub gradient: Vec<Bounded>,
    /// Whether each unit is active, units of hidden layers included: while this stays the same, the loss is smooth.
    pub active: Vec<Vec<bool>>,
    /// Whether rounding could change which units are active.
    pub ambiguous: bool,
}

/// Rows of numbers.
pub type Matrix = Vec<Vec<Bounded>>;

impl Pass {
    /// Returns the total loss.
    pub fn total(&self) -> f64 {
        self.reconstruction.value + self.sparsity.value + self.auxiliary.value
    }
}
