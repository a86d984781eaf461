//! The decoder: reconstructions of codes, their errors, and the gradient with respect to the codes.

use crate::function::elementwise::{Sub, zip};
use crate::function::vector::{dot, scale, square};
use crate::machine::exec::Exec;
use crate::machine::par::{self, RowOp};
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::Simd;
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::sparse::{EntriesMut, SparseRef, add_row_product};
use crate::matrix::view::{MatMut, MatRef};

/// The number of samples that is worth another thread.
const LEAF: usize = 16;

/// Computes x̂ ← `W_decᵀ f + b_dec`.
pub(crate) fn decode(exec: Exec, decoder: Decoder, codes: SparseRef, mut x_hat: MatMut) {
    for b in 0..x_hat.rows() {
        x_hat.row_mut(b).copy_from_slice(decoder.b_dec);
    }
    add_products(exec, codes, decoder.dictionary, x_hat);
}

/// Computes out ← out + S·M for a sparse matrix S.
pub(super) fn add_products(exec: Exec, sparse: SparseRef, matrix: MatRef, out: MatMut) {
    #[derive(Clone, Copy)]
    struct Products<'a>(MatRef<'a>);
    impl<'a> RowOp<(SparseRef<'a>, MatMut<'a>)> for Products<'_> {
        const PART: Part = Part::Decoding;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, (sparse, mut out): (SparseRef, MatMut)) {
            for b in 0..sparse.rows() {
                add_row_product(s, sparse.row(b), self.0, out.row_mut(b));
            }
        }
    }
    let work = || sparse.work(matrix.cols());
    par::run(exec, Products(matrix), (sparse, out), LEAF, work);
}

/// A decoder, which reconstructs samples from codes, and the weight of its error in the loss.
#[derive(Clone, Copy)]
pub(crate) struct Decoder<'a> {
    pub(crate) dictionary: MatRef<'a>,
    pub(crate) b_dec: &'a [f32],
    /// The factor of the mean of ‖e‖² in the loss.
    pub(crate) weight: f32,
}

impl<'a> Decoder<'a> {
    /// Returns the decoder of a loss in which the mean of ‖e‖² has the weight 1.
    pub(crate) fn new(dictionary: MatRef<'a>, b_dec: &'a [f32]) -> Self {
        Decoder {
            dictionary,
            b_dec,
            weight: 1.0,
        }
    }
}

/// The results that [`reconstruct`] writes.
pub(super) struct Reconstruction<'a> {
    /// The gradient with respect to the reconstructions, weight·2e/B, B×d.
    pub(super) d_output: MatMut<'a>,
    /// The squared error ‖e‖² of each sample.
    pub(super) errors: &'a mut [f64],
    /// The gradient with respect to the codes, at their entries: `d_output · W_dec,j`.
    pub(super) deltas: &'a mut [f32],
}

/// Computes e = x̂ − x for x̂ = `W_decᵀ f + b_dec`, and the gradient of `weight` times the mean of ‖e‖².
///
/// Where `dense` is not empty, it is room for B×n values, and products are those of dense matrices. Otherwise products
/// are taken on the entries alone.
pub(super) fn reconstruct(
    exec: Exec,
    decoder: Decoder,
    x: MatRef,
    codes: SparseRef,
    dense: &mut [f32],
    out: Reconstruction,
) {
    let dictionary = decoder.dictionary;
    let Reconstruction {
        mut d_output,
        errors,
        deltas,
    } = out;
    let step = Step {
        decoder,
        factor: 2.0 * decoder.weight / x.rows() as f32,
        entries: dense.is_empty(),
    };
    if !dense.is_empty() {
        densify(exec, codes, dense);
        let (rows, n) = (codes.rows(), codes.cols());
        let (f, x_hat) = (MatRef::first(dense, rows, n), d_output.reborrow());
        matmul(exec, f, dictionary, Accumulate::Replace, x_hat);
    }
    let places = EntriesMut::new(codes, &mut *deltas);
    let samples = (codes, places, x, d_output.reborrow(), errors);
    par::run(exec, step, samples, LEAF, || step.work(codes));
    if !dense.is_empty() {
        let (rows, n) = (codes.rows(), codes.cols());
        let (e, products) = (d_output.as_ref(), MatMut::first(dense, rows, n));
        matmul(exec, e, dictionary.t(), Accumulate::Replace, products);
        pick(exec, codes, MatRef::first(dense, rows, n), deltas);
    }
}

