//! The law that the synthetic data of experiments are drawn from: a group of their settings, and the simple part of a
//! [`Spec`].

use super::spec::{self, Directions, Firing, Magnitudes, Spec};
use crate::settings::range::{Allows, above, so_that};
use crate::settings::{Preset, Settings as _};

crate::settings! {
    /// The law that synthetic data are drawn from.
    #[derive(Copy, PartialEq)]
    pub struct Law {
        /// Dimension d of the activations.
        width: usize = 64, in 1..=8192;
        /// Number of true features.
        features: usize = 128, where law => spec::features(&law.spec());
        /// Directions of the features: gaussian (normalised), or orthogonal (at most d of them).
        directions: Directions = Directions::Gaussian,
            in so_that("gaussian or orthogonal", |d| *d != Directions::Spread);
        /// Mean number of features that are active in a sample.
        active: f64 = 3.0, where law => spec::active(&law.spec());
        /// Probability of feature i to fire: constant, decaying (as decay^i), or zipf (as 1/(i + 1)).
        firing: Firing = Firing::Decaying, in drawn_one_by_one();
        /// Ratio of the probabilities of a feature and the one before, where they decay.
        decay: f64 = 0.99, in above(0.0).at_most(1.0);
        /// Magnitude of an active feature: uniform on (0, 1), normal (mean 1, standard deviation 1/4, cut off at 0), or
        /// folded-normal (the absolute value of a standard normal number).
        magnitudes: Magnitudes = Magnitudes::Uniform,
            in so_that("uniform, normal or folded-normal", |m| *m != Magnitudes::HalfNormal);
        /// Correlation of the normal variables that make features of one group fire; 0 for independent features.
        correlation: f64 = 0.0, in 0.0..=0.99;
        /// Cosine of any two features of one group, beside what chance adds to it; 0 for orthogonal ones. Features are
        /// dealt to the groups in turn.
        coherence: f64 = 0.0, where law => spec::coherence(&law.spec());
        /// Number of groups that features are dealt to, if they are correlated or coherent.
        groups: usize = 16, in 1..=1 << 16;
    }
}

fn drawn_one_by_one() -> impl Allows<Firing> {
    so_that("constant, decaying or zipf", |f| {
        matches!(f, Firing::Constant | Firing::Decaying | Firing::Zipf)
    })
}

impl Law {
    /// Returns the synthetic model with these settings, and no trees, bias or noise.
    pub fn spec(&self) -> Spec {
        let Law {
            width,
            features,
            directions,
            active,
            firing,
            decay,
            magnitudes,
            correlation,
            coherence,
            groups,
        } = *self;
        Spec {
            width,
            features,
            directions,
            active,
            firing,
            decay,
            magnitudes,
            correlation,
            coherence,
            groups,
            ..Spec::preset(Preset::Default)
        }
    }

    /// Returns the estimated memory of a generator, in bytes.
    pub fn memory(&self) -> f64 {
        self.spec().memory()
    }
}
