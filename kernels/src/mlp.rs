//! Residual MLPs on pairs of one-hot vectors: forward, backward, and what to read from them.
//!
//! `x₀ = E₁[i] + E₂[j]`, then L blocks `x_{l+1} = x_l + W₂ act(W₁ x_l + b₁) + b₂`. The output is x_L itself, so the
//! logit lens of layer l is x_l: see [`Workspace::residual`].
//!
//! A pass works on a [`Workspace`] that the caller owns, and allocates nothing but buffers of packed operands, which
//! each thread allocates when it first needs them, and keeps. Threads share the rows of a batch and, for the gradients
//! of weights, the matrices. Every sum over a batch has one order, so results do not depend on the number of threads.
//!
//! ```
//! use kernels::loss::Loss;
//! use kernels::mlp::{self, Supervision, Parameters, Shape, Workspace};
//! use kernels::{Activation, Exec, MatMut};
//!
//! let exec = Exec::default();
//! let shape = Shape { vocabulary: 3, width: 3, hidden: 8, layers: 1, activation: Activation::Gelu };
//! let mut parameters = Parameters::zeros(shape);
//! parameters.values_mut().iter_mut().enumerate().for_each(|(i, w)| *w = (i as f32).sin());
//! let (pairs, targets) = ([[0, 1], [2, 0]], [1, 2]);
//! let (mut workspace, mut gradient) = (Workspace::new(shape, 2), Parameters::zeros(shape));
//!
//! let mut totals = vec![];
//! for _ in 0..10 {
//!     mlp::forward(exec, &parameters, &pairs, &mut workspace);
//!     let mut losses = [0.0; 4]; // those of x₀ and of the output, at two samples
//!     let to = MatMut::from_rows(&mut losses, 2);
//!     mlp::losses(exec, &workspace, Loss::SquaredError, &targets, to);
//!     totals.push(losses[2] + losses[3]);
//!     mlp::backward(
//!         exec,
//!         &parameters,
//!         &pairs,
//!         &targets,
//!         Loss::SquaredError,
//!         Supervision::Output,
//!         &mut workspace,
//!         &mut gradient,
//!     );
//!     let weights = parameters.values_mut().iter_mut();
//!     weights.zip(gradient.values()).for_each(|(w, g)| *w -= 0.01 * g);
//! }
//! assert!(totals.is_sorted_by(|before, after| after < before));
//! ```

mod block;
mod parameters;

use crate::function::vector::square;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::reduce;
use crate::matrix::view::{MatMut, MatRef};
use crate::train::embedding;
use crate::train::loss::Loss;

pub use parameters::{Block, BlockMut, Parameters, Shape};

/// The activations of one batch, and room for the gradients of the backward pass.
#[derive(Clone, Debug)]
pub struct Workspace {
    shape: Shape,
    capacity: usize,
    batch: usize,
    /// The residual stream x₀ … x_L, capacity×d each.
    residual: Vec<f32>,
    /// The pre-activations of each block, capacity×h.
    pre: Vec<f32>,
    /// The activations of each block, capacity×h.
    hidden: Vec<f32>,
    /// The gradients with respect to the residual stream after and before a block.
    d_residual: [Vec<f32>; 2],
    /// The gradient with respect to a block's pre-activations.
    d_pre: Vec<f32>,
    /// The weight of each sample's loss.
    weights: Vec<f32>,
}

/// The layers that the loss of a batch is applied to.
#[derive(Clone, Copy, Debug)]
pub enum Supervision<'a> {
    /// The output x_L alone: the loss is the mean of its losses over the batch.
    Output,
    /// Any set of layers: the loss is Σ over l and b of `weights[l, b]` times the loss of x_l at sample b, for weights
    /// of (L+1)×B with contiguous rows.
    Weights(MatRef<'a>),
}

