//! What a pass over a batch computes: the codes, the errors of their reconstructions, and the gradients with respect to
//! them. A batch knows no variant.

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

/// The terms of a loss, each a mean over the batch, weighted as it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// ‖x̂ − x‖², summed over the d values.
    pub reconstruction: f64,
    /// The penalty on the codes, its coefficient included.
    pub sparsity: f64,
    /// What a variant adds, its coefficient included.
    pub auxiliary: f64,
    /// Share of the codes' entries that are active; no part of the loss.
    pub density: f64,
}

impl Losses {
    /// Means over no samples.
    pub(super) const OF_NOTHING: Losses = Losses {
        reconstruction: f64::NAN,
        sparsity: f64::NAN,
        auxiliary: f64::NAN,
        density: f64::NAN,
    };

    /// The loss whose gradient training follows.
    pub fn total(&self) -> f64 {
        self.reconstruction + self.sparsity + self.auxiliary
    }
}

/// What a pass over a batch computes, and room for it.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    width: usize,
    /// Samples of the batch at hand.
    samples: usize,
    pub(super) codes: Codes,
    /// The gradient with respect to the reconstructions, B×d.
    d_output: Vec<f32>,
    /// ‖e‖² of each sample.
    errors: Vec<f64>,
}

impl Batch {
    /// Room for up to `capacity` samples.
    pub(super) fn new(Shape { width, dictionary }: Shape, capacity: usize) -> Batch {
        Batch {
            width,
            samples: 0,
            codes: Codes::new(capacity, dictionary),
            d_output: vec![0.0; capacity * width],
            errors: vec![0.0; capacity],
        }
    }

    /// The number of bytes that [`new`](Self::new) allocates.
    pub(super) fn bytes(Shape { width, dictionary }: Shape, capacity: usize) -> usize {
        size_of::<f32>() * capacity * width
            + size_of::<f64>() * capacity
            + Codes::bytes(capacity, dictionary)
    }

    /// The gradient with respect to the reconstructions, B×d.
    pub(super) fn d_output(&self) -> MatRef<'_> {
        MatRef::first(&self.d_output, self.samples, self.width)
    }

    /// The same, to write.
    pub(super) fn d_output_mut(&mut self) -> MatMut<'_> {
        MatMut::first(&mut self.d_output, self.samples, self.width)
    }

    /// ‖e‖² of each sample.
    pub(super) fn errors(&self) -> &[f64] {
        &self.errors[..self.samples]
    }

    /// Takes the codes to the errors of their reconstructions and the gradients of the mean of ‖e‖², times the
    /// decoder's weight, with respect to reconstructions and codes. Returns that mean without the weight, and the
    /// density.
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

    /// Adds to the loss that of reconstructions by each of the shorter prefixes of the dictionary, whose mean it returns.
    /// It goes to the gradient with respect to the codes; `sums` holds, for each prefix in turn, the gradients with
    /// respect to its reconstructions and to those of the longer ones, summed. [`errors`](Self::errors) become those of
    /// all these, summed for each sample.
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

    /// The gradient with respect to the dictionary.
    pub(super) fn dictionary_gradient(&mut self, exec: Exec, out: MatMut) {
        let d_output = MatRef::first(&self.d_output, self.samples, self.width);
        self.codes.dictionary_gradient(exec, d_output, out);
    }
}
