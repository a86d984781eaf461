//! The number of atoms of a random dictionary that an L1 norm can find again: the phase transition in closed form.
//!
//! A code c₀ on K of N Gaussian atoms in M dimensions is the cheapest of its target exactly if the null space of the
//! dictionary, a random subspace of codimension M, meets the cone of the directions that make c₀ cheaper in 0 alone.
//! That has a chance of one half where M is the *statistical dimension* of this cone (Amelunxen, Lotz, McCoy and
//! Tropp, Living on the edge, 2014, theorem II and proposition 4.5):
//!
//! δ(K, N) = min over τ ≥ 0 of K (1 + τ²) + (N − K) s ∫_τ^∞ (u − τ)² φ(u) du,
//!
//! with s = 2 for codes of either sign and s = 1 for non-negative ones. This is the least mean of a random convex
//! function of τ, while δ is the mean of its least value: to first order less by the variance of its slope over twice
//! its mean curvature, about one dimension, which is taken off here. As N grows with K/M and M/N held fixed, M = δ(K,
//! N) is the weak threshold of Donoho and Tanner (Counting faces of randomly projected polytopes when the projection
//! radically lowers dimension, 2009).
//!
//! The transition has a width at finite size. The chance is that of V ≤ M, with V a random number whose mean is δ and
//! whose variance is that of the squared norm of a Gaussian vector's projection on the cone, less 2δ (McCoy and Tropp,
//! From Steiner formulas for cones to concentration of intrinsic volumes, 2014), and V is nearly normal (Goldstein,
//! Nourdin and Peccati, Gaussian phase transitions and conic intrinsic volumes, 2017). That squared norm is the sum
//! above before its mean is taken, at the best τ to leading order, so its variance is a sum over coordinates.

use std::f64::consts::PI;

use crate::sae::synthetic::normal_tail;

crate::words! {
    /// The signs that weights may have.
    pub enum Codes {
        /// No weight is below 0.
        NonNegative,
        /// Weights may have either sign.
        Signed,
    }
}

/// A code on K of N atoms that is to be found again. K is real, so that curves can be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Sparse {
    /// The signs that the weights may have.
    pub codes: Codes,
    /// The number of active atoms K, above 0 and below N.
    pub active: f64,
    /// The number of atoms N.
    pub atoms: f64,
}

/// The number of dimensions at which the chance of finding a code again is one half, and the width over which the
/// chance changes around it.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// The statistical dimension δ.
    pub dimension: f64,
    /// The standard deviation of V, in dimensions.
    pub width: f64,
}

impl Sparse {
    /// Returns the transition in the number of dimensions M.
    pub fn transition(self) -> Transition {
        let Sparse {
            codes,
            active,
            atoms,
        } = self;
        let (sides, rest) = (codes.sides(), atoms - active);
        // The derivative of the sum by τ, halved, rises: K τ − (N − K) s ∫ (u − τ) φ.
        let tau = root(0.0, 40.0, |tau| active * tau - rest * sides * tails(tau)[1]);
        let [zeroth, first, second, _, fourth] = tails(tau).map(|tail| sides * tail);
        let on = (1.0 + tau * tau, 2.0 + 4.0 * tau * tau);
        let off = (second, fourth - second * second);
        // Half the slope has this variance, half the curvature this mean.
        let slope = active + rest * (second - first * first);
        let curvature = active + rest * zeroth;
        let least_mean = active * on.0 + rest * off.0;
        let dimension = least_mean - slope / curvature;
        let variance = active * on.1 + rest * off.1 - 2.0 * dimension;
        Transition {
            dimension,
            width: variance.max(0.0).sqrt(),
        }
    }

    /// Returns the chance that the code is found again in `dimensions` dimensions.
    pub fn chance(self, dimensions: usize) -> f64 {
        normal_tail(-self.transition().widths_below(dimensions as f64))
    }
}

impl Transition {
    /// Returns the number of widths by which the transition lies below `dimensions`.
    fn widths_below(self, dimensions: f64) -> f64 {
        (dimensions - self.dimension) / self.width
    }
}

impl Codes {
    /// Returns the number of signs that a weight can take, s.
    fn sides(self) -> f64 {
        match self {
            Codes::NonNegative => 1.0,
            Codes::Signed => 2.0,
        }
    }

    /// Returns the number of active atoms, out of `atoms` in `dimensions` dimensions, at which the dimensions lie
    /// `widths` widths above the transition: half of the codes are found again at 0 widths, some 84 % at 1.
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

/// Returns the root of a rising function between `low` and `high`, by bisection.
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

/// Returns ∫_τ^∞ (u − τ)^k φ(u) du for k = 0 … 4, each from the two before by integration by parts.
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
    use crate::rng::Rng;
    use crate::table::record::Word as _;

    /// Returns the mean and the variance of the squared distance of Gaussian vectors from the multiples of the
    /// subgradients, each minimised over τ by itself, and the standard error of the mean.
    fn drawn(codes: Codes, active: usize, atoms: usize) -> (f64, f64, f64) {
        let mut rng = Rng::stream(1, "test", "statistical-dimension", active as u64);
        let draws: Vec<f64> = (0..3000)
            .map(|_| {
                let g: Vec<f64> = (0..atoms).map(|_| rng.normal()).collect();
                let at = |tau: f64| -> f64 {
                    let on = g[..active].iter().map(|g| (g - tau).powi(2));
                    let off = g[active..].iter().map(|&g| match codes {
                        Codes::NonNegative => (g - tau).max(0.0).powi(2),
                        Codes::Signed => (g.abs() - tau).max(0.0).powi(2),
                    });
                    on.chain(off).sum()
                };
                // The squared distance is convex in τ.
                let (mut low, mut high) = (0.0, 5.0);
                for _ in 0..30 {
                    let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
                    match at(a) < at(b) {
                        true => high = b,
                        false => low = a,
                    }
                }
                at(low)
            })
            .collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let square = |v: f64| (v - mean).powi(2);
        let variance = draws.iter().map(|&v| square(v)).sum::<f64>() / draws.len() as f64;
        (mean, variance, (variance / draws.len() as f64).sqrt())
    }

    #[test]
    fn closed_forms_are_those_of_gaussian_vectors() {
        for &codes in Codes::ALL {
            for (active, atoms) in [(4, 80), (10, 60), (30, 60)] {
                let (mean, variance, error) = drawn(codes, active, atoms);
                let sparse = Sparse {
                    codes,
                    active: active as f64,
                    atoms: atoms as f64,
                };
                let Transition { dimension, width } = sparse.transition();
                // With the correction of first order the dimension is off by less than a tenth here; without it, it
                // would be off by one.
                assert!(
                    (dimension - mean).abs() < 4.0 * error + 0.1,
                    "{codes} {active}: {dimension} {mean}"
                );
                let expected = width * width + 2.0 * dimension;
                assert!(
                    (expected / variance - 1.0).abs() < 0.15,
                    "{codes} {active}: {expected} {variance}"
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
