//! The workspace of the passes over a batch: their buffers, and the codes that they find.

use super::batch::{Batch, DENSE};
use super::layers;
use super::model::Own;
use super::parameters::Parameters;
use super::pass::Pass;
use super::screen::Screening;
use super::task::Task;
use super::tensors::W_SKIP;
use super::variants::Variant;
use crate::machine::exec::Exec;
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

/// The codes of one batch, and the buffers that the passes over it need.
///
/// The buffers have room for codes without a single zero. Room that is never written takes address space, but no
/// memory. Passes allocate nothing else, except for buffers (of packed operands, of pieces of pre-activations, of
/// candidates), which each thread allocates when it first needs them, and keeps. Where an encoder is screened, its n×d
/// weights are kept as bytes, and each batch allocates a few vectors of d values.
#[derive(Clone, Debug)]
pub struct Workspace {
    task: Task,
    variant: Variant,
    capacity: usize,
    dense_from: f64,
    screening: Screening,
    /// The input x − b_dec of the encoder, B×d; empty for a transcoder.
    centred: Vec<f32>,
    /// The rest y − W_skip x that a skip connection leaves to the codes, B×d; empty where there is no skip connection.
    left: Vec<f32>,
    pub(super) batch: Batch,
    pub(super) own: Own,
}

impl Workspace {
    /// Returns a workspace for batches of up to `capacity` samples, of an autoencoder of some [`Shape`](super::Shape)
    /// or for another [`Task`].
    pub fn new(task: impl Into<Task>, variant: Variant, capacity: usize) -> Workspace {
        let task = task.into();
        let (shape, model) = (task.shape(), variant.model());
        let [centred, left] = dense_lens(task, capacity).map(|len| vec![0.0; len]);
        Workspace {
            task,
            variant,
            capacity,
            dense_from: DENSE,
            screening: Screening::Auto,
            centred,
            left,
            batch: Batch::new(shape, capacity),
            own: Own {
                values: vec![0.0; model.own_len(task.sizes(), capacity)],
                dead: Vec::with_capacity(shape.dictionary),
                of_dead: model.dead_after().map(|_| Batch::new(shape, capacity)),
            },
        }
    }

    /// Returns the size of a workspace in bytes where all codes are dense; sparse codes take a small part of it.
    pub fn bytes(task: impl Into<Task>, variant: Variant, capacity: usize) -> usize {
        let task = task.into();
        let (shape, model) = (task.shape(), variant.model());
        let batches = 1 + usize::from(model.dead_after().is_some());
        let dense: usize = dense_lens(task, capacity).iter().sum();
        size_of::<f32>() * (model.own_len(task.sizes(), capacity) + dense)
            + size_of::<u32>() * shape.dictionary
            + batches * Batch::bytes(shape, capacity)
    }

    /// Sets the share of active entries from which on dense products are used: 0 for always, infinity for never,
    /// [`DENSE`] by default. Dense and sparse products agree up to rounding.
    pub fn set_dense_from(&mut self, share: f64) {
        self.dense_from = share;
        self.batch.codes.set_dense_from(share);
        if let Some(of_dead) = &mut self.own.of_dead {
            of_dead.codes.set_dense_from(share);
        }
    }

    /// Sets the way in which codes are found, [`Screening::Auto`] by default. Every way gives the same bits.
    pub fn set_screening(&mut self, screening: Screening) {
        self.screening = screening;
        self.batch.codes.entries.set_screening(screening);
        if let Some(of_dead) = &mut self.own.of_dead {
            of_dead.codes.entries.set_screening(screening);
        }
    }

    /// Sets the elements that count as dead in an auxiliary loss: those for which `dead` returns true. There are none
    /// before the first call. [`Trainer::step`](super::Trainer::step) sets those that have not fired for long enough.
    pub fn set_dead(&mut self, dead: impl Fn(usize) -> bool) {
        let all = 0..self.task.shape().dictionary;
        self.own.dead.clear();
        self.own
            .dead
            .extend(all.filter(|&j| dead(j)).map(|j| j as u32));
    }

