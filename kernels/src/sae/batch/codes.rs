//! The codes of a batch, the gradient with respect to them, and the products of both with dense matrices: on the active
//! entries alone, or dense where many entries are active.

use super::decoder::{self, Decoder, Reconstruction, densify};
use super::entries::Entries;
use super::prefixes;
use super::transposed::Transposed;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::{MatMut, MatRef};
use crate::sae::backward;

/// The share of active entries from which on dense products are faster than sparse products.
///
/// Measured on two threads with AVX-512 (Zen 5): a gradient at d = 512, n = 4,096, B = 2,048 takes 99 to 125 ms by
/// dense products, and by sparse ones 22 ms at a share of 0.002, 45 at 0.05, 69 at 0.1, 124 at 0.2, 186 at 0.3. The
/// curves cross just below 0.2, and for d = 256, n = B = 1,024 between 0.2 and 0.3.
/// `cargo run --release -p benches --bin density` measures them.
pub const DENSE: f64 = 0.2;

/// The codes f of a batch, B×n, and the gradient with respect to them at their entries.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    pub(crate) entries: Entries,
    /// The gradient with respect to the codes, later with respect to the pre-activations, at the entries.
    deltas: Vec<f32>,
    /// The share of active entries from which on products are dense.
    dense_from: f64,
    /// Room for all B×n values of a dense matrix.
    dense: Vec<f32>,
    transposed: Transposed,
}

/// The values at the entries of which a product is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// The codes.
    Codes,
    /// The gradient with respect to the codes.
    Deltas,
}

impl Codes {
    /// Returns codes of n values with room for up to `capacity` samples.
    pub(crate) fn new(capacity: usize, n: usize) -> Codes {
        Codes {
            entries: Entries::new(capacity, n),
            deltas: vec![0.0; capacity * n],
            dense_from: DENSE,
            dense: vec![0.0; capacity * n],
            transposed: Transposed::new(capacity, n),
        }
    }

    /// Returns the number of bytes that [`new`](Self::new) allocates.
    pub(crate) fn bytes(capacity: usize, n: usize) -> usize {
        Entries::bytes(capacity, n)
            + 2 * size_of::<f32>() * capacity * n
            + Transposed::bytes(capacity, n)
    }

    pub(crate) fn set_dense_from(&mut self, share: f64) {
        self.dense_from = share;
    }

    fn is_dense(&self) -> bool {
        self.as_ref().density() >= self.dense_from
    }

