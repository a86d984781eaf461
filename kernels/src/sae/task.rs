//! The task of a model: what it reads and what it reconstructs.

use super::tensors::Shape;

/// The task of a model: what it reads and what it reconstructs, with the sizes of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// A model that reconstructs the activations x that it reads: x̂ = `W_decᵀ f + b_dec`, for a code f of x − b_dec.
    Autoencoder(Shape),
    /// A model that reconstructs other activations y than the activations x that it reads:
    /// ŷ = `W_decᵀ f + b_dec + W_skip x`, for a code f of x itself.
    Transcoder {
        /// The width of x.
        input: usize,
        /// The width of y, which is the width of the dictionary's elements, and the number of elements.
        shape: Shape,
        /// Whether there is a skip connection `W_skip`, a linear way around the code.
        skip: bool,
    },
}

impl Task {
    /// Returns the width of what is reconstructed, and the number of elements.
    pub fn shape(self) -> Shape {
        match self {
            Task::Autoencoder(shape) | Task::Transcoder { shape, .. } => shape,
        }
    }

    /// Returns the width of what is read.
    pub fn input(self) -> usize {
        match self {
            Task::Autoencoder(shape) => shape.width,
            Task::Transcoder { input, .. } => input,
        }
    }

    /// Returns whether the model is a transcoder.
    pub fn is_transcoder(self) -> bool {
        matches!(self, Task::Transcoder { .. })
    }

    /// Returns whether there is a skip connection.
    pub fn has_skip(self) -> bool {
        matches!(self, Task::Transcoder { skip: true, .. })
    }

    pub(super) fn sizes(self) -> Sizes {
        let Shape { width, dictionary } = self.shape();
        Sizes {
            input: self.input(),
            width,
            dictionary,
        }
    }
}

impl From<Shape> for Task {
    /// Returns the task of an autoencoder of this shape.
    fn from(shape: Shape) -> Task {
        Task::Autoencoder(shape)
    }
}

/// The sizes of a model's tensors.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// The width of what the encoder reads.
    pub(super) input: usize,
    /// The width of what is reconstructed.
    pub(super) width: usize,
    /// The number of elements of the dictionary.
    pub(super) dictionary: usize,
}
