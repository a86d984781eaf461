//! The samples: drawn once for all k and all numbers of active others, and summed up as they come.
//!
//! A sample is the magnitude of the feature of interest and a random order of the others, each with a magnitude. Its
//! first n_on others are the active ones: a random choice of n_on for every n_on, so that the cells of the grid nest.
//! Where the others are drawn from all features, the feature of interest may be among them: then one fewer is active
//! beside it. Neighbouring cells share their draws, which takes nothing from the precision of a cell and makes curves
//! over the grid smooth.

use rand::RngExt as _;
use std::ops::Range;

use super::settings::Settings;
use crate::phase::Phase;
use crate::rng::Rng;
use crate::stats::Moments;

/// The number of parts that the samples of one feature of interest are cut into, each with a random stream of its own.
pub(super) const PARTS: usize = 8;
/// The largest number of samples in a batch.
pub(super) const BATCH: usize = 512;

/// A batch of samples, with magnitudes in units of their reach.
pub(super) struct Batch {
    /// The magnitudes of the feature of interest.
    pub x: Vec<f32>,
    /// The others in the order in which they become active, `depth` for each sample.
    pub others: Vec<u32>,
    /// The magnitudes of `others`; 0 where one of them is the feature of interest.
    pub magnitudes: Vec<f32>,
    /// The number of others of each sample.
    pub depth: usize,
    /// The number of samples that are fitted, the first ones; the rest are held out.
    pub fitted: usize,
}

/// The source of one part of the samples, batch by batch.
pub(super) struct Sampler {
    rng: Rng,
    /// The feature of interest.
    own: u32,
    /// The features that the others are drawn from, in any order.
    pool: Vec<u32>,
    left: Range<usize>,
    /// The number of samples that are fitted, over all parts.
    fitted: usize,
    batch: Batch,
}

impl Sampler {
    pub fn new(s: &Settings, of_interest: usize, levels: &[usize], part: usize, rng: Rng) -> Self {
        let all = 0..s.features as u32;
        let others = all.filter(|&f| s.include_own || f as usize != of_interest);
        let held_out = (s.samples as f64 * s.test_fraction).round() as usize;
        Sampler {
            rng,
            own: of_interest as u32,
            pool: others.collect(),
            left: s.samples * part / PARTS..s.samples * (part + 1) / PARTS,
            fitted: s.samples - held_out,
            batch: Batch {
                x: Vec::new(),
                others: Vec::new(),
                magnitudes: Vec::new(),
                depth: levels.last().copied().unwrap_or(0),
                fitted: 0,
            },
        }
    }

    /// Returns the next samples, if any are left.
    pub fn next_batch(&mut self) -> Option<&Batch> {
        let _span = Phase::Data.begin();
        let Sampler {
            rng,
            own,
            pool,
            left,
            fitted,
            batch,
        } = self;
        if left.start == left.end {
            return None;
        }
        let now = left.start..left.end.min(left.start + BATCH);
        left.start = now.end;
        batch.fitted = now.end.min(*fitted).saturating_sub(now.start);
        batch.x.clear();
        batch.others.clear();
        batch.magnitudes.clear();
        for _ in now {
            batch.x.push(magnitude(rng));
            for i in 0..batch.depth {
                let other = i + rng.below(pool.len() - i);
                pool.swap(i, other);
                let magnitude = magnitude(rng);
                // If the feature of interest is drawn among the others, it is active already, at its own magnitude.
                let on_already = pool[i] == *own;
                batch
                    .magnitudes
                    .push(if on_already { 0.0 } else { magnitude });
            }
            batch.others.extend(&pool[..batch.depth]);
        }
        Some(batch)
    }
}

/// Draws a magnitude, uniform on [−1, 1).
fn magnitude(rng: &mut Rng) -> f32 {
    2.0 * rng.random::<f32>() - 1.0
}

/// The number of sums for each level: Σ y, Σ yx, Σ yx² and Σ y².
const KINDS: usize = 4;

/// The sums over the samples seen that the fits at every level need.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    levels: usize,
    fit: Half,
    test: Half,
}

/// The sums over the samples that are fitted, or over those held out.
#[derive(Debug, Clone)]
struct Half {
    /// The sums Σ xᵖ for p = 0 … 4.
    x: [f64; 5],
    /// The sums Σ y, Σ yx, Σ yx² and Σ y², each for all levels.
    y: Vec<f64>,
}

impl Sums {
    /// Returns the sums of no samples.
    pub fn new(levels: usize) -> Self {
        let half = Half {
            x: [0.0; 5],
            y: vec![0.0; KINDS * levels],
        };
        Sums {
            levels,
            fit: half.clone(),
            test: half,
        }
    }

    /// Adds a sample that is `fitted` or held out, with its outputs `y` at every level.
    pub fn push(&mut self, fitted: bool, x: f32, y: &[f32]) {
        let half = if fitted {
            &mut self.fit
        } else {
            &mut self.test
        };
        let x = f64::from(x);
        let powers = [1.0, x, x * x, x * x * x, x * x * x * x];
        half.x.iter_mut().zip(powers).for_each(|(s, p)| *s += p);
        let (y0, rest) = half.y.split_at_mut(self.levels);
        let (y1, rest) = rest.split_at_mut(self.levels);
        let (y2, yy) = rest.split_at_mut(self.levels);
        let sums = y0.iter_mut().zip(y1).zip(y2).zip(yy);
        for ((((y0, y1), y2), yy), &y) in sums.zip(y) {
            let y = f64::from(y);
            *y0 += y;
            *y1 += y * powers[1];
            *y2 += y * powers[2];
            *yy += y * y;
        }
    }

    /// Adds the sums of another part.
    pub fn add(&mut self, other: &Sums) {
        for (half, other) in [(&mut self.fit, &other.fit), (&mut self.test, &other.test)] {
            half.x.iter_mut().zip(&other.x).for_each(|(a, b)| *a += b);
            half.y.iter_mut().zip(&other.y).for_each(|(a, b)| *a += b);
        }
    }

    /// Returns ΔR² at a level.
    pub fn delta_r2(&self, level: usize) -> f64 {
        let moments = |half: &Half| {
            let y = |kind| half.y[kind * self.levels + level];
            Moments {
                x: half.x,
                xy: [y(0), y(1), y(2)],
                yy: y(3),
            }
        };
        moments(&self.fit).delta_r2(&moments(&self.test))
    }
}
