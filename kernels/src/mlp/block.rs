//! One block of the model, forward and back, its rows shared among threads.

use super::Block;
use crate::matmul::{Accumulate, ActivationBackward, Bias, BiasActivation, Residual};
use crate::{Activation, Exec, MatMut, MatRef, matmul_with, par};

/// Rows that are worth a thread of their own.
const LEAF_ROWS: usize = 32;

/// One block's way forward, for some rows of the batch.
pub(super) struct BlockForward<'a> {
    pub(super) block: Block<'a>,
    pub(super) activation: Activation,
    pub(super) x: MatRef<'a>,
    pub(super) pre: MatMut<'a>,
    pub(super) hidden: MatMut<'a>,
    pub(super) y: MatMut<'a>,
}

impl BlockForward<'_> {
    pub(super) fn share(self, exec: Exec, threads: usize) {
        let rows = self.x.rows();
        if threads <= 1 || rows < 2 * LEAF_ROWS {
            return self.run(Exec::serial(exec.isa()));
        }
        let BlockForward {
            block,
            activation,
            x,
            pre,
            hidden,
            y,
        } = self;
        let at = split_point(rows, threads);
        let (pre_upper, pre_lower) = pre.split_rows(at);
        let (hidden_upper, hidden_lower) = hidden.split_rows(at);
        let (y_upper, y_lower) = y.split_rows(at);
        let upper = BlockForward {
            block,
            activation,
            x: x.row_range(0, at),
            pre: pre_upper,
            hidden: hidden_upper,
            y: y_upper,
        };
        let lower = BlockForward {
            block,
            activation,
            x: x.row_range(at, rows),
            pre: pre_lower,
            hidden: hidden_lower,
            y: y_lower,
        };
        par::join(
            exec,
            || upper.share(exec, threads / 2),
            || lower.share(exec, threads - threads / 2),
        );
    }

    fn run(self, exec: Exec) {
        let BlockForward {
            block,
            activation,
            x,
            pre,
            mut hidden,
            y,
        } = self;
        let activate = BiasActivation {
            bias: block.b1,
            activation,
            out: hidden.reborrow(),
        };
        matmul_with(exec, pre, Accumulate::Overwrite, x, block.w1.t(), activate);
        let connect = (Bias(block.b2), Residual(x));
        matmul_with(
            exec,
            y,
            Accumulate::Overwrite,
            hidden.as_ref(),
            block.w2.t(),
            connect,
        );
    }
}

/// Where to split rows between half of the threads and the rest, at the border of a tile.
fn split_point(rows: usize, threads: usize) -> usize {
    (rows * (threads / 2) / threads)
        .next_multiple_of(8)
        .min(rows)
}

/// One block's way back, for some rows of the batch.
pub(super) struct BlockBackward<'a> {
    pub(super) block: Block<'a>,
    pub(super) activation: Activation,
    pub(super) pre: MatRef<'a>,
    pub(super) dy: MatRef<'a>,
    pub(super) d_pre: MatMut<'a>,
    pub(super) dx: MatMut<'a>,
}

impl BlockBackward<'_> {
    pub(super) fn share(self, exec: Exec, threads: usize) {
        let rows = self.dy.rows();
        if threads <= 1 || rows < 2 * LEAF_ROWS {
            return self.run(Exec::serial(exec.isa()));
        }
        let BlockBackward {
            block,
            activation,
            pre,
            dy,
            d_pre,
            dx,
        } = self;
        let at = split_point(rows, threads);
        let (d_pre_upper, d_pre_lower) = d_pre.split_rows(at);
        let (dx_upper, dx_lower) = dx.split_rows(at);
        let upper = BlockBackward {
            block,
            activation,
            pre: pre.row_range(0, at),
            dy: dy.row_range(0, at),
            d_pre: d_pre_upper,
            dx: dx_upper,
        };
        let lower = BlockBackward {
            block,
            activation,
            pre: pre.row_range(at, rows),
            dy: dy.row_range(at, rows),
            d_pre: d_pre_lower,
            dx: dx_lower,
        };
        par::join(
            exec,
            || upper.share(exec, threads / 2),
            || lower.share(exec, threads - threads / 2),
        );
    }

    fn run(self, exec: Exec) {
        let BlockBackward {
            block,
            activation,
            pre,
            dy,
            mut d_pre,
            dx,
        } = self;
        let through = ActivationBackward { activation, pre };
        matmul_with(
            exec,
            d_pre.reborrow(),
            Accumulate::Overwrite,
            dy,
            block.w2,
            through,
        );
        matmul_with(
            exec,
            dx,
            Accumulate::Overwrite,
            d_pre.as_ref(),
            block.w1,
            Residual(dy),
        );
    }
}
