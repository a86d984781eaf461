//! The forward and backward pass of one block of the model, in which threads share the rows of a batch.

use super::parameters::Block;
use crate::function::activation::Activation;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::matrix::matmul::{
    Accumulate, ActivationBackward, Bias, BiasActivation, Residual, matmul_with,
};
use crate::matrix::view::{MatMut, MatRef};

/// The least number of rows that is worth a thread of its own.
const LEAF_ROWS: usize = 32;

/// Returns the number of rows of a thread's share of a batch: a multiple of the height of the tallest tile.
fn share(exec: Exec, rows: usize) -> usize {
    let even = rows.div_ceil(par::threads(exec)).next_multiple_of(8);
    even.max(LEAF_ROWS)
}

/// Computes the pre-activations, the activations and the output y of one block from its input x.
pub(super) fn forward(
    exec: Exec,
    block: Block,
    activation: Activation,
    x: MatRef,
    [pre, hidden, y]: [MatMut; 3],
) {
    let rows = (x, pre, hidden, y);
    let serial = Exec::serial(exec.isa());
    par::share_rows(exec, share(exec, x.rows()), rows, &|rows| {
        let (x, pre, mut hidden, y) = rows;
        let activate = BiasActivation {
            bias: block.b1,
            activation,
            out: hidden.reborrow(),
        };
        let replace = Accumulate::Replace;
        matmul_with(serial, x, block.w1.t(), activate, replace, pre);
        let connect = (Bias(block.b2), Residual(x));
        matmul_with(serial, hidden.as_ref(), block.w2.t(), connect, replace, y);
    });
}

/// Computes the gradients with respect to the pre-activations and the input of one block from that with respect to its
/// output, d_y.
pub(super) fn backward(
    exec: Exec,
    block: Block,
    activation: Activation,
    [pre, d_y]: [MatRef; 2],
    [d_pre, d_x]: [MatMut; 2],
) {
    let rows = (pre, d_y, d_pre, d_x);
    let serial = Exec::serial(exec.isa());
    par::share_rows(exec, share(exec, d_y.rows()), rows, &|rows| {
        let (pre, d_y, mut d_pre, d_x) = rows;
        let through = ActivationBackward { activation, pre };
        let replace = Accumulate::Replace;
        matmul_with(serial, d_y, block.w2, through, replace, d_pre.reborrow());
        let connect = Residual(d_y);
        matmul_with(serial, d_pre.as_ref(), block.w1, connect, replace, d_x);
    });
}
