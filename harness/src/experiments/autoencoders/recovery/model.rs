//! The models of the grid.

use kernels::sae::{L1, Parameters, Rows, Shape, TiedL1, Variant};

use super::measures::Reading;
use super::settings::Settings;
use crate::experiment::Ctx;
use crate::sae::training::{self, Record};
use crate::table::record::Word as _;

impl Settings {
    /// The models of one seed that are trained for so many steps: untied ones and tied ones, with every λ, and if they
    /// are trained to the end also without a penalty.
    pub fn tasks(&self, seed: u64, steps: u64) -> Vec<Task> {
        let none = [0.0].into_iter().filter(|_| steps == self.training.steps);
        let lambdas: Vec<f64> = none.chain(self.lambdas.iter().copied()).collect();
        let mut tasks = Vec::new();
        for &encoder in Encoder::ALL {
            for &ratio in &self.ratios {
                tasks.extend(lambdas.iter().map(|&lambda| Task {
                    encoder,
                    lambda,
                    ratio,
                    steps,
                    seed,
                }));
            }
        }
        tasks
    }
}

crate::words! {
    /// Whether encoder and decoder have a matrix each.
    pub enum Encoder {
        /// A matrix each.
        Untied,
        /// One for both.
        Tied,
    }
}

/// One model of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Task {
    pub encoder: Encoder,
    /// Coefficient of the L1 norm; 0 in the control.
    pub lambda: f64,
    pub ratio: f64,
    /// Steps of its training.
    pub steps: u64,
    pub seed: u64,
}

impl Task {
    fn variant(&self) -> Variant {
        let lambda = self.lambda as f32;
        match self.encoder {
            Encoder::Untied => Variant::L1(L1 {
                lambda,
                rows: Rows::Unit,
            }),
            Encoder::Tied => Variant::TiedL1(TiedL1 { lambda }),
        }
    }

    /// Models of one size start from the same dictionary, whatever their λ.
    pub fn start(&self, s: &Settings, ctx: &Ctx) -> Parameters {
        let shape = Shape {
            width: s.data.width,
            dictionary: s.dictionary(self.ratio),
        };
        let mut rng = ctx.rng(self.seed, "initial", shape.dictionary as u64);
        training::initial(shape, self.variant(), &mut rng)
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Task {
            encoder,
            lambda,
            ratio,
            steps,
            seed,
        } = self;
        write!(
            f,
            "{encoder} SAE, λ = {lambda}, ratio {ratio}, {steps} steps, seed {seed}"
        )
    }
}

/// A model of the grid, trained and read.
#[derive(Debug)]
pub struct Model {
    pub task: Task,
    /// Elements of its dictionary.
    pub elements: usize,
    pub records: Vec<Record>,
    /// What was read from it, or how it diverged.
    pub reading: Result<Reading, String>,
}
