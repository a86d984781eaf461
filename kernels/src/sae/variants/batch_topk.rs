//! The BatchTopK variant (Bussmann, Leask and Nanda, *BatchTopK Sparse Autoencoders*, arXiv 2412.06410).

use super::auxk::{self, AuxK};
use super::jumprelu::THRESHOLD;
use super::topk::TopK;
use crate::matrix::sparse::{AtLeast, SparseRef};
use crate::sae::batch::Losses;
use crate::sae::model::{Model, Own};
use crate::sae::pass::Pass;
use crate::sae::select::{Above, Cut, Largest};
use crate::sae::task::Sizes;
use crate::sae::tensors::{B_DEC, B_ENC, Shape, Tensor, Tensors, W_DEC, W_ENC};

/// The smallest weight of a step's smallest entry in the running mean that is the threshold: about the last hundred
/// steps count, as in the authors' code.
const RATE: f32 = 0.01;

/// The ratio of the number of steps so far to the number of last steps that count in the running mean, until these are
/// a hundred.
const TENTH: f32 = 10.0;

/// The variant with codes of the largest pre-activations of a batch. In training, f = the B·k largest of all B·n
/// entries of ReLU(a) of a batch, the others 0: a sample may have more or fewer than k active elements, and k is their
/// mean. L = ‖e‖². Of equal entries, those of the first samples, and in a sample those of the first elements, count as
/// larger; an entry that is NaN counts as largest. Rows of the dictionary are held at norm 1.
///
/// These are the codes of [`gradient`](crate::sae::gradient) and of [`Trainer::step`](crate::sae::Trainer::step).
/// Elsewhere, a code must not depend on the samples beside it: [`encode`](crate::sae::encode) takes `a ⊙ 1[a > θ]`, so
/// that the model is a [`JumpRelu`](crate::sae::JumpRelu) there, with the same tensors. Its threshold θ is the tensor
/// `threshold`, the same number for each element. The threshold is not learnt from a gradient, which is 0:
/// `Trainer::step` makes it a running mean of the smallest entry that each batch keeps, θ ← θ + w (smallest − θ). In
/// step t = 1, 2, … its weight is w = max(0.01, 10/(t + 9)): the mean is over about the last tenth of the steps so far,
/// and over the last hundred where these are fewer (polynomial-decay averaging: Shamir and Zhang, *Stochastic Gradient
/// Descent for Non-smooth Optimization*, 2013). With a weight of 0.01 from the start, as in the authors' code, θ would
/// still be largely that of the first step after a hundred steps. The mean starts at the first smallest entry; until
/// then θ is 0, and `encode` takes every positive entry. A batch without a positive entry leaves θ as it is.
///
/// A step computes the encoder's product twice, instead of once, where the threshold is 0, as in the first step of
/// training, and three times where it is much too high. Until the choice is made, the codes hold all entries above 7/8
/// of the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchTopK {
    /// The largest mean number of active entries of a code over a batch.
    pub k: usize,
    /// The auxiliary loss that brings dead elements back, if there is one.
    pub aux: Option<AuxK>,
}

impl Model for BatchTopK {
    fn examples(shape: Shape, lambda: f32) -> Vec<BatchTopK> {
        let alike = TopK::examples(shape, lambda).into_iter();
        alike.map(|TopK { k, aux }| BatchTopK { k, aux }).collect()
    }

    #[track_caller]
    fn check(&self, shape: Shape) {
        self.as_top_k().check(shape);
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
            // The threshold is one number for all elements, so no element has a value of its own.
            THRESHOLD.of(dictionary),
            W_DEC.of(dictionary, width).by_element(),
            B_DEC.of(width),
        ]
    }

    fn own_len(&self, sizes: Sizes, capacity: usize) -> usize {
        self.as_top_k().own_len(sizes, capacity)
    }

    fn dead_after(&self) -> Option<u32> {
        self.as_top_k().dead_after()
    }

    fn after_step(&self, tensors: &mut Tensors, codes: SparseRef, step: u64) {
        // The minimum passes over a NaN, which counts as largest.
        let smallest = codes.values().iter().copied().fold(f32::INFINITY, f32::min);
        if smallest.is_finite() {
            let weight = RATE.max(TENTH / (step as f32 + (TENTH - 1.0)));
            for threshold in tensors.get_mut(THRESHOLD) {
                let weight = if *threshold == 0.0 { 1.0 } else { weight };
                *threshold += weight * (smallest - *threshold);
            }
        }
    }

    fn encode(&self, pass: &mut Pass, _: &mut Own) {
        pass.encode(Above(pass.tensors.get(THRESHOLD)));
    }

    fn encode_batch(&self, pass: &mut Pass, _: &mut Own) {
        self.encode_together(pass);
    }

    /// Computes the losses and their gradient: δa = 2/B·(W_dec e) on the active entries; ∂θ = 0.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses {
        self.encode_together(pass);
        let mut losses = pass.reconstruct();
        pass.weight_gradients(out);
        out.get_mut(THRESHOLD).fill(0.0);
        if let Some(aux) = self.aux {
            losses.auxiliary = auxk::add_gradient(aux, pass, own, out);
        }
        pass.decoder_bias_gradient(out);
        losses
    }
}

impl BatchTopK {
    /// Returns the variant that takes the k largest entries of each sample.
    fn as_top_k(&self) -> TopK {
        let BatchTopK { k, aux } = *self;
        TopK { k, aux }
    }

    /// Fills the codes of a batch with its B·k largest entries.
    ///
    /// The rows of pre-activations come one after another, without knowledge of the others. So they are compared with a
    /// lower bound of what is kept, and the choice is made among the candidates that are left. A bound that is a little
    /// below the threshold of the last batches nearly always leaves enough candidates. Where it does not, another bound
    /// always does: the B·k-th largest of the 2k largest entries of each row. The bound affects the work alone, since
    /// every candidate that is left out is smaller than B·k others.
    pub(super) fn encode_together(&self, pass: &mut Pass) {
        /// The bound, as a share of the threshold.
        const SHARE: f32 = 0.875;
        let count = self.k * pass.input.rows();
        if count == 0 {
            return pass.encode(AtLeast::ABOVE_ZERO);
        }
        let guess = SHARE * pass.tensors.get(THRESHOLD)[0];
        let mut enough = false;
        if guess > 0.0 {
            pass.encode(AtLeast(guess));
            enough = pass.batch.codes.as_ref().entries() >= count;
        }
        if !enough {
            let n = pass.tensors.shape().dictionary;
            pass.encode(Largest((2 * self.k).min(n)));
            let values = pass.batch.codes.as_ref().values();
            let bound = if values.len() >= count {
                AtLeast(Cut::new(count, values).least())
            } else {
                AtLeast::ABOVE_ZERO
            };
            pass.encode(bound);
        }
        pass.batch.codes.entries.keep_largest(count);
    }
}
