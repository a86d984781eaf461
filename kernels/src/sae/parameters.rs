//! The parameters of a sparse autoencoder, in one piece of memory.

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
/// All of them are one slice, tensor after tensor, matrices row-major, so an optimiser or a
/// checkpoint needs to know nothing of what they mean. Which tensors there are, the variant says; a
/// plain one has `w_enc` (n×d), `b_enc` (n), `w_dec` (n×d) and `b_dec` (d). Weights are outputs × inputs, except those
/// of which each element has a row as their input: `w_dec`, and `w_lateral` of [`Lista`](super::Lista). Those which read
/// x are n×d_in in a transcoder, whose skip connection is `w_skip` (d×d_in).
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    task: Task,
    variant: Variant,
    pub(super) tensors: Tensors,
}

impl Parameters {
    /// Parameters that are all zero, of an autoencoder of some [`Shape`], or for another [`Task`].
    ///
    /// # Panics
    /// If the variant's settings make no sense for the shape, or it cannot be a transcoder and is to be one.
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

    /// Parameters to start training from: as many random directions of norm 1 as there are elements are the rows of the
    /// dictionary and those of the encoder, and biases are 0. In a transcoder the dictionary and the skip connection are
    /// 0: it begins with the best constant, once its bias has learnt that, as those of sparsify do. `normals` draws from a
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
        // The portable instructions, so that machines of an architecture start from the same weights.
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

    /// What the model reads and what it reconstructs.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The width of what is reconstructed, and the number of elements.
    pub fn shape(&self) -> Shape {
        self.task.shape()
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
        let same = self.tensors.set_list(tensors(self.task, variant));
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

/// The tensors of a variant for a task.
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
