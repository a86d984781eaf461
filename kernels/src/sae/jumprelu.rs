//! Codes with a learnt threshold for each element (Rajamanoharan et al., *Jumping Ahead: Improving Reconstruction
//! Fidelity with JumpReLU Sparse Autoencoders*, arXiv 2407.14435).

use super::encoder::{self, Select};
use super::parameters::Tensor;
use super::{Losses, Parameters, Shape, Workspace};
use crate::machine::exec::Exec;
use crate::machine::simd::Simd;
use crate::matrix::view::MatRef;

/// f = `π ⊙ 1[π > θ]` for π = `W_enc(x − b_dec) + b_enc`, L = ‖e‖² + λ‖f‖₀, where the norm counts active entries.
///
/// The loss is constant in θ, but for jumps. Gradients with respect to θ are those of its mean over the data,
/// estimated with a rectangular kernel K(u) = 1[|u| < ½] of bandwidth ε (equations 11 and 12 of the paper):
/// ∂fⱼ/∂θⱼ = −θⱼ/ε K((πⱼ − θⱼ)/ε), `∂1[πⱼ > θⱼ]/∂θⱼ = −1/ε K((πⱼ − θⱼ)/ε)`. Neither term reaches π.
///
/// θ itself is the parameter, and is clamped at 0 after each step. Rows of the dictionary are held at norm 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JumpRelu {
    /// λ, for an error that is summed over the d values.
    pub lambda: f32,
    /// ε, 0.001 in the paper, for activations whose squared norm is 1 in the mean.
    pub bandwidth: f32,
    /// Where thresholds start, 0.001 in the paper.
    pub threshold: f32,
}

impl super::variant::Model for JumpRelu {
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

    fn tensors(&self, Shape { width, dictionary }: Shape) -> Vec<Tensor> {
        vec![
            ("w_enc", dictionary, width),
            ("b_enc", 1, dictionary),
            ("threshold", 1, dictionary),
            ("w_dec", dictionary, width),
            ("b_dec", 1, width),
        ]
    }

    fn initialise(&self, parameters: &mut Parameters, _: &mut dyn FnMut() -> f32) {
        parameters.tie_encoder();
        let [mut threshold] = parameters.tensors_mut(["threshold"]);
        threshold.row(0).fill(self.threshold);
    }

    fn own_len(&self, shape: Shape, capacity: usize) -> usize {
        // π at the entries, and the lower end of each element's window.
        (capacity + 1) * shape.dictionary
    }

    fn of_elements(&self) -> &'static [&'static str] {
        &["w_enc", "b_enc", "threshold", "w_dec"]
    }

    fn reset(&self, tensor: &str, part: &mut [f32]) {
        part.fill(if tensor == "threshold" {
            self.threshold
        } else {
            0.0
        });
    }

    fn after_step(&self, parameters: &mut Parameters) {
        let [mut threshold] = parameters.tensors_mut(["threshold"]);
        for threshold in threshold.row(0) {
            // A NaN stays one.
            if *threshold < 0.0 {
                *threshold = 0.0;
            }
        }
    }

    fn encode(&self, exec: Exec, parameters: &Parameters, x: MatRef, workspace: &mut Workspace) {
        let thresholds = parameters.vector("threshold");
        encoder::encode(exec, parameters, x, workspace, Above(thresholds));
    }

    /// δf = 2/B·(W_dec e), δπ = δf·1[π > θ];
    /// ∂θⱼ = −1/ε Σ (θⱼδfⱼ + λ/B) over the samples with |πⱼ − θⱼ| < ε/2, below the threshold too.
    fn gradient(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &mut Workspace,
        gradient: &mut Parameters,
    ) -> Losses {
        let (rows, b_dec) = (parameters.dictionary(), parameters.b_dec());
        let thresholds = parameters.vector("threshold");
        let half = self.bandwidth / 2.0;
        let mut own = std::mem::take(&mut workspace.own);
        let (lower, pre) = own.split_at_mut(thresholds.len());
        for (lower, threshold) in lower.iter_mut().zip(thresholds) {
            *lower = threshold - half;
        }
        // The entries are those of the codes and of the windows' lower halves.
        encoder::encode(exec, parameters, x, workspace, Above(lower));
        let entries = workspace.codes().entries();
        pre[..entries].copy_from_slice(workspace.codes().values());
        workspace
            .codes
            .map(|j, pre| if pre <= thresholds[j] { 0.0 } else { pre });
        let mut losses = workspace.reconstruct(exec, rows, b_dec, x);

        let count = x.rows() as f64;
        let penalty = (f64::from(self.lambda) / count) as f32;
        let [mut d_threshold] = gradient.tensors_mut(["threshold"]);
        let d_threshold = d_threshold.row(0);
        d_threshold.fill(0.0);
        let mut active = 0usize;
        let codes = workspace.codes.as_ref();
        let mut deltas = workspace.deltas.iter_mut().zip(&*pre);
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
        encoder::gradients(exec, parameters, workspace, gradient);
        workspace.own = own;
        workspace.codes.drop_zeros();
        losses.density = workspace.codes().density();
        losses
    }
}

/// What is above a threshold of its own, or NaN.
#[derive(Clone, Copy)]
struct Above<'a>(&'a [f32]);

impl Select for Above<'_> {
    #[inline(always)]
    fn select<S: Simd>(self, s: S, pre: &[f32], columns: &mut [u32], values: &mut [f32]) -> usize {
        let mut used = 0;
        let thresholds = self.0.chunks(S::LANES);
        for (v, (pre, threshold)) in pre.chunks(S::LANES).zip(thresholds).enumerate() {
            // A NaN compares as false.
            let below = s.bits(s.le(s.load_partial(pre), s.load_partial(threshold)));
            let mut left = !below & ((1 << pre.len()) - 1);
            while left != 0 {
                let lane = left.trailing_zeros() as usize;
                columns[used] = (v * S::LANES + lane) as u32;
                values[used] = pre[lane];
                used += 1;
                left &= left - 1;
            }
        }
        used
    }
}
