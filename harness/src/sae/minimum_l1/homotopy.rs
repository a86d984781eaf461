//! The cheapest code of a target, found along the path of the L1-penalised codes, with a proof.

use super::dictionary::{Dictionary, ROUNDING, dot, norm};

/// A minimum-L1 code with its proof.
#[derive(Debug, Clone)]
pub struct Proven {
    /// The weights of all atoms.
    pub code: Vec<f64>,
    /// The relative residual ‖x − Dᵀc‖ / ‖x‖.
    pub residual: f64,
    /// The duality gap (cost − lower bound) / cost, with the bound from a dual point that is feasible to the last
    /// digit.
    pub gap: f64,
}

/// A solver that follows the path of non-negative L1-penalised codes, for dictionaries too large for
/// [`Bases`](super::Bases).
#[derive(Debug)]
pub struct Homotopy<'a> {
    dictionary: &'a Dictionary,
    /// The Gram matrix D Dᵀ.
    gram: Vec<f64>,
}

impl<'a> Homotopy<'a> {
    /// Prepares a dictionary: forms its Gram matrix.
    pub fn new(dictionary: &'a Dictionary) -> Self {
        let n = dictionary.len();
        let mut gram = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let product = dot(dictionary.atom(i), dictionary.atom(j));
                gram[i * n + j] = product;
                gram[j * n + i] = product;
            }
        }
        Homotopy { dictionary, gram }
    }

    /// Returns the cheapest code of the target `x`; `None` if the path does not end, as when no non-negative code
    /// reconstructs the target. Among atoms less than some 0.01 rad apart the path may go astray: the code is proven
    /// only as far as its residual and gap say.
    ///
    /// The code that minimises ½‖x − Dᵀc‖² + λ Σ c is, on its active atoms A, c = p − λw with G_A p = D_A x
    /// and G_A w = 1. From λ = max D x on, λ falls to the next value at which an atom joins A (its correlation
    /// with the residual reaches λ) or leaves it (its weight reaches 0), until there is none above 0.
    pub fn cheapest(&self, x: &[f64]) -> Option<Proven> {
        let n = self.dictionary.len();
        let correlation: Vec<f64> = self.dictionary.atoms().map(|a| dot(a, x)).collect();
        let first = (0..n).max_by(|&a, &b| correlation[a].total_cmp(&correlation[b]))?;
        let mut lambda = correlation[first];
        let start = lambda;
        if lambda <= 0.0 {
            return None;
        }
        let mut factor = Cholesky::default();
        let mut active = vec![false; n];
        // The atom that left last would come back at once, by rounding.
        let mut left = None;
        let mut joins = Some(first);
        // Each step of the path takes one atom in or out; far fewer than this are needed.
        for _ in 0..20 * (self.dictionary.width() + 10) {
            if let Some(j) = joins {
                let row: Vec<f64> = factor.atoms.iter().map(|&i| self.gram(j, i)).collect();
                active[j] = true;
                // An atom that depends on the active ones brings nothing.
                factor.push(j, &row, self.gram(j, j));
            }
            let (p, w) = {
                let of_active: Vec<f64> = factor.atoms.iter().map(|&i| correlation[i]).collect();
                (
                    factor.solve(&of_active),
                    factor.solve(&vec![1.0; of_active.len()]),
                )
            };
            // Where no weight falls below 0 on the way to λ = 0, the end may be in sight. Rounding can take that sight
            // away again, when an atom on which nothing depends any more leaves just before the end.
            let largest = p.iter().copied().fold(0.0, f64::max);
            if p.iter().all(|&p| p >= -ROUNDING * largest) {
                let proven = self.prove(x, &factor.atoms, &p, &w);
                if let Some(proven) = proven.filter(|p| p.residual.max(p.gap.abs()) <= ROUNDING) {
                    return Some(proven);
                }
            }
            let mut next = (0.0, None);
            for j in (0..n).filter(|&j| !active[j] && left != Some(j)) {
                let row = &self.gram[j * n..][..n];
                let along = |v: &[f64]| -> f64 {
                    factor.atoms.iter().zip(v).map(|(&i, v)| row[i] * v).sum()
                };
                let (slope, level) = (1.0 - along(&w), correlation[j] - along(&p));
                // The correlation of atom j is level + (1 − slope)λ. Among atoms that are nearly parallel rounding may
                // find it above λ already.
                let at = match level - slope * lambda > 1e-10 * lambda {
                    true => lambda,
                    false if slope > 0.0 => level / slope,
                    false => continue,
                };
                if at > next.0 && at <= lambda * (1.0 + 1e-12) {
                    next = (at.min(lambda), Some(Event::Joins(j)));
                }
            }
            for (k, (&p, &w)) in p.iter().zip(&w).enumerate() {
                let at = p / w;
                if w < 0.0 && at > next.0 && at <= lambda * (1.0 + 1e-12) {
                    next = (at.min(lambda), Some(Event::Leaves(k)));
                }
            }
            lambda = next.0;
            match next.1 {
                None => return self.prove(x, &factor.atoms, &p, &w),
                // The rest of the path is rounding.
                Some(_) if lambda <= 1e-13 * start => {
                    return self.prove(x, &factor.atoms, &p, &w);
                }
                Some(Event::Joins(j)) => {
                    (joins, left) = (Some(j), None);
                }
                Some(Event::Leaves(k)) => {
                    let j = factor.atoms[k];
                    active[j] = false;
                    (joins, left) = (None, Some(j));
                    factor.remove(k, |a, b| self.gram(a, b));
                }
            }
        }
        None
    }

    fn gram(&self, i: usize, j: usize) -> f64 {
        self.gram[i * self.dictionary.len() + j]
    }

    /// Returns the code p on the active atoms with its proof, for which the dual point y = D_Aᵀ w is shrunk until it is
    /// feasible; `None` if the residual or the gap is not finite.
    fn prove(&self, x: &[f64], atoms: &[usize], p: &[f64], w: &[f64]) -> Option<Proven> {
        let spread = |values: &[f64]| {
            let mut all = vec![0.0; self.dictionary.len()];
            atoms.iter().zip(values).for_each(|(&j, &v)| all[j] = v);
            all
        };
        let mut code = spread(p);
        code.iter_mut().for_each(|c| *c = c.max(0.0));
        let y = self.dictionary.decode(&spread(w));
        let most = self
            .dictionary
            .atoms()
            .map(|a| dot(a, &y))
            .fold(1.0, f64::max);
        let cost: f64 = code.iter().sum();
        let gap = (cost - dot(&y, x) / most) / cost;
        let rest: Vec<f64> = x
            .iter()
            .zip(self.dictionary.decode(&code))
            .map(|(x, r)| x - r)
            .collect();
        let residual = norm(&rest) / norm(x);
        let proven = Proven {
            code,
            residual,
            gap,
        };
        (residual.is_finite() && gap.is_finite()).then_some(proven)
    }
}

