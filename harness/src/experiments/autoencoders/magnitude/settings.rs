//! Settings of `magnitude`.

use crate::sae::training::Plan;

crate::synthetic_settings! {
    /// Settings of `magnitude`; those of the data are for the comparison of methods.
    pub struct Settings {
        /// Learning rate of Adam.
        pub learning_rate: f64,
        /// Share of the steps, at the end, over which the learning rate falls to 0 along a line.
        pub cooldown: f64,
        /// Samples in a batch.
        pub batch: usize,
        /// Training steps of the methods that are compared, on a new batch each.
        pub steps: u64,
        /// Training steps of the models in the plane.
        pub plane_steps: u64,
        /// Training steps of the models of one feature.
        pub shrinkage_steps: u64,
        /// Coefficient λ of the L1 norm, in the plane and for the L1 model that is compared.
        pub lambda: f64,
        /// Coefficient of the gates' L1 norm for the gated model.
        pub gated_lambda: f64,
        /// Coefficient of the number of active elements for the JumpReLU model.
        pub l0_lambda: f64,
        /// Bandwidth of the JumpReLU model's estimated gradients.
        pub bandwidth: f64,
        /// Active elements of the TopK model.
        pub k: usize,
        /// Elements for each true feature of the models that are compared.
        pub ratio: f64,
        /// Coefficients λ at which the code of one feature is compared with its closed form.
        pub lambdas: Vec<f64>,
        /// Strengths g of that feature.
        pub strengths: Vec<f64>,
        /// Held-out samples that errors are measured on.
        pub held_out: usize,
    }
}

impl Settings {
    /// How models are trained, for so many steps.
    pub fn plan(&self, steps: u64) -> Plan {
        Plan {
            steps,
            batch: self.batch,
            learning_rate: self.learning_rate,
            cooldown: self.cooldown,
        }
    }

    /// Elements of the dictionaries of the methods.
    pub fn elements(&self) -> usize {
        (self.ratio * self.features as f64).round() as usize
    }
}
