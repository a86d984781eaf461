//! How many atoms of a random dictionary an L1 norm can find again: the phase transition in closed form.
//!
//! A code c₀ on K of N Gaussian atoms in M dimensions is the cheapest of its target exactly if the null space of the
//! dictionary, a random subspace of codimension M, meets the cone of the directions that make c₀ cheaper in 0 alone.
//! That has a chance of one half where M is the *statistical dimension* of this cone (Amelunxen, Lotz, McCoy and
//! Tropp, Living on the edge, 2014, theorem II and proposition 4.5):
//!
//! δ(K, N) = min over τ ≥ 0 of K (1 + τ²) + (N − K) s ∫_τ^∞ (u − τ)² φ(u) du,
//!
//! with s = 2 for codes of either sign and s = 1 for non-negative ones, up to an error that stays of the order of one
//! dimension. As N grows with K/M and M/N held fixed, M = δ(K, N) is the weak threshold of Donoho and Tanner (Counting
//! faces of randomly projected polytopes when the projection radically lowers dimension, 2009).
//!
//! The width at finite size: the chance is that of V ≤ M, V a random number with mean δ and the variance of the squared
//! norm of a Gaussian vector's projection on the cone, less 2δ (McCoy and Tropp, From Steiner formulas for cones to
//! concentration of intrinsic volumes, 2014), and V is nearly normal (Goldstein, Nourdin and Peccati, Gaussian phase
//! transitions and conic intrinsic volumes, 2017). That squared norm is the sum above before its mean is taken, at
//! the best τ to leading order, so its variance is a sum over coordinates.

use std::f64::consts::PI;

use crate::sae::synthetic::normal_tail;

crate::words! {
    /// The signs that weights may have.
    pub enum Codes {
        /// None is below 0.
        NonNegative,
        /// Any.
        Signed,
    }
}

/// K of N atoms, to be found again: K is real, so that curves can be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Sparse {
    /// Signs of the weights.
    pub codes: Codes,
    /// Active atoms K, above 0 and below N.
    pub active: f64,
    /// Atoms N.
    pub atoms: f64,
}

/// Where a chance of one half lies, and how far around it the chance changes, in dimensions.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// The statistical dimension δ.
    pub dimension: f64,
    /// The standard deviation of V.
    pub width: f64,
}

impl Sparse {
    /// The transition in the number of dimensions M.
    pub fn transition(self) -> Transition {
        let Sparse {
            codes,
            active,
            atoms,
        } = self;
        let (sides, rest) = (codes.sides(), atoms - active);
        // The derivative of the sum by τ, halved, rises: K τ − (N − K) s ∫ (u − τ) φ.
        let tau = root(0.0, 40.0, |tau| active * tau - rest * sides * tails(tau)[1]);
        let [_, _, second, _, fourth] = tails(tau);
        let on = (1.0 + tau * tau, 2.0 + 4.0 * tau * tau);
        let off = sides * second;
        let off = (off, sides * fourth - off * off);
        let dimension = active * on.0 + rest * off.0;
        let variance = active * on.1 + rest * off.1 - 2.0 * dimension;
        Transition {
            dimension,
            width: variance.max(0.0).sqrt(),
        }
    }

    /// The chance that the code is found again in `dimensions` dimensions.
    pub fn chance(self, dimensions: usize) -> f64 {
        normal_tail(-self.transition().widths_below(dimensions as f64))
    }
}

impl Transition {
    /// The number of widths that it lies below so many dimensions.
    fn widths_below(self, dimensions: f64) -> f64 {
        (dimensions - self.dimension) / self.width
    }
}

impl Codes {
    /// The number of signs that a weight can take.
    fn sides(self) -> f64 {
        match self {
            Codes::NonNegative => 1.0,
            Codes::Signed => 2.0,
        }
    }

    /// The number of active atoms, out of `atoms` in `dimensions` dimensions, at which the dimensions lie so many widths
    /// above the transition: a half is found again at 0, some 84 % at 1.
    pub fn active_at(self, widths: f64, dimensions: f64, atoms: f64) -> f64 {
        let off = |active: f64| {
            let sparse = Sparse {
                codes: self,
                active,
                atoms,
            };
            widths - sparse.transition().widths_below(dimensions)
        };
        root(1e-9 * atoms, atoms * (1.0 - 1e-9), off)
    }
}

