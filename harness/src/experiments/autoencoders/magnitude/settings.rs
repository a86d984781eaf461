//! Settings of `magnitude`.

use crate::sae::synthetic::{Firing, Law};
use crate::sae::training::{Plan, STEPS};
use crate::settings::range::{Allows, above, increasing, positive, so_that, up_to};

crate::settings! {
    /// Settings of `magnitude`; `data` and `training.steps` are those of the comparison of methods.
    pub struct Settings {
        /// Most seeds that the experiment runs at.
        most_seeds: usize = 5, quick = 3, in 1..=1000;
        /// Training steps of the models in the plane.
        plane_steps: u64 = 1000, quick = 300, full = 5000, in STEPS;
        /// Training steps of the models of one feature.
        shrinkage_steps: u64 = 1500, quick = 800, full = 3000, in STEPS;
        /// Coefficient λ of the L1 norm, in the plane and for the L1 model that is compared.
        lambda: f64 = 0.1, in positive();
        /// Coefficient of the gates' L1 norm for the gated model.
        gated_lambda: f64 = 0.4, in positive();
        /// Coefficient of the number of active elements for the JumpReLU model.
        l0_lambda: f64 = 0.01, in positive();
        /// Bandwidth of the JumpReLU model's estimated gradients.
        bandwidth: f64 = 0.05, in positive();
        /// Multiples of `lambda`, `gated_lambda` and `l0_lambda` that the methods are compared at, increasing, 1 among
        /// them. TopK keeps more elements where the penalty is weaker, as its inverse square root.
        penalties: Vec<f64> = vec![0.3, 1.0, 3.0], where _s => so_that(
            "1 to 16 numbers, increasing, above 0 and at most 1000, 1 among them",
            |penalties: &Vec<f64>| increasing(1..=16, above(0.0).at_most(1000.0)).admits(penalties)
                && penalties.contains(&1.0),
        );
        /// Elements for each true feature of the models that are compared.
        ratio: f64 = 1.0, in above(0.0).at_most(64.0), where s => so_that(
            "so large that there are two elements",
            |_: &f64| s.elements() >= 2,
        );
        /// Active elements of the TopK model.
        k: usize = 3, quick = 2, full = 4, where s => up_to(1, "the number of elements", s.elements());
        /// Coefficients λ at which the code of one feature is compared with its closed form.
        lambdas: Vec<f64> = vec![0.1, 0.5, 1.0], in increasing(1..=64, above(0.0).at_most(1000.0));
        /// Strengths g of the one feature whose code is compared with its closed form.
        strengths: Vec<f64> = vec![0.02, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0],
            in increasing(1..=64, above(0.0).at_most(1000.0));
        /// Training steps of the encoders of given features.
        overlap_steps: u64 = 800, quick = 400, full = 2000, in STEPS;
        /// Dimensions of the given features.
        overlap_width: usize = 16, full = 48, in 4..=1024;
        /// Given features for each dimension, increasing, 2 among them.
        overlap_ratios: Vec<f64> = vec![1.0, 2.0, 4.0], quick = vec![1.0, 2.0], where _s => so_that(
            "1 to 16 numbers, increasing, from 0.25 to 64, 2 among them",
            |ratios: &Vec<f64>| increasing(1..=16, 0.25..=64.0).admits(ratios) && ratios.contains(&2.0),
        );
        /// Cosines of any two given features of a group of four, beside chance, increasing, 0 among them.
        overlap_coherences: Vec<f64> = vec![0.0, 0.5, 0.8], quick = vec![0.0, 0.8], where _s => so_that(
            "1 to 16 numbers, increasing, from 0 to 0.99, 0 among them",
            |coherences: &Vec<f64>| increasing(1..=16, 0.0..=0.99).admits(coherences) && coherences.contains(&0.0),
        );
        /// Coefficients λ of the L1 norm for encoders of given features, increasing, that of the plane (`lambda`) among
        /// them.
        overlap_lambdas: Vec<f64> = vec![0.1], full = vec![0.03, 0.1, 0.3], where s => so_that(
            "1 to 16 numbers, increasing, above 0 and at most 1000000, `lambda` among them",
            |lambdas: &Vec<f64>| increasing(1..=16, above(0.0).at_most(1e6)).admits(lambdas)
                && lambdas.contains(&s.lambda),
        );
        /// Mean number of given features that are active in a sample.
        overlap_active: f64 = 1.5, full = 3.0, in above(0.0).at_most(4.0);
        /// Held-out samples that encoders of given features are measured on.
        overlap_samples: usize = 1024, quick = 512, in 100..=1 << 20;
        /// Held-out samples that errors are measured on.
        held_out: usize = 4096, quick = 2048, full = 8192, in 100..=1 << 24;
        group data: Law {
            width = 32, quick = 16, full = 64;
            features = 48, quick = 24, full = 128;
            active = 2.0, quick = 1.5, full = 3.0;
            firing = Firing::Constant;
        }
        group training: Plan {
            steps = 1500, quick = 600, full = 3000;
            learning_rate = 3e-3, quick = 5e-3;
            cooldown = 0.5;
        }
    }
}

impl Settings {
    /// Returns the number of elements of the dictionaries on which methods are compared.
    pub fn elements(&self) -> usize {
        (self.ratio * self.data.features as f64).round() as usize
    }
}
