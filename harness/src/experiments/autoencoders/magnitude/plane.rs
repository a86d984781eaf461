//! Features in the plane, each on or off: the errors that tied and untied models leave for each set of features that
//! are on.

use kernels::sae::{self, L1, Parameters, Rows, Shape, TiedL1, Variant, Workspace};
use kernels::{Exec, MatMut, MatRef};
use serde::{Deserialize, Serialize};

use super::case::Case;
use super::example::{self, Element};
use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::training::{self, Candidate, Plan, Recipe};
use crate::table::record::Word;

crate::words! {
    /// The kind of encoder: whether encoder and decoder have a matrix each.
    pub enum Encoder {
        /// One matrix for both.
        #[strum(serialize = "tied, trained")]
        Tied,
        /// A matrix each.
        #[strum(serialize = "untied, trained")]
        Untied,
    }
}

crate::rows! {
    /// What trained models in the plane leave, by the features that are on.
    pub struct Left in "patterns" {
        /// the true features
        features: Case [""],
        /// tied or untied
        encoder: Encoder [""],
        /// the features that are on, by their numbers
        pattern: String [""],
        /// how many features are on
        active: usize ["features"],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// ‖x̂ − x‖², mean over held-out samples
        error: f64 ["1"],
        /// ‖x‖², mean over held-out samples
        square: f64 ["1"],
    }
}

impl Encoder {
    /// Returns the encoder of the example that is of this kind and trained.
    fn of_example(self) -> example::Encoder {
        match self {
            Encoder::Tied => example::Encoder::Tied,
            Encoder::Untied => example::Encoder::Untied,
        }
    }

    /// Returns the variant of sparse autoencoder with this encoder and an L1 coefficient of `lambda`.
    pub fn variant(self, lambda: f32) -> Variant {
        match self {
            Encoder::Tied => Variant::TiedL1(TiedL1 { lambda }),
            Encoder::Untied => Variant::L1(L1 {
                lambda,
                rows: Rows::Unit,
            }),
        }
    }
}

/// The readings of trained models in the plane.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Plane {
    /// The codes of the example's target, a row for each element; empty for features other than those of the example.
    pub elements: Vec<Element>,
    /// The errors that the models leave, a row for each model and pattern.
    pub left: Vec<Left>,
}

/// Trains a tied and an untied model on a case, both starting from the true features, with all patterns equally likely,
/// and reads those that did not diverge.
pub fn train(s: &Settings, case: Case, seed: u64, ctx: &Ctx) -> Result<Plane> {
    let patterns = case.patterns();
    let draw = |_, number: u64| {
        let mut rng = ctx.rng(seed, case.word(), number);
        let sample = |_| case.draw(&patterns[rng.below(patterns.len())], &mut rng);
        (0..s.training.batch).flat_map(sample).collect::<Vec<f32>>()
    };
    let candidates = Encoder::ALL.iter().map(|encoder| {
        let shape = Shape {
            width: 2,
            dictionary: case.features().len(),
        };
        let mut start = Parameters::zeros(shape, encoder.variant(s.lambda as f32));
        case.set_dictionary(&mut start);
        Candidate {
            slug: format!("plane{}-{}-seed{seed}", case as usize, *encoder as usize),
            title: format!("{encoder} SAE, {case}, seed {seed}"),
            source: 0,
            start,
            recipe: Recipe::default(),
        }
    });
    let plan = Plan {
        steps: s.plane_steps,
        ..s.training
    };
    let trained = training::train(candidates.collect(), &plan, s, &ctx.session, draw)?;
    let exec = ctx.session.serial();
    let mut read = Plane::default();
    let both = Encoder::ALL.iter().zip(trained);
    for (&encoder, trained) in both.filter(|(_, trained)| trained.divergence.is_none()) {
        let parameters = trained.parameters;
        if case == Case::Pair {
            let drawn = example::by_model(&parameters, exec);
            read.elements.extend(drawn.rows(case, encoder.of_example()));
        }
        for (i, pattern) in patterns.iter().enumerate() {
            let mut rng = ctx.rng(seed, &format!("held-out {case}"), i as u64);
            let x: Vec<f32> = (0..s.held_out)
                .flat_map(|_| case.draw(pattern, &mut rng))
                .collect();
            let (error, square) = errors(exec, &parameters, &x);
            read.left.push(Left {
                features: case,
                encoder,
                pattern: name(pattern),
                active: pattern.len(),
                seed,
                error,
                square,
            });
        }
    }
    Ok(read)
}

/// Returns the features of a pattern by their numbers, from 1.
fn name(pattern: &[usize]) -> String {
    let numbers: Vec<String> = pattern.iter().map(|i| (i + 1).to_string()).collect();
    match numbers.is_empty() {
        true => "none".into(),
        false => numbers.join("+"),
    }
}

/// Returns ‖x̂ − x‖² and ‖x‖², means over samples.
fn errors(exec: Exec, parameters: &Parameters, x: &[f32]) -> (f64, f64) {
    let samples = x.len() / 2;
    let x = MatRef::from_rows(x, 2);
    let mut workspace = Workspace::new(parameters.shape(), parameters.variant(), samples);
    let codes = sae::encode(exec, parameters, x, &mut workspace);
    let mut x_hat = vec![0f32; 2 * samples];
    sae::decode(exec, parameters, codes, MatMut::from_rows(&mut x_hat, 2));
    let pairs = || {
        x.data()
            .iter()
            .zip(&x_hat)
            .map(|(x, y)| (f64::from(*x), f64::from(*y)))
    };
    let mean = |sum: f64| sum / samples as f64;
    (
        mean(pairs().map(|(x, y)| (x - y).powi(2)).sum()),
        mean(pairs().map(|(x, _)| x * x).sum()),
    )
}
