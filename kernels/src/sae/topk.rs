//! The k largest pre-activations (Gao et al., *Scaling and evaluating sparse autoencoders*, arXiv 2406.04093).

use std::cmp::Ordering;

use super::auxk::{self, AuxK};
use super::encoder::{self, Select, select_from};
use super::{Losses, Parameters, Shape, Variant, Workspace};
use crate::machine::exec::Exec;
use crate::machine::scratch::with_scratch;
use crate::machine::simd::Simd;
use crate::matrix::view::MatRef;

/// f = the k largest entries of ReLU(a), the others 0; L = ‖e‖². Of equal entries, those of the first
/// elements count as larger. Rows of the dictionary are held at norm 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopK {
    /// Entries of a code that are active, at most.
    pub k: usize,
    /// What brings dead elements back.
    pub aux: Option<AuxK>,
}

impl super::variant::Model for TopK {
    #[track_caller]
    fn check(&self, shape: Shape) {
        assert!(
            (1..=shape.dictionary).contains(&self.k),
            "the {} largest of {} entries",
            self.k,
            shape.dictionary
        );
        if let Some(aux) = self.aux {
            assert!(aux.k > 0, "an auxiliary loss of the 0 largest entries");
        }
    }

    fn own_len(&self, shape: Shape, capacity: usize) -> usize {
        self.aux.map_or(0, |_| auxk::own_len(shape, capacity))
    }

    fn auxiliary(&self) -> Option<Variant> {
        let alone = TopK { aux: None, ..*self };
        self.aux.map(|_| Variant::TopK(alone))
    }

    fn dead_after(&self) -> Option<u32> {
        self.aux.map(|aux| aux.dead_after)
    }

    fn encode(&self, exec: Exec, parameters: &Parameters, x: MatRef, workspace: &mut Workspace) {
        encoder::encode(exec, parameters, x, workspace, Largest(self.k));
    }

    /// δa = 2/B·(W_dec e) on the active entries.
    fn gradient(
        &self,
        exec: Exec,
        parameters: &Parameters,
        x: MatRef,
        workspace: &mut Workspace,
        gradient: &mut Parameters,
    ) -> Losses {
        self.encode(exec, parameters, x, workspace);
        let (rows, b_dec) = (parameters.dictionary(), parameters.b_dec());
        let mut losses = workspace.reconstruct(exec, rows, b_dec, x);
        encoder::weight_gradients(exec, workspace, gradient);
        if let Some(aux) = self.aux {
            losses.auxiliary = auxk::add_gradient(exec, aux, parameters, workspace, gradient);
        }
        encoder::decoder_bias(exec, parameters, workspace, gradient);
        losses
    }
}

/// The largest, of those above 0.
#[derive(Clone, Copy)]
pub(super) struct Largest(pub(super) usize);

impl Select for Largest {
    #[inline(always)]
    fn select<S: Simd>(self, s: S, pre: &[f32], columns: &mut [u32], values: &mut [f32]) -> usize {
        let Largest(k) = self;
        // The k-th largest of the maxima of groups is no larger than the k-th largest of all.
        let groups = (4 * k).next_multiple_of(S::LANES);
        let mut least = f32::from_bits(1);
        if groups < pre.len() {
            let maxima = &mut values[..groups];
            maxima.fill(0.0);
            for pre in pre.chunks(groups) {
                for (max, pre) in maxima.chunks_mut(S::LANES).zip(pre.chunks_exact(S::LANES)) {
                    s.store(s.max(s.load(pre), s.load(max)), max);
                }
            }
            least = least.max(largest(maxima, k));
        }
        let used = select_from(s, least, pre, columns, values);
        if used <= k {
            return used;
        }
        prune(k, &mut columns[..used], &mut values[..used])
    }
}

/// The k-th largest by magnitude, where a NaN counts as largest; changes the order.
fn largest(values: &mut [f32], k: usize) -> f32 {
    let (_, &mut kth, _) = values.select_nth_unstable_by(k - 1, descending);
    kth
}

fn descending(a: &f32, b: &f32) -> Ordering {
    b.abs().total_cmp(&a.abs())
}

/// Leaves the k largest of more entries, all of them positive or NaN, in their order; returns k.
fn prune(k: usize, columns: &mut [u32], values: &mut [f32]) -> usize {
    with_scratch(values.len(), |candidates| {
        candidates.copy_from_slice(values);
        let kth = largest(candidates, k);
        let above = candidates[..k]
            .iter()
            .filter(|value| descending(value, &kth).is_lt())
            .count();
        let mut equal = k - above;
        let mut kept = 0;
        for i in 0..values.len() {
            let order = descending(&values[i], &kth);
            if order.is_gt() || (order.is_eq() && equal == 0) {
                continue;
            }
            equal -= usize::from(order.is_eq());
            (columns[kept], values[kept]) = (columns[i], values[i]);
            kept += 1;
        }
        kept
    })
}
