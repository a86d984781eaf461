//! Settings of `magnitude`.

use crate::sae::synthetic::{Firing, Law};
use crate::sae::training::{Plan, STEPS};
use crate::settings::range::{Above, Worded, above, increasing, so_that, up_to, worded};

crate::settings! {
    /// Settings of `magnitude`; `data` and `training.steps` are those of the comparison of methods.
    pub struct Settings {
        /// Training steps of the models in the plane.
        plane_steps: u64 = 2000, quick = 500, full = 5000, in STEPS;
        /// Training steps of the models of one feature.
        shrinkage_steps: u64 = 2000, quick = 1500, full = 4000, in STEPS;
        /// Coefficient λ of the L1 norm, in the plane and for the L1 model that is compared.
        lambda: f64 = 0.1, in coefficient();
        /// Coefficient of the gates' L1 norm for the gated model.
        gated_lambda: f64 = 0.4, in coefficient();
        /// Coefficient of the number of active elements for the JumpReLU model.
        l0_lambda: f64 = 0.01, in coefficient();
        /// Bandwidth of the JumpReLU model's estimated gradients.
        bandwidth: f64 = 0.05, in coefficient();
        /// Elements for each true feature of the models that are compared.
        ratio: f64 = 1.0, in above(0.0).at_most(64.0), where s => so_that(
            "so large that there are two elements",
            |_: &f64| s.elements() >= 2,
        );
        /// Active elements of the TopK model.
        k: usize = 3, quick = 2, full = 7, where s => up_to(1, "the number of elements", s.elements());
        /// Coefficients λ at which the code of one feature is compared with its closed form.
        lambdas: Vec<f64> = vec![0.1, 0.5, 1.0], in increasing(1..=64, above(0.0).at_most(1000.0));
        /// Strengths g of that feature.
        strengths: Vec<f64> = vec![0.02, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0],
            in increasing(1..=64, above(0.0).at_most(1000.0));
        /// Held-out samples that errors are measured on.
        held_out: usize = 8192, quick = 4096, full = 16_384, in 100..=1 << 24;
        group data: Law {
            width = 32, quick = 16, full = 256;
            features = 48, quick = 24, full = 512;
            active = 2.0, quick = 1.5, full = 5.0;
            firing = Firing::Constant;
        }
        group training: Plan {
            steps = 3000, quick = 1500, full = 6000;
            cooldown = 0.5;
        }
    }
}

/// The range of a coefficient of a penalty.
fn coefficient() -> Worded<Above> {
    worded("above 0 and at most 1000000", above(0.0).at_most(1e6))
}

impl Settings {
    /// Elements of the dictionaries of the methods.
    pub fn elements(&self) -> usize {
        (self.ratio * self.data.features as f64).round() as usize
    }
}
