//! Synthetic activations with known features: sums of a few unit directions, each with its own probability to fire
//! and a random magnitude, some of them in trees, where a child fires only with its parent.
//!
//! ```text
//! samples      an endless list of samples, each with a number
//! law spec     the settings of synthetic data: those of experiments, and all of them
//! directions   the directions of features, and how they are spread apart
//! firing       the rules by which features fire
//! copula       one of these rules: features that fire together, drawn fast
//! forest       features in trees
//! magnitudes   the magnitudes of active features
//! tail         the tail of the normal distribution
//! ```
//!
//! A batch depends only on the model and the random streams that it is drawn from. With streams named by the number of
//! the batch or of the sample, a training can be resumed at any batch.

mod copula;
mod directions;
mod firing;
mod forest;
pub mod law;
mod magnitudes;
pub mod samples;
pub mod spec;
mod tail;

use kernels::{Exec, MatRef, SparseRef};

use crate::error::Result;
use crate::phase::Phase;
use crate::rng::{Rng, random_direction};
use crate::session::progress::Progress;

use copula::Copula;
use firing::Rule;
pub use firing::Streams;
use forest::Forest;
pub use law::Law;
use magnitudes::Magnitude;
pub use spec::{Directions, Firing, Magnitudes, Spec};
pub(crate) use tail::normal_tail;

/// The number of samples whose factors are drawn at once.
const CHUNK: usize = 16;

/// A generator of batches of data with fixed features.
#[derive(Debug, Clone)]
pub struct Generator {
    width: usize,
    /// The true features, as rows.
    directions: Vec<f32>,
    rule: Rule,
    magnitudes: Vec<Magnitude>,
    trees: Trees,
    /// The vector that is added to all samples.
    bias: Vec<f32>,
    noise: f64,
}

/// The trees of features, and how children depend on their parents.
#[derive(Debug, Clone)]
struct Trees {
    forest: Forest,
    exclusive: bool,
    /// The mean magnitude of each feature, if magnitudes of children are scaled by those of their parents.
    means: Option<Vec<f64>>,
}

/// A batch of samples, with the features and magnitudes that they are made of.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The samples, B×d.
    pub x: Vec<f32>,
    /// The places in `features` where the entries of each sample start, and where the last ones end: B + 1 places.
    pub starts: Vec<usize>,
    /// The features that are active, in increasing order in each sample.
    pub features: Vec<u32>,
    /// The magnitudes of these features, all above 0.
    pub magnitudes: Vec<f32>,
}

impl Batch {
    /// Returns the magnitudes of all features, B×n.
    pub fn codes(&self, features: usize) -> SparseRef<'_> {
        SparseRef::new(&self.starts, &self.features, &self.magnitudes, features)
            .expect("entries of features")
    }
}

impl Generator {
    /// Draws the features of a law whose settings are in range. Its samples are drawn with a number for each feature.
    pub fn new(law: Law, rng: &mut Rng) -> Self {
        let _span = Phase::Data.begin();
        let spec = law.spec();
        let directions = directions::draw(&spec, rng);
        let rule = match law.correlation {
            0.0 => Rule::Each(spec.probabilities()),
            _ => Rule::in_groups(&spec, rng),
        };
        Self::with(&spec, directions, rule, rng)
    }

    /// Draws the features of a synthetic model whose settings are in range, and spreads their directions if it says so;
    /// every step of the spreading is a unit of the progress.
    ///
    /// # Errors
    /// If it is interrupted.
    pub fn of(spec: &Spec, exec: Exec, rng: &mut Rng, progress: &Progress) -> Result<Self> {
        let _span = Phase::Data.begin();
        let mut directions = directions::draw(spec, rng);
        if spec.directions == Directions::Spread {
            directions::spread(exec, &mut directions, spec.width, spec.repulsion, progress)?;
        }
        let rule = match spec {
            Spec {
                firing: Firing::Exactly,
                ..
            } => Rule::Exactly(spec.features, spec.active as usize),
            _ if spec.correlation > 0.0 => Rule::in_groups(spec, rng),
            _ => {
                let forest = spec.forest();
                let alone = (0..spec.features).filter(|&i| forest.parent(i).is_none());
                let probabilities = forest.corrected(&spec.probabilities(), spec.exclusive);
                Rule::Together(Copula::new(
                    &probabilities,
                    alone,
                    spec.rank,
                    spec.loading,
                    rng,
                ))
            }
        };
        Ok(Self::with(spec, directions, rule, rng))
    }

