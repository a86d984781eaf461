//! The parameters of a sparse autoencoder, in one piece of memory.

use super::{Shape, Variant};
use crate::machine::exec::Exec;
use crate::machine::isa::Isa;
use crate::machine::portable::Portable;
use crate::machine::profile::{self, Part};
use crate::matrix::dictionary;
use crate::matrix::view::{MatMut, MatRef};

/// A tensor among the parameters: its name, rows and columns. A vector is one row.
pub(super) type Tensor = (&'static str, usize, usize);

/// The parameters of a sparse autoencoder, or a gradient with respect to them.
///
/// All of them are one slice, tensor after tensor, matrices row-major, so an optimiser or a
/// checkpoint needs to know nothing of what they mean. Which tensors there are, the variant says; a
/// plain one has `w_enc` (n×d), `b_enc` (n), `w_dec` (n×d) and `b_dec` (d).
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    shape: Shape,
    variant: Variant,
    tensors: Vec<Tensor>,
    values: Vec<f32>,
    /// Stands for the `b_dec` of a variant that has none.
    zeros: Vec<f32>,
}

impl Parameters {
    /// Parameters that are all zero.
    ///
    /// # Panics
    /// If the variant's settings make no sense for the shape.
    #[track_caller]
    pub fn zeros(shape: Shape, variant: Variant) -> Parameters {
        variant.model().check(shape);
        let tensors = variant.model().tensors(shape);
        let len = tensors.iter().map(|(_, rows, cols)| rows * cols).sum();
        Parameters {
            shape,
            variant,
            tensors,
            values: vec![0.0; len],
            zeros: vec![0.0; shape.width],
        }
    }

    /// Parameters to start training from: the dictionary's rows have random directions and norm 1, the
    /// encoder is its transpose, and biases are 0. `normals` draws from a standard normal distribution.
    ///
    /// # Panics
    /// As [`zeros`](Self::zeros).
    #[track_caller]
    pub fn initial(shape: Shape, variant: Variant, mut normals: impl FnMut() -> f32) -> Parameters {
        let _span = profile::phase(Part::Data);
        let mut parameters = Parameters::zeros(shape, variant);
        let [mut rows] = parameters.tensors_mut(["w_dec"]);
        for j in 0..shape.dictionary {
            rows.row(j).fill_with(&mut normals);
        }
        // The portable instructions, so that all machines start from the same weights.
        dictionary::normalise(Exec::serial(Isa::Portable(Portable)), rows);
        variant.model().initialise(&mut parameters, &mut normals);
        parameters
    }

    /// Copies the dictionary into the encoder, n×d too.
    pub(super) fn tie_encoder(&mut self) {
        let [from, to] = ["w_dec", "w_enc"].map(|name| self.place(name).1);
        let len = self.shape.dictionary * self.shape.width;
        self.values.copy_within(from..from + len, to);
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The variant.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// All parameters.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All parameters, to write.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The tensors by name, in their order; a vector is a matrix of one row.
    pub fn tensors(&self) -> impl Iterator<Item = (&'static str, MatRef<'_>)> {
        let mut start = 0;
        self.tensors.iter().map(move |&(name, rows, cols)| {
            let values = &self.values[start..start + rows * cols];
            start += rows * cols;
            (
                name,
                MatRef::new(values, rows, cols).expect("cut to this size"),
            )
        })
    }

    /// The tensor of this name.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn tensor(&self, name: &str) -> MatRef<'_> {
        let (&(_, rows, cols), start) = self.place(name);
        let values = &self.values[start..start + rows * cols];
        MatRef::new(values, rows, cols).expect("cut to this size")
    }

    /// The tensor of this name, which is a vector.
    #[track_caller]
    pub(super) fn vector(&self, name: &str) -> &[f32] {
        self.tensor(name).row(0)
    }

    /// Where the tensor of this name lies among all values.
    #[track_caller]
    pub(super) fn range(&self, name: &str) -> std::ops::Range<usize> {
        let (&(_, rows, cols), start) = self.place(name);
        start..start + rows * cols
    }

    /// As many zeros as a bias of the decoder has values.
    pub(super) fn zeros_of_width(&self) -> &[f32] {
        &self.zeros
    }

    #[track_caller]
    fn place(&self, name: &str) -> (&Tensor, usize) {
        let mut start = 0;
        for tensor in &self.tensors {
            if tensor.0 == name {
                return (tensor, start);
            }
            start += tensor.1 * tensor.2;
        }
        panic!("no tensor {name:?} in {:?}", self.variant);
    }

    /// The tensors of these names, to write all at once.
    ///
    /// # Panics
    /// If there is no such tensor, or a name stands twice.
    #[track_caller]
    pub fn tensors_mut<const N: usize>(&mut self, names: [&str; N]) -> [MatMut<'_>; N] {
        let mut found = [const { None }; N];
        let mut values = self.values.as_mut_slice();
        for &(name, rows, cols) in &self.tensors {
            let (tensor, rest) = values.split_at_mut(rows * cols);
            values = rest;
            if let Some(at) = names.iter().position(|&wanted| wanted == name) {
                found[at] = Some(MatMut::new(tensor, rows, cols).expect("cut to this size"));
            }
        }
        let mut names = names.into_iter();
        found.map(|tensor| {
            let name = names.next().expect("as many");
            tensor.unwrap_or_else(|| panic!("no tensor {name:?}, or twice"))
        })
    }

    /// The dictionary, n×d: rows are its elements. Those of [`TiedL1`](super::TiedL1) count by their
    /// direction alone.
    pub fn dictionary(&self) -> MatRef<'_> {
        self.tensor("w_dec")
    }

    /// The bias of the decoder, d values: all zero where a variant has none.
    pub fn b_dec(&self) -> &[f32] {
        match self.tensors.iter().any(|tensor| tensor.0 == "b_dec") {
            true => self.vector("b_dec"),
            false => &self.zeros,
        }
    }
}