    /// Returns the codes of the last batch, B×n, with columns in ascending order in each row.
    pub fn codes(&self) -> SparseRef<'_> {
        self.batch.codes.as_ref()
    }

    /// Makes this a workspace for another variant of the same shape, or for the same variant with other settings. See
    /// [`Parameters::set_variant`].
    pub fn set_variant(&mut self, variant: Variant) {
        let (model, own) = (variant.model(), &mut self.own);
        let len = model.own_len(self.task.sizes(), self.capacity);
        own.values.resize(len, 0.0);
        let of_dead = model.dead_after().map(|_| {
            let new = || Batch::new(self.task.shape(), self.capacity);
            own.of_dead.take().unwrap_or_else(new)
        });
        own.of_dead = of_dead;
        self.variant = variant;
        self.set_dense_from(self.dense_from);
        self.set_screening(self.screening);
    }

    /// Returns the pass of a batch `x` through a model, with the `target` to reconstruct, if there is one, and the
    /// variant's own buffers.
    ///
    /// # Panics
    /// If this is another model's workspace, it has no room for as many samples, samples and target differ in number,
    /// their widths are not the model's, or their rows are not contiguous.
    #[track_caller]
    pub(super) fn pass<'a>(
        &'a mut self,
        exec: Exec,
        parameters: &'a Parameters,
        x: MatRef<'a>,
        target: Option<MatRef<'a>>,
    ) -> (Pass<'a>, &'a mut Own) {
        assert!(
            (self.task, self.variant) == (parameters.task(), parameters.variant()),
            "a workspace for another model than the parameters'"
        );
        let (input, width) = (self.task.input(), self.task.shape().width);
        assert!(
            x.rows() <= self.capacity && x.cols() == input,
            "a batch of {}×{} in a workspace for {}×{input}",
            x.rows(),
            x.cols(),
            self.capacity,
        );
        if let Some(target) = target {
            assert!(
                (target.rows(), target.cols()) == (x.rows(), width),
                "targets of {}×{} for {} samples, of which a model reconstructs {width} values each",
                target.rows(),
                target.cols(),
                x.rows(),
            );
        }
        let target = target.unwrap_or(MatRef::first(&[], 0, width));
        assert!(
            [x, target]
                .iter()
                .all(|rows| rows.col_stride() == 1 || rows.cols() <= 1),
            "a batch whose rows are not contiguous"
        );
        let tensors = &parameters.tensors;
        let centred = !self.task.is_transcoder();
        let input = if centred {
            let mut room = MatMut::first(&mut self.centred, x.rows(), input);
            layers::subtract_bias(exec, x, tensors.b_dec(), room.reborrow());
            room.into_ref()
        } else {
            x
        };
        let target = if self.task.has_skip() && target.rows() > 0 {
            let mut room = MatMut::first(&mut self.left, target.rows(), width);
            let w_skip = tensors.get(W_SKIP);
            matmul(exec, x, w_skip.t(), Accumulate::Replace, room.reborrow());
            layers::subtract_from(exec, target, room.reborrow());
            room.into_ref()
        } else {
            target
        };
        let pass = Pass {
            exec,
            tensors,
            input,
            centred,
            target,
            batch: &mut self.batch,
        };
        (pass, &mut self.own)
    }

    /// Returns what the encoder read of the batch `x` in its last pass, B rows.
    pub(super) fn input<'a>(&'a self, x: MatRef<'a>) -> MatRef<'a> {
        match self.task {
            Task::Autoencoder(_) => MatRef::first(&self.centred, x.rows(), x.cols()),
            Task::Transcoder { .. } => x,
        }
    }
}

/// Returns the lengths of [`Workspace::centred`] and [`Workspace::left`].
fn dense_lens(task: Task, capacity: usize) -> [usize; 2] {
    let len = |needed| {
        if needed {
            capacity * task.shape().width
        } else {
            0
        }
    };
    [len(!task.is_transcoder()), len(task.has_skip())]
}
