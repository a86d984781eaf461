//! What a batch leads to.

use crate::bounded::Bounded;

/// What a batch leads to.
#[derive(Clone, Default)]
pub struct Pass {
    /// Codes, a sample a row.
    pub codes: Matrix,
    /// Reconstructions.
    pub x_hat: Matrix,
    /// Mean of ‖x̂ − x‖².
    pub reconstruction: Bounded,
    /// The mean penalty.
    pub sparsity: Bounded,
    /// The mean auxiliary loss.
    pub auxiliary: Bounded,
    /// What it reconstructs.
    pub left_over: Matrix,
    /// The gradient, in the order of the parameters.
    pub gradient: Vec<Bounded>,
    /// Whether each unit is active, those of hidden layers included: while this stays the same, the loss is smooth.
    pub active: Vec<Vec<bool>>,
    /// Whether rounding could change which units are active.
    pub ambiguous: bool,
}

/// Rows of numbers.
pub type Matrix = Vec<Vec<Bounded>>;

impl Pass {
    /// The loss.
    pub fn total(&self) -> f64 {
        self.reconstruction.value + self.sparsity.value + self.auxiliary.value
    }
}
