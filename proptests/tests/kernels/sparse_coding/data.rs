//! Dictionaries with samples, and every method by name, which the tests share.

use kernels::sparse_coding::{
    Certificate, Lasso, Pursuit, Stop, gradient_pursuit, gradient_step, nnls, omp,
};
use kernels::{Exec, Isa, MatMut, MatRef, dictionary};
use proptest::prelude::*;
use proptests::reference::sparse_coding::{Problem, dot};
use proptests::stream;

/// A dictionary of n atoms of d values, and some samples.
#[derive(Clone, Debug)]
pub struct Data {
    pub n: usize,
    pub d: usize,
    pub dictionary: Vec<f32>,
    pub x: Vec<f32>,
}

impl Data {
    /// Makes atoms with a common part, so that they overlap, of norms between ½ and 2, and samples of a few atoms and
    /// noise.
    pub fn new(n: usize, d: usize, samples: usize, common: f32, seed: u64) -> Data {
        let mut next = stream(seed);
        let shared: Vec<f32> = (0..d).map(|_| next()).collect();
        let mut dictionary: Vec<f32> = (0..n * d)
            .map(|i| next() + common * shared[i % d])
            .collect();
        dictionary::normalise(
            Exec::serial(Isa::detect()),
            MatMut::new(&mut dictionary, n, d).unwrap(),
        );
        for atom in dictionary.chunks_mut(d) {
            let norm = 2f32.powf(next());
            atom.iter_mut().for_each(|a| *a *= norm);
        }
        let mut x = vec![];
        for _ in 0..samples {
            let mut sample: Vec<f32> = (0..d).map(|_| 0.1 * next()).collect();
            for _ in 0..3 {
                let atom = ((next() + 1.0) / 2.0 * n as f32) as usize % n;
                let c = next() + 1.0;
                let atom = &dictionary[atom * d..][..d];
                sample.iter_mut().zip(atom).for_each(|(x, a)| *x += c * a);
            }
            x.extend(sample);
        }
        Data {
            n,
            d,
            dictionary,
            x,
        }
    }

    pub fn samples(&self) -> usize {
        self.x.len() / self.d
    }

    pub fn dictionary(&self) -> MatRef<'_> {
        MatRef::new(&self.dictionary, self.n, self.d).unwrap()
    }

    pub fn x(&self) -> MatRef<'_> {
        MatRef::new(&self.x, self.samples(), self.d).unwrap()
    }

    pub fn problem(&self, i: usize) -> Problem {
        Problem::new(&self.dictionary, &self.x[i * self.d..][..self.d])
    }

    pub fn zeros(&self) -> Vec<f32> {
        vec![0.0; self.samples() * self.n]
    }

    /// Returns codes of which about every other value is positive.
    pub fn codes(&self, seed: u64) -> Vec<f32> {
        let mut next = stream(seed);
        self.zeros().iter().map(|_| next().max(0.0)).collect()
    }

    pub fn run(&self, method: Method, exec: Exec, codes: &[f32]) -> (Vec<f32>, Vec<Certificate>) {
        let mut codes = codes.to_vec();
        let mut certificates = vec![Certificate::default(); self.samples()];
        let out = MatMut::new(&mut codes, self.samples(), self.n).unwrap();
        let (dictionary, x) = (self.dictionary(), self.x());
        let lasso = |lambda| Lasso::new(exec, dictionary, lambda, None);
        match method {
            Method::Ista(lambda, stop) => lasso(lambda).ista(exec, x, stop, out, &mut certificates),
            Method::Fista(lambda, stop) => {
                lasso(lambda).fista(exec, x, stop, out, &mut certificates)
            }
            Method::Omp(pursuit) => omp(exec, dictionary, x, pursuit, out),
            Method::GradientPursuit(pursuit) => gradient_pursuit(exec, dictionary, x, pursuit, out),
            Method::GradientStep => gradient_step(exec, dictionary, x, out),
            Method::Nnls => nnls(exec, dictionary, x, out),
        }
        (codes, certificates)
    }

    pub fn code(&self, codes: &[f32], i: usize) -> Vec<f64> {
        wide(&codes[i * self.n..][..self.n])
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Method {
    Ista(f32, Stop),
    Fista(f32, Stop),
    Omp(Pursuit),
    GradientPursuit(Pursuit),
    GradientStep,
    Nnls,
}

pub const METHODS: [Method; 6] = [
    Method::Ista(0.1, iterations(20)),
    Method::Fista(0.1, SOLVED),
    Method::Omp(FIVE),
    Method::GradientPursuit(FIVE),
    Method::GradientStep,
    Method::Nnls,
];

pub const SOLVED: Stop = Stop {
    tolerance: 1e-5,
    iterations: 100_000,
};

/// A pursuit of five atoms that ends before the residual is so small that its squares underflow.
pub const FIVE: Pursuit = Pursuit {
    atoms: 5,
    tolerance: 1e-10,
};

pub const fn iterations(iterations: usize) -> Stop {
    Stop {
        tolerance: 0.0,
        iterations,
    }
}

pub const fn atoms(atoms: usize) -> Pursuit {
    Pursuit {
        atoms,
        tolerance: 0.0,
    }
}

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Returns Σ cⱼ‖Dⱼ‖ + ‖x‖, to which the rounding of a residual is in proportion.
pub fn size(problem: &Problem, code: &[f64]) -> f64 {
    let norms = problem.dictionary.iter().map(|a| dot(a, a).sqrt());
    let sum: f64 = norms.zip(code).map(|(n, c)| n * c.abs()).sum();
    sum + dot(&problem.x, &problem.x).sqrt()
}

/// Returns γ_{n+d+8}.
pub fn gamma(data: &Data) -> f64 {
    proptests::bounded::gamma(data.n + data.d + 8)
}

prop_compose! {
    pub fn data(most_atoms: usize, samples: usize)(
        n in 1..=most_atoms,
        d in 1..40usize,
        common in prop_oneof![Just(0.0f32), 0f32..2.0],
        seed: u64,
    ) -> Data {
        Data::new(n, d, samples, common, seed)
    }
}
