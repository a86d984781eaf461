//! What synthetic data are drawn from, as settings of an experiment.

use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::settings::range::{Allows, above, worded};

/// Declares the settings of an experiment on synthetic data: those of the data, of which it says the values that differ
/// between experiments, then its own. Beside [`settings!`](macro@crate::settings) it gives the struct a method `law()`.
#[macro_export]
macro_rules! synthetic_settings {
    (
        $(#[$outer:meta])*
        pub struct $name:ident {
            width = $width:expr $(, quick = $quick_width:expr, full = $full_width:expr)?;
            features = $features:expr $(, quick = $quick_features:expr, full = $full_features:expr)?;
            active = $active:expr $(, quick = $quick_active:expr, full = $full_active:expr)?;
            firing = $firing:expr;
            $($own:tt)*
        }
    ) => {
        $crate::settings! {
            $(#[$outer])*
            pub struct $name {
                /// Dimension d of the activations.
                width: usize = $width $(, quick = $quick_width, full = $full_width)?, in 1..=8192;
                /// Number of true features.
                features: usize = $features $(, quick = $quick_features, full = $full_features)?,
                    where s => $crate::sae::synthetic::law::features(&s.law());
                /// Directions of the features: gaussian (normalised), or orthogonal (at most d of them).
                directions: $crate::sae::synthetic::law::Directions =
                    $crate::sae::synthetic::law::Directions::Gaussian;
                /// Mean number of features that are active in a sample.
                active: f64 = $active $(, quick = $quick_active, full = $full_active)?,
                    where s => $crate::sae::synthetic::law::active(&s.law());
                /// Probability of feature i to fire: constant, decaying (as decay^i), or zipf (as 1/(i + 1)).
                firing: $crate::sae::synthetic::law::Firing = $firing;
                /// Ratio of the probabilities of a feature and the one before, where they decay.
                decay: f64 = 0.99, in $crate::settings::range::above(0.0).at_most(1.0);
                /// Magnitude of an active feature: uniform on (0, 1), normal (mean 1, deviation 1/4, cut off at 0), or
                /// folded-normal (the size of a standard normal number).
                magnitudes: $crate::sae::synthetic::law::Magnitudes =
                    $crate::sae::synthetic::law::Magnitudes::Uniform;
                /// Correlation of the normal variables that make features of one group fire; 0 for independent features.
                correlation: f64 = 0.0, in 0.0..=0.99;
                /// Number of groups that features are dealt to, if they are correlated.
                groups: usize = 16, in 1..=1 << 16;
                $($own)*
            }
        }

        impl $name {
            /// The law of the data.
            pub fn law(&self) -> $crate::sae::synthetic::law::Law {
                $crate::sae::synthetic::law::Law {
                    width: self.width,
                    features: self.features,
                    directions: self.directions,
                    active: self.active,
                    firing: self.firing,
                    decay: self.decay,
                    magnitudes: self.magnitudes,
                    correlation: self.correlation,
                    groups: self.groups,
                }
            }
        }
    };
}

/// How many features a law may have.
pub fn features(law: &Law) -> impl Allows<usize> + use<> {
    let (most, why) = match law.directions {
        Directions::Gaussian => (1 << 16, ""),
        Directions::Orthogonal => (law.width, " (width), being orthogonal"),
    };
    worded(format!("1 to {most}{why}"), 1..=most)
}

/// How many features may be active on average. The number of features and the decay must be in range.
pub fn active(law: &Law) -> impl Allows<f64> + use<> {
    let weights = law.weights();
    let most = weights.iter().sum::<f64>() / weights[0];
    let words = format!("above 0 and at most {most:.3}, where the first feature always fires");
    worded(words, above(0.0).at_most(most))
}

/// Directions of the features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Directions {
    /// Normal entries, normalised: uniformly random directions.
    Gaussian,
    /// The same, each made orthogonal to those before.
    Orthogonal,
}

/// How the probability to fire depends on the feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firing {
    /// Not at all.
    Constant,
    /// Geometrically.
    Decaying,
    /// As 1/(i + 1) (Zipf's law).
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
            Magnitudes::Uniform => rng.uniform_f32(),
            Magnitudes::Normal => (1.0 + 0.25 * rng.normal()).max(0.0) as f32,
            Magnitudes::FoldedNormal => rng.normal().abs() as f32,
        }
    }
}

/// What synthetic data are drawn from; [`synthetic_settings!`](crate::synthetic_settings) says what each setting means.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(
    missing_docs,
    reason = "the settings are documented where the user reads them"
)]
pub struct Law {
    pub width: usize,
    pub features: usize,
    pub directions: Directions,
    pub active: f64,
    pub firing: Firing,
    pub decay: f64,
    pub magnitudes: Magnitudes,
    pub correlation: f64,
    pub groups: usize,
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
