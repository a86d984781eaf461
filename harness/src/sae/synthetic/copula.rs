//! Features that fire together by a Gaussian copula of low rank.
//!
//! Feature i fires where `Σ_k ε_k F_ik + √δ_i η_i > t_i`, with few normal factors ε that all features share, and one
//! normal variable η_i of its own; δ_i = 1 − Σ_k F_ik², so that the sum is standard normal. Given ε, features are
//! independent: i fires with the probability Φ̄(c_i), c_i = (t_i − F_i·ε)/√δ_i.
//!
//! So a sample needs no normal number for each feature. Features come in blocks. The smallest c of a block bounds its
//! probabilities from above; features are passed over as if all had the bound, which takes one exponential number for
//! each that is not passed over, and such a feature fires with the probability Φ̄(c_i)/bound (thinning; Lewis and
//! Shedler, *Simulation of nonhomogeneous Poisson processes by thinning*, 1979). The law is the same.
//!
//! The levels c are sums of products in one order, each rounded, so that which features fire does not depend on the
//! instruction set.

use kernels::Isa;
use kernels::simd::{Op, Simd};
use rand::RngExt as _;

use super::tail::{bound, is_below_tail, normal_quantile};
use crate::rng::Rng;

/// The number of features in a block: so few that the smallest level is not far below the others, and a multiple of the
/// length of any vector.
const BLOCK: usize = 32;

/// The smallest δ, the variance of a feature's own normal variable in the sum.
const LEAST_OWN: f64 = 0.01;

/// A rule by which features fire, given the factors that they share: a Gaussian copula of low rank.
#[derive(Debug, Clone)]
pub struct Copula {
    isa: Isa,
    rank: usize,
    /// For each feature, t/√δ, and F_k/√δ for each factor k.
    rows: Vec<f32>,
    /// The features that fire by themselves, in increasing order: those that have no parent.
    alone: Vec<u32>,
    /// The numbers of `rows` for the features in `alone`, in blocks: the first numbers of all features of a block, then
    /// their second numbers, and so on. The last block ends in features that never fire.
    blocks: Vec<f32>,
}

impl Copula {
    /// Returns a copula of `rank` factors for features that fire with these probabilities. The features `alone` fire by
    /// themselves, and the others where [`fires`](Self::fires) asks for them. The entries of F are normal, with mean 0
    /// and standard deviation `loading`, and are shrunk where they leave a feature too small a δ.
    pub fn new(
        probabilities: &[f64],
        alone: impl Iterator<Item = usize>,
        rank: usize,
        loading: f64,
        rng: &mut Rng,
    ) -> Copula {
        let mut rows = Vec::with_capacity(probabilities.len() * (rank + 1));
        for p in probabilities {
            let mut factors: Vec<f64> = (0..rank).map(|_| loading * rng.normal()).collect();
            let mut shared: f64 = factors.iter().map(|f| f * f).sum();
            if shared > 1.0 - LEAST_OWN {
                let shrunk = ((1.0 - LEAST_OWN) / shared).sqrt();
                factors.iter_mut().for_each(|f| *f *= shrunk);
                shared = 1.0 - LEAST_OWN;
            }
            let own = (1.0 - shared).sqrt();
            let level = match p {
                1.0.. => f64::NEG_INFINITY,
                p => normal_quantile(1.0 - p),
            };
            rows.extend([level].iter().chain(&factors).map(|v| (v / own) as f32));
        }
        let alone: Vec<u32> = alone.map(|i| i as u32).collect();
        let mut blocks = Vec::new();
        for block in alone.chunks(BLOCK) {
            for number in 0..=rank {
                let padding = if number == 0 { f32::INFINITY } else { 0.0 };
                let row = (0..BLOCK).map(|i| match block.get(i) {
                    Some(&feature) => rows[feature as usize * (rank + 1) + number],
                    None => padding,
                });
                blocks.extend(row);
            }
        }
        Copula {
            isa: Isa::detect(),
            rank,
            rows,
            alone,
            blocks,
        }
    }

    /// Returns the number of factors.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the number of blocks of features that fire by themselves.
    pub fn blocks(&self) -> usize {
        self.alone.len().div_ceil(BLOCK)
    }

    /// Writes the smallest level c of each block in each of S samples to `lowest`, S×blocks; the factors of the samples
    /// are `factors`, S×rank.
    pub fn lowest(&self, factors: &[f32], lowest: &mut [f32]) {
        self.isa.dispatch(Lowest {
            copula: self,
            factors,
            lowest,
        });
    }

