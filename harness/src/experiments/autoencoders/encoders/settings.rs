//! Settings of `encoders`.

use crate::sae::synthetic::{Firing, Law};
use crate::sae::training::{Plan, STEPS};
use crate::settings::range::{Allows, above, increasing, so_that};

crate::settings! {
    /// Settings of `encoders`; `data.coherence` is one of `coherences` in the end. `compressed` is the control: random
    /// features, several times as many as dimensions, of which so many are active that a linear map confuses them while
    /// the codes of least L1 norm are still the true ones.
    pub struct Settings {
        /// L1 coefficients λ, increasing, 0.1 among them, for a squared error that is summed over dimensions; residual
        /// streams are scaled to variance 1.
        lambdas: Vec<f64> = vec![0.1], full = vec![0.1, 0.3], where _s => so_that(
            "1 to 64 numbers, increasing, above 0 and at most 1000000, 0.1 among them",
            |lambdas: &Vec<f64>| increasing(1..=64, above(0.0).at_most(1e6)).admits(lambdas) && lambdas.contains(&POINT),
        );
        /// Coherences of the synthetic features, increasing, 0 among them: the cosine of any two features of a group.
        coherences: Vec<f64> = vec![0.0, 0.5, 0.8], quick = vec![0.0, 0.8], where _s => so_that(
            "2 to 16 numbers, increasing, from 0 to 0.99, 0 among them",
            |coherences: &Vec<f64>| increasing(2..=16, 0.0..=0.99).admits(coherences) && coherences.contains(&0.0),
        );
        /// Learning rates that every encoder is tried at, in multiples of `training.learning_rate`, increasing.
        rates: Vec<f64> = vec![0.3, 1.0, 3.0], in increasing(1..=16, above(0.0).at_most(1e6));
        /// Elements of a dictionary for each true feature.
        ratio: f64 = 1.0, where s => so_that(
            "so that the dictionary has 1 to 1048576 elements",
            |&ratio: &f64| ratio > 0.0 && (1..=1 << 20).contains(&s.elements()),
        );
        /// Width of the hidden layer of the two-layer encoder, in multiples of the width of its input.
        hidden_ratio: usize = 2, in 1..=64;
        /// Unrolled steps of the LISTA encoder.
        unrolled: usize = 2, in 1..=64;
        /// Training steps of the dictionary with free codes, each of which FISTA optimises until it converges.
        free_steps: u64 = 300, quick = 100, full = 1000, in STEPS;
        /// Training steps of the models of residual streams.
        stream_steps: u64 = 600, quick = 200, full = 400, in STEPS;
        /// Elements of a dictionary of a residual stream, in multiples of its width.
        stream_ratio: usize = 3, in 1..=64;
        /// Most seeds that the experiment runs at.
        most_seeds: usize = 5, quick = 3, in 1..=1000;
        /// Most seeds at which models of residual streams are trained.
        stream_seeds: usize = 1, in 0..=1000;
        /// Samples that codes are compared on, and as many others by which learning rates and steps are chosen:
        /// held-out ones of synthetic data, samples of the training of residual streams.
        held_out: usize = 1024, quick = 400, full = 2048, in 100..=1 << 24;
        group data: Law {
            width = 20, quick = 12, full = 64;
            features = 40, quick = 24, full = 128;
            active = 1.5, quick = 1.2, full = 3.0;
            groups = 10, quick = 6, full = 32;
            firing = Firing::Decaying;
        }
        group compressed: Law {
            width = 20, quick = 12, full = 32;
            features = 80, quick = 48, full = 128;
            active = 3.0, quick = 1.5, full = 5.0;
            firing = Firing::Constant;
        }
        group training: Plan {
            steps = 900, quick = 300, full = 2000;
            batch = 128, full = 256;
        }
    }
}

/// The λ at which claims are settled.
pub const POINT: f64 = 0.1;

impl Settings {
    /// Returns the number of elements of a dictionary of synthetic data.
    pub fn elements(&self) -> usize {
        (self.ratio * self.data.features as f64).round() as usize
    }

    /// Returns the numbers of steps that every encoder is tried with on synthetic data: a third, and all.
    pub fn budgets(&self) -> [u64; 2] {
        [self.training.steps.div_ceil(3), self.training.steps]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::autoencoders::l1_geometry::prediction::{Codes, Sparse};
    use crate::settings::{Preset, Settings as _};

    /// Returns the share of samples that the codes of least L1 norm give back, for a law whose features all fire alike.
    fn found(law: &Law) -> f64 {
        let (n, p) = (law.features, law.active / law.features as f64);
        let mut probability = (1.0 - p).powi(n as i32);
        let mut found = probability;
        for active in 1..n {
            probability *= (n - active + 1) as f64 / active as f64 * p / (1.0 - p);
            let code = Sparse {
                codes: Codes::NonNegative,
                active: active as f64,
                atoms: n as f64,
            };
            found += probability * code.chance(law.width);
        }
        found
    }

    #[test]
    fn codes_of_the_control_are_found_by_least_l1_and_hidden_from_a_linear_map() {
        for preset in Preset::ALL {
            let s = Settings::preset(preset);
            let law = s.compressed;
            assert_eq!(law.firing, Firing::Constant);
            assert!(found(&law) > 0.95, "{}", found(&law));
            // The product of a sample with the direction of an idle feature deviates by √(K E[c²]/M), E[c²] being 1/3.
            // More of these than there are active features exceed half of the mean magnitude, 1/4.
            let deviation = (law.active / (3.0 * law.width as f64)).sqrt();
            let above = crate::sae::synthetic::normal_tail(0.25 / deviation);
            assert!(above * (law.features as f64 - law.active) > 2.0 * law.active);
        }
    }
}
