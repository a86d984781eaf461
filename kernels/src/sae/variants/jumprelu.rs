//! The JumpReLU variant, with a learnt threshold for each element (Rajamanoharan et al., *Jumping Ahead: Improving
//! Reconstruction Fidelity with JumpReLU Sparse Autoencoders*, arXiv 2407.14435).

use crate::matrix::sparse::SparseRef;
use crate::sae::batch::Losses;
use crate::sae::model::{Model, Own};
use crate::sae::pass::Pass;
use crate::sae::select::Above;
use crate::sae::task::Sizes;
use crate::sae::tensors::{B_DEC, B_ENC, Shape, Tensor, Tensors, Vector, W_DEC, W_ENC};

/// The thresholds θ, one value for each element.
pub(super) const THRESHOLD: Vector = Vector("threshold");

/// The variant with a learnt threshold for each element: f = `π ⊙ 1[π > θ]` for π = `W_enc(x − b_dec) + b_enc`, L =
/// ‖e‖² + λ‖f‖₀, where the norm counts active entries.
///
/// The loss is constant in θ, except for jumps. The gradients with respect to θ are those of the mean of the loss over
/// the data, estimated with a rectangular kernel K(u) = 1[|u| < ½] of bandwidth ε (equations 11 and 12 of the paper):
/// ∂fⱼ/∂θⱼ = −θⱼ/ε K((πⱼ − θⱼ)/ε), `∂1[πⱼ > θⱼ]/∂θⱼ = −1/ε K((πⱼ − θⱼ)/ε)`. Neither term contributes to the gradient
/// with respect to π.
///
/// The parameter is θ itself, which is clamped at 0 after each step. Rows of the dictionary are held at norm 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JumpRelu {
    /// The coefficient λ of the penalty, for an error that is summed over the d values.
    pub lambda: f32,
    /// The bandwidth ε, which is 0.001 in the paper, for activations whose mean squared norm is 1.
    pub bandwidth: f32,
    /// The start value of the thresholds, which is 0.001 in the paper.
    pub threshold: f32,
}

impl Model for JumpRelu {
    fn examples(_: Shape, lambda: f32) -> Vec<JumpRelu> {
        // The bandwidth is so large that many pre-activations fall into the window.
        vec![JumpRelu {
            lambda,
            bandwidth: 0.3,
            threshold: 0.2,
        }]
    }

    fn lambda_mut(&mut self) -> Option<&mut f32> {
        Some(&mut self.lambda)
    }

    #[track_caller]
    fn check(&self, _: Shape) {
        assert!(
            self.bandwidth > 0.0 && self.bandwidth.is_finite(),
            "a bandwidth of {}",
            self.bandwidth
        );
        assert!(
            self.threshold >= 0.0 && self.threshold.is_finite(),
            "thresholds that start at {}",
            self.threshold
        );
    }

    fn tensors(&self, sizes: Sizes) -> Vec<Tensor> {
        let Sizes {
            input,
            width,
            dictionary,
        } = sizes;
        let threshold = THRESHOLD.of(dictionary).by_element();
        vec![
            W_ENC.of(dictionary, input).by_element(),
            B_ENC.of(dictionary).by_element(),
            threshold.starting_at(self.threshold),
            W_DEC.of(dictionary, width).by_element(),
            B_DEC.of(width),
        ]
    }

    fn own_len(&self, sizes: Sizes, capacity: usize) -> usize {
        // π at the entries, and the lower end of each element's window.
        (capacity + 1) * sizes.dictionary
    }

    fn after_step(&self, tensors: &mut Tensors, _: SparseRef, _: u64) {
        for threshold in tensors.get_mut(THRESHOLD) {
            // A NaN stays one.
            if *threshold < 0.0 {
                *threshold = 0.0;
            }
        }
    }

    fn encode(&self, pass: &mut Pass, _: &mut Own) {
        pass.encode(Above(pass.tensors.get(THRESHOLD)));
    }

    /// Computes the losses and their gradient: δf = 2/B·(W_dec e), δπ = δf·1[π > θ]; ∂θⱼ = −1/ε Σ (θⱼδfⱼ + λ/B) over
    /// the samples with |πⱼ − θⱼ| < ε/2, including those with πⱼ below θⱼ.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses {
        let thresholds = pass.tensors.get(THRESHOLD);
        let half = self.bandwidth / 2.0;
        let (lower, pre) = own.values.split_at_mut(thresholds.len());
        for (lower, threshold) in lower.iter_mut().zip(thresholds) {
            *lower = threshold - half;
        }
        // The entries are those of the codes, and those in the lower halves of the windows.
        pass.encode(Above(lower));
        let codes = &mut pass.batch.codes;
        let pre = &mut pre[..codes.as_ref().entries()];
        pre.copy_from_slice(codes.as_ref().values());
        codes
            .entries
            .map(|j, pre| if pre <= thresholds[j] { 0.0 } else { pre });
        let mut losses = pass.reconstruct();

        let count = pass.target.rows() as f64;
        let penalty = (f64::from(self.lambda) / count) as f32;
        let d_threshold = out.get_mut(THRESHOLD);
        d_threshold.fill(0.0);
        let mut active = 0usize;
        let (codes, deltas) = pass.batch.codes.with_deltas_mut();
        let mut deltas = deltas.iter_mut().zip(&*pre);
        for b in 0..codes.rows() {
            for (&j, (delta, &pre)) in codes.row(b).0.iter().zip(&mut deltas) {
                let j = j as usize;
                if (pre - thresholds[j]).abs() < half {
                    d_threshold[j] -= (thresholds[j] * *delta + penalty) / self.bandwidth;
                }
                if pre <= thresholds[j] {
                    *delta = 0.0;
                } else {
                    active += 1;
                }
            }
        }
        losses.sparsity = f64::from(self.lambda) * active as f64 / count;
        pass.gradients(out);
        let codes = &mut pass.batch.codes;
        codes.entries.drop_zeros();
        losses.density = codes.as_ref().density();
        losses
    }
}
