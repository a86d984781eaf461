//! ReLU codes from a few unrolled steps of a learnt iteration (Gregor & LeCun, *Learning fast approximations of
//! sparse coding*, 2010).

use crate::matrix::matmul::{Accumulate, Bias, matmul, matmul_with};
use crate::matrix::reduce;
use crate::matrix::view::{MatMut, MatRef};
use crate::sae::batch::Losses;
use crate::sae::layers;
use crate::sae::model::{Model, Own};
use crate::sae::pass::Pass;
use crate::sae::select::RELU;
use crate::sae::task::Sizes;
use crate::sae::tensors::{B_DEC, B_ENC, Matrix, Shape, Tensor, Tensors, W_DEC, W_ENC};

/// The lateral weights S, of which each element has a row and a column.
const W_LATERAL: Matrix = Matrix("w_lateral");

/// The variant with an unrolled encoder: c = W_enc(x − b_dec) + b_enc, z₁ = ReLU(c), z_{t+1} = ReLU(c + Sᵀz_t), f =
/// z_T, L = ‖e‖² + λ Σⱼ fⱼ. The weights are the same in all steps. Rows of the dictionary are held at norm 1.
///
/// Row j of S, the tensor `w_lateral` (n×n), is what element j adds to the pre-activations of all elements, times its
/// value. With S = 0, at which training starts, or with one step, the codes are those of a linear encoder. The steps
/// are dense products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lista {
    /// The number T of steps, at least 1.
    pub steps: usize,
    /// The coefficient λ of the penalty, for an error that is summed over the d values.
    pub lambda: f32,
}

impl Model for Lista {
    fn examples(_: Shape, lambda: f32) -> Vec<Lista> {
        [1, 3].map(|steps| Lista { steps, lambda }).to_vec()
    }

    fn lambda_mut(&mut self) -> Option<&mut f32> {
        Some(&mut self.lambda)
    }

    #[track_caller]
    fn check(&self, _: Shape) {
        assert!(self.steps > 0, "an encoder of 0 steps");
    }

    fn tensors(&self, sizes: Sizes) -> Vec<Tensor> {
        let Sizes {
            input,
            width,
            dictionary,
        } = sizes;
        vec![
            W_ENC.of(dictionary, input).by_element(),
            B_ENC.of(dictionary).by_element(),
            W_LATERAL.of(dictionary, dictionary).between_elements(),
            W_DEC.of(dictionary, width).by_element(),
            B_DEC.of(width),
        ]
    }

    fn own_len(&self, sizes: Sizes, capacity: usize) -> usize {
        // The buffer holds c, then z₁ … z_T; the gradients with respect to the pre-activations a of two steps, and to
        // c.
        (self.steps + 4) * capacity * sizes.dictionary
    }

    fn encode(&self, pass: &mut Pass, own: &mut Own) {
        let (exec, tensors) = (pass.exec, pass.tensors);
        let (rows, n) = (pass.input.rows(), tensors.shape().dictionary);
        let (c, mut layers) = own.values.split_at_mut(rows * n);
        let mut c = MatMut::first(c, rows, n);
        matmul_with(
            exec,
            pass.input,
            tensors.get(W_ENC).t(),
            Bias(tensors.get(B_ENC)),
            Accumulate::Replace,
            c.reborrow(),
        );
        let mut before: Option<MatRef> = None;
        for _ in 0..self.steps {
            let (z, rest) = layers.split_at_mut(rows * n);
            layers = rest;
            let mut z = MatMut::first(z, rows, n);
            layers::copy(c.as_ref(), z.reborrow());
            if let Some(before) = before {
                let lateral = tensors.get(W_LATERAL);
                matmul(exec, before, lateral, Accumulate::Add, z.reborrow());
            }
            layers::relu(exec, z.reborrow());
            before = Some(z.into_ref());
        }
        let last = before.expect("a step");
        pass.batch.codes.entries.take(exec, last, RELU);
    }

    /// Computes the losses and their gradient, back through the steps from δa_T = 2/B·(W_dec e) + λ/B on the active
    /// entries: δa_t = (S δa_{t+1})·1[z_t > 0], ∂S = Σ z_tᵀ δa_{t+1}, δc = Σ δa_t.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses {
        self.encode(pass, own);
        let mut losses = pass.reconstruct();
        losses.sparsity = pass.batch.codes.add_l1(self.lambda);

        let (exec, tensors) = (pass.exec, pass.tensors);
        let (rows, n) = (pass.input.rows(), tensors.shape().dictionary);
        let (layers, deltas) = own.values.split_at_mut((self.steps + 1) * rows * n);
        let (later, deltas) = deltas.split_at_mut(rows * n);
        let (earlier, d_c) = deltas.split_at_mut(rows * n);
        pass.batch.codes.densify_deltas(exec, later);
        let [mut later, mut earlier, mut d_c] =
            [later, earlier, d_c].map(|values| MatMut::first(values, rows, n));
        layers::copy(later.as_ref(), d_c.reborrow());

        let mut d_lateral = out.get_mut(W_LATERAL);
        for j in 0..n {
            d_lateral.row_mut(j).fill(0.0);
        }
        for t in (1..self.steps).rev() {
            let z = MatRef::first(&layers[t * rows * n..], rows, n);
            let d_later = later.as_ref();
            matmul(exec, z.t(), d_later, Accumulate::Add, d_lateral.reborrow());
            let weights = tensors.get(W_LATERAL);
            let d_z = earlier.reborrow();
            matmul(exec, d_later, weights.t(), Accumulate::Replace, d_z);
            layers::relu_backward(exec, z, earlier.reborrow());
            layers::add(exec, earlier.as_ref(), d_c.reborrow());
            std::mem::swap(&mut later, &mut earlier);
        }
        let (w_enc, b_enc, b_dec) = out.get_mut((W_ENC, B_ENC, B_DEC));
        let d_c = d_c.as_ref();
        matmul(exec, d_c.t(), pass.input, Accumulate::Replace, w_enc);
        reduce::column_sums(exec, d_c, b_enc);
        pass.decoder_bias_gradient_by(tensors.get(W_ENC), b_enc, b_dec);
        pass.batch.dictionary_gradient(exec, out.get_mut(W_DEC));
        losses
    }
}
