//! Gradient pursuit (Blumensath & Davies, *Gradient Pursuits*, IEEE Trans. Signal Processing 56, 2008): a
//! matching pursuit whose magnitudes take one exact gradient step where orthogonal matching pursuit
//! solves a system.

use super::operands::{CHUNK, check, support};
use super::pursuit::{Magnitudes, Pursuit, pursue};
use crate::function::elementwise::{axpy, dot};
use crate::machine::exec::Exec;
use crate::machine::par;
use crate::machine::profile::{self, Part, Work};
use crate::machine::simd::{Op, Simd};
use crate::matrix::view::{MatMut, MatRef};

/// Gradient pursuit with non-negative magnitudes; the codes are overwritten. Atoms are chosen as by
/// [`omp`](super::omp), and after each the magnitudes of all chosen ones take a step as by [`gradient_step`].
///
/// # Panics
/// If the shapes do not match.
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

/// One gradient step of the magnitudes on the supports of the codes, in place: of what an encoder finds it
/// keeps the support and mends the magnitudes.
///
/// The direction is that of the steepest descent of ‖x − Dᵀc‖², g = D(x − Dᵀc) on the support; the step goes to
/// its lowest point, ‖g‖² / ‖Dᵀg‖². A magnitude that would fall below 0 stops there, and the others go on
/// without it, to the first minimum along their bent path. So the error never rises, but by rounding.
///
/// # Panics
/// If the shapes do not match.
#[track_caller]
pub fn gradient_step(exec: Exec, dictionary: MatRef, x: MatRef, codes: MatMut) {
    check(dictionary, x, &codes);
    profile::call(Part::Pursuit, Work::default);
    par::share_timed(Part::Pursuit, exec, CHUNK, (x, codes), &|(x, mut codes)| {
        let mut steps = Steps::new(exec, dictionary);
        let mut residual = vec![0.0; x.cols()];
        for i in 0..x.rows() {
            let code = codes.row(i);
            steps.start(x.row(i));
            for j in support(code) {
                steps.atoms.push(j);
                steps.magnitudes.push(code[j]);
            }
            exec.isa().dispatch(Gradient {
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

/// Magnitudes of one sample that take gradient steps.
struct Steps<'a> {
    exec: Exec,
    dictionary: MatRef<'a>,
    atoms: Vec<usize>,
    magnitudes: Vec<f32>,
    /// One value an atom: the gradient, then the direction.
    direction: Vec<f32>,
    /// Dᵀ times the direction.
    image: Vec<f32>,
}

impl<'a> Steps<'a> {
    fn new(exec: Exec, dictionary: MatRef<'a>) -> Self {
        Steps {
            exec,
            dictionary,
            atoms: vec![],
            magnitudes: vec![],
            direction: vec![],
            image: vec![0.0; dictionary.cols()],
        }
    }

    /// A step along the direction, from the residual that goes with the magnitudes.
    fn step(&mut self, residual: &mut [f32]) {
        self.exec.isa().dispatch(Step {
            dictionary: self.dictionary,
            atoms: &self.atoms,
            magnitudes: &mut self.magnitudes,
            direction: &mut self.direction,
            image: &mut self.image,
            residual,
        });
    }
}

impl<'a> Magnitudes<'a> for Steps<'a> {
    fn start(&mut self, _: &'a [f32]) {
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

/// The residual x − Dᵀc, and its products with the atoms.
struct Gradient<'a> {
    dictionary: MatRef<'a>,
    x: &'a [f32],
    atoms: &'a [usize],
    magnitudes: &'a [f32],
    residual: &'a mut [f32],
    gradient: &'a mut Vec<f32>,
}

impl Op for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.residual.copy_from_slice(self.x);
        for (&atom, &c) in self.atoms.iter().zip(self.magnitudes) {
            axpy(s, -c, self.dictionary.row(atom), self.residual);
        }
        self.gradient.clear();
        for &atom in self.atoms {
            self.gradient
                .push(dot(s, self.dictionary.row(atom), self.residual));
        }
    }
}

struct Step<'a> {
    dictionary: MatRef<'a>,
    atoms: &'a [usize],
    magnitudes: &'a mut [f32],
    /// The gradient on entry.
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
            direction,
            image,
            residual,
        } = self;
        image.fill(0.0);
        for (i, &atom) in atoms.iter().enumerate() {
            if magnitudes[i] <= 0.0 && direction[i] < 0.0 {
                direction[i] = 0.0;
            }
            axpy(s, direction[i], dictionary.row(atom), image);
        }
        // Each bend takes an atom out, so there are no more of them than atoms.
        for _ in 0..=atoms.len() {
            let slope = dot(s, image, residual);
            let lowest = slope / dot(s, image, image);
            // No way down, or a NaN.
            let down = slope > 0.0 && lowest.is_finite();
            if !down {
                return;
            }
            let (mut bend, mut length) = (None, lowest);
            for (i, (&c, &d)) in magnitudes.iter().zip(&*direction).enumerate() {
                if d < 0.0 && c < -d * length {
                    (bend, length) = (Some(i), -c / d);
                }
            }
            for (c, &d) in magnitudes.iter_mut().zip(&*direction) {
                *c = (*c + length * d).max(0.0);
            }
            axpy(s, -length, image, residual);
            let Some(bend) = bend else {
                return;
            };
            magnitudes[bend] = 0.0;
            axpy(s, -direction[bend], dictionary.row(atoms[bend]), image);
            direction[bend] = 0.0;
        }
    }
}
