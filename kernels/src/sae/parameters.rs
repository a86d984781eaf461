//! The parameters of a sparse autoencoder, in one slice.

use super::layers;
use super::task::Task;
use super::tensors::{Shape, Tensor, Tensors, W_DEC, W_SKIP};
use super::variants::Variant;
use crate::machine::exec::Exec;
use crate::machine::isa::Isa;
use crate::machine::portable::Portable;
use crate::matrix::dictionary;
use crate::matrix::view::{MatMut, MatRef};

/// The parameters of a sparse autoencoder, or a gradient with respect to them.
///
/// All parameters are one slice, tensor after tensor, matrices row-major, so an optimiser or a checkpoint needs to know
/// nothing of what they mean. The variant says which tensors there are; those of a linear encoder and decoder are
/// `w_enc` (n×d), `b_enc` (n), `w_dec` (n×d) and `b_dec` (d). Weights are outputs × inputs, except for `w_dec`, and
/// `w_lateral` of [`Lista`](super::Lista), which have a row for each element as their input. In a transcoder, the
/// weights that x is multiplied by have d_in columns, and the skip connection is `w_skip` (d×d_in).
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    task: Task,
    variant: Variant,
    pub(super) tensors: Tensors,
}

impl Parameters {
    /// Returns parameters that are all zero, of an autoencoder of some [`Shape`], or for another [`Task`].
    ///
    /// # Panics
    /// If the variant's settings are not valid for the shape, or the task is a transcoder and the variant cannot be
    /// one.
    #[track_caller]
    pub fn zeros(task: impl Into<Task>, variant: Variant) -> Parameters {
        let task = task.into();
        let list = tensors(task, variant);
        Parameters {
            task,
            variant,
            tensors: Tensors::zeros(task.shape(), list),
        }
    }

    /// Returns parameters to start training from. The rows of the dictionary and those of the encoder are the same
    /// random directions of norm 1, and biases are 0. In a transcoder the dictionary and the skip connection are 0, as
    /// in sparsify: its reconstructions begin as its bias alone, which learns the best constant. `normals` draws from a
    /// standard normal distribution.
    ///
    /// # Panics
    /// If [`zeros`](Self::zeros) would panic.
    #[track_caller]
    pub fn initial(
        task: impl Into<Task>,
        variant: Variant,
        mut normals: impl FnMut() -> f32,
    ) -> Parameters {
        let task = task.into();
        let mut parameters = Parameters::zeros(task, variant);
        let tensors = &mut parameters.tensors;
        tensors.fill_with_starts();
        let (rows, cols) = (task.shape().dictionary, task.input());
        let mut directions: Vec<f32> = (0..rows * cols).map(|_| normals()).collect();
        let mut directions = MatMut::first(&mut directions, rows, cols);
        // With the portable instructions, all machines of an architecture start from the same weights.
        dictionary::normalise(Exec::serial(Isa::Portable(Portable)), directions.reborrow());
        let directions = directions.as_ref();
        variant
            .model()
            .initialise(tensors, directions, &mut normals);
        if !task.is_transcoder() {
            layers::copy(directions, tensors.get_mut(W_DEC));
        }
        parameters
    }

    /// Returns what the model reads and what it reconstructs.
    pub fn task(&self) -> Task {
        self.task
    }

    /// Returns the width of what is reconstructed, and the number of elements.
    pub fn shape(&self) -> Shape {
        self.task.shape()
    }

    /// Returns the variant.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// Makes these the parameters of another variant, or of the same variant with other settings, so as to follow a
    /// schedule of penalties. The workspace and the gradient that belong to them have to be changed too:
    /// [`Trainer::set_variant`](super::Trainer::set_variant) changes all of them.
    ///
    /// # Panics
    /// If the variant has other tensors, or its settings make no sense for the shape.
    #[track_caller]
    pub fn set_variant(&mut self, variant: Variant) {
        let same = self.tensors.set_list(tensors(self.task, variant));
        assert!(
            same,
            "{variant:?} has other tensors than {:?}",
            self.variant
        );
        self.variant = variant;
    }

    /// Returns all parameters.
    pub fn values(&self) -> &[f32] {
        self.tensors.values()
    }

    /// Returns all parameters, for writing.
    pub fn values_mut(&mut self) -> &mut [f32] {
        self.tensors.values_mut()
    }

    /// Returns the tensors by name, in their order; a vector is a matrix of one row.
    pub fn tensors(&self) -> impl Iterator<Item = (&'static str, MatRef<'_>)> {
        self.tensors.iter()
    }

    /// Returns the tensor of this name; a vector is a matrix of one row.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[track_caller]
    pub fn tensor(&self, name: &str) -> MatRef<'_> {
        self.tensors.by_name(name)
    }

    /// Returns the tensors of these names, for writing all at once; a vector is a matrix of one row.
    ///
    /// # Panics
    /// If there is no such tensor, or a name occurs twice.
    #[track_caller]
    pub fn tensors_mut<const N: usize>(&mut self, names: [&str; N]) -> [MatMut<'_>; N] {
        self.tensors.by_name_mut(names)
    }

    /// Returns the dictionary, n×d, whose rows are its elements. Of the elements of [`TiedL1`](super::TiedL1), only the
    /// directions count.
    pub fn dictionary(&self) -> MatRef<'_> {
        self.tensors.dictionary()
    }

    /// Returns the bias of the decoder, d values; all are zero where a variant has no such bias.
    pub fn b_dec(&self) -> &[f32] {
        self.tensors.b_dec()
    }
}

/// Returns the tensors of a variant for a task.
///
/// # Panics
/// If the variant's settings are not valid for the shape, or the task is a transcoder and the variant cannot be one.
#[track_caller]
fn tensors(task: Task, variant: Variant) -> Vec<Tensor> {
    let model = variant.model();
    model.check(task.shape());
    assert!(
        model.transcodes() || !task.is_transcoder(),
        "{variant:?} as a transcoder: it has one matrix for encoder and decoder, so it reconstructs what it reads"
    );
    let mut list = model.tensors(task.sizes());
    if task.has_skip() {
        list.push(W_SKIP.of(task.shape().width, task.input()));
    }
    list
}