#[derive(Clone, Copy)]
struct Step<'a> {
    decoder: Decoder<'a>,
    /// The factor weight·2/B by which errors become gradients.
    factor: f32,
    /// Whether products with the dictionary are taken on the entries.
    entries: bool,
}

impl Step<'_> {
    fn work(self, codes: SparseRef) -> Work {
        let width = self.decoder.b_dec.len();
        let n = codes.rows() * width;
        // Offset, squared error and scaling.
        let dense = Work::new(5 * n, 2 * n);
        if !self.entries {
            return dense;
        }
        // Reconstructions and products with the same elements, which are read once.
        let sparse = codes.work(width);
        Work {
            flops: dense.flops + 2 * sparse.flops,
            bytes: sparse.bytes + 4 * n as u64,
        }
    }
}

/// The operands of a [`Step`]: codes, the gradient with respect to them, samples, errors, and the squares of the
/// errors' norms.
type Samples<'a> = (
    SparseRef<'a>,
    EntriesMut<'a>,
    MatRef<'a>,
    MatMut<'a>,
    &'a mut [f64],
);

impl<'a> RowOp<Samples<'a>> for Step<'_> {
    const PART: Part = Part::Decoding;

    #[inline(always)]
    fn run<S: Simd>(self, s: S, samples: Samples) {
        let Step {
            decoder: Decoder {
                dictionary, b_dec, ..
            },
            factor,
            entries,
        } = self;
        let (codes, mut deltas, x, mut d_output, errors) = samples;
        for (b, error) in errors.iter_mut().enumerate() {
            let (x, e) = (x.row(b), d_output.row_mut(b));
            if entries {
                zip(s, Sub, b_dec, x, e);
                add_row_product(s, codes.row(b), dictionary, e);
            } else {
                for ((e, x), b) in e
                    .chunks_mut(S::LANES)
                    .zip(x.chunks(S::LANES))
                    .zip(b_dec.chunks(S::LANES))
                {
                    let offset = s.sub(s.load_partial(b), s.load_partial(x));
                    s.store_partial(s.add(s.load_partial(e), offset), e);
                }
            }
            *error = square(s, e);
            scale(s, factor, e);
            if entries {
                // The elements of this code are in cache from the reconstruction.
                let (columns, _) = codes.row(b);
                for (delta, &j) in deltas.row(b).iter_mut().zip(columns) {
                    *delta = dot(s, e, dictionary.row(j as usize));
                }
            }
        }
    }
}

/// Writes a sparse matrix with all its zeros to `dense`.
pub(super) fn densify(exec: Exec, sparse: SparseRef, dense: &mut [f32]) {
    let (rows, n) = (sparse.rows(), sparse.cols());
    profile::call(Part::Sorting, || {
        Work::new(0, 2 * sparse.entries() + rows * n)
    });
    let dense = MatMut::first(dense, rows, n);
    par::share_timed(Part::Sorting, exec, LEAF, (sparse, dense), &|(
        sparse,
        mut dense,
    )| {
        for b in 0..sparse.rows() {
            let row = dense.row_mut(b);
            row.fill(0.0);
            let (columns, values) = sparse.row(b);
            for (&j, &value) in columns.iter().zip(values) {
                row[j as usize] = value;
            }
        }
    });
}

/// Writes the values of a dense matrix at the entries of a sparse matrix to `out`.
fn pick(exec: Exec, entries: SparseRef, dense: MatRef, out: &mut [f32]) {
    profile::call(Part::Sorting, || Work::new(0, 3 * entries.entries()));
    let work = (entries, dense, EntriesMut::new(entries, out));
    par::share_timed(Part::Sorting, exec, LEAF, work, &|(
        entries,
        dense,
        mut out,
    )| {
        for b in 0..entries.rows() {
            let (columns, _) = entries.row(b);
            for (out, &j) in out.row(b).iter_mut().zip(columns) {
                *out = dense.row(b)[j as usize];
            }
        }
    });
}
