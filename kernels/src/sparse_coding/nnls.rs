//! Non-negative least squares on few atoms: the active-set method of Lawson and Hanson (*Solving Least
//! Squares Problems*, 1974, chapter 23), in f64 on the Gram matrix of the atoms.

use super::operands::{CHUNK, check, support};
use crate::function::vector::dot_f64;
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::{MatMut, MatRef};

/// Computes the best magnitudes on the supports of `codes`, in place: min ‖x − Dᵀc‖² over c ≥ 0 with cⱼ = 0 wherever cⱼ
/// is not positive on entry. Magnitudes may become 0. Where the sample, one of its atoms or its code on entry holds a
/// NaN or an infinity, all magnitudes of the sample are NaN.
///
/// The Gram matrix of a support of k atoms is computed in f64, with k²d/2 products. Its systems are solved by a
/// Cholesky factor: an atom that joins adds a row, with k²/2 products, and an atom that leaves takes away the rows
/// after it, which cost up to k³/6 products again. So the method is for supports of up to some hundreds of atoms. Where
/// atoms depend on each other up to the rounding of f64, one of them is left out. Magnitudes are rounded to f32 at the
/// end.
///
/// # Panics
/// If the shapes do not match, or rows of the samples or of the dictionary are not contiguous.
#[track_caller]
pub fn nnls(exec: Exec, dictionary: MatRef, x: MatRef, codes: MatMut) {
    check(dictionary, x, &codes);
    dictionary.assert_contiguous_rows();
    profile::call(Part::Pursuit, Work::default);
    par::share_timed(Part::Pursuit, exec, CHUNK, (x, codes), &|(x, mut codes)| {
        let mut refit = Refit::new(exec, dictionary);
        for i in 0..x.rows() {
            let code = codes.row_mut(i);
            refit.start(x.row(i));
            for j in support(code) {
                refit.push(j, f64::from(code[j]));
            }
            refit.solve();
            refit.write(code);
        }
    });
}

/// The non-negative least-squares fit of a sample on a growing set of atoms.
pub(super) struct Refit<'a> {
    exec: Exec,
    dictionary: MatRef<'a>,
    x: &'a [f32],
    /// The number that [`residual`](Self::residual) divides by.
    pub(super) unit: f64,
    pub(super) atoms: Vec<usize>,
    /// The products of the atoms with each other: the lower triangle, row after row.
    gram: Vec<f64>,
    /// The products of the atoms with x.
    correlations: Vec<f64>,
    pub(super) magnitudes: Vec<f64>,
    /// The places of the atoms whose magnitudes are free; the magnitudes of the others are 0.
    free: Vec<usize>,
    /// Whether the atom at each place was tried in vain since the last change.
    barred: Vec<bool>,
    /// The Cholesky factor of the Gram matrix of the first free atoms, a lower triangle: those rows that are still
    /// valid.
    factor: Vec<f64>,
    solution: Vec<f64>,
}

/// The share of its diagonal below which a pivot counts as rounding, and the share of its terms below which a gradient
/// does.
const ROUNDING: f64 = 1e-13;

impl<'a> Refit<'a> {
    pub(super) fn new(exec: Exec, dictionary: MatRef<'a>) -> Self {
        Refit {
            exec,
            dictionary,
            x: &[],
            unit: 1.0,
            atoms: vec![],
            gram: vec![],
            correlations: vec![],
            magnitudes: vec![],
            free: vec![],
            barred: vec![],
            factor: vec![],
            solution: vec![],
        }
    }

    /// Removes all atoms, and starts on another sample.
    pub(super) fn start(&mut self, x: &'a [f32]) {
        self.x = x;
        self.atoms.clear();
        self.gram.clear();
        self.correlations.clear();
        self.magnitudes.clear();
        self.free.clear();
        self.factor.clear();
    }

    /// Adds an atom, whose magnitude starts at `magnitude`.
    pub(super) fn push(&mut self, atom: usize, magnitude: f64) {
        self.atoms.push(atom);
        self.exec.isa().dispatch(Products {
            dictionary: self.dictionary,
            atoms: &self.atoms,
            with: self.dictionary.row(atom),
            out: &mut self.gram,
        });
        self.exec.isa().dispatch(Products {
            dictionary: self.dictionary,
            atoms: &self.atoms[self.atoms.len() - 1..],
            with: self.x,
            out: &mut self.correlations,
        });
        if magnitude > 0.0 {
            self.free.push(self.magnitudes.len());
        }
        self.magnitudes.push(magnitude);
    }

    fn product(&self, i: usize, j: usize) -> f64 {
        let (low, high) = (i.min(j), i.max(j));
        self.gram[high * (high + 1) / 2 + low]
    }

    /// Finds the best magnitudes; all become NaN where an operand holds a NaN or an infinity.
    pub(super) fn solve(&mut self) {
        let operands = [&self.gram, &self.correlations, &self.magnitudes];
        if operands.into_iter().flatten().any(|v| !v.is_finite()) {
            return self.magnitudes.fill(f64::NAN);
        }
        let k = self.atoms.len();
        self.barred.clear();
        self.barred.resize(k, false);
        self.descend();
        // An atom that was barred because it depended on others may do so no longer, where some of these have left.
        self.barred.fill(false);
        // Each round lowers the error, so only rounding could keep the rounds going without end.
        for _ in 0..3 * k {
            let Some(next) = self.steepest() else {
                break;
            };
            self.free.push(next);
            self.descend();
            if self.magnitudes[next] > 0.0 {
                self.barred.fill(false);
            } else {
                self.barred[next] = true;
            }
        }
    }

