//! The cheapest code of a target, by enumeration of all bases.

use super::dictionary::{Dictionary, ROUNDING, dot};

/// All bases of a small dictionary: every choice of m linearly independent atoms, up to C(n, m) of them.
#[derive(Debug)]
pub struct Bases<'a> {
    dictionary: &'a Dictionary,
    /// The atoms of each basis.
    atoms: Vec<Vec<usize>>,
    /// The linear system of each basis, whose solution for a target is the weights of the atoms.
    systems: Vec<Lu>,
}

impl<'a> Bases<'a> {
    /// Finds all bases of a dictionary.
    pub fn new(dictionary: &'a Dictionary) -> Self {
        let mut bases = Bases {
            dictionary,
            atoms: Vec::new(),
            systems: Vec::new(),
        };
        let m = dictionary.width();
        for_each_choice(dictionary.len(), m, |atoms| {
            // Columns are atoms: B·weights = x.
            if let Some(system) = Lu::new(m, |i, j| dictionary.atom(atoms[j])[i]) {
                bases.atoms.push(atoms.to_vec());
                bases.systems.push(system);
            }
        });
        bases
    }

    /// Returns the cheapest code of the target `x`; `None` if no non-negative code reconstructs it.
    pub fn cheapest(&self, x: &[f64]) -> Option<Vec<f64>> {
        let m = self.dictionary.width();
        let mut best: Option<(f64, usize)> = None;
        let mut weights = vec![0.0; m];
        for basis in 0..self.atoms.len() {
            self.systems[basis].solve(x, &mut weights);
            let size: f64 = weights.iter().map(|w| w.abs()).sum();
            let cost: f64 = weights.iter().sum();
            let feasible = weights.iter().all(|&w| w >= -ROUNDING * size);
            if feasible && best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, basis));
            }
        }
        let (_, basis) = best?;
        self.systems[basis].solve(x, &mut weights);
        let mut code = vec![0.0; self.dictionary.len()];
        for (&j, &w) in self.atoms[basis].iter().zip(&weights) {
            code[j] = w.max(0.0);
        }
        Some(code)
    }
}

/// Calls `visit` with every increasing choice of `k` out of {0, …, n − 1}.
pub fn for_each_choice(n: usize, k: usize, mut visit: impl FnMut(&[usize])) {
    if k > n {
        return;
    }
    let mut choice: Vec<usize> = (0..k).collect();
    loop {
        visit(&choice);
        let Some(i) = (0..k).rfind(|&i| choice[i] < n - k + i) else {
            return;
        };
        choice[i] += 1;
        for later in i + 1..k {
            choice[later] = choice[later - 1] + 1;
        }
    }
}

/// The LU factors of a square matrix, with row pivots. Solutions leave a residual of a few ulp, however close to
/// singular the matrix is, which an inverse would not.
#[derive(Debug)]
struct Lu {
    /// The row of the matrix that each row of the factors comes from.
    order: Vec<usize>,
    /// Both factors in one m×m matrix; the diagonal of the lower one is 1.
    factors: Vec<f64>,
}

impl Lu {
    /// Factors the m×m matrix with the entries `entry(i, j)`; `None` if it is singular to rounding.
    fn new(m: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Lu> {
        let mut rows: Vec<Vec<f64>> = (0..m)
            .map(|i| (0..m).map(|j| entry(i, j)).collect())
            .collect();
        let mut order: Vec<usize> = (0..m).collect();
        let largest = rows.iter().flatten().fold(0.0, |l: f64, v| l.max(v.abs()));
        for column in 0..m {
            let size = |i: &usize| rows[*i][column].abs();
            let pivot = (column..m).max_by(|a, b| size(a).total_cmp(&size(b)))?;
            if size(&pivot) <= 1e-15 * largest {
                return None;
            }
            rows.swap(column, pivot);
            order.swap(column, pivot);
            let (above, below) = rows.split_at_mut(column + 1);
            let pivot = &above[column];
            for row in below {
                let factor = row[column] / pivot[column];
                row[column] = factor;
                for j in column + 1..m {
                    row[j] -= factor * pivot[j];
                }
            }
        }
        let factors = rows.concat();
        Some(Lu { order, factors })
    }

    fn solve(&self, b: &[f64], z: &mut [f64]) {
        let m = self.order.len();
        let row = |i: usize| &self.factors[i * m..][..m];
        for i in 0..m {
            z[i] = b[self.order[i]] - dot(&row(i)[..i], &z[..i]);
        }
        for i in (0..m).rev() {
            z[i] = (z[i] - dot(&row(i)[i + 1..], &z[i + 1..])) / row(i)[i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_all_and_in_order() {
        let mut seen = Vec::new();
        for_each_choice(4, 2, |c| seen.push(c.to_vec()));
        assert_eq!(seen, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        let mut count = 0;
        for_each_choice(12, 6, |_| count += 1);
        assert_eq!(count, 924);
        for_each_choice(2, 3, |_| panic!("there is none"));
    }
}
