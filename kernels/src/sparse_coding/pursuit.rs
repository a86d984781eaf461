//! Matching pursuits: in each round, the atom with the largest product with the residual joins the support, and the
//! magnitudes are updated. All samples of a chunk go through the rounds together, so that the products of their
//! residuals and the dictionary are one product of matrices.

use super::nnls::Refit;
use super::operands::{CHUNK, check, divide, unit};
use crate::function::vector::square_f64;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::scratch::with_scratch;
use crate::machine::simd::{Op, Simd};
use crate::matrix::dictionary;
use crate::matrix::matmul::{Accumulate, matmul};
use crate::matrix::view::{MatMut, MatRef};

/// The conditions under which a pursuit ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pursuit {
    /// The largest number of atoms that are chosen for a sample.
    pub atoms: usize,
    /// The share of ‖x‖² at which a pursuit ends, as soon as ‖x − Dᵀc‖² is no larger. Residuals are f32, so a share of
    /// 10⁻¹² is at their limit.
    pub tolerance: f64,
}

/// Finds codes by orthogonal matching pursuit (Pati, Rezaiifar & Krishnaprasad 1993) with non-negative magnitudes, and
/// overwrites `codes`.
///
/// In each round, the atom with the largest Dⱼ·r / ‖Dⱼ‖ > 0 for the residual r = x − Dᵀc is chosen, the first of
/// equals; then all magnitudes are refitted as by [`nnls`](super::nnls), in f64. A chosen atom whose magnitude falls to
/// 0 stays chosen, and its magnitude may rise again. Where no atom has a positive product with the residual, the code
/// is optimal and the pursuit ends.
///
/// # Panics
/// If the shapes do not match, or rows of the samples or of the dictionary are not contiguous.
#[track_caller]
pub fn omp(exec: Exec, dictionary: MatRef, x: MatRef, pursuit: Pursuit, codes: MatMut) {
    pursue(exec, dictionary, x, pursuit, codes, &|| {
        Refit::new(Exec::serial(exec.isa()), dictionary)
    });
}

/// The part of a pursuit that holds the magnitudes of one sample.
pub(super) trait Magnitudes<'a> {
    /// Starts on another sample, whose residuals are in units of `unit`.
    fn start(&mut self, x: &'a [f32], unit: f64);
    /// Adds an atom to those chosen, and updates the magnitudes and, with them, `residual`. `correlations` are the
    /// products Dr of the atoms with the residual on entry.
    fn choose(&mut self, atom: usize, correlations: &[f32], residual: &mut [f32]);
    /// Returns the atoms chosen.
    fn atoms(&self) -> &[usize];
    /// Writes the code to `code`, which is overwritten.
    fn write(&self, code: &mut [f32]);
}

impl<'a> Magnitudes<'a> for Refit<'a> {
    fn start(&mut self, x: &'a [f32], unit: f64) {
        Refit::start(self, x);
        self.unit = unit;
    }
    fn choose(&mut self, atom: usize, _: &[f32], residual: &mut [f32]) {
        self.push(atom, 0.0);
        self.solve();
        self.residual(residual);
    }
    fn atoms(&self) -> &[usize] {
        &self.atoms
    }
    fn write(&self, code: &mut [f32]) {
        Refit::write(self, code);
    }
}

/// Runs a pursuit for each sample, whose magnitudes `magnitudes` makes, and overwrites `codes`.
#[track_caller]
pub(super) fn pursue<'a, M: Magnitudes<'a>>(
    exec: Exec,
    dictionary: MatRef<'a>,
    x: MatRef<'a>,
    pursuit: Pursuit,
    codes: MatMut,
    magnitudes: &(impl Fn() -> M + Sync),
) {
    check(dictionary, x, &codes);
    dictionary.assert_contiguous_rows();
    let (n, d) = (dictionary.rows(), dictionary.cols());
    let mut norms = vec![0.0; n];
    dictionary::norms(exec, dictionary, &mut norms);
    let lost = norms.iter().any(|norm| !norm.is_finite());
    // An atom of zeros is never chosen: 0 · 0 is not positive.
    let scales: Vec<f32> = norms
        .iter()
        .map(|n| n.recip())
        .map(|s| if s.is_finite() { s } else { 0.0 })
        .collect();
    let serial = Exec::serial(exec.isa());
    profile::call(Part::Pursuit, Work::default);
    par::share_timed(Part::Pursuit, exec, CHUNK, (x, codes), &|(x, mut codes)| {
        let rows = x.rows();
        let mut samples: Vec<(usize, M)> = (0..rows).map(|i| (i, magnitudes())).collect();
        let units: Vec<f64> = (0..rows).map(|i| unit(x.row(i))).collect();
        let is_lost = |i: usize| lost || units[i].is_nan();
        for (i, sample) in &mut samples {
            sample.start(x.row(*i), units[*i]);
        }
        let mut going: Vec<usize> = (0..rows).filter(|&i| !is_lost(i)).collect();
        with_scratch(rows * (d + n), |scratch| {
            let (residuals, correlations) = scratch.split_at_mut(rows * d);
            for (i, residual) in residuals.chunks_mut(d.max(1)).enumerate() {
                residual.copy_from_slice(x.row(i));
                divide(residual, units[i]);
            }
            let limits: Vec<f64> = (0..rows)
                .map(|i| pursuit.tolerance * square_f64(&residuals[i * d..][..d]))
                .collect();
            for _ in 0..pursuit.atoms {
                going.retain(|&i| square_f64(&residuals[i * d..][..d]) > limits[i]);
                if going.is_empty() {
                    break;
                }
                let view = MatRef::first(residuals, rows, d);
                let out = MatMut::first(correlations, rows, n);
                matmul(serial, view, dictionary.t(), Accumulate::Replace, out);
                going.retain(|&i| {
                    let correlations = &correlations[i * n..][..n];
                    let sample = &mut samples[i].1;
                    let best = exec.isa().dispatch(Best {
                        correlations,
                        scales: &scales,
                        chosen: sample.atoms(),
                    });
                    if let Some(atom) = best {
                        sample.choose(atom, correlations, &mut residuals[i * d..][..d]);
                    }
                    best.is_some()
                });
            }
        });
        for (i, sample) in samples {
            let code = codes.row_mut(i);
            if is_lost(i) {
                code.fill(f32::NAN);
            } else {
                sample.write(code);
            }
        }
    });
}

/// The operation that finds the place of the largest positive `correlations[j] · scales[j]` among the atoms that are
/// not chosen yet.
struct Best<'a> {
    correlations: &'a [f32],
    scales: &'a [f32],
    chosen: &'a [usize],
}

impl Op for Best<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Option<usize> {
        let Best {
            correlations,
            scales,
            chosen,
        } = self;
        let (mut best, mut highest) = (None, 0.0);
        for from in (0..correlations.len()).step_by(S::LANES) {
            let to = correlations.len().min(from + S::LANES);
            let c = s.load_partial(&correlations[from..to]);
            let c = s.mul(c, s.load_partial(&scales[from..to]));
            if s.reduce_max(s.max(c, s.splat(0.0))) > highest {
                for j in from..to {
                    let c = correlations[j] * scales[j];
                    if c > highest && !chosen.contains(&j) {
                        (best, highest) = (Some(j), c);
                    }
                }
            }
        }
        best
    }
}
