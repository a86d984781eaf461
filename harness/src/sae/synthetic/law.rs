//! What synthetic data are drawn from: a group of settings of the experiments on them.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::settings::range::{Allows, above, worded};

crate::settings! {
    /// What synthetic data are drawn from.
    #[derive(Copy, PartialEq)]
    pub struct Law {
        /// Dimension d of the activations.
        width: usize = 64, in 1..=8192;
        /// Number of true features.
        features: usize = 128, where law => features(law);
        /// Directions of the features: gaussian (normalised), or orthogonal (at most d of them).
        directions: Directions = Directions::Gaussian;
        /// Mean number of features that are active in a sample.
        active: f64 = 3.0, where law => active(law);
        /// Probability of feature i to fire: constant, decaying (as decay^i), or zipf (as 1/(i + 1)).
        firing: Firing = Firing::Decaying;
        /// Ratio of the probabilities of a feature and the one before, where they decay.
        decay: f64 = 0.99, in above(0.0).at_most(1.0);
        /// Magnitude of an active feature: uniform on (0, 1), normal (mean 1, standard deviation 1/4, cut off at 0), or
        /// folded-normal (the absolute value of a standard normal number).
        magnitudes: Magnitudes = Magnitudes::Uniform;
        /// Correlation of the normal variables that make features of one group fire; 0 for independent features.
        correlation: f64 = 0.0, in 0.0..=0.99;
        /// Cosine of any two features of one group, beside what chance adds to it; 0 for orthogonal ones. Features are
        /// dealt to the groups in turn.
        coherence: f64 = 0.0, where law => coherence(law);
        /// Number of groups that features are dealt to, if they are correlated or coherent.
        groups: usize = 16, in 1..=1 << 16;
    }
}

/// The range of the number of features.
fn features(law: &Law) -> impl Allows<usize> + use<> {
    let (most, why) = match law.directions {
        Directions::Gaussian => (1 << 16, ""),
        Directions::Orthogonal => (law.width, " (width), being orthogonal"),
    };
    worded(format!("1 to {most}{why}"), 1..=most)
}

/// The range of the mean number of active features. The number of features and the decay must be in range.
fn active(law: &Law) -> impl Allows<f64> + use<> {
    let weights = law.weights();
    let most = weights.iter().sum::<f64>() / weights[0];
    let words = format!("above 0 and at most {most:.3}, where the first feature always fires");
    worded(words, above(0.0).at_most(most))
}

/// The range of the coherence.
fn coherence(law: &Law) -> impl Allows<f64> + use<> {
    let (most, why) = match law.directions {
        Directions::Gaussian => (0.99, ""),
        Directions::Orthogonal => (0.0, ", since the features are orthogonal"),
    };
    worded(format!("0 to {most}{why}"), 0.0..=most)
}

/// Directions of the features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Directions {
    /// Normal entries, normalised: uniformly random directions.
    Gaussian,
    /// Gaussian directions, each made orthogonal to those before.
    Orthogonal,
}

/// The dependence of the probability to fire on the feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firing {
    /// The same probability for each feature.
    Constant,
    /// A geometric decay.
    Decaying,
    /// A decay as 1/(i + 1) (Zipf's law).
    Zipf,
}

/// Law of the magnitude of an active feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Magnitudes {
    /// Uniform on (0, 1).
    Uniform,
    /// Normal with mean 1 and deviation ¼, cut off at 0.
    Normal,
    /// |z| for a standard normal z.
    FoldedNormal,
}

impl Magnitudes {
    pub(super) fn draw(self, rng: &mut Rng) -> f32 {
        match self {
            Magnitudes::Uniform => rng.random::<f32>(),
            Magnitudes::Normal => (1.0 + 0.25 * rng.normal()).max(0.0) as f32,
            Magnitudes::FoldedNormal => rng.normal().abs() as f32,
        }
    }
}

impl Law {
    /// What the probabilities to fire are proportional to, the largest first.
    fn weights(&self) -> Vec<f64> {
        let weight = |i: usize| match self.firing {
            Firing::Constant => 1.0,
            Firing::Decaying => self.decay.powf(i as f64),
            Firing::Zipf => 1.0 / (i + 1) as f64,
        };
        (0..self.features).map(weight).collect()
    }

    /// The probability of each feature to fire.
    pub fn probabilities(&self) -> Vec<f64> {
        let weights = self.weights();
        let scale = self.active / weights.iter().sum::<f64>();
        weights.iter().map(|w| (w * scale).min(1.0)).collect()
    }

    /// Estimated memory of a generator, bytes.
    pub fn memory(&self) -> f64 {
        self.features as f64 * (self.width as f64 * 12.0 + 40.0)
    }
}