impl Workspace {
    /// Returns a workspace with room for batches of up to `capacity` pairs.
    pub fn new(shape: Shape, capacity: usize) -> Workspace {
        let Shape {
            width,
            hidden,
            layers,
            ..
        } = shape;
        Workspace {
            shape,
            capacity,
            batch: 0,
            residual: vec![0.0; (layers + 1) * capacity * width],
            pre: vec![0.0; layers * capacity * hidden],
            hidden: vec![0.0; layers * capacity * hidden],
            d_residual: [vec![0.0; capacity * width], vec![0.0; capacity * width]],
            d_pre: vec![0.0; capacity * hidden],
            weights: vec![0.0; capacity],
        }
    }

    /// Returns the size in bytes of a workspace for batches of up to `capacity` pairs.
    pub fn bytes(shape: Shape, capacity: usize) -> usize {
        let Shape {
            width,
            hidden,
            layers,
            ..
        } = shape;
        size_of::<f32>() * capacity * ((layers + 3) * width + (2 * layers + 1) * hidden + 1)
    }

    /// Returns the residual stream x_l of the last forward pass, B×d: what block l reads, or the output where l = L. It
    /// is also the logit lens of layer l.
    ///
    /// # Panics
    /// If l > L.
    #[track_caller]
    pub fn residual(&self, l: usize) -> MatRef<'_> {
        assert!(l <= self.shape.layers, "layer {l} of {}", self.shape.layers);
        self.rows(&self.residual, l, self.shape.width)
    }

    /// Returns the activations of block l for the batch of the last forward pass, B×h.
    fn hidden(&self, l: usize) -> MatRef<'_> {
        self.rows(&self.hidden, l, self.shape.hidden)
    }

    fn pre(&self, l: usize) -> MatRef<'_> {
        self.rows(&self.pre, l, self.shape.hidden)
    }

    fn rows<'a>(&self, values: &'a [f32], l: usize, cols: usize) -> MatRef<'a> {
        MatRef::first(&values[l * self.capacity * cols..], self.batch, cols)
    }

    #[track_caller]
    fn check(&self, parameters: &Parameters) {
        assert_eq!(
            self.shape,
            parameters.shape(),
            "a workspace for another shape than the parameters'"
        );
    }
}

fn rows_mut(values: &mut [f32], l: usize, capacity: usize, rows: usize, cols: usize) -> MatMut<'_> {
    MatMut::first(&mut values[l * capacity * cols..], rows, cols)
}

/// Runs the model on `pairs` and keeps every activation in `workspace`.
///
/// # Panics
/// If the workspace has another shape or no room for as many pairs, or a pair reaches beyond the
/// vocabulary.
#[track_caller]
pub fn forward(exec: Exec, parameters: &Parameters, pairs: &[[u32; 2]], workspace: &mut Workspace) {
    workspace.check(parameters);
    let Workspace {
        shape, capacity, ..
    } = *workspace;
    let batch = pairs.len();
    assert!(
        batch <= capacity,
        "{batch} pairs in a workspace for {capacity}"
    );
    let [first, second] = parameters.embeddings();
    let x = rows_mut(&mut workspace.residual, 0, capacity, batch, shape.width);
    // `embedding::forward` panics on wrong pairs before it writes; until then the workspace keeps its last batch.
    embedding::forward(exec, first, second, pairs, x);
    workspace.batch = batch;
    for l in 0..shape.layers {
        let (before, after) = workspace
            .residual
            .split_at_mut((l + 1) * capacity * shape.width);
        block::forward(
            exec,
            parameters.block(l),
            shape.activation,
            rows_mut(before, l, capacity, batch, shape.width).into_ref(),
            [
                rows_mut(&mut workspace.pre, l, capacity, batch, shape.hidden),
                rows_mut(&mut workspace.hidden, l, capacity, batch, shape.hidden),
                rows_mut(after, 0, capacity, batch, shape.width),
            ],
        );
    }
}

/// Writes the loss of every layer's logit lens, after a [`forward`] pass, to `losses`, (L+1)×B: `losses[l, b]` is that
/// of x_l at sample b.
///
/// # Panics
/// If the shapes do not match, or a target is no class.
#[track_caller]
pub fn losses(exec: Exec, workspace: &Workspace, loss: Loss, targets: &[u32], mut losses: MatMut) {
    let layers = workspace.shape.layers;
    assert_eq!(
        losses.rows(),
        layers + 1,
        "losses of {} layers for the {} from the embedding to the output",
        losses.rows(),
        layers + 1
    );
    for l in 0..=layers {
        loss.forward(exec, workspace.residual(l), targets, losses.row_mut(l));
    }
}

