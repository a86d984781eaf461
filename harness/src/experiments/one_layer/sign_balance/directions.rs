//! ΔR² of random directions: Gaussian, normalised, with their signs and without.
//!
//! Along a unit direction f of n neurons, with x = reach·√n·t and h = √n·f, the response is
//! y/√n = reach·t/2 + E(t), where E(t) = 1/n Σ hᵢ e(reach·t·hᵢ) and e(z) = GELU(z) − z/2 are even. Over t
//! uniform on [−1, 1] a line explains the odd part of the variance, reach²/12, and the parabola
//! cov(E, t²)²/var(t²) more, so that
//!
//! ΔR² = cov(E, t²)² / var(t²) / (reach²/12 + var E).
//!
//! No level is sampled or held out: the moments are integrals over [0, 1], by Gauss–Legendre quadrature.
//!
//! Only the magnitudes |hᵢ| and their signs count, in no order. The entries of a wide layer are therefore dealt into
//! quantile bins of |Gaussian|: a fair coin for every entry at every node of a binary tree, hence a binomial count at
//! each node. The entries of a bin share its root mean square.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use kernels::{Exec, gelu};

use crate::experiments::one_layer::integrals::{Quadrature, explained_by_t_squared};
use crate::rng::Rng;

/// The depth of the tree: every bin below the tail holds 2^−DEPTH of the probability.
const DEPTH: u32 = 7;
/// The depth of the tree in the tail, whose bins halve down to 2^−TAIL of the probability.
const TAIL: u32 = 12;
/// The largest width at which every entry is drawn by itself.
const DRAWN: usize = 128;

crate::words! {
    /// The law of random directions.
    pub enum Family {
        /// Gaussian directions, normalised.
        Signed,
        /// The magnitudes of normalised Gaussian directions.
        NonNegative,
    }
}

/// ΔR² of one random direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeltaR2 {
    /// The ΔR² with random signs.
    pub signed: f64,
    /// The ΔR² with the same magnitudes, all positive.
    pub non_negative: f64,
}

impl DeltaR2 {
    /// Returns ΔR² of the direction of a family.
    pub fn of(&self, family: Family) -> f64 {
        match family {
            Family::Signed => self.signed,
            Family::NonNegative => self.non_negative,
        }
    }
}

/// A source of random directions, which measures them.
#[derive(Debug)]
pub struct Sampler {
    reach: f64,
    exec: Exec,
    quadrature: Quadrature,
    bins: Vec<f64>,
}

/// The buffers of a direction: its magnitudes before it is normalised, how many entries have each of them, how many of
/// these are positive, and the neurons before and after GELU.
#[derive(Debug, Default)]
pub struct Scratch {
    magnitudes: Vec<f64>,
    counts: Vec<u32>,
    positive: Vec<u32>,
    before: Vec<f32>,
    after: Vec<f32>,
}

impl Sampler {
    /// Returns a sampler for input levels from −reach·√n to reach·√n.
    pub fn new(reach: f64, exec: Exec) -> Self {
        Sampler {
            reach,
            exec,
            quadrature: Quadrature::default(),
            bins: bins(),
        }
    }

    /// Returns ΔR² of the direction with the same positive entry on every neuron, whatever their number.
    pub fn all_positive(&self) -> f64 {
        let mut scratch = Scratch {
            magnitudes: vec![1.0],
            counts: vec![1],
            positive: vec![1],
            ..Scratch::default()
        };
        self.measure(&mut scratch).non_negative
    }

    /// Draws a random direction of `n` neurons and returns its ΔR².
    pub fn draw(&self, n: usize, rng: &mut Rng, scratch: &mut Scratch) -> DeltaR2 {
        scratch.counts.clear();
        if n <= DRAWN {
            scratch.counts.resize(n, 1);
            scratch.magnitudes.clear();
            scratch
                .magnitudes
                .extend((0..n).map(|_| rng.normal().abs()));
        } else {
            deal(n as u32, 0, true, rng, &mut scratch.counts);
            scratch.magnitudes.clone_from(&self.bins);
        }
        scratch.positive.clear();
        let heads = scratch.counts.iter().map(|&count| rng.heads(count));
        scratch.positive.extend(heads);
        self.measure(scratch)
    }

