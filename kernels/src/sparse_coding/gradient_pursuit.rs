//! Gradient pursuit (Blumensath & Davies, *Gradient Pursuits*, IEEE Trans. Signal Processing 56, 2008): a
//! matching pursuit whose magnitudes take one exact gradient step where orthogonal matching pursuit
//! solves a system.

use super::operands::{CHUNK, check, divide, support, unit};
use super::pursuit::{Magnitudes, Pursuit, pursue};
use crate::function::vector::{axpy, dot};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::{MatMut, MatRef};

/// Finds codes by gradient pursuit with non-negative magnitudes, and overwrites `codes`. Atoms are chosen as by
/// [`omp`](super::omp), and after each choice the magnitudes of all chosen atoms take a step as by [`gradient_step`].
///
/// # Panics
/// If the shapes do not match, or rows of the samples or of the dictionary are not contiguous.
#[track_caller]
pub fn gradient_pursuit(
    exec: Exec,
    dictionary: MatRef,
    x: MatRef,
    pursuit: Pursuit,
    codes: MatMut,
) {
    pursue(exec, dictionary, x, pursuit, codes, &|| {
        Steps::new(exec, dictionary)
    });
}

/// Takes one gradient step of the magnitudes on the supports of `codes`, in place: the support that an encoder found is
/// kept, and its magnitudes are improved.
///
/// The direction is that of the steepest descent of ‖x − Dᵀc‖², g = D(x − Dᵀc) on the support; the step goes to the
/// lowest point along it, at the length ‖g‖² / ‖Dᵀg‖². A magnitude that would fall below 0 stops there, and the others
/// go on without it, to the first minimum along their bent path. So the error never rises, except by rounding. Where
/// the sample, one of its atoms or its code on entry holds a NaN or an infinity, all magnitudes are NaN.
///
/// # Panics
/// If the shapes do not match, or rows of the samples or of the dictionary are not contiguous.
#[track_caller]
pub fn gradient_step(exec: Exec, dictionary: MatRef, x: MatRef, codes: MatMut) {
    check(dictionary, x, &codes);
    dictionary.assert_contiguous_rows();
    profile::call(Part::Pursuit, Work::default);
    par::share_timed(Part::Pursuit, exec, CHUNK, (x, codes), &|(x, mut codes)| {
        let mut steps = Steps::new(exec, dictionary);
        let mut residual = vec![0.0; x.cols()];
        for i in 0..x.rows() {
            let code = codes.row_mut(i);
            steps.start(x.row(i), 1.0);
            for j in support(code) {
                steps.atoms.push(j);
                steps.magnitudes.push(code[j]);
            }
            steps.unit = exec.isa().dispatch(Gradient {
                dictionary,
                x: x.row(i),
                atoms: &steps.atoms,
                magnitudes: &steps.magnitudes,
                residual: &mut residual,
                gradient: &mut steps.direction,
            });
            steps.step(&mut residual);
            steps.write(code);
        }
    });
}

/// The magnitudes of one sample, which take gradient steps.
struct Steps<'a> {
    exec: Exec,
    dictionary: MatRef<'a>,
    atoms: Vec<usize>,
    magnitudes: Vec<f32>,
    /// The number that residuals are divided by.
    unit: f64,
    /// The gradient, then the direction: one value for each atom.
    direction: Vec<f32>,
    /// The product of Dᵀ and the direction.
    image: Vec<f32>,
}

impl<'a> Steps<'a> {
    fn new(exec: Exec, dictionary: MatRef<'a>) -> Self {
        Steps {
            exec,
            dictionary,
            atoms: vec![],
            magnitudes: vec![],
            unit: 1.0,
            direction: vec![],
            image: vec![0.0; dictionary.cols()],
        }
    }

    /// Takes a step along the direction, from `residual`, which goes with the magnitudes and is updated with them.
    fn step(&mut self, residual: &mut [f32]) {
        self.exec.isa().dispatch(Step {
            dictionary: self.dictionary,
            atoms: &self.atoms,
            magnitudes: &mut self.magnitudes,
            unit: self.unit,
            direction: &mut self.direction,
            image: &mut self.image,
            residual,
        });
    }
}

