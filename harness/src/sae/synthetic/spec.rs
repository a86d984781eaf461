//! Synthetic models as lists of settings, in a file or built in.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::copula::Copula;
use super::forest::Forest;
pub use super::magnitudes::Magnitudes;
use crate::error::{Error, Result};
use crate::input::read_settings;
use crate::settings::assign::{Owner, assign, refused};
use crate::settings::range::{Allows, above, so_that, worded};
use crate::settings::{Preset, Settings as _};
use crate::text::did_you_mean;

crate::settings! {
    /// A synthetic model: what its samples are drawn from.
    #[derive(PartialEq)]
    pub struct Spec {
        /// Number of features.
        features: usize = 1024, where spec => features(spec);
        /// Length of a sample.
        width: usize = 128, in 1..=8192;
        /// Directions of the features: gaussian (random unit vectors), orthogonal (at most as many as a sample has
        /// values), or spread (random ones that are pushed apart by `repulsion` steps).
        directions: Directions = Directions::Spread;
        /// Steps of Adam at a rate of 0.0003 by which spread directions are pushed apart, down the sum of their squared
        /// cosines.
        repulsion: u64 = 100, in 0..=100_000;
        /// Cosine of any two features of one group, beside what chance adds to it; 0 for no groups. Features are dealt
        /// to the groups in turn.
        coherence: f64 = 0.0, where spec => coherence(spec);
        /// Probability of feature i = 0, 1, … to fire: constant, decaying (as decay^i), zipf (as 1/(i + 1)), power-law
        /// (as (i + 1)^−exponent, along a line to be `first` for the first feature and `last` for the last), or exactly
        /// (`active` features of each sample, all as likely).
        firing: Firing = Firing::PowerLaw;
        /// Mean number of features that are active in a sample, where they fire by constant, decaying or zipf; the
        /// number of them for exactly.
        active: f64 = 3.0, where spec => active(spec);
        /// Ratio of the probabilities of a feature and the one before, for decaying.
        decay: f64 = 0.99, in above(0.0).at_most(1.0);
        /// Probability of the first feature, for power-law.
        first: f64 = 0.4, in above(0.0).at_most(1.0);
        /// Probability of the last feature, for power-law.
        last: f64 = 0.0005, in above(0.0).at_most(1.0);
        /// The exponent of power-law.
        exponent: f64 = 0.5, in above(0.0).at_most(100.0);
        /// Factors of a Gaussian copula that makes features fire together: feature i fires where a normal number
        /// exceeds a level, and these numbers are correlated by F_i·F_j, with F of `features` rows and `rank` columns.
        /// 0 for independent features.
        rank: usize = 0, where spec => rank(spec);
        /// Standard deviation of the entries of F, which are normal.
        loading: f64 = 0.1, in 0.0..=10.0;
        /// Correlation of these normal numbers for two features of one group, for another copula: features are put into
        /// groups at random. 0 for independent features.
        correlation: f64 = 0.0, where spec => correlation(spec);
        /// Number of groups of features that are correlated or coherent.
        groups: usize = 16, in 1..=1 << 16;
        /// Number of trees, whose roots are the first features; 0 for none. A child fires only where its parent does.
        roots: usize = 0, where spec => roots(spec);
        /// Children of each parent.
        children: usize = 4, in 1..=1 << 16;
        /// Levels of the trees below the roots.
        depth: usize = 1, in 1..=16;
        /// Whether the children of a parent exclude each other: of those that fire, one at random stays.
        exclusive: bool = true;
        /// Whether the magnitude of a child is multiplied by that of its parent, in units of the parent's mean.
        scaled: bool = true;
        /// Magnitude of an active feature, by its mean m and deviation s: uniform (on m ± √3 s), normal (m + s z),
        /// folded-normal (|m + s z|) or half-normal (m + s |z|), z being a standard normal number; below 0 it is 0, and
        /// the feature is off.
        magnitudes: Magnitudes = Magnitudes::Normal;
        /// The m of magnitudes: one for all features, two for a line from the first to the last feature, or one for
        /// each. Nothing stands for that of uniform on (0, 1), 1 for normal, and 0 for the others.
        mean: Vec<f64> = Vec::new(), where spec => for_features("mean", spec);
        /// The s of magnitudes, likewise. Nothing stands for that of uniform on (0, 1), 0.25 for normal, and 1 for the
        /// others.
        deviation: Vec<f64> = Vec::new(), where spec => for_features("deviation", spec);
        /// How far s differs between features: it is |s + this times a normal number|, drawn once for each feature.
        deviation_spread: f64 = 0.0, in 0.0..=1e6;
        /// Length of a random vector that is added to all samples.
        bias: f64 = 0.0, in 0.0..=1e6;
        /// Standard deviation of normal noise on every value of a sample.
        noise: f64 = 0.0, in 0.0..=1e6;
        /// The seed of everything that is random.
        seed: u64 = 0, in 0..=1 << 48;
    }
}