    /// Returns ΔR² of the direction in `s`, once normalised.
    fn measure(&self, s: &mut Scratch) -> DeltaR2 {
        let entries = || s.magnitudes.iter().zip(&s.counts);
        let n: f64 = s.counts.iter().map(|&c| f64::from(c)).sum();
        let square: f64 = entries().map(|(g, &c)| g * g * f64::from(c)).sum();
        let to_h = (n / square).sqrt();

        s.before.clear();
        for (t, _) in &self.quadrature.points {
            let z = s
                .magnitudes
                .iter()
                .map(|g| (self.reach * t * to_h * g) as f32);
            s.before.extend(z);
        }
        s.after.resize(s.before.len(), 0.0);
        gelu::forward(self.exec, &s.before, &mut s.after);

        let (mut signed, mut non_negative) = (Moments::default(), Moments::default());
        let share = |(g, count): (&f64, f64)| g * count * to_h / n;
        let without = s.magnitudes.iter().zip(s.counts.iter().map(|&c| c.into()));
        let without: Vec<f64> = without.map(share).collect();
        let counts = s.counts.iter().zip(&s.positive);
        let sums = counts.map(|(&count, &positive)| 2.0 * f64::from(positive) - f64::from(count));
        let with_signs: Vec<f64> = s.magnitudes.iter().zip(sums).map(share).collect();

        let layers = s.before.chunks_exact(s.magnitudes.len());
        let layers = layers.zip(s.after.chunks_exact(s.magnitudes.len()));
        for ((before, after), &(t, weight)) in layers.zip(&self.quadrature.points) {
            let (mut e_signed, mut e_non_negative) = (0.0, 0.0);
            for (i, (&z, &y)) in before.iter().zip(after).enumerate() {
                let even = f64::from(y) - f64::from(z) / 2.0;
                e_signed += with_signs[i] * even;
                e_non_negative += without[i] * even;
            }
            signed.add(t, weight, e_signed);
            non_negative.add(t, weight, e_non_negative);
        }
        DeltaR2 {
            signed: signed.delta_r2(self.reach),
            non_negative: non_negative.delta_r2(self.reach),
        }
    }
}

/// The integrals over t from 0 to 1 of the even part E of a response, of E² and of Et².
#[derive(Debug, Default)]
struct Moments {
    e: f64,
    e_squared: f64,
    e_t_squared: f64,
}

impl Moments {
    fn add(&mut self, t: f64, weight: f64, e: f64) {
        self.e += weight * e;
        self.e_squared += weight * e * e;
        self.e_t_squared += weight * e * t * t;
    }

    fn delta_r2(&self, reach: f64) -> f64 {
        let variance = self.e_squared - self.e * self.e;
        explained_by_t_squared(self.e, self.e_t_squared) / (reach * reach / 12.0 + variance)
    }
}

/// Deals `count` entries into the bins below a node, from the lowest magnitudes to the highest.
fn deal(count: u32, depth: u32, tail: bool, rng: &mut Rng, counts: &mut Vec<u32>) {
    if depth >= if tail { TAIL } else { DEPTH } {
        counts.push(count);
        return;
    }
    if !tail && count == 0 {
        counts.resize(counts.len() + (1 << (DEPTH - depth)), 0);
        return;
    }
    let low = rng.heads(count);
    deal(low, depth + 1, false, rng, counts);
    deal(count - low, depth + 1, tail, rng, counts);
}