    /// Returns the codes.
    pub(crate) fn as_ref(&self) -> SparseRef<'_> {
        self.entries.as_ref()
    }

    /// Returns the gradient with respect to the codes.
    pub(crate) fn deltas(&self) -> SparseRef<'_> {
        let codes = self.as_ref();
        codes.with_values(&self.deltas[..codes.entries()])
    }

    /// Returns the codes, and the gradient with respect to each of their entries, for writing.
    pub(crate) fn with_deltas_mut(&mut self) -> (SparseRef<'_>, &mut [f32]) {
        let codes = self.entries.as_ref();
        (codes, &mut self.deltas[..codes.entries()])
    }

    /// Computes the gradient with respect to the reconstructions, the squared error of each sample, and the gradient
    /// with respect to the codes. It has to be called before any other product on the entries, since it sorts them by
    /// columns.
    pub(crate) fn reconstruct(
        &mut self,
        exec: Exec,
        decoder: Decoder,
        x: MatRef,
        d_output: MatMut,
        errors: &mut [f64],
    ) {
        let is_dense = self.is_dense();
        let codes = self.entries.as_ref();
        let places = if is_dense {
            x.rows() * decoder.dictionary.rows()
        } else {
            0
        };
        let dense = &mut self.dense[..places];
        let out = Reconstruction {
            d_output,
            errors,
            deltas: &mut self.deltas[..codes.entries()],
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
    }

    /// Adds the gradient of the loss of reconstructions by prefixes of the dictionary to the gradient with respect to
    /// the codes, after [`reconstruct`]. See [`prefixes::reconstruct`], which writes `sums` and `errors`.
    ///
    /// [`reconstruct`]: Self::reconstruct
    pub(crate) fn reconstruct_prefixes(
        &mut self,
        exec: Exec,
        decoder: Decoder,
        prefixes: &[usize],
        x: MatRef,
        sums: MatMut,
        errors: &mut [f64],
    ) {
        if self.is_dense() {
            self.transposed.sort(self.entries.as_ref());
        }
        let (codes, deltas) = self.with_deltas_mut();
        let out = (deltas, sums, errors);
        prefixes::reconstruct(exec, decoder, prefixes, codes, x, out);
    }

    /// Adds the gradient with respect to the dictionary of the loss of reconstructions by prefixes to `out`, from the
    /// `sums` that [`reconstruct_prefixes`](Self::reconstruct_prefixes) wrote.
    pub(crate) fn add_prefix_gradients(
        &mut self,
        exec: Exec,
        prefixes: &[usize],
        sums: MatRef,
        mut out: MatMut,
    ) {
        let width = out.cols();
        for (i, level) in prefixes::levels(prefixes).enumerate() {
            let sums = sums.col_range(i * width..(i + 1) * width);
            let (_, rest) = out.reborrow().split_rows(level.start);
            let (out, _) = rest.split_rows(level.len());
            let values = self.entries.as_ref().values();
            self.transposed
                .products(exec, level, values, sums, (out, Accumulate::Add));
        }
    }

    /// Adds the gradient of a penalty to that with respect to the codes: `penalty(j)` for each entry of element j.
    pub(crate) fn add_penalty(&mut self, penalty: impl Fn(usize) -> f32) {
        let (codes, deltas) = self.with_deltas_mut();
        let mut deltas = deltas.iter_mut();
        for b in 0..codes.rows() {
            for (&j, delta) in codes.row(b).0.iter().zip(&mut deltas) {
                *delta += penalty(j as usize);
            }
        }
    }

    /// Adds the gradient of the loss term λ times the mean over the batch of Σ fⱼ to that with respect to the codes,
    /// and returns the term.
    pub(crate) fn add_l1(&mut self, lambda: f32) -> f64 {
        let (codes, deltas) = self.with_deltas_mut();
        let samples = codes.rows();
        let sum: f64 = codes.values().iter().map(|&f| f64::from(f)).sum();
        let penalty = lambda / samples as f32;
        for delta in deltas {
            *delta += penalty;
        }
        f64::from(lambda) * sum / samples as f64
    }

    /// Computes the gradient with respect to the dictionary: `out` ← Fᵀ·`d_output`.
    pub(crate) fn dictionary_gradient(&mut self, exec: Exec, d_output: MatRef, out: MatMut) {
        self.outer_products(exec, Of::Codes, d_output, (out, Accumulate::Replace));
    }

    /// Computes the gradient with respect to the weights and the bias of a layer that reads `input` and ends in the
    /// codes, where Δ is the gradient with respect to its pre-activations: `out` ← Δᵀ·`input`, or adds that to `out`,
    /// and `d_bias` ← Δᵀ1.
    pub(crate) fn layer_gradient(
        &mut self,
        exec: Exec,
        input: MatRef,
        out: (MatMut, Accumulate),
        d_bias: &mut [f32],
    ) {
        self.outer_products(exec, Of::Deltas, input, out);
        backward::column_sums(self.deltas(), d_bias);
    }

    /// Computes `out` ← Vᵀ·M, or adds that to `out`: for each element, the sum over samples of the element's value
    /// times the sample's row of M.
    fn outer_products(
        &mut self,
        exec: Exec,
        of: Of,
        matrix: MatRef,
        (out, accumulate): (MatMut, Accumulate),
    ) {
        let is_dense = self.is_dense();
        let mut values = self.entries.as_ref();
        if of == Of::Deltas {
            values = values.with_values(&self.deltas[..values.entries()]);
        }
        if is_dense {
            let dense = densified(exec, values, &mut self.dense);
            matmul(exec, dense.t(), matrix, accumulate, out);
        } else {
            let out = (out, accumulate);
            let all = 0..values.cols();
            self.transposed
                .products(exec, all, values.values(), matrix, out);
        }
    }

    /// Computes the gradient with respect to the input of the layer that ends in the codes: `out` ← Δ·`weights`.
    pub(crate) fn back_through(&mut self, exec: Exec, weights: MatRef, mut out: MatMut) {
        let is_dense = self.is_dense();
        let codes = self.entries.as_ref();
        let deltas = codes.with_values(&self.deltas[..codes.entries()]);
        if is_dense {
            let dense = densified(exec, deltas, &mut self.dense);
            matmul(exec, dense, weights, Accumulate::Replace, out);
        } else {
            for b in 0..out.rows() {
                out.row_mut(b).fill(0.0);
            }
            decoder::add_products(exec, deltas, weights, out);
        }
    }

    /// Writes the matrix Δ with its zeros to `out`.
    pub(crate) fn densify_deltas(&self, exec: Exec, out: &mut [f32]) {
        densify(exec, self.deltas(), out);
    }
}

fn densified<'a>(exec: Exec, sparse: SparseRef, room: &'a mut [f32]) -> MatRef<'a> {
    let (rows, n) = (sparse.rows(), sparse.cols());
    let room = &mut room[..rows * n];
    densify(exec, sparse, room);
    MatRef::first(room, rows, n)
}