/// Computes the gradient of a loss with respect to all parameters, after a [`forward`] pass on the same pairs, and
/// overwrites `gradient` with it.
///
/// # Panics
/// If the shapes do not match, there are not as many pairs or targets as in the forward pass, a pair is not of the
/// vocabulary, or a target is no class. That the pairs are those of the forward pass is not checked: with
/// others, the gradient of the embeddings is wrong.
#[track_caller]
#[allow(clippy::too_many_arguments)]
pub fn backward(
    exec: Exec,
    parameters: &Parameters,
    pairs: &[[u32; 2]],
    targets: &[u32],
    loss: Loss,
    supervision: Supervision,
    workspace: &mut Workspace,
    gradient: &mut Parameters,
) {
    workspace.check(parameters);
    workspace.check(gradient);
    let Shape { width, layers, .. } = workspace.shape;
    let batch = workspace.batch;
    assert!(
        pairs.len() == batch && targets.len() == batch,
        "{} pairs and {} targets after a forward pass on {batch}",
        pairs.len(),
        targets.len()
    );
    if let Supervision::Weights(weights) = supervision {
        assert!(
            (weights.rows(), weights.cols()) == (layers + 1, batch),
            "loss weights of {}×{} for {} layers of {batch}",
            weights.rows(),
            weights.cols(),
            layers + 1
        );
    }
    let [first, second] = parameters.embeddings();
    embedding::check(first.rows(), second.rows(), pairs, batch);
    workspace.d_residual[0][..batch * width].fill(0.0);
    workspace.add_loss_gradient(exec, loss, supervision, layers, targets);
    for l in (0..layers).rev() {
        workspace.block_backward(exec, parameters, l);
        let threads = par::threads(exec);
        // Two threads take one matrix each; more threads share both.
        let each = if threads > 2 {
            exec
        } else {
            Exec::serial(exec.isa())
        };
        let [d_y, _] = &workspace.d_residual;
        let (d_y, d_pre) = (
            workspace.rows(d_y, 0, width),
            workspace.rows(&workspace.d_pre, 0, workspace.shape.hidden),
        );
        let (x, hidden) = (workspace.residual(l), workspace.hidden(l));
        let block = gradient.block_mut(l);
        par::join(
            exec,
            || {
                matmul(each, d_y.t(), hidden, Accumulate::Replace, block.w2);
                reduce::column_sums(each, d_y, block.b2);
            },
            || {
                matmul(each, d_pre.t(), x, Accumulate::Replace, block.w1);
                reduce::column_sums(each, d_pre, block.b1);
            },
        );
        workspace.d_residual.swap(0, 1);
        workspace.add_loss_gradient(exec, loss, supervision, l, targets);
    }
    let [mut first, mut second] = gradient.embeddings_mut();
    for embedding in [&mut first, &mut second] {
        for i in 0..embedding.rows() {
            embedding.row_mut(i).fill(0.0);
        }
    }
    let d_input = workspace.rows(&workspace.d_residual[0], 0, width);
    embedding::backward_add(exec, d_input, pairs, first, second);
}