/// An event on a path: the change of the active atoms at the next λ.
#[derive(Clone, Copy)]
enum Event {
    /// An atom becomes active.
    Joins(usize),
    /// An atom, given by its place among the active ones, reaches weight 0.
    Leaves(usize),
}

/// The Cholesky factor L of the Gram matrix of the active atoms, which can be added and removed.
#[derive(Default)]
struct Cholesky {
    atoms: Vec<usize>,
    /// The lower triangle, row by row.
    rows: Vec<Vec<f64>>,
}

impl Cholesky {
    /// Adds an atom, given its products with the atoms so far and with itself, unless it depends on them linearly.
    fn push(&mut self, atom: usize, products: &[f64], square: f64) {
        let mut row = self.forward(products);
        let rest = square - dot(&row, &row);
        if rest <= 1e-13 * square {
            return;
        }
        row.push(rest.sqrt());
        self.rows.push(row);
        self.atoms.push(atom);
    }

    /// Removes the atom at a place.
    fn remove(&mut self, place: usize, gram: impl Fn(usize, usize) -> f64) {
        let later = self.atoms.split_off(place);
        self.rows.truncate(place);
        for &atom in &later[1..] {
            let products: Vec<f64> = self.atoms.iter().map(|&i| gram(atom, i)).collect();
            self.push(atom, &products, gram(atom, atom));
        }
    }

    /// Returns L⁻¹b.
    fn forward(&self, b: &[f64]) -> Vec<f64> {
        let mut z: Vec<f64> = Vec::with_capacity(b.len() + 1);
        for (row, b) in self.rows.iter().zip(b) {
            let known = dot(&row[..z.len()], &z);
            z.push((b - known) / row[z.len()]);
        }
        z
    }

    /// Returns (L Lᵀ)⁻¹b.
    fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut z = self.forward(b);
        for i in (0..z.len()).rev() {
            z[i] /= self.rows[i][i];
            let (before, at) = z.split_at_mut(i);
            let row = &self.rows[i][..i];
            before
                .iter_mut()
                .zip(row)
                .for_each(|(z, l)| *z -= at[0] * l);
        }
        z
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::rng::{Rng, random_direction};
    use crate::sae::minimum_l1::{Bases, support};

