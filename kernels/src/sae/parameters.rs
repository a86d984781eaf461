//! The parameters of a sparse autoencoder, in one piece of memory.

use super::tensors::{Shape, Tensors, W_DEC};
use super::variants::Variant;
use crate::machine::exec::Exec;
use crate::machine::isa::Isa;
use crate::machine::portable::Portable;
use crate::matrix::dictionary;
use crate::matrix::view::{MatMut, MatRef};

/// The parameters of a sparse autoencoder, or a gradient with respect to them.
///
/// All of them are one slice, tensor after tensor, matrices row-major, so an optimiser or a
/// checkpoint needs to know nothing of what they mean. Which tensors there are, the variant says; a
/// plain one has `w_enc` (n×d), `b_enc` (n), `w_dec` (n×d) and `b_dec` (d). Weights are outputs × inputs, except those
/// of which each element has a row as their input: `w_dec`, and `w_lateral` of [`Lista`](super::Lista).
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    variant: Variant,
    pub(super) tensors: Tensors,
}

impl Parameters {
    /// Parameters that are all zero.
    ///
    /// # Panics
    /// If the variant's settings make no sense for the shape.
    #[track_caller]
    pub fn zeros(shape: Shape, variant: Variant) -> Parameters {
        variant.model().check(shape);
        Parameters {
            variant,
            tensors: Tensors::zeros(shape, variant.model().tensors(shape)),
        }
    }

    /// Parameters to start training from: the dictionary's rows have random directions and norm 1, the
    /// encoder is its transpose, and biases are 0. `normals` draws from a standard normal distribution.
    ///
    /// # Panics
    /// If [`zeros`](Self::zeros) would panic.
    #[track_caller]
    pub fn initial(shape: Shape, variant: Variant, mut normals: impl FnMut() -> f32) -> Parameters {
        let mut parameters = Parameters::zeros(shape, variant);
        let tensors = &mut parameters.tensors;
        tensors.fill_with_starts();
        let mut rows = tensors.get_mut(W_DEC);
        for j in 0..shape.dictionary {
            rows.row_mut(j).fill_with(&mut normals);
        }
        // The portable instructions, so that all machines start from the same weights.
        dictionary::normalise(Exec::serial(Isa::Portable(Portable)), rows);
        variant.model().initialise(tensors, &mut normals);
        parameters
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.tensors.shape()
    }

    /// The variant.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// Makes these the parameters of another variant, or of the same one with other settings, as a schedule of
    /// penalties wants it. A workspace and a gradient for them have to follow:
    /// [`Trainer::set_variant`](super::Trainer::set_variant) sets all of them.
    ///
    /// # Panics
    /// If the variant has other tensors, or its settings make no sense for the shape.
    #[track_caller]
    pub fn set_variant(&mut self, variant: Variant) {
        let shape = self.shape();
        variant.model().check(shape);
        let same = self.tensors.set_list(variant.model().tensors(shape));
        assert!(
            same,
            "{variant:?} has other tensors than {:?}",
            self.variant
        );
        self.variant = variant;
    }

    /// All parameters.
    pub fn values(&self) -> &[f32] {
        self.tensors.values()
    }

    /// All parameters, to write.
    pub fn values_mut(&mut self) -> &mut [f32] {
        self.tensors.values_mut()
    }

    /// The tensors by name, in their order; a vector is a matrix of one row.
    pub fn tensors(&self) -> impl Iterator<Item = (&'static str, MatRef<'_>)> {
        self.tensors.iter()
    }

    /// The tensor of this name; a vector is a matrix of one row.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn tensor(&self, name: &str) -> MatRef<'_> {
        self.tensors.by_name(name)
    }

    /// The tensors of these names, to write all at once; a vector is a matrix of one row.
    ///
    /// # Panics
    /// If there is no such tensor, or a name stands twice.
    #[track_caller]
    pub fn tensors_mut<const N: usize>(&mut self, names: [&str; N]) -> [MatMut<'_>; N] {
        self.tensors.by_name_mut(names)
    }

    /// The dictionary, n×d: rows are its elements. Those of [`TiedL1`](super::TiedL1) count by their
    /// direction alone.
    pub fn dictionary(&self) -> MatRef<'_> {
        self.tensors.dictionary()
    }

    /// The bias of the decoder, d values: all zero where a variant has none.
    pub fn b_dec(&self) -> &[f32] {
        self.tensors.b_dec()
    }
}
