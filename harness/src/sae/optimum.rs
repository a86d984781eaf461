//! Codes of least loss on a dictionary, and how far other codes are from them.

use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Exec, MatMut, MatRef};
use serde::{Deserialize, Serialize};

use crate::phase::Phase;

/// The accuracy at which a code counts as optimal.
const OPTIMAL: Stop = Stop {
    tolerance: 1e-5,
    iterations: 3000,
};

/// The problem of coding samples on a dictionary under the loss ‖x − Dᵀc‖² + λ Σ c over c ≥ 0.
pub struct Problem<'a> {
    exec: Exec,
    lasso: Lasso<'a>,
    x: MatRef<'a>,
    elements: usize,
}

impl<'a> Problem<'a> {
    /// Returns the problem of coding the samples `x`, B×d, on `dictionary`, n×d, with the coefficient `lambda` of the
    /// penalty.
    pub fn new(exec: Exec, dictionary: MatRef<'a>, x: MatRef<'a>, lambda: f64) -> Self {
        Problem {
            exec,
            lasso: Lasso::new(exec, dictionary, lambda as f32, None),
            x,
            elements: dictionary.rows(),
        }
    }

    /// Returns the codes of least loss, B×n, by FISTA; `None` if one of them is not a number.
    pub fn best(&self) -> Option<Vec<f32>> {
        let _span = Phase::Metrics.begin();
        let mut codes = vec![0f32; self.x.rows() * self.elements];
        let mut certificates = vec![Certificate::default(); self.x.rows()];
        let into = MatMut::from_rows(&mut codes, self.elements);
        self.lasso
            .fista(self.exec, self.x, OPTIMAL, into, &mut certificates);
        // A code that is not a number comes out as 0, and only the certificate says so.
        let certified = certificates.iter().all(|c| c.gap.is_finite());
        certified.then_some(codes)
    }

    /// Returns the loss of codes, B×n, mean over samples.
    pub fn loss(&self, codes: &[f32]) -> f64 {
        let mut certificates = vec![Certificate::default(); self.x.rows()];
        let codes = MatRef::from_rows(codes, self.elements);
        self.lasso
            .certify(self.exec, self.x, codes, &mut certificates);
        certificates.iter().map(|c| c.objective).sum::<f64>() / self.x.rows() as f64
    }

    /// Returns the distance of `codes` from the best ones, `best`; [`Distance::UNKNOWN`] if these were not found.
    pub fn distance(&self, codes: &[f32], best: Option<&[f32]>) -> Distance {
        let Some(best) = best else {
            return Distance::UNKNOWN;
        };
        let (loss, least) = (self.loss(codes), self.loss(best));
        let mut overlap = Overlap::NOTHING;
        for (ours, theirs) in codes
            .chunks_exact(self.elements)
            .zip(best.chunks_exact(self.elements))
        {
            overlap.add(&active(ours), &active(theirs));
        }
        Distance {
            excess: (loss - least) / least,
            f1: match loss.is_finite() {
                true => overlap.f1(),
                false => f64::NAN,
            },
        }
    }
}

/// The distance of codes from the best ones for the same dictionary, samples and λ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distance {
    /// The excess of the loss over that of the best codes, in units of the latter.
    pub excess: f64,
    /// The F1 of the active entries against those of the best codes, over all samples.
    pub f1: f64,
}

impl Distance {
    /// The distance where the best codes are not known: NaN in both fields.
    pub const UNKNOWN: Distance = Distance {
        excess: f64::NAN,
        f1: f64::NAN,
    };
}

/// Returns the indices of the active entries of a code, in increasing order.
pub fn active(code: &[f32]) -> Vec<usize> {
    (0..code.len()).filter(|&j| code[j] > 0.0).collect()
}

/// The numbers of entries that were found, that were wanted, and that both have in common, over many samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    common: usize,
    found: usize,
    wanted: usize,
}

impl Overlap {
    /// The overlap of no samples, whose measures are NaN.
    pub const NOTHING: Overlap = Overlap {
        common: 0,
        found: 0,
        wanted: 0,
    };

    /// Adds a sample: the entries `found`, and the entries `wanted`, in increasing order.
    pub fn add(&mut self, found: &[usize], wanted: &[usize]) {
        let common = found.iter().filter(|j| wanted.binary_search(j).is_ok());
        self.common += common.count();
        self.found += found.len();
        self.wanted += wanted.len();
    }

    /// Returns the share of the entries found that were wanted.
    pub fn precision(&self) -> f64 {
        self.common as f64 / self.found as f64
    }

    /// Returns the share of the entries wanted that were found.
    pub fn recall(&self) -> f64 {
        self.common as f64 / self.wanted as f64
    }

