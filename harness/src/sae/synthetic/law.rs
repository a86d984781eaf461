//! What synthetic data are drawn from, as settings of an experiment.

use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::settings::{OutOfRange, ensure};

/// Declares the settings of an experiment on synthetic data: those of the data, then its own. Beside
/// [`settings!`](macro@crate::settings) it gives the struct a method `law()`.
#[macro_export]
macro_rules! synthetic_settings {
    (
        $(#[$outer:meta])*
        pub struct $name:ident { $($own:tt)* }
    ) => {
        $crate::settings! {
            $(#[$outer])*
            pub struct $name {
                /// Dimension d of the activations.
                pub width: usize,
                /// Number of true features.
                pub features: usize,
                /// Directions of the features: gaussian (normalised), or orthogonal (at most d of them).
                pub directions: $crate::sae::synthetic::law::Directions,
                /// Mean number of features that are active in a sample.
                pub active: f64,
                /// Probability of feature i to fire: constant, decaying (as decay^i), or zipf (as 1/(i + 1)).
                pub firing: $crate::sae::synthetic::law::Firing,
                /// Ratio of the probabilities of a feature and the one before, where they decay.
                pub decay: f64,
                /// Magnitude of an active feature: uniform on (0, 1), normal (mean 1, deviation 1/4, cut off at 0), or
                /// folded-normal (the size of a standard normal number).
                pub magnitudes: $crate::sae::synthetic::law::Magnitudes,
                /// Correlation of the normal variables that make features of one group fire; 0 for independent features.
                pub correlation: f64,
                /// Number of groups that features are dealt to, if they are correlated.
                pub groups: usize,
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
    /// Checks ranges.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let Law {
            width, features, ..
        } = *self;
        ensure("width", width, (1..=8192).contains(&width), "1 to 8192")?;
        let (most, why) = match self.directions {
            Directions::Gaussian => (1 << 16, String::new()),
            Directions::Orthogonal => (width, " (width), being orthogonal".into()),
        };
        let fit = (1..=most).contains(&features);
        ensure("features", features, fit, format!("1 to {most}{why}"))?;
        let decay = self.decay > 0.0 && self.decay <= 1.0;
        ensure("decay", self.decay, decay, "above 0 and at most 1")?;
        let weights = self.weights();
        let most = weights.iter().sum::<f64>() / weights[0];
        let active = self.active > 0.0 && self.active <= most;
        ensure(
            "active",
            self.active,
            active,
            format!("above 0 and at most {most:.3}, where the first feature always fires"),
        )?;
        let correlation = (0.0..=0.99).contains(&self.correlation);
        ensure("correlation", self.correlation, correlation, "0 to 0.99")?;
        let groups = (1..=1 << 16).contains(&self.groups);
        ensure("groups", self.groups, groups, "1 to 65536")
    }

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