    /// Returns a generator with these directions, and features that fire by `rule`; draws magnitudes and the bias.
    fn with(spec: &Spec, directions: Vec<f32>, rule: Rule, rng: &mut Rng) -> Self {
        let means = spec.means();
        let of_features = means.iter().zip(spec.deviations());
        let magnitudes = of_features.map(|(&mean, mut deviation)| {
            if spec.deviation_spread > 0.0 {
                deviation = (deviation + spec.deviation_spread * rng.normal()).abs();
            }
            Magnitude::new(spec.magnitudes, mean, deviation)
        });
        let magnitudes = magnitudes.collect();
        let bias = match spec.bias {
            0.0 => vec![0.0; spec.width],
            bias => random_direction(spec.width, rng)
                .iter()
                .map(|v| (bias * v) as f32)
                .collect(),
        };
        Generator {
            width: spec.width,
            directions,
            rule,
            magnitudes,
            trees: Trees {
                forest: spec.forest(),
                exclusive: spec.exclusive,
                means: spec.scaled.then_some(means),
            },
            bias,
            noise: spec.noise,
        }
    }

    /// Returns the true features, as rows.
    pub fn features(&self) -> MatRef<'_> {
        MatRef::from_rows(&self.directions, self.width)
    }

    /// Returns the vector that is added to all samples.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Draws a batch of `samples` samples, each from its stream among `streams`.
    pub fn batch(&self, samples: usize, streams: &mut (impl Streams + ?Sized)) -> Batch {
        let _span = Phase::Data.begin();
        let mut batch = Batch {
            x: vec![0.0; samples * self.width],
            starts: vec![0],
            ..Batch::default()
        };
        let mut entries = Vec::new();
        let mut firing = self.rule.begin();
        for (sample, x) in batch.x.chunks_exact_mut(self.width).enumerate() {
            if sample.is_multiple_of(CHUNK) {
                firing.draw(sample..samples.min(sample + CHUNK), streams);
            }
            let rng = streams.of(sample);
            entries.clear();
            firing.fire(sample % CHUNK, rng, |i, rng| {
                entries.push((i as u32, self.magnitudes[i].draw(rng)));
            });
            entries.retain(|&(_, magnitude)| magnitude > 0.0);
            self.grow(
                &mut entries,
                |i, rng| firing.fires(sample % CHUNK, i, rng),
                rng,
            );
            x.copy_from_slice(&self.bias);
            for &(i, magnitude) in &entries {
                let direction = &self.directions[i as usize * self.width..][..self.width];
                x.iter_mut()
                    .zip(direction)
                    .for_each(|(x, f)| *x += magnitude * f);
            }
            if self.noise > 0.0 {
                x.iter_mut()
                    .for_each(|x| *x += (self.noise * rng.normal()) as f32);
            }
            batch.features.extend(entries.iter().map(|&(i, _)| i));
            batch
                .magnitudes
                .extend(entries.iter().map(|&(_, magnitude)| magnitude));
            batch.starts.push(batch.features.len());
        }
        batch
    }

    /// Adds the active descendants of the roots among `entries`, and sorts all entries by feature.
    fn grow(
        &self,
        entries: &mut Vec<(u32, f32)>,
        mut fires: impl FnMut(usize, &mut Rng) -> bool,
        rng: &mut Rng,
    ) {
        let Trees {
            forest,
            exclusive,
            means,
        } = &self.trees;
        if forest.is_flat() {
            return;
        }
        let mut firing = Vec::new();
        let mut next = 0;
        while let Some(&(parent, magnitude)) = entries.get(next) {
            next += 1;
            let parent = parent as usize;
            let Some(children) = forest.children(parent) else {
                continue;
            };
            let scale = means
                .as_ref()
                .map_or(1.0, |means| (f64::from(magnitude) / means[parent]) as f32);
            let mut draw = |child: usize, rng: &mut Rng| {
                let own = self.magnitudes[child].draw(rng);
                let is_on = own > 0.0;
                if is_on {
                    entries.push((child as u32, own * scale));
                }
                is_on
            };
            firing.clear();
            firing.extend(children.filter(|&child| fires(child, rng)));
            if !exclusive {
                for &child in &firing {
                    draw(child, rng);
                }
                continue;
            }
            // One of the children that are on stays, all as likely: the first of them in a random order.
            while !firing.is_empty() {
                let child = firing.swap_remove(rng.below(firing.len()));
                if draw(child, rng) {
                    break;
                }
            }
        }
        entries.retain(|&(_, magnitude)| magnitude > 0.0);
        entries.sort_unstable_by_key(|&(i, _)| i);
    }
}

#[cfg(test)]
mod tests;
