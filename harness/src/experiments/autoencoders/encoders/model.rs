//! The models: dictionaries, and the ways in which their codes are found.

use kernels::sae::{L1, Lista, Parameters, Rows, TwoLayer, Variant};
use serde::{Deserialize, Serialize};

use super::reading::Reading;
use super::settings::Settings;
use super::source::{Data, Source};
use crate::experiment::Ctx;
use crate::sae::training;

crate::words! {
    /// A way to find codes.
    pub enum Encoder {
        /// A linear encoder: the ReLU of a linear map.
        Linear,
        /// A two-layer encoder: a hidden layer before the ReLU of a linear map.
        TwoLayer,
        /// LISTA: unrolled steps of a learnt iteration.
        Lista,
        /// Free codes: optimised for each sample, by FISTA.
        #[strum(serialize = "free-codes")]
        Free,
        /// Free codes on the true features: optimised for each sample, by FISTA.
        #[strum(serialize = "true-features")]
        Truth,
    }
}

impl Encoder {
    /// The encoders that are trained by gradients through themselves.
    pub const TRAINED: [Encoder; 3] = [Encoder::Linear, Encoder::TwoLayer, Encoder::Lista];

    pub fn variant(self, lambda: f64, source: &Source, s: &Settings) -> Variant {
        let lambda = lambda as f32;
        match self {
            Encoder::TwoLayer => Variant::TwoLayer(TwoLayer {
                hidden: match source.is_held() {
                    // A unit for each feature and two to carry each value: enough for a step of LISTA.
                    true => source.elements + 2 * source.width,
                    false => s.hidden_ratio * source.width,
                },
                lambda,
            }),
            Encoder::Lista => Variant::Lista(Lista {
                steps: s.unrolled,
                lambda,
            }),
            _ => Variant::L1(L1 {
                lambda,
                rows: Rows::Unit,
            }),
        }
    }
}

crate::words! {
    /// The choice of the numbers of steps among which the best was chosen.
    pub enum Budget {
        /// A third of the steps alone.
        Third,
        /// All of the steps, or a third of them.
        All,
    }
}

/// A dictionary, the way in which its codes were found, and its reading.
#[derive(Debug, Serialize, Deserialize)]
pub struct Model {
    /// The name of the data in the tables.
    pub source: String,
    pub data: Data,
    pub encoder: Encoder,
    pub lambda: f64,
    pub budget: Budget,
    pub seed: u64,
    /// The best learning rate that was tried, in multiples of the plan's, and the best number of steps.
    pub tuned: (f64, u64),
    /// The reading of the model, or how its training diverged.
    pub reading: Result<Reading, String>,
}

/// Returns the first parameters of a model. Its dictionary is the same whatever its encoder: the known directions where
/// it is held at them, else a random one.
pub fn start(variant: Variant, source: &Source, ctx: &Ctx) -> Parameters {
    let mut rng = ctx.rng(source.seed, "initial", source.elements as u64);
    match source.is_held() {
        true => {
            let mut known = source.known.iter();
            let next = || known.next().copied().unwrap_or_else(|| rng.normal() as f32);
            Parameters::initial(source.shape(), variant, next)
        }
        false => training::initial(source.shape(), variant, &mut rng),
    }
}
