//! Dictionaries: n×d matrices whose rows, the *elements*, are directions.
//!
//! ```
//! use kernels::{Exec, MatMut, MatRef, dictionary};
//!
//! let exec = Exec::default();
//! let mut elements = [3.0, 4.0, 0.0, 2.0]; // two elements in the plane
//! dictionary::normalise(exec, MatMut::from_rows(&mut elements, 2));
//! assert_eq!(elements, [0.6, 0.8, 0.0, 1.0]);
//!
//! let mut norms = [0.0; 2];
//! dictionary::norms(exec, MatRef::from_rows(&elements, 2), &mut norms);
//! assert!(norms.iter().all(|norm| (norm - 1.0).abs() < 1e-6));
//! ```

use crate::function::vector::{axpy, dot, norm, scale_wide, sum_of_squares};
use crate::machine::exec::Exec;
use crate::machine::par::{self, LEAF, RowOp};
use crate::machine::profile::{Part, Work};
use crate::machine::simd::Simd;
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::view::{MatMut, MatRef};

/// Returns the number of rows of `cols` values that is worth another thread.
fn leaf_rows(cols: usize) -> usize {
    (LEAF / cols.max(1)).max(1)
}

/// Computes `norms[j]` = ‖row j‖₂, for rows that are contiguous. The relative error is at most γ_{d+2}, whatever the
/// scale of the row: γ_n = n·u / (1 − n·u), u = 2⁻²⁴.
///
/// # Panics
/// If there are not as many norms as rows.
#[track_caller]
pub fn norms(exec: Exec, dictionary: MatRef, norms: &mut [f32]) {
    assert_eq!(
        norms.len(),
        dictionary.rows(),
        "{} norms for {} rows",
        norms.len(),
        dictionary.rows()
    );
    #[derive(Clone, Copy)]
    struct Norms;
    impl<'a> RowOp<(MatRef<'a>, &'a mut [f32])> for Norms {
        const PART: Part = Part::Elements;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, (rows, norms): (MatRef, &mut [f32])) {
            for (j, out) in norms.iter_mut().enumerate() {
                *out = norm(s, rows.row(j)) as f32;
            }
        }
    }
    let n = dictionary.rows() * dictionary.cols();
    let leaf = leaf_rows(dictionary.cols());
    let work = || Work::new(2 * n, n);
    par::run(exec, Norms, (dictionary, norms), leaf, work);
}

/// Divides every row by its norm. A row of zeros stays as it is, and a row with a NaN or an infinity becomes NaN.
/// Afterwards the norms are 1 up to γ_{d+4}.
pub fn normalise(exec: Exec, dictionary: MatMut) {
    to_norm_1::<false>(exec, dictionary);
}

/// Divides every row whose norm is above 1 by its norm, and leaves the others as they are. The result is the nearest
/// dictionary in the convex set of those whose rows have norms of at most 1 (Mairal, Bach, Ponce and Sapiro, *Online
/// dictionary learning for sparse coding*, 2009). A row with a NaN or an infinity becomes NaN.
pub fn shorten(exec: Exec, dictionary: MatMut) {
    to_norm_1::<true>(exec, dictionary);
}

/// Divides every row by its norm; if `LONG`, only every row whose norm is above 1.
fn to_norm_1<const LONG: bool>(exec: Exec, dictionary: MatMut) {
    #[derive(Clone, Copy)]
    struct Normalise<const LONG: bool>;
    impl<const LONG: bool> RowOp<MatMut<'_>> for Normalise<LONG> {
        const PART: Part = Part::Elements;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, mut rows: MatMut) {
            for j in 0..rows.rows() {
                let row = rows.row_mut(j);
                let norm = norm(s, row);
                if norm == 0.0 || (LONG && norm <= 1.0) {
                    continue;
                }
                // The factor 1/∞ = 0 would leave zeros.
                let inverse = if norm.is_finite() {
                    1.0 / norm
                } else {
                    f64::NAN
                };
                scale_wide(s, inverse, row);
            }
        }
    }
    let n = dictionary.rows() * dictionary.cols();
    let leaf = leaf_rows(dictionary.cols());
    let work = || Work::new(3 * n, 2 * n);
    par::run(exec, Normalise::<LONG>, dictionary, leaf, work);
}

/// Subtracts from each row g of a gradient its part along the same row w of the dictionary:
/// `g ← g − (g·w / w·w) w`, the projection onto the tangent space of the sphere that w lies on. Both are n×d with
/// contiguous rows.
///
/// Followed by [`normalise`] after the step, this trains rows of unit norm. A row of zeros leaves its
/// gradient as it is. What is left along w is at most γ_{d+5}·‖g‖, where ‖w‖ and √(‖g‖‖w‖) lie between 10⁻¹⁵
/// and 10¹⁵.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn project_gradient(exec: Exec, dictionary: MatRef, gradient: MatMut) {
    project::<false>(exec, dictionary, gradient);
}

/// Projects each row of a gradient as [`project_gradient`] does, but only where the row of the dictionary has norm 1
/// and a step down the gradient would make it longer, that is, where g·w < 0. A step then stays, to first order, within
/// the set that [`shorten`] projects onto. Norms from 0.9999 on count as 1.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn project_inward(exec: Exec, dictionary: MatRef, gradient: MatMut) {
    project::<true>(exec, dictionary, gradient);
}