/// The law of the directions of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Directions {
    /// Uniformly random directions: normal entries, normalised.
    Gaussian,
    /// Gaussian directions, each made orthogonal to those before.
    Orthogonal,
    /// Gaussian directions, pushed apart.
    Spread,
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
    /// A decay as a power of i + 1, between two probabilities.
    PowerLaw,
    /// A fixed number of features in every sample, all as likely.
    Exactly,
}

/// Returns the range of the number of features.
pub fn features(spec: &Spec) -> impl Allows<usize> + use<> {
    let (most, why) = match spec.directions {
        Directions::Gaussian | Directions::Spread => (1 << 16, ""),
        Directions::Orthogonal => (spec.width, " (width), being orthogonal"),
    };
    worded(format!("1 to {most}{why}"), 1..=most)
}

/// Returns the range of the mean number of active features. The number of features and the decay must be in range.
pub fn active(spec: &Spec) -> impl Allows<f64> + use<> {
    let weights = spec.weights();
    let most = weights.iter().sum::<f64>() / weights[0];
    let firing = spec.firing;
    let words = match firing {
        Firing::Exactly => format!("a whole number, 1 to {most}"),
        Firing::PowerLaw => "a number, which power-law does not look at".into(),
        _ => format!("above 0 and at most {most:.3}, where the first feature always fires"),
    };
    let admits = move |&active: &f64| match firing {
        Firing::PowerLaw => true,
        Firing::Exactly => (1.0..=most).contains(&active) && active.fract() == 0.0,
        _ => above(0.0).at_most(most).admits(&active),
    };
    so_that(words, admits)
}

/// Returns the range of the coherence.
pub fn coherence(spec: &Spec) -> impl Allows<f64> + use<> {
    let (most, why) = match spec.directions {
        Directions::Gaussian | Directions::Spread => (0.99, ""),
        Directions::Orthogonal => (0.0, ", since the features are orthogonal"),
    };
    worded(format!("0 to {most}{why}"), 0.0..=most)
}

/// Returns the range of the rank.
fn rank(spec: &Spec) -> impl Allows<usize> + use<> {
    let (most, why) = match spec.firing {
        Firing::Exactly => (0, ", since exactly as many features fire in each sample"),
        _ => (1024, ""),
    };
    worded(format!("0 to {most}{why}"), 0..=most)
}

/// Returns the range of the correlation within groups.
fn correlation(spec: &Spec) -> impl Allows<f64> + use<> {
    let (most, why) = match spec {
        Spec {
            firing: Firing::Exactly,
            ..
        } => (0.0, ", since exactly as many features fire in each sample"),
        Spec { rank: 1.., .. } => (0.0, ", since there is a rank"),
        Spec { roots: 1.., .. } => (0.0, ", since there are trees"),
        _ => (0.99, ""),
    };
    worded(format!("0 to {most}{why}"), 0.0..=most)
}

