//! ReLU codes and an L1 penalty, encoder and decoder untied.

use super::encoder::{self, Relu};
use super::{Losses, Parameters, Shape, Workspace, backward};
use crate::machine::exec::Exec;
use crate::matrix::dictionary;
use crate::matrix::view::MatRef;

/// f = ReLU(a), L = ‖e‖² + λ Σⱼ fⱼ‖W_dec,j‖.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L1 {
    /// λ, for an error that is summed over the d values. In code that takes means, over d values and n
    /// codes, the same trade-off has the coefficient λ·n/d.
    pub lambda: f32,
    /// What keeps codes from shrinking while the dictionary grows.
    pub rows: Rows,
}

/// How the scale of a dictionary's rows is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Each code is penalised by the norm of its row.
    Penalised,
    /// Rows have norm 1: the gradient is projected, and rows are renormalised after each step.
    Unit,
}

impl super::variant::Model for L1 {
    fn own_len(&self, shape: Shape, _capacity: usize) -> usize {
        // Norms of rows, and sums of codes.
        2 * shape.dictionary
    }

    fn unit_rows(&self) -> bool {
        self.rows == Rows::Unit
    }

    fn encode(&self, exec: Exec, parameters: &Parameters, x: MatRef, workspace: &mut Workspace) {
        encoder::encode(exec, parameters, x, workspace, Relu);
    }

    /// δf = 2/B·(W_dec e) + λn/B, δa = δf on the active entries;
    /// ∂W_dec,j = Σ 2/B·fⱼe + λ/B·(Σ fⱼ) W_dec,j/nⱼ, with nⱼ = ‖W_dec,j‖, or 1 for unit rows, which have no such term.
    fn gradient(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &mut Workspace,
        gradient: &mut Parameters,
    ) -> Losses {
        self.encode(exec, parameters, x, workspace);
        let rows = parameters.dictionary();
        let mut losses = workspace.reconstruct(exec, rows, parameters.b_dec(), x);
        let coefficient = self.lambda / x.rows() as f32;

        let mut own = std::mem::take(&mut workspace.own);
        let (norms, sums) = own.split_at_mut(rows.rows());
        match self.rows {
            Rows::Penalised => dictionary::norms(exec, rows, norms),
            Rows::Unit => norms.fill(1.0),
        }
        workspace.code_sums(sums);
        let pairs = norms.iter().zip(&*sums);
        let l1: f64 = pairs.map(|(&n, &sum)| f64::from(n) * f64::from(sum)).sum();
        losses.sparsity = f64::from(self.lambda) * l1 / x.rows() as f64;
        workspace.add_penalty(|j| coefficient * norms[j]);

        encoder::gradients(exec, parameters, workspace, gradient);
        if self.rows == Rows::Penalised {
            let [mut d_w_dec] = gradient.tensors_mut(["w_dec"]);
            for (sum, &norm) in sums.iter_mut().zip(&*norms) {
                // At norm 0 the penalty has a kink: its subgradient 0.
                *sum = if norm > 0.0 {
                    coefficient * *sum / norm
                } else {
                    0.0
                };
            }
            backward::add_scaled_rows(exec, sums, rows, d_w_dec.reborrow());
        }
        workspace.own = own;
        losses
    }
}