    /// Calls `each` with the features that fire by themselves in a sample, in increasing order, given its factors and
    /// the smallest levels of its blocks.
    pub fn fire(
        &self,
        factors: &[f32],
        lowest: &[f32],
        rng: &mut Rng,
        mut each: impl FnMut(usize, &mut Rng),
    ) {
        // The number of features up to the next one that is not passed over, in units of 1 / rate.
        let mut ahead = exponential(rng);
        for (block, &lowest) in self.alone.chunks(BLOCK).zip(lowest) {
            let (bound, rate) = bound(lowest);
            let mut place = 0;
            loop {
                let left = rate * (block.len() - place) as f64;
                if ahead >= left {
                    ahead -= left;
                    break;
                }
                place += (ahead / rate) as usize;
                // Rounding may lead to the end of the block.
                let Some(&feature) = block.get(place) else {
                    ahead = exponential(rng);
                    break;
                };
                let feature = feature as usize;
                let u = bound * rng.random::<f64>();
                if is_below_tail(u, self.level(feature, factors)) {
                    each(feature, rng);
                }
                ahead = exponential(rng);
                place += 1;
            }
        }
    }

    /// Draws whether a feature fires, given the factors.
    pub fn fires(&self, feature: usize, factors: &[f32], rng: &mut Rng) -> bool {
        is_below_tail(rng.random(), self.level(feature, factors))
    }

    /// Returns the level c of a feature, given the factors.
    fn level(&self, feature: usize, factors: &[f32]) -> f32 {
        let row = &self.rows[feature * (self.rank + 1)..][..self.rank + 1];
        let terms = row[1..].iter().zip(factors);
        terms.fold(row[0], |level, (f, factor)| level - f * factor)
    }

    /// Returns the memory of a copula of that rank, in bytes.
    pub fn memory(features: usize, rank: usize) -> f64 {
        8.0 * features as f64 * (rank as f64 + 1.0)
    }
}

/// Draws an exponential number of mean 1.
fn exponential(rng: &mut Rng) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}

/// The operation of [`Copula::lowest`] on any instruction set.
struct Lowest<'a> {
    copula: &'a Copula,
    factors: &'a [f32],
    lowest: &'a mut [f32],
}

impl Op for Lowest<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match S::LANES {
            16 => self.by_vectors::<S, 2>(s),
            8 => self.by_vectors::<S, 4>(s),
            _ => self.by_vectors::<S, 8>(s),
        }
    }
}

