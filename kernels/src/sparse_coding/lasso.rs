//! The non-negative lasso, and certificates of how far codes are from its optimum.

use super::operands::CHUNK;
use crate::function::vector::square_f64;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::scratch::with_scratch;
use crate::matrix::dictionary;
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::view::{MatMut, MatRef};

/// The number of values to a multiple of which rows are padded, so that they are whole vectors.
const PAD: usize = 16;

/// The non-negative lasso: the objective `F(c) = ‖x − Dᵀc‖² + λ Σ wⱼcⱼ` over c ≥ 0, for a dictionary D of n×d, with its
/// Gram matrix, which is computed once for all samples.
///
/// Results are accurate where ‖D‖₂ and the norms of samples lie between 10⁻¹⁵ and 10¹⁵. Beyond, products of a code with
/// the Gram matrix may overflow or vanish. The code and the certificate of a sample that holds a NaN or an infinity are
/// NaN, and so are all codes and certificates by a dictionary that holds one.
///
/// Of the ways to compute a gradient D(x − Dᵀc) the Gram matrix is the fastest where codes are sparse: it takes the k
/// rows of DDᵀ in the support of the code, 2kn operations a sample against 2nd for a product with D, and k is far below
/// d. With dictionaries of 512 to 4,096 atoms and 8 of them in a sample, FISTA takes about as long as
/// [`omp`](super::omp).
///
/// ```
/// use kernels::sparse_coding::{Certificate, Lasso, Stop};
/// use kernels::{Exec, MatMut, MatRef};
///
/// let exec = Exec::default();
/// let dictionary = [1.0, 0.0, 0.0, 1.0];
/// let lasso = Lasso::new(exec, MatRef::new(&dictionary, 2, 2)?, 1.0, None);
/// let mut code = [0.0; 2];
/// let mut certificate = [Certificate::default()];
/// lasso.fista(
///     exec,
///     MatRef::new(&[3.0, 0.25], 1, 2)?,
///     Stop { tolerance: 1e-6, iterations: 1000 },
///     MatMut::new(&mut code, 1, 2)?,
///     &mut certificate,
/// );
/// // Both magnitudes are shrunk by λ/2: to 2.5 and to 0.
/// assert!((code[0] - 2.5).abs() < 1e-2 && code[1] == 0.0);
/// assert!(certificate[0].gap < 1e-4);
/// # Ok::<(), kernels::ShapeError>(())
/// ```
pub struct Lasso<'a> {
    pub(super) dictionary: MatRef<'a>,
    /// The penalties λwⱼ/2, padded with zeros.
    pub(super) penalty: Vec<f32>,
    /// The inverses 1/(λwⱼ/2) of the penalties.
    pub(super) inverse_penalty: Vec<f32>,
    /// The Gram matrix DDᵀ, its rows padded with zeros.
    pub(super) gram: Vec<f32>,
    /// The length 1/‖D‖₂² of a step.
    pub(super) step: f32,
}

/// The conditions under which an iteration stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// The share of ‖x‖² at which an iteration stops, as soon as the duality gap is no larger. Rounding allows some
    /// 10⁻⁶.
    pub tolerance: f64,
    /// The largest number of steps.
    pub iterations: usize,
}

/// The certificate of a code: its objective, and how far that is from the optimum at most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Certificate {
    /// The objective F(c).
    pub objective: f64,
    /// The duality gap: F(c) minus the optimum is at most this, and so is ‖Dᵀc − Dᵀc*‖² for an optimal c*. The gap is a
    /// sum of terms that are not negative, so it is never negative.
    pub gap: f64,
}

