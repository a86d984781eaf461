//! The variants, one file each, and the enum that lists them.

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

/// Makes the enum from the list of its variants: their docs, the file of each, and the type that holds its settings.
macro_rules! variants {
    ($($(#[$doc:meta])* $file:ident::$name:ident,)+) => {
        $(pub use $file::$name;)+

        /// A kind of sparse autoencoder, with its settings.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Variant {
            $($(#[$doc])* $name($name),)+
        }

        impl Variant {
            /// Variants of every kind, with settings that make sense for the shape and a penalty of `lambda` where
            /// there is one: for tests that want all of them.
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

            /// The coefficient λ of the penalty, where there is one.
            pub fn lambda(mut self) -> Option<f32> {
                self.lambda_mut().copied()
            }

            /// The coefficient λ of the penalty, to set it, where there is one.
            pub fn lambda_mut(&mut self) -> Option<&mut f32> {
                match self {
                    $(Variant::$name(model) => model.lambda_mut(),)+
                }
            }

            /// Whether a model of this variant can be a [transcoder](super::Task::Transcoder).
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
    /// The same with one matrix for encoder and decoder.
    tied::TiedL1,
    /// The k largest pre-activations.
    topk::TopK,
    /// The largest pre-activations of a whole batch.
    batch_topk::BatchTopK,
    /// The same, where the first elements of the dictionary reconstruct by themselves too.
    matryoshka::Matryoshka,
    /// Codes that are switched on by gates.
    gated::Gated,
    /// Codes above a learnt threshold.
    jumprelu::JumpRelu,
    /// ReLU codes from an encoder with a hidden layer.
    two_layer::TwoLayer,
    /// ReLU codes from a few unrolled steps of a learnt iteration.
    lista::Lista,
}
