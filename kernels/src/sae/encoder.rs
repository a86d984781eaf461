//! A linear encoder: pre-activations a = W_enc(x − b_dec) + b_enc, and which of them are active.

use super::{Parameters, Workspace, backward};
use crate::function::elementwise::{Sub, zip};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::matmul::Accumulate;
pub(super) use crate::matrix::sparse::select_from;
use crate::matrix::view::{MatMut, MatRef};

/// Rows that are worth another thread.
const LEAF: usize = 64;

/// Which pre-activations of a sample become entries of its code, and with which values.
pub(super) trait Select: Copy + Send + Sync {
    /// Writes the entries of one row in rising order of columns, and returns how many. There is room
    /// for one a pre-activation.
    fn select<S: Simd>(self, s: S, pre: &[f32], columns: &mut [u32], values: &mut [f32]) -> usize;
}

/// ReLU: what is above 0, or NaN.
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl Select for Relu {
    #[inline(always)]
    fn select<S: Simd>(self, s: S, pre: &[f32], columns: &mut [u32], values: &mut [f32]) -> usize {
        select_from(s, f32::from_bits(1), pre, columns, values)
    }
}

/// Fills the codes by a linear encoder: `w_enc` and `b_enc`.
pub(super) fn encode(
    exec: Exec,
    parameters: &Parameters,
    x: MatRef,
    workspace: &mut Workspace,
    select: impl Select,
) {
    workspace.centre(exec, x, parameters.b_dec());
    let (weights, bias) = (parameters.tensor("w_enc"), parameters.vector("b_enc"));
    encode_by(exec, weights, bias, workspace, select);
}

/// Fills the codes by a linear encoder from the centred batch.
pub(super) fn encode_by(
    exec: Exec,
    weights: MatRef,
    bias: &[f32],
    workspace: &mut Workspace,
    select: impl Select,
) {
    let centred = std::mem::take(&mut workspace.centred);
    let (batch, width) = (workspace.batch, weights.cols());
    let input = MatRef::new(&centred[..batch * width], batch, width).expect("cut to size");
    workspace.codes.fill(exec, input, weights, bias, select);
    workspace.centred = centred;
}

/// The gradients with respect to all four tensors, from `deltas` and `d_output`.
pub(super) fn gradients(
    exec: Exec,
    parameters: &Parameters,
    workspace: &mut Workspace,
    gradient: &mut Parameters,
) {
    weight_gradients(exec, workspace, gradient);
    decoder_bias(exec, parameters, workspace, gradient);
}

/// Those with respect to `w_enc`, `b_enc` and `w_dec`.
pub(super) fn weight_gradients(exec: Exec, workspace: &mut Workspace, gradient: &mut Parameters) {
    let [w_enc, mut b_enc, w_dec] = gradient.tensors_mut(["w_enc", "b_enc", "w_dec"]);
    workspace.dictionary_gradient(exec, w_dec);
    workspace.linear_gradient(exec, (w_enc, Accumulate::Overwrite), b_enc.row(0));
}

/// That with respect to `b_dec`, when that with respect to `b_enc` is complete.
pub(super) fn decoder_bias(
    exec: Exec,
    parameters: &Parameters,
    workspace: &Workspace,
    gradient: &mut Parameters,
) {
    let [b_enc, mut b_dec] = gradient.tensors_mut(["b_enc", "b_dec"]);
    let (weights, d_b_enc) = (parameters.tensor("w_enc"), b_enc.as_ref().row(0));
    let d_output = workspace.d_output();
    backward::decoder_bias(exec, d_output, weights, d_b_enc, b_dec.row(0));
}

/// out ← x − b, row by row.
pub(super) fn subtract(exec: Exec, x: MatRef, b: &[f32], out: MatMut) {
    struct Subtract<'a>(MatRef<'a>, &'a [f32], MatMut<'a>);
    impl Op for Subtract<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Subtract(x, b, mut out) = self;
            for i in 0..x.rows() {
                zip(s, Sub, x.row(i), b, out.row(i));
            }
        }
    }
    let n = x.rows() * x.cols();
    profile::call(Part::Elementwise, || Work::new(n, 2 * n));
    par::share_timed(Part::Elementwise, exec, LEAF, (x, out), &|(x, out)| {
        exec.isa().dispatch(Subtract(x, b, out))
    });
}
