//! Measures of samples, codes and reconstructions, in one pass over any number of batches.

use crate::function::vector::{dot_f64, squared_distance_f64};
use crate::machine::exec::Exec;
use crate::machine::simd::{Op, Simd};
use crate::matrix::sparse::SparseRef;
use crate::matrix::view::MatRef;

/// Sums over samples x (d values), their reconstructions x̂ and their codes f (n values), and the measures that follow
/// from them.
///
/// All is summed in f64, sample after sample, so that the cuts between batches do not change a bit of the results.
/// Measures are NaN before the first sample, and after a NaN in the data that they are computed from; a NaN in a code
/// counts as active in [`firings`](Stream::firings).
///
/// ```
/// use kernels::metrics::Stream;
/// use kernels::{Exec, MatRef, SparseRef};
///
/// let mut stream = Stream::new(2, 3);
/// let x = [1.0, 0.0, 0.0, 1.0];
/// let halved = [0.5, 0.0, 0.0, 0.5];
/// let codes = SparseRef::new(&[0, 1, 2], &[0, 2], &[0.5, 0.5], 3)?;
/// let exec = Exec::default();
/// stream.add(exec, MatRef::new(&x, 2, 2)?, MatRef::new(&halved, 2, 2)?, codes);
/// assert_eq!((stream.squared_error(), stream.l0()), (0.25, 1.0));
/// assert_eq!((stream.reconstruction_bias(), stream.cosine_similarity()), (0.5, 1.0));
/// assert_eq!(stream.dead_fraction(), 1.0 / 3.0);
/// # Ok::<(), kernels::ShapeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    samples: u64,
    /// The sum of ‖x̂ − x‖².
    error: f64,
    /// The sum of ‖x̂‖².
    square: f64,
    /// The sum of x·x̂.
    product: f64,
    /// The sum of cos(x, x̂).
    cosine: f64,
    /// The first sample. Sums are taken from it, since what is far from 0 in all samples would cancel in the variance.
    origin: Vec<f32>,
    /// The sum of x − origin.
    offset: Vec<f64>,
    /// The sum of ‖x − origin‖².
    spread: f64,
    /// The number of active entries of all codes.
    active: u64,
    /// The sum of ‖f‖₁.
    magnitude: f64,
    /// The number of samples on which each element was active.
    firings: Vec<u64>,
}

impl Stream {
    /// Returns a stream of no samples yet, for x of d = `width` values and dictionaries of n = `dictionary` elements.
    pub fn new(width: usize, dictionary: usize) -> Stream {
        Stream {
            samples: 0,
            error: 0.0,
            square: 0.0,
            product: 0.0,
            cosine: 0.0,
            origin: vec![0.0; width],
            offset: vec![0.0; width],
            spread: 0.0,
            active: 0,
            magnitude: 0.0,
            firings: vec![0; dictionary],
        }
    }

    /// Adds a batch: samples `x` and reconstructions `x_hat`, B×d with contiguous rows, and codes, B×n.
    ///
    /// # Panics
    /// If the shapes do not match, or rows of `x` or `x_hat` are not contiguous.
    #[track_caller]
    pub fn add(&mut self, exec: Exec, x: MatRef, x_hat: MatRef, codes: SparseRef) {
        let (d, n) = (self.origin.len(), self.firings.len());
        let rows = x.rows();
        assert!(
            x.cols() == d
                && (x_hat.rows(), x_hat.cols()) == (rows, d)
                && (codes.rows(), codes.cols()) == (rows, n),
            "samples of {rows}×{}, reconstructions of {}×{} and codes of {}×{} in a stream of {d} and {n} values",
            x.cols(),
            x_hat.rows(),
            x_hat.cols(),
            codes.rows(),
            codes.cols()
        );
        x.assert_contiguous_rows();
        x_hat.assert_contiguous_rows();
        for i in 0..rows {
            let (columns, values) = codes.row(i);
            for (&j, &value) in columns.iter().zip(values) {
                if value != 0.0 {
                    self.active += 1;
                    self.firings[j as usize] += 1;
                    self.magnitude += f64::from(value.abs());
                }
            }
        }
        if self.samples == 0 && rows > 0 {
            self.origin.copy_from_slice(x.row(0));
        }
        self.samples += rows as u64;
        exec.isa().dispatch(Batch {
            stream: self,
            x,
            x_hat,
        });
    }

