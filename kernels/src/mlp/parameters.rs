//! The parameters of a residual MLP, in one slice, and the shape that they follow from.

use crate::function::activation::Activation;
use crate::matrix::view::{MatMut, MatRef};

/// The shape of a residual MLP: its sizes and its activation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The number of rows of each of the two embeddings, which is the length of a one-hot vector.
    pub vocabulary: usize,
    /// The width d of the residual stream, which is also the number of output classes.
    pub width: usize,
    /// The width h of the hidden layer of each block.
    pub hidden: usize,
    /// The number L of blocks.
    pub layers: usize,
    /// The activation function of the hidden layers.
    pub activation: Activation,
}

impl Shape {
    fn embedding_len(&self) -> usize {
        self.vocabulary * self.width
    }

    fn block_len(&self) -> usize {
        2 * self.width * self.hidden + self.hidden + self.width
    }

    /// Returns the number of parameters.
    pub fn parameters(&self) -> usize {
        2 * self.embedding_len() + self.layers * self.block_len()
    }
}

/// The parameters of a residual MLP, or a gradient with respect to them, or a moment of such a gradient.
///
/// All of them are one slice, in this order: E₁ and E₂ (`vocabulary × d` each), then for each block
/// W₁ (h×d), b₁ (h), W₂ (d×h), b₂ (d), matrices row-major. So an optimiser or a checkpoint needs to know
/// nothing of what the values mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    shape: Shape,
    values: Vec<f32>,
}

/// The parameters of one block.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The weights W₁ of the hidden layer, h×d.
    pub w1: MatRef<'a>,
    /// The bias b₁ of the hidden layer, h values.
    pub b1: &'a [f32],
    /// The weights W₂ of the output, d×h.
    pub w2: MatRef<'a>,
    /// The bias b₂ of the output, d values.
    pub b2: &'a [f32],
}

/// The parameters of one block, for writing.
#[derive(Debug)]
pub struct BlockMut<'a> {
    /// The weights W₁ of the hidden layer, h×d.
    pub w1: MatMut<'a>,
    /// The bias b₁ of the hidden layer, h values.
    pub b1: &'a mut [f32],
    /// The weights W₂ of the output, d×h.
    pub w2: MatMut<'a>,
    /// The bias b₂ of the output, d values.
    pub b2: &'a mut [f32],
}

impl Parameters {
    /// Returns parameters that are all zero.
    pub fn zeros(shape: Shape) -> Parameters {
        Parameters {
            shape,
            values: vec![0.0; shape.parameters()],
        }
    }

    /// Returns the shape of the model.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Returns all parameters.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns all parameters, for writing.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Returns the two embeddings E₁ and E₂, `vocabulary × d` each.
    pub fn embeddings(&self) -> [MatRef<'_>; 2] {
        let Shape {
            vocabulary, width, ..
        } = self.shape;
        let (first, rest) = self.values.split_at(self.shape.embedding_len());
        [first, &rest[..first.len()]].map(|e| MatRef::first(e, vocabulary, width))
    }

    /// Returns the two embeddings E₁ and E₂, for writing.
    pub fn embeddings_mut(&mut self) -> [MatMut<'_>; 2] {
        let Shape {
            vocabulary, width, ..
        } = self.shape;
        let len = self.shape.embedding_len();
        let (first, rest) = self.values.split_at_mut(len);
        [first, &mut rest[..len]].map(|e| MatMut::first(e, vocabulary, width))
    }

    /// Returns the parameters of block `l`.
    ///
    /// # Panics
    /// If there is no such block.
    #[track_caller]
    pub fn block(&self, l: usize) -> Block<'_> {
        let (start, weights, h, d) = self.place(l);
        let block = &self.values[start..];
        let (w1, block) = block.split_at(weights);
        let (b1, block) = block.split_at(h);
        let (w2, block) = block.split_at(weights);
        Block {
            w1: MatRef::first(w1, h, d),
            b1,
            w2: MatRef::first(w2, d, h),
            b2: &block[..d],
        }
    }

    /// Returns the parameters of block `l`, for writing.
    ///
    /// # Panics
    /// If there is no such block.
    #[track_caller]
    pub fn block_mut(&mut self, l: usize) -> BlockMut<'_> {
        let (start, weights, h, d) = self.place(l);
        let block = &mut self.values[start..];
        let (w1, block) = block.split_at_mut(weights);
        let (b1, block) = block.split_at_mut(h);
        let (w2, block) = block.split_at_mut(weights);
        BlockMut {
            w1: MatMut::first(w1, h, d),
            b1,
            w2: MatMut::first(w2, d, h),
            b2: &mut block[..d],
        }
    }

    #[track_caller]
    fn place(&self, l: usize) -> (usize, usize, usize, usize) {
        let shape = self.shape;
        assert!(l < shape.layers, "block {l} of {}", shape.layers);
        let start = 2 * shape.embedding_len() + l * shape.block_len();
        (start, shape.width * shape.hidden, shape.hidden, shape.width)
    }
}