    /// Returns the place of the atom along which the error falls fastest, among the atoms whose magnitude is 0, or
    /// `None` if it falls along none of them.
    fn steepest(&self) -> Option<usize> {
        let mut best = None;
        let mut slope = 0.0;
        for i in 0..self.atoms.len() {
            if self.barred[i] || self.free.contains(&i) {
                continue;
            }
            let mut gradient = self.correlations[i];
            let mut size = gradient.abs();
            for &j in &self.free {
                let term = self.product(i, j) * self.magnitudes[j];
                gradient -= term;
                size += term.abs();
            }
            if gradient > ROUNDING * size && gradient > slope {
                (best, slope) = (Some(i), gradient);
            }
        }
        best
    }

    /// Moves the magnitudes towards the least-squares solution on the free atoms. Magnitudes that reach 0 on the way
    /// are held there.
    fn descend(&mut self) {
        while !self.free.is_empty() {
            if let Err(dependent) = self.least_squares() {
                let place = self.bind(dependent);
                self.barred[place] = true;
                continue;
            }
            let mut stop = None;
            let mut share = 1.0;
            for (f, &place) in self.free.iter().enumerate() {
                let (from, to) = (self.magnitudes[place], self.solution[f]);
                if to <= 0.0 {
                    // A magnitude that has just been freed is 0.
                    let reach = if from > 0.0 { from / (from - to) } else { 0.0 };
                    if stop.is_none() || reach < share {
                        (stop, share) = (Some(f), reach);
                    }
                }
            }
            for (f, &place) in self.free.iter().enumerate() {
                let c = &mut self.magnitudes[place];
                *c = (*c + share * (self.solution[f] - *c)).max(0.0);
            }
            let Some(stop) = stop else {
                return;
            };
            self.bind(stop);
        }
    }

    /// Holds the magnitude of the f-th free atom at 0, and returns its place.
    fn bind(&mut self, f: usize) -> usize {
        let place = self.free.remove(f);
        self.magnitudes[place] = 0.0;
        self.factor.truncate(f * (f + 1) / 2);
        place
    }

    /// Solves the normal equations of the free atoms.
    ///
    /// # Errors
    /// Returns the place among the free atoms of an atom that depends on those before it.
    fn least_squares(&mut self) -> Result<(), usize> {
        let m = self.free.len();
        self.solution.clear();
        for i in 0..m {
            let start = i * (i + 1) / 2;
            if start == self.factor.len() {
                self.factorise(i)?;
            }
            let mut sum = self.correlations[self.free[i]];
            for l in 0..i {
                sum -= self.factor[start + l] * self.solution[l];
            }
            self.solution.push(sum / self.factor[start + i]);
        }
        for i in (0..m).rev() {
            let mut sum = self.solution[i];
            for l in i + 1..m {
                sum -= self.factor[l * (l + 1) / 2 + i] * self.solution[l];
            }
            self.solution[i] = sum / self.factor[i * (i + 1) / 2 + i];
        }
        Ok(())
    }

    /// Appends row i to the factor.
    ///
    /// # Errors
    /// Returns i if the atom of row i depends on those before it.
    fn factorise(&mut self, i: usize) -> Result<(), usize> {
        let start = self.factor.len();
        for j in 0..=i {
            let column = j * (j + 1) / 2;
            let mut sum = self.product(self.free[i], self.free[j]);
            for l in 0..j {
                sum -= self.factor[start + l] * self.factor[column + l];
            }
            if j < i {
                self.factor.push(sum / self.factor[column + j]);
            } else {
                let diagonal = self.product(self.free[i], self.free[i]);
                if sum <= ROUNDING * diagonal {
                    return Err(i);
                }
                self.factor.push(sum.sqrt());
            }
        }
        Ok(())
    }

    /// Writes the magnitudes of the atoms to `code`, and zeros elsewhere.
    pub(super) fn write(&self, code: &mut [f32]) {
        code.fill(0.0);
        for (&atom, &magnitude) in self.atoms.iter().zip(&self.magnitudes) {
            code[atom] = magnitude as f32;
        }
    }

    /// Writes x − Dᵀc, summed in f64 and divided by its unit, to `residual`.
    pub(super) fn residual(&self, residual: &mut [f32]) {
        self.exec.isa().dispatch(Residual {
            dictionary: self.dictionary,
            x: self.x,
            atoms: &self.atoms,
            magnitudes: &self.magnitudes,
            unit: self.unit,
            residual,
        })
    }
}

/// The operation that appends the products of some atoms with one vector to `out`, in f64.
struct Products<'a> {
    dictionary: MatRef<'a>,
    atoms: &'a [usize],
    with: &'a [f32],
    out: &'a mut Vec<f64>,
}

impl Op for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for &atom in self.atoms {
            self.out.push(dot_f64(self.dictionary.row(atom), self.with));
        }
    }
}

struct Residual<'a> {
    dictionary: MatRef<'a>,
    x: &'a [f32],
    atoms: &'a [usize],
    magnitudes: &'a [f64],
    unit: f64,
    residual: &'a mut [f32],
}

impl Op for Residual<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        // The number of values that are summed side by side, in vectors that the compiler makes.
        const LANES: usize = 16;
        for (from, residual) in (0..).step_by(LANES).zip(self.residual.chunks_mut(LANES)) {
            let here = from..from + residual.len();
            let mut sums = [0.0; LANES];
            for (sum, &x) in sums.iter_mut().zip(&self.x[here.clone()]) {
                *sum = f64::from(x);
            }
            for (&atom, &magnitude) in self.atoms.iter().zip(self.magnitudes) {
                let row = &self.dictionary.row(atom)[here.clone()];
                for (sum, &w) in sums.iter_mut().zip(row) {
                    *sum -= magnitude * f64::from(w);
                }
            }
            for (residual, sum) in residual.iter_mut().zip(sums) {
                *residual = (sum / self.unit) as f32;
            }
        }
    }
}