impl<'a> Magnitudes<'a> for Steps<'a> {
    fn start(&mut self, _: &'a [f32], unit: f64) {
        self.unit = unit;
        self.atoms.clear();
        self.magnitudes.clear();
    }
    fn choose(&mut self, atom: usize, correlations: &[f32], residual: &mut [f32]) {
        self.atoms.push(atom);
        self.magnitudes.push(0.0);
        self.direction.clear();
        let gradient = self.atoms.iter().map(|&j| correlations[j]);
        self.direction.extend(gradient);
        self.step(residual);
    }
    fn atoms(&self) -> &[usize] {
        &self.atoms
    }
    fn write(&self, code: &mut [f32]) {
        code.fill(0.0);
        for (&atom, &magnitude) in self.atoms.iter().zip(&self.magnitudes) {
            code[atom] = magnitude;
        }
    }
}

/// The operation that computes the residual x − Dᵀc, divides it by its unit, which it returns, and computes its
/// products with the atoms.
struct Gradient<'a> {
    dictionary: MatRef<'a>,
    x: &'a [f32],
    atoms: &'a [usize],
    magnitudes: &'a [f32],
    residual: &'a mut [f32],
    gradient: &'a mut Vec<f32>,
}

impl Op for Gradient<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        self.residual.copy_from_slice(self.x);
        for (&atom, &c) in self.atoms.iter().zip(self.magnitudes) {
            axpy(s, -c, self.dictionary.row(atom), self.residual);
        }
        let unit = unit(self.residual);
        divide(self.residual, unit);
        self.gradient.clear();
        for &atom in self.atoms {
            self.gradient
                .push(dot(s, self.dictionary.row(atom), self.residual));
        }
        unit
    }
}

struct Step<'a> {
    dictionary: MatRef<'a>,
    atoms: &'a [usize],
    magnitudes: &'a mut [f32],
    /// The number that the residual is divided by.
    unit: f64,
    /// The gradient on entry, from which the direction is made.
    direction: &'a mut [f32],
    image: &'a mut [f32],
    residual: &'a mut [f32],
}

impl Op for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Step {
            dictionary,
            atoms,
            magnitudes,
            unit: of_residual,
            direction,
            image,
            residual,
        } = self;
        for (&c, d) in magnitudes.iter().zip(&mut *direction) {
            if c <= 0.0 && *d < 0.0 {
                *d = 0.0;
            }
        }
        // The direction has a unit of its own, so that neither its values nor their squares leave the range of f32.
        let of_direction = unit(direction);
        divide(direction, of_direction);
        image.fill(0.0);
        for (&d, &atom) in direction.iter().zip(atoms) {
            axpy(s, d, dictionary.row(atom), image);
        }
        let of_image = unit(image);
        divide(image, of_image);
        if of_image.is_nan() {
            return magnitudes.fill(f32::NAN);
        }
        // The length of a step of the magnitudes for a step of length 1 of the image against the residual, each in its
        // unit.
        let per = of_residual / of_image;
        // Each bend takes an atom out, so there are no more bends than atoms.
        for _ in 0..=atoms.len() {
            let slope = dot(s, image, residual);
            let lowest = slope / dot(s, image, image);
            let down = slope > 0.0 && lowest.is_finite();
            if !down {
                return;
            }
            let (mut bend, mut length) = (None, (f64::from(lowest) * per) as f32);
            for (i, (&c, &d)) in magnitudes.iter().zip(&*direction).enumerate() {
                if d < 0.0 && c < -d * length {
                    (bend, length) = (Some(i), -c / d);
                }
            }
            for (c, &d) in magnitudes.iter_mut().zip(&*direction) {
                *c = (*c + length * d).max(0.0);
            }
            axpy(s, -(f64::from(length) / per) as f32, image, residual);
            let Some(bend) = bend else {
                return;
            };
            magnitudes[bend] = 0.0;
            let taken_out = (f64::from(-direction[bend]) / of_image) as f32;
            axpy(s, taken_out, dictionary.row(atoms[bend]), image);
            direction[bend] = 0.0;
        }
    }
}
