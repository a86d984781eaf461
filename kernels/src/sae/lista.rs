//! ReLU codes from a few unrolled steps of a learnt iteration (Gregor & LeCun, *Learning fast approximations of
//! sparse coding*, 2010).

use super::encoder::Relu;
use super::parameters::Tensor;
use super::{Losses, Parameters, Shape, Workspace, backward, dense};
use crate::machine::exec::Exec;
use crate::matrix::matmul::{Accumulate, Bias, matmul, matmul_with};
use crate::matrix::reduce;
use crate::matrix::view::{MatMut, MatRef};

/// c = W_enc(x − b_dec) + b_enc, z₁ = ReLU(c), z_{t+1} = ReLU(c + Sᵀz_t), f = z_T, L = ‖e‖² + λ Σⱼ fⱼ. The weights
/// are the same in all steps. Rows of the dictionary are held at norm 1.
///
/// Row j of S, the tensor `w_lateral` (n×n), is what element j adds to the others. With S = 0, where training starts, or in one
/// step, the encoder is a linear one. The steps are dense products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lista {
    /// T, at least 1.
    pub steps: usize,
    /// λ, for an error that is summed over the d values.
    pub lambda: f32,
}

impl super::variant::Model for Lista {
    #[track_caller]
    fn check(&self, _: Shape) {
        assert!(self.steps > 0, "an encoder of 0 steps");
    }

    fn tensors(&self, Shape { width, dictionary }: Shape) -> Vec<Tensor> {
        vec![
            ("w_enc", dictionary, width),
            ("b_enc", 1, dictionary),
            ("w_lateral", dictionary, dictionary),
            ("w_dec", dictionary, width),
            ("b_dec", 1, width),
        ]
    }

    fn of_elements(&self) -> &'static [&'static str] {
        &["w_enc", "b_enc", "w_lateral", "w_dec"]
    }

    fn own_len(&self, shape: Shape, capacity: usize) -> usize {
        // c, then z₁ … z_T; the gradients with respect to two steps of a, and to c.
        (self.steps + 4) * capacity * shape.dictionary
    }

    fn encode(&self, exec: Exec, parameters: &Parameters, x: MatRef, workspace: &mut Workspace) {
        workspace.centre(exec, x, parameters.b_dec());
        let (rows, n) = (x.rows(), parameters.shape().dictionary);
        let mut own = std::mem::take(&mut workspace.own);
        // An empty batch has empty layers.
        let mut layers = own.chunks_exact_mut((rows * n).max(1));
        let mut layer = || {
            let layer = layers
                .next()
                .map_or(&mut [][..], |all| &mut all[..rows * n]);
            MatMut::new(layer, rows, n).expect("its size")
        };
        let mut c = layer();
        matmul_with(
            exec,
            c.reborrow(),
            Accumulate::Overwrite,
            workspace.centred(),
            parameters.tensor("w_enc").t(),
            Bias(parameters.vector("b_enc")),
        );
        let lateral = parameters.tensor("w_lateral");
        let mut before: Option<MatMut> = None;
        for _ in 0..self.steps {
            let mut z = layer();
            copy(c.as_ref(), z.reborrow());
            if let Some(before) = before {
                let before = before.as_ref();
                matmul(exec, z.reborrow(), Accumulate::Add, before, lateral);
            }
            dense::relu(exec, z.reborrow());
            before = Some(z);
        }
        let last = before.expect("a step");
        workspace.codes.take(exec, last.as_ref(), Relu);
        workspace.own = own;
    }

    /// Back through the steps, from δa_T = 2/B·(W_dec e) + λ/B on the active entries: δa_t = (S δa_{t+1})·1[z_t > 0],
    /// ∂S = Σ z_tᵀ δa_{t+1}, δc = Σ δa_t.
    fn gradient(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &mut Workspace,
        gradient: &mut Parameters,
    ) -> Losses {
        self.encode(exec, parameters, x, workspace);
        let (dictionary, b_dec) = (parameters.dictionary(), parameters.b_dec());
        let mut losses = workspace.reconstruct(exec, dictionary, b_dec, x);
        losses.sparsity = workspace.add_l1(self.lambda);

        let (rows, n) = (x.rows(), parameters.shape().dictionary);
        let mut own = std::mem::take(&mut workspace.own);
        let (layers, deltas) = own.split_at_mut((self.steps + 1) * rows * n);
        let mut deltas = deltas.chunks_exact_mut((rows * n).max(1));
        let mut next = || deltas.next().expect("room");
        let first = next();
        workspace.densify_deltas(exec, first);
        let [mut later, mut earlier, mut d_c] =
            [first, next(), next()].map(|values| MatMut::new(values, rows, n).expect("its size"));
        copy(later.as_ref(), d_c.reborrow());

        let names = ["w_enc", "b_enc", "w_lateral", "w_dec", "b_dec"];
        let [w_enc, mut b_enc, mut lateral, w_dec, mut b_dec] = gradient.tensors_mut(names);
        for j in 0..n {
            lateral.row(j).fill(0.0);
        }
        for t in (1..self.steps).rev() {
            let z = MatRef::new(&layers[t * rows * n..][..rows * n], rows, n).expect("its size");
            let d_later = later.as_ref();
            matmul(exec, lateral.reborrow(), Accumulate::Add, z.t(), d_later);
            let weights = parameters.tensor("w_lateral");
            let out = earlier.reborrow();
            matmul(exec, out, Accumulate::Overwrite, d_later, weights.t());
            dense::relu_backward(exec, z, earlier.reborrow());
            dense::add(exec, earlier.as_ref(), d_c.reborrow());
            std::mem::swap(&mut later, &mut earlier);
        }
        let d_c = d_c.as_ref();
        matmul(
            exec,
            w_enc,
            Accumulate::Overwrite,
            d_c.t(),
            workspace.centred(),
        );
        reduce::column_sums(exec, d_c, b_enc.row(0));
        workspace.dictionary_gradient(exec, w_dec);
        let (weights, d_bias) = (parameters.tensor("w_enc"), b_enc.as_ref().row(0));
        let d_output = workspace.d_output();
        backward::decoder_bias(exec, d_output, weights, d_bias, b_dec.row(0));
        workspace.own = own;
        losses
    }
}

fn copy(from: MatRef, mut to: MatMut) {
    for i in 0..from.rows() {
        to.row(i).copy_from_slice(from.row(i));
    }
}