/// Computes the norm of the gradient of one output for each block and sample, after a [`forward`] pass:
/// `norms[l, b] = ‖∂x_L[c] / ∂(W₁, W₂ of block l)‖` at sample b, with c = `outputs[b]`; `norms` is L×B.
///
/// The gradient of one sample with respect to a weight matrix is an outer product δaᵀ, whose norm is
/// ‖δ‖·‖a‖: one batched pass yields all of them, and no matrix is formed.
///
/// # Panics
/// If the shapes do not match, or an entry of `outputs` is not below d.
#[track_caller]
pub fn output_gradient_norms(
    exec: Exec,
    parameters: &Parameters,
    outputs: &[u32],
    workspace: &mut Workspace,
    mut norms: MatMut,
) {
    workspace.check(parameters);
    let Shape { width, layers, .. } = workspace.shape;
    let batch = workspace.batch;
    assert!(
        outputs.len() == batch && (norms.rows(), norms.cols()) == (layers, batch),
        "{} outputs and norms of {}×{} after a forward pass of {layers} layers on {batch}",
        outputs.len(),
        norms.rows(),
        norms.cols()
    );
    let d_output = &mut workspace.d_residual[0][..batch * width];
    d_output.fill(0.0);
    for (b, &c) in outputs.iter().enumerate() {
        assert!((c as usize) < width, "output {b} is number {c} of {width}");
        d_output[b * width + c as usize] = 1.0;
    }
    for l in (0..layers).rev() {
        workspace.block_backward(exec, parameters, l);
        let n = 2 * batch * (width + workspace.shape.hidden);
        let _span = profile::timed(Part::GradientNorms, || Work::new(2 * n, n));
        exec.isa().dispatch(OuterNorms {
            d_y: workspace.rows(&workspace.d_residual[0], 0, width),
            hidden: workspace.hidden(l),
            d_pre: workspace.rows(&workspace.d_pre, 0, workspace.shape.hidden),
            x: workspace.residual(l),
            norms: norms.row_mut(l),
        });
        workspace.d_residual.swap(0, 1);
    }
}

struct OuterNorms<'a> {
    d_y: MatRef<'a>,
    hidden: MatRef<'a>,
    d_pre: MatRef<'a>,
    x: MatRef<'a>,
    norms: &'a mut [f32],
}

impl Op for OuterNorms<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (b, norm) in self.norms.iter_mut().enumerate() {
            let [d_y, hidden, d_pre, x] =
                [self.d_y, self.hidden, self.d_pre, self.x].map(|m| m.row(b));
            let w2 = product_of_squares(s, d_y, hidden);
            let w1 = product_of_squares(s, d_pre, x);
            *norm = (w1 + w2).sqrt() as f32;
        }
    }
}

/// Returns ‖a‖²·‖b‖², which f64 holds for any two vectors of f32.
#[inline(always)]
fn product_of_squares<S: Simd>(s: S, a: &[f32], b: &[f32]) -> f64 {
    square(s, a) * square(s, b)
}

impl Workspace {
    /// Adds the gradient of the loss at x_l to the gradient with respect to x_l, in `d_residual[0]`.
    #[track_caller]
    fn add_loss_gradient(
        &mut self,
        exec: Exec,
        loss: Loss,
        supervision: Supervision,
        l: usize,
        targets: &[u32],
    ) {
        let Workspace { shape, batch, .. } = *self;
        let weights = match supervision {
            Supervision::Output if l < shape.layers => return,
            Supervision::Output => {
                self.weights[..batch].fill(1.0 / batch as f32);
                &self.weights[..batch]
            }
            Supervision::Weights(weights) => weights.row(l),
        };
        let x = &self.residual[l * self.capacity * shape.width..];
        let x = MatRef::first(x, batch, shape.width);
        let gradient = rows_mut(
            &mut self.d_residual[0],
            0,
            self.capacity,
            batch,
            shape.width,
        );
        loss.backward_add(exec, x, targets, weights, gradient);
    }

    /// Computes, from the gradient with respect to the output of block l, in `d_residual[0]`, the gradients with
    /// respect to the block's pre-activations, in `d_pre`, and to its input, in `d_residual[1]`.
    fn block_backward(&mut self, exec: Exec, parameters: &Parameters, l: usize) {
        let Workspace {
            shape,
            capacity,
            batch,
            ..
        } = *self;
        let mut d_pre = std::mem::take(&mut self.d_pre);
        let [d_y, mut d_x] = std::mem::take(&mut self.d_residual);
        block::backward(
            exec,
            parameters.block(l),
            shape.activation,
            [self.pre(l), self.rows(&d_y, 0, shape.width)],
            [
                rows_mut(&mut d_pre, 0, capacity, batch, shape.hidden),
                rows_mut(&mut d_x, 0, capacity, batch, shape.width),
            ],
        );
        self.d_pre = d_pre;
        self.d_residual = [d_y, d_x];
    }
}