/// Returns the range of the number of roots.
fn roots(spec: &Spec) -> impl Allows<usize> + use<> {
    let fits = |roots: usize| Forest::new(roots, spec.children, spec.depth).len() <= spec.features;
    let each = Forest::new(1, spec.children, spec.depth).len();
    let (most, why) = match spec.firing {
        Firing::Exactly => (
            0,
            "since exactly as many features fire in each sample".into(),
        ),
        _ => (
            spec.features / each,
            format!("each with {} nodes, for {} features", each, spec.features),
        ),
    };
    debug_assert!(fits(most));
    worded(format!("0 to {most}, {why}"), 0..=most)
}

/// Returns the range of the setting `name`, a list of numbers for features.
fn for_features(name: &'static str, spec: &Spec) -> impl Allows<Vec<f64>> + use<> {
    let n = spec.features;
    let least = match name {
        "deviation" => 0.0,
        // A child is multiplied by its parent's magnitude in units of this.
        _ if spec.roots > 0 && spec.scaled => f64::MIN_POSITIVE,
        _ => -1e6,
    };
    let sign = match least {
        0.0 => ", 0 or above",
        0.0.. => ", above 0 since magnitudes are scaled by that of the parent",
        _ => "",
    };
    let words = format!("a list of 1, 2 or {n} (features) numbers up to 1e6{sign}");
    let (mean, deviation) = spec.magnitudes.standard();
    let standard = if name == "mean" { mean } else { deviation };
    so_that(words, move |list: &Vec<f64>| match list.len() {
        0 => standard >= least,
        len => [1, 2, n].contains(&len) && list.iter().all(|v| (least..=1e6).contains(v)),
    })
}

