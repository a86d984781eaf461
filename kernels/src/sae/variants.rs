//! The variants of the sparse autoencoder, one file each, and the enum that lists them.

mod auxk;
mod batch_topk;
mod gated;
mod jumprelu;
mod l1;
mod lista;
mod matryoshka;
mod tied;
mod topk;
mod two_layer;

use super::model::Model;
use super::tensors::Shape;

pub use auxk::AuxK;
pub use l1::Rows;
pub use matryoshka::Prefixes;

/// Defines the enum `Variant` from the list of the variants: the documentation of each, its file, and the type of its
/// settings.
macro_rules! variants {
    ($($(#[$doc:meta])* $file:ident::$name:ident,)+) => {
        $(pub use $file::$name;)+

        /// A kind of sparse autoencoder, with its settings.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Variant {
            $($(#[$doc])* $name($name),)+
        }

        impl Variant {
            /// Returns variants of every kind, with settings that are valid for the shape and a penalty of `lambda`
            /// where there is one. Tests that cover all variants use them.
            ///
            /// # Panics
            /// If the dictionary has no elements.
            #[track_caller]
            pub fn examples(shape: Shape, lambda: f32) -> Vec<Variant> {
                assert!(shape.dictionary > 0, "a dictionary of no elements");
                let mut all = vec![];
                $(all.extend($name::examples(shape, lambda).into_iter().map(Variant::$name));)+
                all
            }

            /// Returns the coefficient λ of the penalty, or `None` where there is no penalty.
            pub fn lambda(mut self) -> Option<f32> {
                self.lambda_mut().copied()
            }

            /// Returns the coefficient λ of the penalty, for writing, or `None` where there is no penalty.
            pub fn lambda_mut(&mut self) -> Option<&mut f32> {
                match self {
                    $(Variant::$name(model) => model.lambda_mut(),)+
                }
            }

            /// Returns whether a model of this variant can be a [transcoder](super::Task::Transcoder).
            pub fn transcodes(&self) -> bool {
                self.model().transcodes()
            }

            pub(super) fn model(&self) -> &dyn Model {
                match self {
                    $(Variant::$name(model) => model,)+
                }
            }
        }
    };
}

variants! {
    /// ReLU codes and an L1 penalty.
    l1::L1,
    /// ReLU codes and an L1 penalty, with one matrix for encoder and decoder.
    tied::TiedL1,
    /// Codes of the k largest pre-activations of each sample.
    topk::TopK,
    /// Codes of the largest pre-activations of a whole batch.
    batch_topk::BatchTopK,
    /// The codes of `BatchTopK`, with a loss for each of some nested prefixes of the dictionary.
    matryoshka::Matryoshka,
    /// Codes whose elements are switched on by gates.
    gated::Gated,
    /// Codes of the pre-activations above a learnt threshold for each element.
    jumprelu::JumpRelu,
    /// ReLU codes from an encoder with a hidden layer.
    two_layer::TwoLayer,
    /// ReLU codes from a few unrolled steps of a learnt iteration.
    lista::Lista,
}