impl<'a> Lasso<'a> {
    /// Returns the lasso of a dictionary with contiguous rows, for λ ≥ 0. There are n `weights`, all 1 where none are
    /// given.
    ///
    /// # Panics
    /// If there are not as many weights as atoms, or λ or one of them is negative, infinite or NaN.
    #[track_caller]
    pub fn new(
        exec: Exec,
        dictionary: MatRef<'a>,
        lambda: f32,
        weights: Option<&[f32]>,
    ) -> Lasso<'a> {
        let n = dictionary.rows();
        assert!(
            lambda >= 0.0 && lambda.is_finite(),
            "an L1 coefficient of {lambda}"
        );
        let padded = n.next_multiple_of(PAD);
        let mut penalty = vec![0.0; padded];
        penalty[..n].fill(lambda / 2.0);
        if let Some(weights) = weights {
            assert_eq!(weights.len(), n, "{} weights for {n} atoms", weights.len());
            for (j, (penalty, &weight)) in penalty.iter_mut().zip(weights).enumerate() {
                assert!(
                    weight >= 0.0 && weight.is_finite(),
                    "weight {j} is {weight}"
                );
                *penalty *= weight;
            }
        }
        let mut gram = vec![0.0; n * padded];
        let out = MatMut::first(&mut gram, n, padded).col_range(0..n);
        matmul(exec, dictionary, dictionary.t(), Accumulate::Replace, out);
        let norm = dictionary::spectral_norm(exec, dictionary);
        let step = if norm == 0.0 {
            0.0
        } else {
            norm.powi(-2) as f32
        };
        Lasso {
            dictionary,
            inverse_penalty: penalty.iter().map(|p| 1.0 / p).collect(),
            penalty,
            gram,
            // The step is rounded down, as a longer one could overshoot.
            step: if step > 0.0 { step.next_down() } else { step },
        }
    }

    /// Computes the objective and the duality gap of each code, wherever it comes from, by way of the residual in place
    /// of the Gram matrix. Their error is some γ_{n+d}·(‖x‖ + Σ cⱼ‖Dⱼ‖)².
    ///
    /// For r = x − Dᵀc and g = Dr, ν = s·r is a point of the dual, max 2νᵀx − ‖ν‖² under Dν ≤ λw/2, for every s ≤ min
    /// λwⱼ/2gⱼ over gⱼ > 0. The distance of its dual objective to F(c) is (1 − s)²‖r‖² + Σ cⱼ(λwⱼ − 2sgⱼ), and the best
    /// such s is taken. Codes are taken as max(0, c), where a NaN stays NaN. With λ = 0 the gap is of no use: s is 0
    /// unless no gⱼ is positive.
    ///
    /// # Panics
    /// If the shapes do not match, or there are not as many certificates as samples.
    #[track_caller]
    pub fn certify(&self, exec: Exec, x: MatRef, codes: MatRef, certificates: &mut [Certificate]) {
        let (n, d) = (self.dictionary.rows(), self.dictionary.cols());
        assert!(
            x.cols() == d && (codes.rows(), codes.cols()) == (x.rows(), n),
            "samples of {}×{} and codes of {}×{} for a dictionary of {n}×{d}",
            x.rows(),
            x.cols(),
            codes.rows(),
            codes.cols(),
        );
        check_places(x, certificates);
        let serial = Exec::serial(exec.isa());
        let work = (x, codes, certificates);
        par::share_rows(exec, CHUNK, work, &|(x, codes, certificates)| {
            let rows = x.rows();
            with_scratch(rows * (n + n + d), |scratch| {
                let (positive, scratch) = scratch.split_at_mut(rows * n);
                let (residual, correlations) = scratch.split_at_mut(rows * d);
                for (i, positive) in positive.chunks_mut(n.max(1)).enumerate() {
                    for (positive, &c) in positive.iter_mut().zip(codes.row(i)) {
                        // A NaN stays one.
                        *positive = if c <= 0.0 { 0.0 } else { c };
                    }
                }
                let codes = MatRef::first(positive, rows, n);
                let out = MatMut::first(residual, rows, d);
                matmul(serial, codes, self.dictionary, Accumulate::Replace, out);
                for (i, residual) in residual.chunks_mut(d.max(1)).enumerate() {
                    for (r, x) in residual.iter_mut().zip(x.row(i)) {
                        *r = x - *r;
                    }
                }
                let residual = MatRef::first(residual, rows, d);
                let out = MatMut::first(correlations, rows, n);
                let atoms = self.dictionary.t();
                matmul(serial, residual, atoms, Accumulate::Replace, out);
                let correlations = MatRef::first(correlations, rows, n);
                for (i, certificate) in certificates.iter_mut().enumerate() {
                    *certificate =
                        self.certificate(residual.row(i), codes.row(i), correlations.row(i));
                }
            });
        });
    }

    fn certificate(&self, residual: &[f32], code: &[f32], correlations: &[f32]) -> Certificate {
        let wide = |x: &f32| f64::from(*x);
        let square = square_f64(residual);
        if !square.is_finite() {
            return Certificate {
                objective: f64::NAN,
                gap: f64::NAN,
            };
        }
        let entries = code.iter().zip(&self.penalty).zip(correlations);
        let entries = entries.map(|((c, p), g)| (wide(c), wide(p), wide(g)));
        // The NaN of a ratio of 0 to 0 bounds nothing, and the maximum passes over it.
        let steepest = entries.clone().map(|(_, p, g)| g / p);
        let steepest = steepest.fold(f64::NEG_INFINITY, f64::max);
        let entries = entries.filter(|&(c, _, _)| c != 0.0);
        Certificate {
            objective: square + entries.clone().map(|(c, p, _)| 2.0 * c * p).sum::<f64>(),
            gap: duality_gap(square, steepest, entries),
        }
    }
}

#[track_caller]
pub(super) fn check_places(x: MatRef, certificates: &[Certificate]) {
    assert_eq!(
        certificates.len(),
        x.rows(),
        "{} certificates for {} samples",
        certificates.len(),
        x.rows()
    );
}

/// Returns the duality gap from ‖r‖², the largest gⱼ / (λwⱼ/2), and (cⱼ, λwⱼ/2, gⱼ) where cⱼ is not 0. See
/// [`Lasso::certify`].
pub(super) fn duality_gap(
    square: f64,
    steepest: f64,
    entries: impl Iterator<Item = (f64, f64, f64)> + Clone,
) -> f64 {
    let along: f64 = entries.clone().map(|(c, _, g)| c * g).sum();
    // The best of all s is xᵀr / ‖r‖², where x = r + Dᵀc.
    let best = if square > 0.0 {
        (1.0 + along / square).max(0.0)
    } else {
        1.0
    };
    let s = if steepest > 0.0 {
        best.min(1.0 / steepest)
    } else {
        best
    };
    let terms = entries.map(|(c, p, g)| 2.0 * c * (p - s * g).max(0.0));
    (1.0 - s).powi(2) * square + terms.sum::<f64>()
}
