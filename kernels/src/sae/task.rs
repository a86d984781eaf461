//! What a model reads and what it reconstructs.

use super::tensors::Shape;

/// What a model reads and what it reconstructs, and of which sizes both are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// A model that reconstructs the activations x which it reads: x̂ = `W_decᵀ f + b_dec`, for a code f of x − b_dec.
    Autoencoder(Shape),
    /// A model that reconstructs other activations y than the x which it reads: ŷ = `W_decᵀ f + b_dec + W_skip x`, for a
    /// code f of x itself.
    Transcoder {
        /// Width of x.
        input: usize,
        /// Width of y, which is that of the dictionary's elements, and their number.
        shape: Shape,
        /// Whether there is a skip connection `W_skip`, a linear way around the code.
        skip: bool,
    },
}

impl Task {
    /// The width of what is reconstructed, and the number of elements.
    pub fn shape(self) -> Shape {
        match self {
            Task::Autoencoder(shape) | Task::Transcoder { shape, .. } => shape,
        }
    }

    /// The width of what is read.
    pub fn input(self) -> usize {
        match self {
            Task::Autoencoder(shape) => shape.width,
            Task::Transcoder { input, .. } => input,
        }
    }

    /// Whether the model is a transcoder.
    pub fn is_transcoder(self) -> bool {
        matches!(self, Task::Transcoder { .. })
    }

    /// Whether there is a skip connection.
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
    /// An autoencoder of this shape.
    fn from(shape: Shape) -> Task {
        Task::Autoencoder(shape)
    }
}

/// The sizes of a model's tensors.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Width of what the encoder reads.
    pub(super) input: usize,
    /// Width of what is reconstructed.
    pub(super) width: usize,
    /// Elements of the dictionary.
    pub(super) dictionary: usize,
}
