//! The models of the grid, and the series in which they are trained.

use kernels::sae::{L1, Parameters, Rows, Shape, TiedL1, Variant};
use serde::{Deserialize, Serialize};

use super::measures::Reading;
use super::settings::Settings;
use crate::experiment::{Cost, Ctx};
use crate::sae::training::{self, Record};
use crate::table::record::Word as _;

impl Settings {
    /// Returns all series of models at `seeds`: trained for fewer steps and to the end, untied and tied, at every
    /// ratio.
    pub fn series(&self, seeds: &[u64]) -> Vec<Series> {
        let mut all = Vec::new();
        for &seed in seeds {
            for steps in self.budgets() {
                for &encoder in Encoder::ALL {
                    all.extend(self.ratios.iter().map(|&ratio| Series {
                        encoder,
                        ratio,
                        steps,
                        seed,
                    }));
                }
            }
        }
        all
    }
}

crate::words! {
    /// The kind of encoder: whether encoder and decoder have a matrix each.
    pub enum Encoder {
        /// A matrix each.
        Untied,
        /// One matrix for both.
        Tied,
    }
}

/// Models of the grid that differ by λ alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series {
    pub encoder: Encoder,
    pub ratio: f64,
    /// The number of training steps.
    pub steps: u64,
    pub seed: u64,
}

/// The seconds of a step for each sample, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_SAMPLE: f64 = 4.3e-7;
/// The seconds of a step for each sample and weight of the dictionary, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_WEIGHT: f64 = 1.5e-10;

/// The seconds of the best code of a sample for each pair of elements, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_OPTIMUM: f64 = 1.8e-8;

impl Series {
    /// Returns a name that no other series has.
    pub fn name(&self) -> String {
        let Series {
            encoder,
            ratio,
            steps,
            seed,
        } = self;
        format!("{encoder}-ratio{ratio}-steps{steps}-seed{seed}")
    }

    /// Returns the models of the series: with every λ, and if they are trained to the end also without a penalty.
    pub fn tasks(&self, s: &Settings) -> Vec<Task> {
        let &Series {
            encoder,
            ratio,
            steps,
            seed,
        } = self;
        let none = [0.0].into_iter().filter(|_| self.is_full(s));
        let lambdas = none.chain(s.lambdas.iter().copied());
        let task = |lambda| Task {
            encoder,
            lambda,
            ratio,
            steps,
            seed,
        };
        lambdas.map(task).collect()
    }

    /// Returns whether the models are trained to the end.
    pub fn is_full(&self, s: &Settings) -> bool {
        self.steps == s.training.steps
    }

    /// Returns the cost of the series.
    pub fn cost(&self, s: &Settings) -> Cost {
        let ticks = self.tasks(s).len() as u64 * self.steps;
        let elements = s.dictionary(self.ratio) as f64;
        let of_sample = SECONDS_OF_SAMPLE + SECONDS_OF_WEIGHT * s.data.width as f64 * elements;
        let best = (s.lambdas.len() * s.optimum_samples) as f64 * elements.powi(2);
        Cost {
            ticks,
            seconds: ticks as f64 * s.training.batch as f64 * of_sample + SECONDS_OF_OPTIMUM * best,
        }
    }
}

/// One model of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub encoder: Encoder,
    /// The coefficient of the L1 norm; 0 in the control.
    pub lambda: f64,
    pub ratio: f64,
    /// The number of training steps.
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

    /// Returns the first parameters of the model. Models of one size start from the same dictionary, whatever their λ.
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
#[derive(Debug, Serialize, Deserialize)]
pub struct Model {
    pub task: Task,
    /// The number of elements of the dictionary.
    pub elements: usize,
    pub records: Vec<Record>,
    /// The measures of the model, or how its training diverged.
    pub reading: Result<Reading, String>,
}