/// Subtracts from each row of a gradient its part along the same row of the dictionary; if `OUTWARD`, only where a step
/// down the gradient leads out of the set of rows of norm at most 1.
#[track_caller]
fn project<const OUTWARD: bool>(exec: Exec, dictionary: MatRef, gradient: MatMut) {
    /// The square of the norm from which on a row counts as one of norm 1.
    const LONG: f32 = 0.9998;
    assert!(
        (dictionary.rows(), dictionary.cols()) == (gradient.rows(), gradient.cols()),
        "a gradient of {}×{} for a dictionary of {}×{}",
        gradient.rows(),
        gradient.cols(),
        dictionary.rows(),
        dictionary.cols()
    );
    #[derive(Clone, Copy)]
    struct Project<const OUTWARD: bool>;
    impl<'a, const OUTWARD: bool> RowOp<(MatRef<'a>, MatMut<'a>)> for Project<OUTWARD> {
        const PART: Part = Part::Elements;
        #[inline(always)]
        fn run<S: Simd>(self, s: S, (dictionary, mut gradient): (MatRef, MatMut)) {
            for j in 0..dictionary.rows() {
                let (w, g) = (dictionary.row(j), gradient.row_mut(j));
                let square = sum_of_squares(s, w);
                if square == 0.0 || (OUTWARD && square < LONG) {
                    continue;
                }
                let along = dot(s, g, w) / square;
                if OUTWARD && along >= 0.0 {
                    continue;
                }
                axpy(s, -along, w, g);
            }
        }
    }
    let n = dictionary.rows() * dictionary.cols();
    let leaf = leaf_rows(dictionary.cols());
    let work = || Work::new(6 * n, 3 * n);
    par::run(exec, Project::<OUTWARD>, (dictionary, gradient), leaf, work);
}

/// The number of rows whose products are summed in f32 for the Gram matrix.
const PART: usize = 256;
/// The difference of the logarithms of the squares of the bounds of [`spectral_norm`] below which the iteration stops.
const GAP: f64 = 5e-3;
/// The largest number of squarings.
const MOST_SQUARINGS: usize = 16;

/// Returns an upper bound of ‖D‖₂, the largest singular value: never below it, and about 1 % above it for up to 512
/// columns or rows. It holds for values between 10⁻¹⁵ and 10¹⁵ in size; the result is NaN where a value is NaN or
/// infinite.
///
/// Gradient steps on ‖x − Dᵀc‖² never overshoot where their length is 1 over the square of this bound. A power
/// iteration approaches the norm from below, and gives steps that are too long. Let G, m×m, be the smaller of DᵀD and
/// DDᵀ; then
///
/// ‖G^p‖_F^{1/p} ≥ ‖G‖₂ ≥ (‖G^{2p}‖_F / ‖G^p‖_F)^{1/p}
///
/// G is squared repeatedly, p = 1, 2, 4, …, until the two bounds differ by less than 0.5 %: a power iteration from all
/// starts at once, some ten products of matrices. Bounds of the rounding are added: γ₂₅₈‖D‖_F² for G, which is summed
/// by parts of 256 rows, and γ_{m+2}‖G^p‖_F² for each square.
pub fn spectral_norm(exec: Exec, dictionary: MatRef) -> f64 {
    let tall = if dictionary.rows() >= dictionary.cols() {
        dictionary
    } else {
        dictionary.t()
    };
    let m = tall.cols();
    let gram = gram(exec, tall);
    let trace: f64 = (0..m).map(|i| gram[i * (m + 1)]).sum();
    if trace == 0.0 {
        return 0.0;
    }
    let mut norm = gram.iter().map(|x| x * x).sum::<f64>().sqrt();
    // The power G^p of norm 1, and log ‖G^p‖_F / p.
    let mut power: Vec<f32> = gram.iter().map(|x| (x / norm) as f32).collect();
    let mut square = vec![0.0; m * m];
    let mut upper = norm.ln();
    let mut p = 1.0;
    for _ in 0..MOST_SQUARINGS {
        let view = |values| MatRef::first(values, m, m);
        let out = MatMut::first(&mut square, m, m);
        matmul(exec, view(&power), view(&power), Accumulate::Replace, out);
        let wide = square.iter().map(|&x| f64::from(x));
        norm = wide.map(|x| x * x).sum::<f64>().sqrt();
        // With ‖G^p‖_F = 1, ‖G^p‖₂ ≥ `norm`; so the rounding of the square is at most this share of ‖G^2p‖₂ = ‖G^p‖₂².
        let rounding = gamma(m + 2) / (norm * norm);
        if rounding > 0.5 {
            break;
        }
        let lower = upper + norm.ln() / p;
        p *= 2.0;
        upper += (norm.ln() - (-rounding).ln_1p()) / p;
        if upper - lower < GAP {
            break;
        }
        for (power, square) in power.iter_mut().zip(&square) {
            *power = (f64::from(*square) / norm) as f32;
        }
    }
    (upper.exp() + gamma(PART + 2) * trace).sqrt()
}

fn gamma(n: usize) -> f64 {
    let nu = n as f64 * f64::from(f32::EPSILON) / 2.0;
    nu / (1.0 - nu)
}

/// Returns DᵀD, m×m: the products of [`PART`] rows at a time are summed in f32, and these sums are added up in f64.
fn gram(exec: Exec, tall: MatRef) -> Vec<f64> {
    let (n, m) = (tall.rows(), tall.cols());
    let mut sum = vec![0.0; m * m];
    let mut part = vec![0.0; m * m];
    for from in (0..n).step_by(PART) {
        let rows = tall.row_range(from..n.min(from + PART));
        let out = MatMut::first(&mut part, m, m);
        matmul(exec, rows.t(), rows, Accumulate::Replace, out);
        for (sum, &part) in sum.iter_mut().zip(&part) {
            *sum += f64::from(part);
        }
    }
    sum
}