/// The root of a rising function, by bisection.
fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        match f(middle) < 0.0 {
            true => low = middle,
            false => high = middle,
        }
    }
    (low + high) / 2.0
}

/// ∫_τ^∞ (u − τ)^k φ(u) du for k = 0 … 4, each from the two before by integration by parts.
fn tails(tau: f64) -> [f64; 5] {
    let density = (-tau * tau / 2.0).exp() / (2.0 * PI).sqrt();
    let mut all = [normal_tail(tau), 0.0, 0.0, 0.0, 0.0];
    all[1] = density - tau * all[0];
    for k in 2..5 {
        all[k] = (k - 1) as f64 * all[k - 2] - tau * all[k - 1];
    }
    // Where τ is large the differences drown in rounding, and nothing is left of the tail.
    all.map(|tail| tail.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::record::Word as _;

    /// The statistical dimension and the variance by sums over grids, in place of closed forms.
    fn plainly(codes: Codes, active: f64, atoms: f64) -> (f64, f64) {
        let step = 5e-3;
        let grid = || (-1800..=1800).map(|i| f64::from(i) * step);
        let density = |u: f64| (-u * u / 2.0).exp() / (2.0 * PI).sqrt() * step;
        let moments = |f: &dyn Fn(f64) -> f64| {
            let mean: f64 = grid().map(|u| density(u) * f(u)).sum();
            let square: f64 = grid().map(|u| density(u) * f(u).powi(2)).sum();
            (mean, square - mean * mean)
        };
        let at = |tau: f64| {
            let on = moments(&|u| (u - tau).powi(2));
            let off = moments(&|u| match codes {
                Codes::NonNegative => (u - tau).max(0.0).powi(2),
                Codes::Signed => (u.abs() - tau).max(0.0).powi(2),
            });
            let of = |on: f64, off: f64| active * on + (atoms - active) * off;
            (of(on.0, off.0), of(on.1, off.1))
        };
        // The sum is convex in τ.
        let (mut low, mut high) = (0.0, 10.0);
        for _ in 0..60 {
            let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            match at(a).0 < at(b).0 {
                true => high = b,
                false => low = a,
            }
        }
        let (dimension, variance) = at(low);
        (dimension, variance - 2.0 * dimension)
    }

    #[test]
    fn closed_forms_are_sums_over_grids() {
        for &codes in Codes::ALL {
            for (active, atoms) in [(2.0, 100.0), (10.0, 64.0), (30.0, 50.0)] {
                let Transition { dimension, width } = Sparse {
                    codes,
                    active,
                    atoms,
                }
                .transition();
                let (plain, variance) = plainly(codes, active, atoms);
                let near = |a: f64, b: f64| (a - b).abs() < 1e-3 * a.max(b);
                assert!(
                    near(dimension, plain),
                    "{codes} {active}: {dimension} {plain}"
                );
                let square = width * width;
                assert!(
                    near(square, variance),
                    "{codes} {active}: {square} {variance}"
                );
            }
        }
    }

    #[test]
    fn thresholds_are_those_of_donoho_and_tanner() {
        // Weak thresholds K/M at M/N = 1/2: 0.3848 for signed codes and 0.5581 for non-negative ones.
        let at = |codes: Codes| codes.active_at(0.0, 5000.0, 10_000.0) / 5000.0;
        assert!(
            (at(Codes::Signed) - 0.3848).abs() < 2e-3,
            "{}",
            at(Codes::Signed)
        );
        assert!(
            (at(Codes::NonNegative) - 0.5581).abs() < 2e-3,
            "{}",
            at(Codes::NonNegative)
        );
    }

    #[test]
    fn chances_fall_with_every_active_atom_and_are_a_half_at_the_transition() {
        for &codes in Codes::ALL {
            let chances = (1..40).map(|k| {
                Sparse {
                    codes,
                    active: k.into(),
                    atoms: 80.0,
                }
                .chance(40)
            });
            let chances: Vec<f64> = chances.collect();
            assert!(chances.is_sorted_by(|a, b| a >= b), "{chances:?}");
            assert!(chances[0] > 0.99 && chances[38] < 0.01);
            let active = codes.active_at(0.0, 40.0, 80.0);
            assert!(
                (Sparse {
                    codes,
                    active,
                    atoms: 80.0
                }
                .chance(40)
                    - 0.5)
                    .abs()
                    < 1e-9
            );
        }
    }
}
