//! The rules by which features fire.

use std::ops::Range;

use rand::Rng as _;

use super::copula::Copula;
use super::spec::Spec;
use super::tail::{normal_quantile, normal_tail};
use crate::rng::Rng;

/// The random streams of the samples of a batch.
pub trait Streams {
    /// Returns the stream of a sample.
    fn of(&mut self, sample: usize) -> &mut Rng;
}

/// One stream for all samples.
impl Streams for Rng {
    fn of(&mut self, _: usize) -> &mut Rng {
        self
    }
}

/// A stream for each sample.
impl Streams for [Rng] {
    fn of(&mut self, sample: usize) -> &mut Rng {
        &mut self[sample]
    }
}

/// A rule by which features fire.
#[derive(Debug, Clone)]
pub enum Rule {
    /// Each feature fires with its own probability, independently of the others.
    Each(Vec<f64>),
    /// Features of one group are correlated: a feature fires where √ρ·g + √(1 − ρ)·ε exceeds its level, with g the
    /// normal variable of its group, ε its own, and ρ the correlation. The fields are √ρ, √(1 − ρ), the number of
    /// groups, and the group and the level of each feature.
    InGroups {
        shared: f64,
        own: f64,
        groups: usize,
        features: Vec<(usize, f64)>,
    },
    /// In every sample exactly k of n features fire, all choices of them as likely; the fields are n and k.
    Exactly(usize, usize),
    /// Features fire together by a copula of low rank.
    Together(Copula),
}

impl Rule {
    /// Returns a rule by which features are put into groups at random, and correlated within each.
    pub fn in_groups(spec: &Spec, rng: &mut Rng) -> Rule {
        let level = |&p: &f64| (rng.below(spec.groups), normal_quantile(1.0 - p));
        Rule::InGroups {
            shared: spec.correlation.sqrt(),
            own: (1.0 - spec.correlation).sqrt(),
            groups: spec.groups,
            features: spec.probabilities().iter().map(level).collect(),
        }
    }

    /// Returns a state for drawing firings, in which nothing is drawn yet.
    pub fn begin(&self) -> Drawn<'_> {
        let thresholds = match self {
            Rule::Each(probabilities) => thresholds(probabilities.iter().copied()),
            _ => Vec::new(),
        };
        Drawn {
            rule: self,
            thresholds,
            factors: Vec::new(),
            lowest: Vec::new(),
        }
    }
}

/// The state of drawing firings: what features have in common, before the single features of a sample are looked at.
pub struct Drawn<'a> {
    rule: &'a Rule,
    /// For each feature, the number that 32 random bits must be below for it to fire.
    thresholds: Vec<u64>,
    /// The factors of a copula in some samples.
    factors: Vec<f32>,
    /// The smallest levels of the blocks of a copula in these samples.
    lowest: Vec<f32>,
}

impl Drawn<'_> {
    /// Draws what the features of a sample have in common, for each of `samples`, before anything else of them is
    /// drawn.
    pub fn draw(&mut self, samples: Range<usize>, streams: &mut (impl Streams + ?Sized)) {
        if let Rule::Together(copula) = self.rule {
            self.lowest.resize(samples.len() * copula.blocks(), 0.0);
            self.factors.clear();
            for sample in samples {
                let rng = streams.of(sample);
                self.factors
                    .extend((0..copula.rank()).map(|_| rng.normal() as f32));
            }
            copula.lowest(&self.factors, &mut self.lowest);
        }
    }

    /// Calls `each` with the features that fire by themselves in a sample, in increasing order; `sample` counts from
    /// the first of the samples that were [drawn](Self::draw) last.
    pub fn fire(&mut self, sample: usize, rng: &mut Rng, mut each: impl FnMut(usize, &mut Rng)) {
        match self.rule {
            Rule::Together(copula) => {
                let lowest = &self.lowest[sample * copula.blocks()..][..copula.blocks()];
                return copula.fire(self.factors(copula, sample), lowest, rng, each);
            }
            Rule::Exactly(of, count) => {
                let mut chosen = rng.choose(*of, *count);
                chosen.sort_unstable();
                return chosen.into_iter().for_each(|i| each(i, rng));
            }
            // Feature i fires if √ρ·g + √(1 − ρ)·ε exceeds its level, with g the normal variable of its group and ε its
            // own: given g, with a known probability.
            Rule::InGroups {
                shared,
                own,
                groups,
                features,
            } => {
                let of_groups: Vec<f64> = (0..*groups).map(|_| shared * rng.normal()).collect();
                let given =
                    |&(group, level): &(usize, f64)| normal_tail((level - of_groups[group]) / own);
                self.thresholds = thresholds(features.iter().map(given));
            }
            Rule::Each(_) => {}
        }
        for (i, &threshold) in self.thresholds.iter().enumerate() {
            if u64::from(rng.next_u32()) < threshold {
                each(i, rng);
            }
        }
    }

    /// Draws whether a feature that does not fire by itself, a child in a tree, fires in a sample; `sample` counts as
    /// in [`fire`](Self::fire).
    pub fn fires(&self, sample: usize, feature: usize, rng: &mut Rng) -> bool {
        match self.rule {
            Rule::Together(copula) => copula.fires(feature, self.factors(copula, sample), rng),
            _ => unreachable!("trees have a copula"),
        }
    }

    fn factors(&self, copula: &Copula, sample: usize) -> &[f32] {
        &self.factors[sample * copula.rank()..][..copula.rank()]
    }
}

/// Returns for each probability the number that 32 random bits are below with it.
fn thresholds(probabilities: impl Iterator<Item = f64>) -> Vec<u64> {
    probabilities
        .map(|p| (p * 2f64.powi(32)).round() as u64)
        .collect()
}