    /// Returns the number N of samples so far.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    fn mean(&self, sum: f64) -> f64 {
        sum / self.samples as f64
    }

    /// Returns E‖x̂ − x‖², summed over the d values: the reconstruction loss.
    pub fn squared_error(&self) -> f64 {
        self.mean(self.error)
    }

    /// Returns the mean squared error, over samples and values: E‖x̂ − x‖²/d.
    pub fn mse(&self) -> f64 {
        self.squared_error() / self.origin.len() as f64
    }

    /// Returns the explained variance, 1 − Σ‖x̂ − x‖² / (Σ‖x‖² − N‖x̄‖²) with the mean x̄ of the samples: 1 for perfect
    /// reconstructions, 0 for x̄ in place of all of them. It is NaN where all samples are equal, as there is no
    /// variance to explain.
    pub fn explained_variance(&self) -> f64 {
        // The variance is the same from any origin.
        let mean: f64 = self.offset.iter().map(|o| o * o).sum();
        match self.spread - self.mean(mean) {
            0.0 => f64::NAN,
            variance => 1.0 - self.error / variance,
        }
    }

    /// Returns L0, E‖f‖₀: the mean number of active entries of a code.
    pub fn l0(&self) -> f64 {
        if self.magnitude.is_nan() {
            return f64::NAN;
        }
        self.mean(self.active as f64)
    }

    /// Returns L1, E‖f‖₁: the mean of the sum of a code's magnitudes.
    pub fn l1(&self) -> f64 {
        self.mean(self.magnitude)
    }

    /// Returns the mean cosine similarity E cos(x, x̂); a sample where x or x̂ is 0 counts as 0.
    pub fn cosine_similarity(&self) -> f64 {
        self.mean(self.cosine)
    }

    /// Returns the relative reconstruction bias E‖x̂‖² / E[x·x̂] (Rajamanoharan et al., arXiv 2404.16014): the γ for
    /// which x̂/γ reconstructs best. It is below 1 where reconstructions are shrunk.
    pub fn reconstruction_bias(&self) -> f64 {
        self.square / self.product
    }

    /// Returns the share of the elements that were active on no sample.
    pub fn dead_fraction(&self) -> f64 {
        if self.samples == 0 || self.magnitude.is_nan() {
            return f64::NAN;
        }
        let dead = self.firings.iter().filter(|&&count| count == 0).count();
        dead as f64 / self.firings.len() as f64
    }

    /// Returns the number of samples on which each element was active.
    pub fn firings(&self) -> &[u64] {
        &self.firings
    }
}

struct Batch<'a, 'b> {
    stream: &'a mut Stream,
    x: MatRef<'b>,
    x_hat: MatRef<'b>,
}

impl Op for Batch<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Batch { stream, x, x_hat } = self;
        for i in 0..x.rows() {
            let (x, x_hat) = (x.row(i), x_hat.row(i));
            let square = dot_f64(x_hat, x_hat);
            let product = dot_f64(x, x_hat);
            let size = (dot_f64(x, x) * square).sqrt();
            stream.error += squared_distance_f64(x, x_hat);
            stream.square += square;
            stream.product += product;
            stream.spread += squared_distance_f64(x, &stream.origin);
            // A NaN stays one.
            stream.cosine += if size == 0.0 { 0.0 } else { product / size };
            let values = x.iter().zip(&stream.origin);
            for (offset, (&x, &origin)) in stream.offset.iter_mut().zip(values) {
                *offset += f64::from(x) - f64::from(origin);
            }
        }
    }
}
