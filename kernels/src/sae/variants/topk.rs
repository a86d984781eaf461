//! The TopK variant (Gao et al., *Scaling and evaluating sparse autoencoders*, arXiv 2406.04093).

use super::auxk::{self, AuxK};
use crate::sae::batch::Losses;
use crate::sae::model::{Model, Own};
use crate::sae::pass::Pass;
use crate::sae::select::Largest;
use crate::sae::task::Sizes;
use crate::sae::tensors::{Shape, Tensors};

/// The variant with codes of the k largest pre-activations: f = the k largest entries of ReLU(a), the others 0; L =
/// ‖e‖². Of equal entries, those of the first elements count as larger. Rows of the dictionary are held at norm 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TopK {
    /// The largest number of active entries of a code.
    pub k: usize,
    /// The auxiliary loss that brings dead elements back, if there is one.
    pub aux: Option<AuxK>,
}

impl Model for TopK {
    fn examples(Shape { dictionary, .. }: Shape, _: f32) -> Vec<TopK> {
        let aux = AuxK {
            k: dictionary.div_ceil(8),
            coefficient: 0.3,
            dead_after: 2,
        };
        vec![
            TopK {
                k: dictionary.div_ceil(4),
                aux: None,
            },
            TopK {
                k: 1,
                aux: Some(aux),
            },
        ]
    }

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

    fn own_len(&self, sizes: Sizes, capacity: usize) -> usize {
        self.aux.map_or(0, |_| auxk::own_len(sizes, capacity))
    }

    fn dead_after(&self) -> Option<u32> {
        self.aux.map(|aux| aux.dead_after)
    }

    fn encode(&self, pass: &mut Pass, _: &mut Own) {
        pass.encode(Largest(self.k));
    }

    /// Computes the losses and their gradient: δa = 2/B·(W_dec e) on the active entries.
    fn gradient(&self, pass: &mut Pass, own: &mut Own, out: &mut Tensors) -> Losses {
        self.encode(pass, own);
        let mut losses = pass.reconstruct();
        pass.weight_gradients(out);
        if let Some(aux) = self.aux {
            losses.auxiliary = auxk::add_gradient(aux, pass, own, out);
        }
        pass.decoder_bias_gradient(out);
        losses
    }
}
