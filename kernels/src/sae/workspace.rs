//! The room that passes over batches work in.

use super::batch::{Batch, DENSE};
use super::model::Own;
use super::parameters::Parameters;
use super::pass::Pass;
use super::tensors::Shape;
use super::variants::Variant;
use crate::machine::exec::Exec;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::MatRef;

/// The codes of one batch, and room for the gradients on the way back.
///
/// It has room for codes without a single zero. What the codes at hand do not need takes address space, but no memory.
/// Passes allocate nothing beside it, but for buffers of packed operands, which each thread makes when it first needs
/// them, and keeps.
#[derive(Clone, Debug)]
pub struct Workspace {
    shape: Shape,
    variant: Variant,
    capacity: usize,
    dense_from: f64,
    pub(super) batch: Batch,
    pub(super) own: Own,
}

impl Workspace {
    /// Room for batches of up to `capacity` samples.
    pub fn new(shape: Shape, variant: Variant, capacity: usize) -> Workspace {
        let model = variant.model();
        Workspace {
            shape,
            variant,
            capacity,
            dense_from: DENSE,
            batch: Batch::new(shape, capacity),
            own: Own {
                values: vec![0.0; model.own_len(shape, capacity)],
                dead: Vec::with_capacity(shape.dictionary),
                of_dead: model.dead_after().map(|_| Batch::new(shape, capacity)),
            },
        }
    }

    /// The size of a workspace in bytes where all codes are dense; sparse ones take a small part of it.
    pub fn bytes(shape: Shape, variant: Variant, capacity: usize) -> usize {
        let model = variant.model();
        let batches = 1 + usize::from(model.dead_after().is_some());
        size_of::<f32>() * model.own_len(shape, capacity)
            + size_of::<u32>() * shape.dictionary
            + batches * Batch::bytes(shape, capacity)
    }

    /// Sets the share of active entries from which dense products are used, [`DENSE`] unless set: 0 for always,
    /// infinity for never. Both ways agree to rounding.
    pub fn set_dense_from(&mut self, share: f64) {
        self.dense_from = share;
        self.batch.codes.set_dense_from(share);
        if let Some(of_dead) = &mut self.own.of_dead {
            of_dead.codes.set_dense_from(share);
        }
    }

    /// Says which elements count as dead in an auxiliary loss: none, unless this is called.
    /// [`Trainer::step`](super::Trainer::step) does, by how long they have not fired.
    pub fn set_dead(&mut self, dead: impl Fn(usize) -> bool) {
        let all = 0..self.shape.dictionary;
        self.own.dead.clear();
        self.own
            .dead
            .extend(all.filter(|&j| dead(j)).map(|j| j as u32));
    }

    /// The codes of the last batch, B×n, columns rising in each row.
    pub fn codes(&self) -> SparseRef<'_> {
        self.batch.codes.as_ref()
    }

    /// Makes this a workspace for another variant of the same shape, or for the same one with other settings. See
    /// [`Parameters::set_variant`].
    pub fn set_variant(&mut self, variant: Variant) {
        let (model, own) = (variant.model(), &mut self.own);
        let len = model.own_len(self.shape, self.capacity);
        own.values.resize(len, 0.0);
        let of_dead = model.dead_after().map(|_| {
            let new = || Batch::new(self.shape, self.capacity);
            own.of_dead.take().unwrap_or_else(new)
        });
        own.of_dead = of_dead;
        self.variant = variant;
        self.set_dense_from(self.dense_from);
    }

    /// The pass of a batch through a model, and the variant's own room.
    ///
    /// # Panics
    /// If this is another model's workspace, has no room for as many samples, or rows are not d long.
    #[track_caller]
    pub(super) fn pass<'a>(
        &'a mut self,
        exec: Exec,
        parameters: &'a Parameters,
        x: MatRef<'a>,
    ) -> (Pass<'a>, &'a mut Own) {
        assert!(
            (self.shape, self.variant) == (parameters.shape(), parameters.variant()),
            "a workspace for another model than the parameters'"
        );
        assert!(
            x.rows() <= self.capacity && x.cols() == self.shape.width,
            "a batch of {}×{} in a workspace for {}×{}",
            x.rows(),
            x.cols(),
            self.capacity,
            self.shape.width
        );
        assert!(
            x.col_stride() == 1 || x.cols() <= 1,
            "a batch whose rows are not contiguous"
        );
        let pass = Pass {
            exec,
            tensors: &parameters.tensors,
            x,
            batch: &mut self.batch,
        };
        (pass, &mut self.own)
    }
}
