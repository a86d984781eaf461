//! The results of a pass over a batch: the codes, the errors of their reconstructions, and the gradients with respect
//! to both. Nothing here depends on the variant.

mod codes;
mod decoder;
mod entries;
mod prefixes;
mod transposed;

use super::tensors::Shape;
use crate::machine::exec::Exec;
use crate::matrix::view::{MatMut, MatRef};

use codes::Codes;
pub use codes::DENSE;
pub(super) use decoder::{Decoder, decode};

/// The terms of a loss: each a mean over the batch, times its coefficient in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// The squared reconstruction error ‖x̂ − x‖², summed over the d values.
    pub reconstruction: f64,
    /// The penalty on the codes, including its coefficient.
    pub sparsity: f64,
    /// The auxiliary loss that a variant adds, including its coefficient.
    pub auxiliary: f64,
    /// The density of the codes, which is the share of their B·n values that are active. It is not a term of the loss.
    pub density: f64,
}

impl Losses {
    /// The losses of a batch of no samples: NaN, as means over nothing.
    pub(super) const OF_NOTHING: Losses = Losses {
        reconstruction: f64::NAN,
        sparsity: f64::NAN,
        auxiliary: f64::NAN,
        density: f64::NAN,
    };

    /// Returns the loss whose gradient training follows, which is the sum of its three terms.
    pub fn total(&self) -> f64 {
        self.reconstruction + self.sparsity + self.auxiliary
    }
}

/// The results of a pass over a batch, and the buffers that hold them.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    width: usize,
    /// The number of samples of the current batch.
    samples: usize,
    pub(super) codes: Codes,
    /// The gradient with respect to the reconstructions, B×d.
    d_output: Vec<f32>,
    /// The squared error ‖e‖² of each sample.
    errors: Vec<f64>,
}

impl Batch {
    /// Returns a batch with room for up to `capacity` samples.
    pub(super) fn new(Shape { width, dictionary }: Shape, capacity: usize) -> Batch {
        Batch {
            width,
            samples: 0,
            codes: Codes::new(capacity, dictionary),
            d_output: vec![0.0; capacity * width],
            errors: vec![0.0; capacity],
        }
    }

    /// Returns the number of bytes that [`new`](Self::new) allocates.
    pub(super) fn bytes(Shape { width, dictionary }: Shape, capacity: usize) -> usize {
        size_of::<f32>() * capacity * width
            + size_of::<f64>() * capacity
            + Codes::bytes(capacity, dictionary)
    }

    /// Returns the gradient with respect to the reconstructions, B×d.
    pub(super) fn d_output(&self) -> MatRef<'_> {
        MatRef::first(&self.d_output, self.samples, self.width)
    }

    /// Returns the gradient with respect to the reconstructions, for writing.
    pub(super) fn d_output_mut(&mut self) -> MatMut<'_> {
        MatMut::first(&mut self.d_output, self.samples, self.width)
    }

    /// Returns the squared error ‖e‖² of each sample.
    pub(super) fn errors(&self) -> &[f64] {
        &self.errors[..self.samples]
    }

    /// Computes, from the codes, the errors of their reconstructions, and the gradients of the mean of ‖e‖², times the
    /// decoder's weight, with respect to reconstructions and codes. Returns the mean of ‖e‖² without the weight, and
    /// the density of the codes.
    pub(super) fn reconstruct(&mut self, exec: Exec, decoder: Decoder, target: MatRef) -> Losses {
        self.samples = target.rows();
        let d_output = MatMut::first(&mut self.d_output, target.rows(), target.cols());
        let errors = &mut self.errors[..target.rows()];
        self.codes
            .reconstruct(exec, decoder, target, d_output, errors);
        let total: f64 = self.errors().iter().sum();
        Losses {
            reconstruction: total / target.rows() as f64,
            density: self.codes.as_ref().density(),
            ..Losses::default()
        }
    }

    /// Computes the loss of the reconstructions by each of some shorter `prefixes` of the dictionary, and returns its
    /// mean over the batch. Adds its gradient with respect to the codes to the gradient with respect to them. Writes to
    /// `sums`, for each prefix in turn, the gradient with respect to its reconstructions plus those of the longer
    /// prefixes. [`errors`](Self::errors) become the sums over `prefixes` of the squared errors of each sample.
    pub(super) fn reconstruct_prefixes(
        &mut self,
        exec: Exec,
        decoder: Decoder,
        prefixes: &[usize],
        target: MatRef,
        sums: MatMut,
    ) -> f64 {
        let errors = &mut self.errors[..target.rows()];
        self.codes
            .reconstruct_prefixes(exec, decoder, prefixes, target, sums, errors);
        self.errors().iter().sum::<f64>() / target.rows() as f64
    }

    /// Writes the gradient with respect to the dictionary to `out`.
    pub(super) fn dictionary_gradient(&mut self, exec: Exec, out: MatMut) {
        let d_output = MatRef::first(&self.d_output, self.samples, self.width);
        self.codes.dictionary_gradient(exec, d_output, out);
    }
}