impl Lowest<'_> {
    /// Finds the smallest levels block by block, a block in `N` vectors.
    #[inline(always)]
    fn by_vectors<S: Simd, const N: usize>(self, s: S) {
        let Lowest {
            copula,
            factors,
            lowest,
        } = self;
        let (rank, blocks) = (copula.rank, copula.blocks());
        if blocks == 0 {
            return;
        }
        let each = copula.blocks.chunks_exact((rank + 1) * BLOCK);
        for (b, block) in each.enumerate() {
            for (sample, lowest) in lowest.chunks_exact_mut(blocks).enumerate() {
                let factors = &factors[sample * rank..][..rank];
                let mut levels: [S::F32; N] =
                    std::array::from_fn(|v| s.load(&block[v * S::LANES..]));
                for (row, &factor) in block.chunks_exact(BLOCK).skip(1).zip(factors) {
                    let factor = s.splat(factor);
                    // Indices, not iterators: the levels must stay in registers.
                    #[allow(clippy::needless_range_loop)]
                    for v in 0..N {
                        // Not fused, for the same bits as in `level`.
                        let product = s.mul(s.load(&row[v * S::LANES..]), factor);
                        levels[v] = s.sub(levels[v], product);
                    }
                }
                let mut highest = s.neg(levels[0]);
                for &levels in &levels[1..] {
                    highest = s.max(s.neg(levels), highest);
                }
                lowest[b] = -s.reduce_max(highest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tail::normal_tail;
    use super::*;

    const N: usize = 70;
    const RANK: usize = 3;

    /// Returns a copula of strong factors, and the probabilities of its features, some of them near 0 and 1.
    fn copula() -> (Vec<f64>, Copula) {
        let p = |i: usize| match i {
            0 => 1.0,
            1 => 0.999,
            _ => 0.7 * 0.93f64.powi(i as i32),
        };
        let probabilities: Vec<f64> = (0..N).map(p).collect();
        let mut rng = Rng::stream(1, "test", "copula", 0);
        let copula = Copula::new(&probabilities, 0..N, RANK, 0.4, &mut rng);
        (probabilities, copula)
    }

    /// Returns the features that fire in each of some samples: by themselves, or asked for one by one.
    fn fired(copula: &Copula, samples: usize, by_themselves: bool) -> Vec<Vec<usize>> {
        let mut rng = Rng::stream(1, "test", "copula", 1 + u64::from(by_themselves));
        let mut lowest = vec![0.0; copula.blocks()];
        let mut sample = || {
            let factors: Vec<f32> = (0..RANK).map(|_| rng.normal() as f32).collect();
            let mut fired = Vec::new();
            if by_themselves {
                copula.lowest(&factors, &mut lowest);
                copula.fire(&factors, &lowest, &mut rng, |i, _| fired.push(i));
            } else {
                fired.extend((0..N).filter(|&i| copula.fires(i, &factors, &mut rng)));
            }
            fired
        };
        (0..samples).map(|_| sample()).collect()
    }

    /// Returns P(g_i > t_i and g_j > t_j) of standard normal numbers with a correlation, by the midpoint rule over
    /// quantiles of the first number.
    fn both(p: f64, q: f64, correlation: f64) -> f64 {
        const POINTS: usize = 2000;
        let level = normal_quantile(1.0 - q);
        let given = |k: usize| {
            let g = normal_quantile(1.0 - p * (k as f64 + 0.5) / POINTS as f64);
            normal_tail((level - correlation * g) / (1.0 - correlation * correlation).sqrt())
        };
        p * (0..POINTS).map(given).sum::<f64>() / POINTS as f64
    }

    #[test]
    fn features_fire_as_often_as_they_should_alone_and_in_pairs() {
        const SAMPLES: usize = 40_000;
        let (probabilities, copula) = copula();
        // F_i, from F_i/√δ_i with δ_i = 1/(1 + ‖F_i/√δ_i‖²).
        let factors: Vec<Vec<f64>> = copula
            .rows
            .chunks_exact(RANK + 1)
            .map(|row| {
                let square: f64 = row[1..].iter().map(|f| f64::from(*f).powi(2)).sum();
                row[1..]
                    .iter()
                    .map(|f| f64::from(*f) / (1.0 + square).sqrt())
                    .collect()
            })
            .collect();
        let near = |count: usize, p: f64| {
            let (expected, deviation) =
                (p * SAMPLES as f64, (p * (1.0 - p) * SAMPLES as f64).sqrt());
            // Five deviations of a binomial number, and one for those of few expected, which are skew.
            (count as f64 - expected).abs() <= 5.0 * deviation + 1.0
        };
        let mut strong = 0;
        for by_themselves in [true, false] {
            let fired = fired(&copula, SAMPLES, by_themselves);
            let mut pairs = vec![0; N * N];
            for fired in &fired {
                for &i in fired {
                    fired.iter().for_each(|&j| pairs[i * N + j] += 1);
                }
            }
            for i in 0..N {
                assert!(
                    near(pairs[i * N + i], probabilities[i]),
                    "{i}: {}",
                    pairs[i * N + i]
                );
                // Some of all pairs: the integrals take time.
                for j in (2..i).step_by(7) {
                    let correlation: f64 =
                        factors[i].iter().zip(&factors[j]).map(|(a, b)| a * b).sum();
                    let (p, q) = (probabilities[i], probabilities[j]);
                    let expected = if p == 1.0 { q } else { both(p, q, correlation) };
                    assert!(
                        near(pairs[i * N + j], expected),
                        "{i}, {j}: {} for {expected}",
                        pairs[i * N + j]
                    );
                    strong += usize::from(!near(pairs[i * N + j], p * q));
                }
            }
        }
        // Independent features would not pass.
        assert!(strong > 20, "{strong}");
    }

    #[test]
    fn every_instruction_set_finds_the_lowest_level_of_each_block() {
        let (_, mut copula) = copula();
        let mut rng = Rng::stream(2, "test", "copula", 0);
        let factors: Vec<f32> = (0..5 * RANK).map(|_| rng.normal() as f32).collect();
        let lowest: Vec<f32> = factors
            .chunks_exact(RANK)
            .flat_map(|factors| {
                let levels: Vec<f32> = (0..N).map(|i| copula.level(i, factors)).collect();
                let blocks = levels
                    .chunks(BLOCK)
                    .map(|block| block.iter().copied().fold(f32::INFINITY, f32::min));
                blocks.collect::<Vec<_>>()
            })
            .collect();
        for isa in Isa::available() {
            copula.isa = isa;
            let mut found = vec![0.0; lowest.len()];
            copula.lowest(&factors, &mut found);
            assert_eq!(found, lowest, "{}", isa.name());
        }
    }
}
