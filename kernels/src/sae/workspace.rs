//! What a pass over a batch leaves behind, and the room it works in.

use super::backward::{self, By, Transposed};
use super::codes::Codes;
use super::decoder::{self, Reconstruction};
use super::{Losses, Parameters, Shape, Variant, encoder};
use crate::{Accumulate, Exec, MatMut, MatRef, SparseRef};

/// Share of active entries from which dense products are faster than sparse ones.
pub const DENSE: f64 = 0.1;

/// The codes of one batch, and room for the gradients on the way back.
///
/// It has room for codes without a single zero, and allocates nothing later on; what the codes at
/// hand do not need takes address space, but no memory.
#[derive(Clone, Debug)]
pub struct Workspace {
    shape: Shape,
    variant: Variant,
    capacity: usize,
    dense_from: f64,
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
    pub(super) errors: Vec<f32>,
    /// Room for B×n values.
    dense: Vec<f32>,
    transposed: Transposed,
    /// The variant's own.
    pub(super) own: Vec<f32>,
}

impl Workspace {
    /// Room for batches of up to `capacity` samples.
    pub fn new(shape: Shape, variant: Variant, capacity: usize) -> Workspace {
        let Shape { width, dictionary } = shape;
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
        }
    }

    /// How many bytes a workspace takes where all codes are dense; sparse ones take a small part.
    pub fn bytes(shape: Shape, variant: Variant, capacity: usize) -> usize {
        let Shape { width, dictionary } = shape;
        let own = variant.model().own_len(shape, capacity);
        let values = capacity * (2 * width + 1) + 2 * capacity * dictionary + own;
        size_of::<f32>() * values
            + Codes::bytes(capacity, dictionary)
            + Transposed::bytes(capacity, dictionary)
    }

    /// Sets the share of active entries from which dense products are used, [`DENSE`] unless set: 0 for always,
    /// infinity for never. Both ways agree to rounding.
    pub fn set_dense_from(&mut self, share: f64) {
        self.dense_from = share;
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

    /// Computes x − `b_dec`.
    pub(super) fn centre(&mut self, exec: Exec, x: MatRef, b_dec: &[f32]) {
        let (rows, cols) = (x.rows(), x.cols());
        self.batch = rows;
        let out = MatMut::new(&mut self.centred[..rows * cols], rows, cols);
        encoder::subtract(exec, x, b_dec, out.expect("cut to size"));
    }

    /// From the codes to the gradients of the reconstruction error with respect to reconstructions and codes; the
    /// latter at their entries, in `deltas`. Returns the reconstruction loss and the density.
    pub(super) fn reconstruct(
        &mut self,
        exec: Exec,
        dictionary: MatRef,
        b_dec: &[f32],
        x: MatRef,
    ) -> Losses {
        let (rows, cols) = (x.rows(), x.cols());
        let codes = self.codes.as_ref();
        let density = codes.density();
        let dense = if density >= self.dense_from {
            rows * codes.cols()
        } else {
            0
        };
        let out = Reconstruction {
            d_output: MatMut::new(&mut self.d_output[..rows * cols], rows, cols)
                .expect("cut to size"),
            errors: &mut self.errors[..rows],
            deltas: &mut self.deltas[..codes.entries()],
        };
        let dense = &mut self.dense[..dense];
        decoder::reconstruct(exec, dictionary, b_dec, x, codes, dense, out);
        let total: f64 = self.errors[..rows].iter().map(|&e| f64::from(e)).sum();
        Losses {
            reconstruction: total / rows as f64,
            density,
            ..Losses::default()
        }
    }

    /// Adds to `deltas` what a penalty brings: the same for each entry of an element.
    pub(super) fn add_penalty(&mut self, penalty: impl Fn(usize) -> f32) {
        let codes = self.codes.as_ref();
        let mut deltas = self.deltas.iter_mut();
        for b in 0..codes.rows() {
            for (&j, delta) in codes.row(b).0.iter().zip(&mut deltas) {
                *delta += penalty(j as usize);
            }
        }
    }

    /// `sums[j]` ← Σ over samples of the codes of element j.
    pub(super) fn code_sums(&self, sums: &mut [f32]) {
        backward::column_sums(self.codes.as_ref(), sums);
    }

    /// The gradients with respect to the weights of a linear encoder and the dictionary, from `deltas` and
    /// `d_output`: `d_w_dec` ← Fᵀ·`d_output`, `d_w_enc` ← Δᵀ(X − b_dec), `d_b_enc` ← Δᵀ1. With no `d_w_enc`, the
    /// two matrices are one, and their gradients are added up.
    pub(super) fn weight_gradients(
        &mut self,
        exec: Exec,
        mut d_w_dec: MatMut,
        d_w_enc: Option<MatMut>,
        d_b_enc: &mut [f32],
    ) {
        let Workspace {
            shape,
            dense_from,
            centred,
            codes,
            deltas,
            d_output,
            dense,
            transposed,
            ..
        } = self;
        let codes = codes.as_ref();
        let (rows, n) = (codes.rows(), codes.cols());
        let deltas = &deltas[..codes.entries()];
        let view = |values| MatRef::new(values, rows, shape.width).expect("cut to size");
        let centred = view(&centred[..rows * shape.width]);
        let d_output = view(&d_output[..rows * shape.width]);
        let mut by = if codes.density() >= *dense_from {
            By::Dense(&mut dense[..rows * n])
        } else {
            transposed.sort(codes);
            By::Entries(transposed)
        };
        let first = (d_w_dec.reborrow(), Accumulate::Overwrite);
        backward::outer_products(exec, &mut by, codes, d_output, first);
        let second = match d_w_enc {
            Some(d_w_enc) => (d_w_enc, Accumulate::Overwrite),
            None => (d_w_dec, Accumulate::Add),
        };
        let deltas = codes.with_values(deltas);
        backward::outer_products(exec, &mut by, deltas, centred, second);
        backward::column_sums(deltas, d_b_enc);
    }
}