/// Returns the root mean square of |Gaussian| in every bin, in the order in which [`deal`] fills them.
fn bins() -> Vec<f64> {
    // The probability above each edge; the tail halves it.
    let even = (1..1u32 << DEPTH).map(|i| 1.0 - f64::from(i) / f64::from(1u32 << DEPTH));
    let tail = (DEPTH + 1..=TAIL).map(|depth| 0.5f64.powi(depth as i32));
    let above: Vec<f64> = [1.0]
        .into_iter()
        .chain(even)
        .chain(tail)
        .chain([0.0])
        .collect();
    above
        .windows(2)
        .map(|p| {
            // ∫ g² φ = [Φ − gφ]: the share of the bin, and its boundary terms.
            let share = p[0] - p[1];
            ((share + boundary(p[0]) - boundary(p[1])) / share).sqrt()
        })
        .collect()
}

/// Returns 2gφ(g) at the magnitude g that |Gaussian| exceeds with probability `p`.
fn boundary(p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return 0.0;
    }
    // erfc(g/√2) falls in g: bisect.
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if libm::erfc(middle * FRAC_1_SQRT_2) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    2.0 * low * (-low * low / 2.0).exp() / (2.0 * PI).sqrt()
}

#[cfg(test)]
mod tests {
    use kernels::Isa;

    use super::*;

    #[test]
    fn bins_have_the_mean_square_of_a_gaussian_and_fill_in_order() {
        let bins = bins();
        assert!(bins.is_sorted());
        let mut counts = Vec::new();
        let entries = 1 << TAIL << 10;
        deal(
            entries,
            0,
            true,
            &mut Rng::stream(1, "test", "deal", 0),
            &mut counts,
        );
        assert_eq!(counts.len(), bins.len());
        assert_eq!(counts.iter().sum::<u32>(), entries);
        // A bin's count is binomial: within five standard deviations of what it should hold.
        let near = |count: u32, depth: u32| {
            let expected = f64::from(entries >> depth);
            (f64::from(count) - expected).abs() < 5.0 * expected.sqrt()
        };
        let even = (1 << DEPTH) - 1;
        assert!(counts[..even].iter().all(|&c| near(c, DEPTH)));
        assert!(
            counts[even..]
                .iter()
                .zip(DEPTH + 1..=TAIL)
                .all(|(&c, depth)| near(c, depth))
        );
        let square = |(g, &c): (&f64, &u32)| g * g * f64::from(c);
        let mean: f64 = bins.iter().zip(&counts).map(square).sum::<f64>() / f64::from(entries);
        // The variance of g² is 2.
        assert!(
            (mean - 1.0).abs() < 5.0 * (2.0 / f64::from(entries)).sqrt(),
            "{mean}"
        );
    }

    #[test]
    fn dealing_into_bins_does_not_change_the_distribution() {
        // The same width by both ways: medians of 4,000 draws, whose standard error is some 2 %.
        let sampler = Sampler::new(5.0, Exec::serial(Isa::detect()));
        let mut scratch = Scratch::default();
        let mut rng = Rng::stream(1, "test", "both ways", 0);
        let n = 1000;
        let (mut drawn, mut dealt) = (Vec::new(), Vec::new());
        for _ in 0..4000 {
            dealt.push(sampler.draw(n, &mut rng, &mut scratch));
            scratch.magnitudes = (0..n).map(|_| rng.normal().abs()).collect();
            scratch.counts = vec![1; n];
            scratch.positive = (0..n).map(|_| rng.heads(1)).collect();
            drawn.push(sampler.measure(&mut scratch));
        }
        let median = |of: &[DeltaR2], pick: fn(&DeltaR2) -> f64| {
            crate::stats::median(&of.iter().map(pick).collect::<Vec<_>>())
        };
        let ratio = |pick| median(&dealt, pick) / median(&drawn, pick);
        let (signed, non_negative) = (ratio(|d| d.signed), ratio(|d| d.non_negative));
        assert!((signed - 1.0).abs() < 0.15, "{signed}");
        assert!((non_negative - 1.0).abs() < 0.002, "{non_negative}");
    }
}
