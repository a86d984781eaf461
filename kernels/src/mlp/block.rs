//! One block of the model, forward and back, its rows shared among threads.

use super::parameters::Block;
use crate::function::activation::Activation;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::matrix::matmul::{
    Accumulate, ActivationBackward, Bias, BiasActivation, Residual, matmul_with,
};
use crate::matrix::view::{MatMut, MatRef};

/// Rows that are worth a thread of their own.
const LEAF_ROWS: usize = 32;

/// Rows of a thread's share of a batch: whole strips of every tile.
fn share(exec: Exec, rows: usize) -> usize {
    let even = rows.div_ceil(par::threads(exec)).next_multiple_of(8);
    even.max(LEAF_ROWS)
}

/// One block's way forward: from x to the pre-activations, the activations and y.
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
        let overwrite = Accumulate::Overwrite;
        matmul_with(serial, pre, overwrite, x, block.w1.t(), activate);
        let connect = (Bias(block.b2), Residual(x));
        matmul_with(serial, y, overwrite, hidden.as_ref(), block.w2.t(), connect);
    });
}

/// One block's way back: from the gradient after it, dy, to those with respect to its pre-activations and its input.
pub(super) fn backward(
    exec: Exec,
    block: Block,
    activation: Activation,
    [pre, dy]: [MatRef; 2],
    [d_pre, dx]: [MatMut; 2],
) {
    let rows = (pre, dy, d_pre, dx);
    let serial = Exec::serial(exec.isa());
    par::share_rows(exec, share(exec, dy.rows()), rows, &|rows| {
        let (pre, dy, mut d_pre, dx) = rows;
        let through = ActivationBackward { activation, pre };
        let overwrite = Accumulate::Overwrite;
        matmul_with(serial, d_pre.reborrow(), overwrite, dy, block.w2, through);
        let connect = Residual(dy);
        matmul_with(serial, dx, overwrite, d_pre.as_ref(), block.w1, connect);
    });
}
