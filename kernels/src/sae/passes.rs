//! The passes that variants share, from the codes of a batch to gradients: each on the active entries, or
//! by dense products where the codes are dense.

use super::backward::{self, By};
use super::decoder::{self, Decoder, Reconstruction, densify};
use super::{Losses, Workspace};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::view::{MatMut, MatRef};

impl Workspace {
    fn is_dense(&self) -> bool {
        self.codes.as_ref().density() >= self.dense_from
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
        self.reconstruct_weighted(exec, dictionary, b_dec, x, 1.0)
    }

    /// The same, with the gradients times `weight`.
    pub(super) fn reconstruct_weighted(
        &mut self,
        exec: Exec,
        dictionary: MatRef,
        b_dec: &[f32],
        x: MatRef,
        weight: f32,
    ) -> Losses {
        let (rows, cols) = (x.rows(), x.cols());
        let is_dense = self.is_dense();
        let dense = if is_dense {
            rows * dictionary.rows()
        } else {
            0
        };
        let codes = self.codes.as_ref();
        let out = Reconstruction {
            d_output: MatMut::new(&mut self.d_output[..rows * cols], rows, cols)
                .expect("cut to size"),
            errors: &mut self.errors[..rows],
            deltas: &mut self.deltas[..codes.entries()],
        };
        let dense = &mut self.dense[..dense];
        let decoder = Decoder {
            dictionary,
            b_dec,
            weight,
        };
        let transposed = &mut self.transposed;
        par::join(
            exec,
            || decoder::reconstruct(exec, decoder, x, codes, dense, out),
            || {
                if !is_dense {
                    transposed.sort(codes);
                }
            },
        );
        let total: f64 = self.errors[..rows].iter().sum();
        Losses {
            reconstruction: total / rows as f64,
            density: codes.density(),
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

    /// Adds λ times the mean over the batch of Σ fⱼ to the loss: returns that, and adds its gradient to `deltas`.
    pub(super) fn add_l1(&mut self, lambda: f32) -> f64 {
        let codes = self.codes.as_ref();
        let sum: f64 = codes.values().iter().map(|&f| f64::from(f)).sum();
        let penalty = lambda / self.batch as f32;
        for delta in &mut self.deltas[..codes.entries()] {
            *delta += penalty;
        }
        f64::from(lambda) * sum / self.batch as f64
    }

    /// `sums[j]` ← Σ over samples of the codes of element j.
    pub(super) fn code_sums(&self, sums: &mut [f32]) {
        backward::column_sums(self.codes.as_ref(), sums);
    }

    /// The gradient with respect to the dictionary: `out` ← Fᵀ·`d_output`.
    pub(super) fn dictionary_gradient(&mut self, exec: Exec, out: MatMut) {
        let d_output = std::mem::take(&mut self.d_output);
        let (rows, cols) = (self.batch, self.shape.width);
        let view = MatRef::new(&d_output[..rows * cols], rows, cols).expect("cut to size");
        self.outer_products(exec, false, view, out, Accumulate::Overwrite);
        self.d_output = d_output;
    }

    /// The gradient with respect to the weights of a layer that reads `input` and ends in the codes: `out` ← Δᵀ·`input`,
    /// or added to it, and `d_bias` ← Δᵀ1.
    pub(super) fn layer_gradient(
        &mut self,
        exec: Exec,
        input: MatRef,
        (out, accumulate): (MatMut, Accumulate),
        d_bias: &mut [f32],
    ) {
        self.outer_products(exec, true, input, out, accumulate);
        let codes = self.codes.as_ref();
        let deltas = codes.with_values(&self.deltas[..codes.entries()]);
        backward::column_sums(deltas, d_bias);
    }

    /// [`layer_gradient`](Self::layer_gradient) of a layer that reads x − `b_dec`.
    pub(super) fn linear_gradient(
        &mut self,
        exec: Exec,
        out: (MatMut, Accumulate),
        d_bias: &mut [f32],
    ) {
        let centred = std::mem::take(&mut self.centred);
        let (rows, cols) = (self.batch, self.shape.width);
        let view = MatRef::new(&centred[..rows * cols], rows, cols).expect("cut to size");
        self.layer_gradient(exec, view, out, d_bias);
        self.centred = centred;
    }

    /// Vᵀ·M for V the codes, or the gradient with respect to them.
    fn outer_products(
        &mut self,
        exec: Exec,
        of_deltas: bool,
        matrix: MatRef,
        out: MatMut,
        accumulate: Accumulate,
    ) {
        let is_dense = self.is_dense();
        let mut values = self.codes.as_ref();
        if of_deltas {
            values = values.with_values(&self.deltas[..values.entries()]);
        }
        let by = if is_dense {
            By::Dense(&mut self.dense[..values.rows() * values.cols()])
        } else {
            By::Entries(&mut self.transposed)
        };
        backward::outer_products(exec, by, values, matrix, (out, accumulate));
    }

    /// The gradient with respect to what the layer reads that ends in the codes: `out` ← Δ·`weights`.
    pub(super) fn back_through(&mut self, exec: Exec, weights: MatRef, mut out: MatMut) {
        let is_dense = self.is_dense();
        let codes = self.codes.as_ref();
        let deltas = codes.with_values(&self.deltas[..codes.entries()]);
        if is_dense {
            let (rows, n) = (codes.rows(), codes.cols());
            let dense = &mut self.dense[..rows * n];
            densify(exec, deltas, dense);
            let dense = MatRef::new(dense, rows, n).expect("cut to size");
            matmul(exec, out, Accumulate::Overwrite, dense, weights);
        } else {
            for b in 0..out.rows() {
                out.row(b).fill(0.0);
            }
            decoder::add_products(exec, deltas, weights, out);
        }
    }

    /// `out` ← Δ, zeros included.
    pub(super) fn densify_deltas(&self, exec: Exec, out: &mut [f32]) {
        let codes = self.codes.as_ref();
        densify(
            exec,
            codes.with_values(&self.deltas[..codes.entries()]),
            out,
        );
    }
}
