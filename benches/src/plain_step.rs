//! The residual MLP's training step, written plainly with any matrix product, to time the same work with a peer's
//! product. Activations, losses and Adam are our kernels here too, but are not fused into the products.

use kernels::adam::{self, Adam};
use kernels::loss::Loss;
use kernels::mlp::{Parameters, Shape};
use kernels::{Exec, MatMut, MatRef, embedding, reduce};

/// A matrix product: of (C, add, A, B) it computes C ← A·B, or C ← C + A·B if `add`.
pub type Product<'a> = &'a (dyn Fn(MatMut, bool, MatRef, MatRef) + Sync);

/// The buffers of a training step.
pub struct PlainStep {
    batch: usize,
    residual: Vec<Vec<f32>>,
    pre: Vec<Vec<f32>>,
    hidden: Vec<Vec<f32>>,
    d_residual: Vec<f32>,
    d_hidden: Vec<f32>,
    d_pre: Vec<f32>,
    /// The losses of the samples of the batch, from the last step's forward pass.
    pub losses: Vec<f32>,
}

fn view(values: &[f32], rows: usize) -> MatRef<'_> {
    MatRef::first(values, rows, values.len() / rows)
}

fn view_mut(values: &mut [f32], rows: usize) -> MatMut<'_> {
    let cols = values.len() / rows;
    MatMut::first(values, rows, cols)
}

fn add(to: &mut [f32], from: impl Iterator<Item = f32>) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

impl PlainStep {
    /// Makes buffers for steps on batches of `batch` samples.
    pub fn new(shape: Shape, batch: usize) -> PlainStep {
        let many = |n: usize, cols: usize| vec![vec![0.0; batch * cols]; n];
        PlainStep {
            batch,
            residual: many(shape.layers + 1, shape.width),
            pre: many(shape.layers, shape.hidden),
            hidden: many(shape.layers, shape.hidden),
            d_residual: vec![0.0; batch * shape.width],
            d_hidden: vec![0.0; batch * shape.hidden],
            d_pre: vec![0.0; batch * shape.hidden],
            losses: vec![0.0; batch],
        }
    }

    /// Makes one step of Adam on the mean squared error.
    #[allow(clippy::too_many_arguments)]
    pub fn step(
        &mut self,
        exec: Exec,
        product: Product,
        parameters: &mut Parameters,
        gradient: &mut Parameters,
        moments: &mut [Vec<f32>; 2],
        pairs: &[[u32; 2]],
        targets: &[u32],
    ) {
        let (shape, batch) = (parameters.shape(), self.batch);
        let activation = shape.activation;
        let [first, second] = parameters.embeddings();
        embedding::forward(
            exec,
            first,
            second,
            pairs,
            view_mut(&mut self.residual[0], batch),
        );
        for l in 0..shape.layers {
            let block = parameters.block(l);
            let (before, after) = self.residual.split_at_mut(l + 1);
            let (x, y) = (&before[l], &mut after[0]);
            product(
                view_mut(&mut self.pre[l], batch),
                false,
                view(x, batch),
                block.w1.t(),
            );
            for row in self.pre[l].chunks_mut(shape.hidden) {
                add(row, block.b1.iter().copied());
            }
            activation.forward(exec, &self.pre[l], &mut self.hidden[l]);
            y.copy_from_slice(x);
            product(
                view_mut(y, batch),
                true,
                view(&self.hidden[l], batch),
                block.w2.t(),
            );
            for row in y.chunks_mut(shape.width) {
                add(row, block.b2.iter().copied());
            }
        }

        let output = view(&self.residual[shape.layers], batch);
        Loss::SquaredError.forward(exec, output, targets, &mut self.losses);
        self.d_residual.fill(0.0);
        let weights = vec![1.0 / batch as f32; batch];
        let d_output = view_mut(&mut self.d_residual, batch);
        Loss::SquaredError.backward_add(exec, output, targets, &weights, d_output);
        for l in (0..shape.layers).rev() {
            let block = parameters.block(l);
            let d_block = gradient.block_mut(l);
            let dy = view(&self.d_residual, batch);
            product(d_block.w2, false, dy.t(), view(&self.hidden[l], batch));
            reduce::column_sums(exec, dy, d_block.b2);
            product(view_mut(&mut self.d_hidden, batch), false, dy, block.w2);
            activation.backward(exec, &self.pre[l], &self.d_hidden, &mut self.d_pre);
            let d_pre = view(&self.d_pre, batch);
            product(d_block.w1, false, d_pre.t(), view(&self.residual[l], batch));
            reduce::column_sums(exec, d_pre, d_block.b1);
            product(view_mut(&mut self.d_residual, batch), true, d_pre, block.w1);
        }
        let [mut first, mut second] = gradient.embeddings_mut();
        for i in 0..shape.vocabulary {
            first.row_mut(i).fill(0.0);
            second.row_mut(i).fill(0.0);
        }
        embedding::backward_add(exec, view(&self.d_residual, batch), pairs, first, second);
        let [m, v] = moments;
        adam::step(
            exec,
            Adam::default(),
            1,
            gradient.values(),
            parameters.values_mut(),
            m,
            v,
        );
    }
}
