//! ReLU codes and an L1 penalty, with separate matrices for encoder and decoder.

use crate::matrix::dictionary;
use crate::sae::backward;
use crate::sae::batch::Losses;
use crate::sae::model::{Model, Own};
use crate::sae::pass::Pass;
use crate::sae::select::RELU;
use crate::sae::task::Sizes;
use crate::sae::tensors::{Shape, Tensors, W_DEC};

/// The variant with ReLU codes and an L1 penalty: f = ReLU(a), L = ‖e‖² + λ Σⱼ nⱼfⱼ, where nⱼ is ‖W_dec,j‖ for
/// [`Rows::Penalised`] and 1 for [`Rows::Unit`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L1 {
    /// The coefficient λ of the penalty, for an error that is summed over the d values. In code that takes means, over
    /// d values and n codes, the same trade-off has the coefficient λ·n/d.
    pub lambda: f32,
    /// The rule that keeps codes from shrinking while the dictionary grows.
    pub rows: Rows,
}

/// A rule that keeps the scale of a dictionary's rows from growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Each code is penalised in proportion to the norm of its row.
    Penalised,
    /// Rows have norm 1, in a transcoder 1 at most: the gradient is projected, and rows are renormalised after each step.
    Unit,
}

impl Model for L1 {
    fn examples(_: Shape, lambda: f32) -> Vec<L1> {
        let with = |rows| L1 { lambda, rows };
        vec![with(Rows::Penalised), with(Rows::Unit)]
    }

    fn lambda_mut(&mut self) -> Option<&mut f32> {
        Some(&mut self.lambda)
    }

    fn own_len(&self, sizes: Sizes, _capacity: usize) -> usize {
        // Norms of rows, and sums of codes.
        2 * sizes.dictionary
    }

    fn unit_rows(&self) -> bool {
        self.rows == Rows::Unit
    }

    fn encode(&self, pass: &mut Pass, _: &mut Own) {
        pass.encode(RELU);
    }

    /// Computes the losses and their gradient: δf = 2/B·(W_dec e) + λn/B, δa = δf on the active entries; ∂W_dec,j = Σ
    /// 2/B·fⱼe + λ/B·(Σ fⱼ) W_dec,j/nⱼ, with nⱼ = ‖W_dec,j‖, or 1 for unit rows, for which the second term is left out.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses {
        self.encode(pass, own);
        let mut losses = pass.reconstruct();
        let (samples, rows) = (pass.target.rows(), pass.tensors.dictionary());
        let coefficient = self.lambda / samples as f32;

        let (norms, sums) = own.values.split_at_mut(rows.rows());
        match self.rows {
            Rows::Penalised => dictionary::norms(pass.exec, rows, norms),
            Rows::Unit => norms.fill(1.0),
        }
        let codes = &mut pass.batch.codes;
        backward::column_sums(codes.as_ref(), sums);
        let pairs = norms.iter().zip(&*sums);
        let l1: f64 = pairs.map(|(&n, &sum)| f64::from(n) * f64::from(sum)).sum();
        losses.sparsity = f64::from(self.lambda) * l1 / samples as f64;
        codes.add_penalty(|j| coefficient * norms[j]);

        pass.gradients(out);
        if self.rows == Rows::Penalised {
            for (sum, &norm) in sums.iter_mut().zip(&*norms) {
                // At norm 0 the penalty has a kink, of which the subgradient 0 is taken.
                *sum = if norm > 0.0 {
                    coefficient * *sum / norm
                } else {
                    0.0
                };
            }
            backward::add_scaled_rows(pass.exec, sums, rows, out.get_mut(W_DEC));
        }
        losses
    }
}