    /// Returns the number of entries found, in all samples.
    pub fn found(&self) -> usize {
        self.found
    }

    /// Returns the harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        2.0 * self.common as f64 / (self.found + self.wanted) as f64
    }
}

#[cfg(test)]
mod tests {
    use kernels::Isa;

    use super::*;
    use crate::rng::{Rng, random_direction};

    /// Returns the code of least loss by cyclic coordinate descent in f64, which ends when no entry moves.
    fn by_descent(elements: &[Vec<f64>], x: &[f64], lambda: f64) -> Vec<f64> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (mut code, mut rest) = (vec![0.0; elements.len()], x.to_vec());
        for _ in 0..100_000 {
            let mut moved = 0.0f64;
            for (c, e) in code.iter_mut().zip(elements) {
                let new = (*c + (dot(e, &rest) - lambda / 2.0) / dot(e, e)).max(0.0);
                rest.iter_mut()
                    .zip(e)
                    .for_each(|(r, e)| *r -= (new - *c) * e);
                moved = moved.max((new - *c).abs());
                *c = new;
            }
            if moved < 1e-12 {
                break;
            }
        }
        code
    }

    #[test]
    fn the_excess_is_that_over_coordinate_descent() {
        let (n, d, samples, lambda) = (12, 8, 40, 0.2);
        let mut rng = Rng::stream(1, "test", "optimum", 0);
        let narrow = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect::<Vec<f32>>();
        let elements: Vec<f32> = (0..n)
            .flat_map(|_| narrow(random_direction(d, &mut rng)))
            .collect();
        let x: Vec<f32> = (0..samples * d).map(|_| rng.normal() as f32).collect();
        let codes: Vec<f32> = (0..samples * n)
            .map(|_| (rng.normal() as f32).max(0.0))
            .collect();
        let problem = Problem::new(
            Exec::serial(Isa::detect()),
            MatRef::from_rows(&elements, d),
            MatRef::from_rows(&x, d),
            lambda,
        );
        let best = problem.best().unwrap();
        let distance = problem.distance(&codes, Some(&best));

        let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
        let rows: Vec<Vec<f64>> = elements.chunks_exact(d).map(wide).collect();
        let loss = |x: &[f64], code: &[f64]| {
            let mut rest = x.to_vec();
            for (c, e) in code.iter().zip(&rows) {
                rest.iter_mut().zip(e).for_each(|(r, e)| *r -= c * e);
            }
            rest.iter().map(|r| r * r).sum::<f64>() + lambda * code.iter().sum::<f64>()
        };
        let (mut ours, mut least, mut common, mut entries) = (0.0, 0.0, 0usize, 0usize);
        for (x, code) in x.chunks_exact(d).zip(codes.chunks_exact(n)) {
            let (x, code) = (wide(x), wide(code));
            let best = by_descent(&rows, &x, lambda);
            ours += loss(&x, &code);
            least += loss(&x, &best);
            for (a, b) in code.iter().zip(&best) {
                common += usize::from(*a > 0.0 && *b > 0.0);
                entries += usize::from(*a > 0.0) + usize::from(*b > 0.0);
            }
        }
        // FISTA stops at a duality gap of 1e-5 of ‖x‖², and an entry near 0 may fall on either side.
        let excess = (ours - least) / least;
        assert!(
            (distance.excess - excess).abs() < 1e-3 * excess,
            "{distance:?} {excess}"
        );
        let f1 = 2.0 * common as f64 / entries as f64;
        assert!((distance.f1 - f1).abs() < 0.02, "{distance:?} {f1}");
        assert_eq!(
            problem.distance(&best, Some(&best)),
            Distance {
                excess: 0.0,
                f1: 1.0
            }
        );
        assert!(problem.distance(&codes, None).excess.is_nan());
    }

    #[test]
    fn a_sample_that_is_not_a_number_has_no_best_code() {
        let x = [1.0, f32::NAN];
        let elements = [1.0, 0.0, 0.0, 1.0];
        let exec = Exec::serial(Isa::detect());
        let elements = MatRef::from_rows(&elements, 2);
        assert!(
            Problem::new(exec, elements, MatRef::from_rows(&x, 2), 0.1)
                .best()
                .is_none()
        );
    }

    #[test]
    fn overlaps_count_what_is_in_common() {
        let mut overlap = Overlap::NOTHING;
        overlap.add(&[0, 2, 5], &[2, 3]);
        overlap.add(&[1], &[1]);
        assert_eq!((overlap.precision(), overlap.recall()), (0.5, 2.0 / 3.0));
        assert_eq!(overlap.f1(), 4.0 / 7.0);
    }
}
