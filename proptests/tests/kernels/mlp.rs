//! The residual MLP, forward and back, against a naive one in f64 and central differences.

mod case;
mod passes;
mod pytorch;
mod workspace;

use kernels::mlp::{self, Parameters, Shape, Workspace};
use kernels::{Activation, Exec};

/// The shape of a small model.
pub const SMALL: Shape = Shape {
    vocabulary: 3,
    width: 4,
    hidden: 5,
    layers: 2,
    activation: Activation::Gelu,
};

/// Returns a small model and a workspace after a pass on two pairs.
pub fn small(exec: Exec, next: impl FnMut() -> f32) -> (Parameters, Workspace) {
    let mut parameters = Parameters::zeros(SMALL);
    parameters.values_mut().fill_with(next);
    let mut workspace = Workspace::new(SMALL, 2);
    mlp::forward(exec, &parameters, &[[0, 1], [2, 2]], &mut workspace);
    (parameters, workspace)
}
