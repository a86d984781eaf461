//! Sparse coding of one sample by the plainest methods, in f64.

use crate::fit::solve;

/// A dictionary, row by row, and a sample.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The atoms of the dictionary, a row each.
    pub dictionary: Vec<Vec<f64>>,
    /// The sample.
    pub x: Vec<f64>,
}

/// Returns a·b.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Problem {
    /// Makes a problem from a dictionary with rows of `x.len()` values.
    pub fn new(dictionary: &[f32], x: &[f32]) -> Problem {
        let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect();
        Problem {
            dictionary: dictionary.chunks(x.len()).map(wide).collect(),
            x: wide(x),
        }
    }

    /// Returns the residual x − Dᵀc.
    pub fn residual(&self, code: &[f64]) -> Vec<f64> {
        let mut residual = self.x.clone();
        for (atom, c) in self.dictionary.iter().zip(code) {
            residual.iter_mut().zip(atom).for_each(|(r, a)| *r -= c * a);
        }
        residual
    }

    /// Returns the squared error ‖x − Dᵀc‖².
    pub fn error(&self, code: &[f64]) -> f64 {
        let residual = self.residual(code);
        dot(&residual, &residual)
    }

    /// Returns D(x − Dᵀc), the products of the atoms with the residual.
    pub fn correlations(&self, code: &[f64]) -> Vec<f64> {
        let residual = self.residual(code);
        self.dictionary.iter().map(|a| dot(a, &residual)).collect()
    }

    /// Returns the objective ‖x − Dᵀc‖² + Σ λwⱼcⱼ, where `costs` holds λw.
    pub fn lasso_objective(&self, code: &[f64], costs: &[f64]) -> f64 {
        self.error(code) + dot(code, costs)
    }

    /// Minimises [`lasso_objective`](Self::lasso_objective) over c ≥ 0, coordinate by coordinate, until a dual point
    /// proves the code optimal to 10⁻¹² of ‖x‖².
    ///
    /// # Panics
    /// If that takes more than two million rounds.
    pub fn lasso(&self, costs: &[f64]) -> Vec<f64> {
        let mut code = vec![0.0; costs.len()];
        let mut residual = self.x.clone();
        for _ in 0..2_000_000 {
            for (j, atom) in self.dictionary.iter().enumerate() {
                let square = dot(atom, atom);
                if square == 0.0 {
                    continue;
                }
                let best = code[j] + (dot(atom, &residual) - costs[j] / 2.0) / square;
                let change = best.max(0.0) - code[j];
                code[j] += change;
                residual
                    .iter_mut()
                    .zip(atom)
                    .for_each(|(r, a)| *r -= change * a);
            }
            if self.dual_gap(&code, costs) <= 1e-12 * dot(&self.x, &self.x) {
                return code;
            }
        }
        panic!("no convergence");
    }

    /// Returns the duality gap F(c) − (2νᵀx − ‖ν‖²), where F is the objective and ν the residual, shrunk so that Dν ≤
    /// λw/2.
    pub fn dual_gap(&self, code: &[f64], costs: &[f64]) -> f64 {
        let residual = self.residual(code);
        let mut shrink: f64 = 1.0;
        for (atom, cost) in self.dictionary.iter().zip(costs) {
            let product = dot(atom, &residual);
            if product > cost / 2.0 {
                shrink = shrink.min(cost / 2.0 / product);
            }
        }
        let dual: Vec<f64> = residual.iter().map(|r| shrink * r).collect();
        self.lasso_objective(code, costs) - (2.0 * dot(&dual, &self.x) - dot(&dual, &dual))
    }

    /// Returns the least squares on some atoms, by the normal equations; the code is not finite where these are
    /// singular.
    pub fn least_squares(&self, atoms: &[usize]) -> Vec<f64> {
        let mut code = vec![0.0; self.dictionary.len()];
        let atom = |i: usize| &self.dictionary[atoms[i]];
        let row = |i: usize| -> Vec<f64> {
            let products = (0..atoms.len()).map(|j| dot(atom(i), atom(j)));
            products.chain([dot(atom(i), &self.x)]).collect()
        };
        let solution = solve((0..atoms.len()).map(row).collect());
        for (&j, c) in atoms.iter().zip(solution) {
            code[j] = c;
        }
        code
    }

    /// Returns the non-negative least squares on some atoms: the best of the least squares on all subsets that is
    /// feasible.
    pub fn nnls(&self, atoms: &[usize]) -> Vec<f64> {
        let subsets = (0..1usize << atoms.len()).map(|subset| {
            let on = |i: &usize| subset >> i & 1 == 1;
            let places = (0..atoms.len()).filter(on).map(|i| atoms[i]);
            self.least_squares(&places.collect::<Vec<_>>())
        });
        let feasible = subsets.filter(|code| code.iter().all(|&c| c >= 0.0));
        feasible
            .min_by(|a, b| self.error(a).total_cmp(&self.error(b)))
            .expect("no atoms are feasible")
    }

    /// Runs orthogonal matching pursuit. Returns the code, the atoms in the order of choice, and the least lead that a
    /// chosen atom had over the next one, or over 0, as a share of ‖x‖.
    pub fn omp(&self, atoms: usize) -> (Vec<f64>, Vec<usize>, f64) {
        let size = dot(&self.x, &self.x).sqrt();
        let mut code = vec![0.0; self.dictionary.len()];
        let (mut chosen, mut lead) = (vec![], f64::INFINITY);
        for _ in 0..atoms {
            let mut rated: Vec<(f64, usize)> = self
                .correlations(&code)
                .into_iter()
                .enumerate()
                .filter(|(j, _)| !chosen.contains(j))
                .map(|(j, g)| (g / dot(&self.dictionary[j], &self.dictionary[j]).sqrt(), j))
                .collect();
            rated.sort_by(|a, b| b.0.total_cmp(&a.0));
            let Some(&(best, j)) = rated.first() else {
                break;
            };
            let next = rated.get(1).map_or(0.0, |r| r.0).max(0.0);
            lead = lead.min((best - next).abs() / size).min(best.abs() / size);
            if best <= 0.0 {
                break;
            }
            chosen.push(j);
            code = self.nnls(&chosen);
        }
        (code, chosen, lead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With two orthogonal atoms every method has a closed form.
    #[test]
    fn closed_forms() {
        let problem = Problem::new(&[2.0, 0.0, 0.0, 1.0], &[3.0, -1.0]);
        assert_eq!(problem.nnls(&[0, 1]), [1.5, 0.0]);
        let code = problem.lasso(&[4.0, 4.0]);
        // (3·2 − 4/2) / 4
        assert!((code[0] - 1.0).abs() < 1e-12 && code[1] == 0.0);
        assert_eq!(problem.lasso_objective(&[1.0, 0.0], &[4.0, 4.0]), 6.0);
        let (code, chosen, _) = problem.omp(2);
        assert_eq!((code, chosen), (vec![1.5, 0.0], vec![0]));
        assert_eq!(problem.least_squares(&[1]), [0.0, -1.0]);
    }
}