/// The name of a synthetic model, and the function that returns the model.
type BuiltIn = (&'static str, fn() -> Spec);

/// The synthetic models that have a name.
pub const BUILT_IN: [BuiltIn; 2] = [
    ("synthsaebench-16k", synthsaebench_16k),
    ("synthsaebench-1k", synthsaebench_1k),
];

/// Returns SynthSAEBench-16k, version 2 (the dataset decoderesearch/synth-sae-bench-16k-v2, drawn by SAELens): 16,384
/// features in 768 dimensions, 10,880 of them in 128 trees of depth 3 with children that exclude each other, correlated
/// by a copula of rank 25.
fn synthsaebench_16k() -> Spec {
    Spec {
        features: 16_384,
        width: 768,
        rank: 25,
        roots: 128,
        depth: 3,
        mean: vec![5.0, 4.0],
        deviation: vec![0.5],
        deviation_spread: 0.5,
        bias: 0.5,
        ..Spec::preset(Preset::Default)
    }
}

/// Returns the law of SynthSAEBench-16k with 1,024 features in 128 dimensions, 336 of them in 16 trees of depth 2: no
/// part of SynthSAEBench, but small enough to try things on.
fn synthsaebench_1k() -> Spec {
    Spec {
        features: 1024,
        width: 128,
        roots: 16,
        depth: 2,
        ..synthsaebench_16k()
    }
}

impl Spec {
    /// Returns the model of the name `name`, or reads that of a file of settings.
    ///
    /// # Errors
    /// If there is no model of that name and no such file, or the file has a setting that does not exist or is out of
    /// its range.
    pub fn read(name: &str) -> Result<Spec> {
        if let Some((_, spec)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Ok(spec());
        }
        if !name.ends_with(".toml") {
            let names = BUILT_IN.map(|(name, _)| name);
            return Err(Error::input(format!(
                "there is no synthetic model `{name}`{}; name one of {}, or a file of settings that ends in .toml",
                did_you_mean(name, names),
                names.join(", ")
            )));
        }
        Spec::parse(name, &read_settings(Path::new(name))?)
    }

    /// Returns the model that the text of a file of settings describes.
    ///
    /// # Errors
    /// If [`read`](Self::read) would refuse the file.
    pub fn parse(name: &str, text: &str) -> Result<Spec> {
        let owner = Owner {
            prefix: "",
            name: "a synthetic model",
            shown_by: "harness sae synth synthsaebench-1k --settings",
        };
        let table: toml::Table = text
            .parse()
            .map_err(|e| Error::input(format!("{name}: {e}")))?;
        let mut spec = Spec::preset(Preset::Default);
        let presets = spec.list();
        for (key, value) in &table {
            assign(&mut spec, &presets, owner, key, value, name)?;
        }
        spec.check()
            .map_err(|out| refused(owner, &out, Some(name)))?;
        Ok(spec)
    }

    /// Returns the text of the file that describes this model, with every setting explained.
    pub fn to_toml(&self) -> String {
        let each = self.list().into_iter();
        each.map(|setting| format!("# {}\n{} = {}\n", setting.about, setting.key, setting.value))
            .collect()
    }

    /// Returns the weights of features, the largest first. Probabilities to fire are proportional to them, and for a
    /// power law along a line in them.
    fn weights(&self) -> Vec<f64> {
        let weight = |i: usize| match self.firing {
            Firing::Constant | Firing::Exactly => 1.0,
            Firing::Decaying => self.decay.powf(i as f64),
            Firing::Zipf => 1.0 / (i + 1) as f64,
            Firing::PowerLaw => ((i + 1) as f64).powf(-self.exponent),
        };
        (0..self.features).map(weight).collect()
    }

    /// Returns the probability of each feature to fire, in the end: trees and all.
    pub fn probabilities(&self) -> Vec<f64> {
        let weights = self.weights();
        if self.firing == Firing::PowerLaw {
            let least = weights[weights.len() - 1];
            let line = |w: &f64| match weights.len() {
                1 => self.first,
                _ => self.last + (self.first - self.last) * (w - least) / (1.0 - least),
            };
            return weights.iter().map(line).collect();
        }
        let scale = self.active / weights.iter().sum::<f64>();
        weights.iter().map(|w| (w * scale).min(1.0)).collect()
    }

    /// Returns the trees of features.
    pub fn forest(&self) -> Forest {
        match self.roots {
            0 => Forest::default(),
            roots => Forest::new(roots, self.children, self.depth),
        }
    }

    /// Returns the mean of each feature's magnitude, before it is cut off.
    pub fn means(&self) -> Vec<f64> {
        self.each(&self.mean, self.magnitudes.standard().0)
    }

    /// Returns the deviation of each feature's magnitude, before it is spread.
    pub fn deviations(&self) -> Vec<f64> {
        self.each(&self.deviation, self.magnitudes.standard().1)
    }

    /// Returns a number for each feature, from a list of none (`standard`), one, two (a line) or all of them.
    fn each(&self, list: &[f64], standard: f64) -> Vec<f64> {
        let n = self.features;
        let at = |i: usize| match *list {
            [] => standard,
            [all] => all,
            // Written so that the last feature has the second number exactly.
            [first, last] if n != 2 => {
                let share = i as f64 / (n - 1).max(1) as f64;
                first * (1.0 - share) + last * share
            }
            _ => list[i],
        };
        (0..n).map(at).collect()
    }

    /// Returns the number of steps that it takes to draw the features.
    pub fn steps(&self) -> u64 {
        match self.directions {
            Directions::Spread => self.repulsion,
            Directions::Gaussian | Directions::Orthogonal => 0,
        }
    }

    /// Returns the estimated memory of a generator, in bytes.
    pub fn memory(&self) -> f64 {
        let directions = self.features as f64 * self.width as f64;
        let spread = match self.directions {
            // The gradient and two moments; before it, the directions in double precision.
            Directions::Spread => 12.0 * directions,
            _ => 8.0 * directions,
        };
        let copula = match self.rank + self.roots {
            0 => 0.0,
            _ => Copula::memory(self.features, self.rank),
        };
        4.0 * directions + spread + copula + 40.0 * self.features as f64
    }
}
