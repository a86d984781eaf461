//! What a pass over a batch leaves behind, and the room it works in.

use super::codes::Codes;
use super::transposed::Transposed;
use super::{Parameters, Shape, Variant, encoder};
use crate::machine::exec::Exec;
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};

/// Share of active entries from which dense products are faster than sparse ones.
///
/// Measured on two threads with AVX-512 (Zen 5): a gradient at d = 512, n = 4,096, B = 2,048 takes 99 to 125 ms by dense
/// products, and by sparse ones 22 ms at a share of 0.002, 45 at 0.05, 69 at 0.1, 124 at 0.2, 186 at 0.3. The curves
/// cross just below 0.2, and for d = 256, n = B = 1,024 between 0.2 and 0.3.
/// `cargo run --release -p benches --bin density` measures them.
pub const DENSE: f64 = 0.2;

/// The codes of one batch, and room for the gradients on the way back.
///
/// It has room for codes without a single zero, and allocates nothing later on; what the codes at
/// hand do not need takes address space, but no memory.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub(super) shape: Shape,
    variant: Variant,
    capacity: usize,
    pub(super) dense_from: f64,
    /// Samples of the last batch.
    pub(super) batch: usize,
    /// x − b_dec, B×d.
    pub(super) centred: Vec<f32>,
    pub(super) codes: Codes,
    /// The gradient with respect to the pre-activations, at the entries of the codes.
    pub(super) deltas: Vec<f32>,
    /// The gradient with respect to the reconstructions, B×d.
    pub(super) d_output: Vec<f32>,
    /// ‖e‖² of each sample.
    pub(super) errors: Vec<f64>,
    /// Room for B×n values.
    pub(super) dense: Vec<f32>,
    pub(super) transposed: Transposed,
    /// The variant's own.
    pub(super) own: Vec<f32>,
    /// Elements that count as dead.
    pub(super) dead: Vec<u32>,
    /// For a pass over the dead elements alone.
    pub(super) auxiliary: Option<Box<Workspace>>,
}

impl Workspace {
    /// Room for batches of up to `capacity` samples.
    pub fn new(shape: Shape, variant: Variant, capacity: usize) -> Workspace {
        let Shape { width, dictionary } = shape;
        let auxiliary = variant.model().auxiliary();
        Workspace {
            shape,
            variant,
            capacity,
            dense_from: DENSE,
            batch: 0,
            centred: vec![0.0; capacity * width],
            codes: Codes::new(capacity, dictionary),
            deltas: vec![0.0; capacity * dictionary],
            d_output: vec![0.0; capacity * width],
            errors: vec![0.0; capacity],
            dense: vec![0.0; capacity * dictionary],
            transposed: Transposed::new(capacity, dictionary),
            own: vec![0.0; variant.model().own_len(shape, capacity)],
            dead: Vec::with_capacity(dictionary),
            auxiliary: auxiliary.map(|it| Box::new(Workspace::new(shape, it, capacity))),
        }
    }

    /// How many bytes a workspace takes where all codes are dense; sparse ones take a small part.
    pub fn bytes(shape: Shape, variant: Variant, capacity: usize) -> usize {
        let Shape { width, dictionary } = shape;
        let own = variant.model().own_len(shape, capacity);
        let values = 2 * capacity * (width + dictionary) + own;
        size_of::<f32>() * values
            + size_of::<f64>() * capacity
            + Codes::bytes(capacity, dictionary)
            + Transposed::bytes(capacity, dictionary)
            + size_of::<u32>() * dictionary
            + variant
                .model()
                .auxiliary()
                .map_or(0, |it| Workspace::bytes(shape, it, capacity))
    }

    /// Sets the share of active entries from which dense products are used, [`DENSE`] unless set: 0 for always,
    /// infinity for never. Both ways agree to rounding.
    pub fn set_dense_from(&mut self, share: f64) {
        self.dense_from = share;
        if let Some(auxiliary) = &mut self.auxiliary {
            auxiliary.set_dense_from(share);
        }
    }

    /// Says which elements count as dead in an auxiliary loss: none, unless this is called.
    /// [`Trainer::step`](super::Trainer::step) does, by how long they have not fired.
    pub fn set_dead(&mut self, dead: impl Fn(usize) -> bool) {
        self.dead.clear();
        let all = 0..self.shape.dictionary;
        self.dead.extend(all.filter(|&j| dead(j)).map(|j| j as u32));
    }

    /// The codes of the last batch, B×n, columns rising in each row.
    pub fn codes(&self) -> SparseRef<'_> {
        self.codes.as_ref()
    }

    #[track_caller]
    pub(super) fn begin(&self, parameters: &Parameters, x: MatRef) {
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
    }

    pub(super) fn d_output(&self) -> MatRef<'_> {
        let (rows, cols) = (self.batch, self.shape.width);
        MatRef::new(&self.d_output[..rows * cols], rows, cols).expect("cut to size")
    }

    pub(super) fn centred(&self) -> MatRef<'_> {
        let (rows, cols) = (self.batch, self.shape.width);
        MatRef::new(&self.centred[..rows * cols], rows, cols).expect("cut to size")
    }

    /// Computes x − `b_dec`.
    pub(super) fn centre(&mut self, exec: Exec, x: MatRef, b_dec: &[f32]) {
        let (rows, cols) = (x.rows(), x.cols());
        self.batch = rows;
        let out = MatMut::new(&mut self.centred[..rows * cols], rows, cols);
        encoder::subtract(exec, x, b_dec, out.expect("cut to size"));
    }
}