    fn random(n: usize, m: usize, rng: &mut Rng) -> Dictionary {
        let atoms = (0..n).flat_map(|_| random_direction(m, rng)).collect();
        Dictionary::new(m, atoms)
    }

    fn target(dictionary: &Dictionary, active: usize, rng: &mut Rng) -> (Vec<f64>, Vec<f64>) {
        let mut code = vec![0.0; dictionary.len()];
        for j in rng.choose(dictionary.len(), active) {
            code[j] = 0.1 + rng.random::<f64>();
        }
        (dictionary.decode(&code), code)
    }

    #[test]
    fn the_path_ends_at_the_enumerated_optimum_and_duality_proves_it() {
        let mut rng = Rng::stream(1, "test", "minimum-l1", 0);
        for _ in 0..300 {
            let m = 1 + rng.below(6);
            let n = m + rng.below(13 - m);
            let dictionary = random(n, m, &mut rng);
            let active = 1 + rng.below(n.min(m + 2));
            let (x, built) = target(&dictionary, active, &mut rng);
            let enumerated = Bases::new(&dictionary).cheapest(&x).expect("it was built");
            let Proven {
                code,
                residual,
                gap,
            } = Homotopy::new(&dictionary)
                .cheapest(&x)
                .expect("it was built");
            let cost = |c: &[f64]| c.iter().sum::<f64>();
            assert!(residual < 1e-9 && gap.abs() < 1e-9, "{residual} {gap}");
            let (a, b) = (cost(&code), cost(&enumerated));
            assert!((a - b).abs() < 1e-8 * b, "{a} {b}: n = {n}, m = {m}");
            assert!(b <= cost(&built) * (1.0 + 1e-9));
            assert!(support(&enumerated).len() <= m);
        }
    }

    #[test]
    fn large_dictionaries_are_solved_and_proven() {
        let mut rng = Rng::stream(2, "test", "minimum-l1", 0);
        let dictionary = random(256, 64, &mut rng);
        let homotopy = Homotopy::new(&dictionary);
        for active in [1, 5, 15, 40, 120] {
            let (x, built) = target(&dictionary, active, &mut rng);
            let proven = homotopy.cheapest(&x).expect("it was built");
            assert!(
                proven.residual < 1e-9 && proven.gap.abs() < 1e-9,
                "{active}: {proven:?}"
            );
            // Few enough of many random atoms are found again exactly.
            if active <= 5 {
                assert_eq!(support(&proven.code), support(&built));
            }
        }
    }

    #[test]
    fn nearly_parallel_atoms_do_not_lead_astray() {
        let mut rng = Rng::stream(3, "test", "minimum-l1", 0);
        for round in 0..100 {
            // Pairs of directions, as a dictionary learns them that has too many elements, rounded to f32 as there.
            let apart = 10f64.powi(-(round % 6) - 1);
            let pairs = (0..40).flat_map(|_| {
                let one = random_direction(24, &mut rng);
                let off = random_direction(24, &mut rng);
                let other = one.iter().zip(&off).map(|(a, b)| a + apart * b);
                let other: Vec<f64> = other.collect();
                let length = norm(&other);
                let other = other.into_iter().map(move |v| v / length);
                one.into_iter().chain(other).collect::<Vec<f64>>()
            });
            let dictionary = Dictionary::new(24, pairs.map(|v| f64::from(v as f32)).collect());
            let homotopy = Homotopy::new(&dictionary);
            for active in [2, 6, 12] {
                let (x, built) = target(&dictionary, active, &mut rng);
                let found = homotopy.cheapest(&x);
                let proven = found
                    .as_ref()
                    .filter(|p| p.residual.max(p.gap.abs()) < 1e-6);
                // For atoms closer than 5e-3, products of atoms do not tell them apart well enough, and the proof says
                // so.
                assert!(proven.is_some() || apart < 5e-3, "{apart}: {found:?}");
                if let Some(proven) = proven {
                    let cost: f64 = proven.code.iter().sum();
                    assert!(cost <= built.iter().sum::<f64>() * (1.0 + 2e-6));
                }
            }
        }
    }

    #[test]
    fn a_target_outside_the_cone_has_no_code() {
        let dictionary = Dictionary::new(2, vec![1.0, 0.0, 0.0, 1.0]);
        assert!(Bases::new(&dictionary).cheapest(&[-1.0, 1.0]).is_none());
        let path = Homotopy::new(&dictionary).cheapest(&[-1.0, 1.0]);
        assert!(path.is_none_or(|p| p.residual > 0.1));
    }
}
