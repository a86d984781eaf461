//! The largest cosine that a direction has by chance: that with the elements of a random dictionary.

use std::f64::consts::FRAC_PI_2;

/// The number of steps of the integral.
const STEPS: usize = 1 << 14;

/// Returns the quantile `q` of the largest |cosine| of a fixed direction with `n` independent random directions in `d`
/// dimensions.
///
/// The angle θ between two random directions has a density ∝ sin^{d−2} θ. So |cos θ| stays below sin φ with a
/// probability of F(φ) = ∫₀^φ cos^{d−2} / ∫₀^{π/2} cos^{d−2}, all n of them with F(φ)ⁿ.
pub fn largest_cosine(q: f64, n: usize, d: usize) -> f64 {
    if d < 2 {
        return 1.0;
    }
    let width = FRAC_PI_2 / STEPS as f64;
    let middle = |i: usize| (i as f64 + 0.5) * width;
    let density = |i: usize| middle(i).cos().powi(d as i32 - 2);
    // The integral is summed from its small end, up to the share 1 − q^(1/n) of it that lies beyond φ.
    let all: f64 = (0..STEPS).rev().map(density).sum();
    let wanted = -(q.ln() / n as f64).exp_m1() * all;
    let mut beyond = 0.0;
    for i in (0..STEPS).rev() {
        let here = density(i);
        if beyond + here >= wanted {
            let share = (wanted - beyond) / here;
            return (middle(i) + (0.5 - share) * width).sin();
        }
        beyond += here;
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Rng, random_direction};
    use crate::stats::max;

    #[test]
    fn random_dictionaries_have_the_quantiles_that_are_computed() {
        // On a line all cosines are 1; in the plane, θ is uniform.
        assert_eq!(largest_cosine(0.3, 5, 1), 1.0);
        let plane = largest_cosine(0.25, 1, 2);
        assert!((plane - (FRAC_PI_2 * 0.25).sin()).abs() < 1e-4, "{plane}");
        for (n, d) in [(1, 3), (50, 20), (400, 60)] {
            let largest = |seed| {
                let mut rng = Rng::stream(seed, "test", "chance", 0);
                max((0..n).map(|_| random_direction(d, &mut rng)[0].abs()))
            };
            let drawn: Vec<f64> = (0..400).map(largest).collect();
            for q in [0.1, 0.5, 0.9] {
                let limit = largest_cosine(q, n, d);
                let below = drawn.iter().filter(|&&v| v <= limit).count() as f64 / 400.0;
                // Four standard deviations of a share of 400.
                let chance = 4.0 * (q * (1.0 - q) / 400.0f64).sqrt();
                assert!((below - q).abs() < chance, "n={n} d={d} q={q}: {below}");
            }
        }
    }
}
