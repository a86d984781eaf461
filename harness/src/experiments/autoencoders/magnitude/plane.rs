//! Features in the plane, each on or off: what tied and untied models leave of each pattern.

use kernels::sae::{self, L1, Parameters, Rows, Shape, TiedL1, Variant, Workspace};
use kernels::{Exec, MatMut, MatRef};

use super::case::Case;
use super::example::{self, Element};
use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::training::{self, Candidate, Plan, Recipe};
use crate::table::record::Word;

crate::words! {
    /// Whether encoder and decoder have a matrix each.
    pub enum Encoder {
        /// One for both.
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
    /// The encoder of the example's target.
    fn of_example(self) -> example::Encoder {
        match self {
            Encoder::Tied => example::Encoder::Tied,
            Encoder::Untied => example::Encoder::Untied,
        }
    }

    /// Its variant, with an L1 coefficient.
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

/// A trained model in the plane, and what it leaves.
#[derive(Debug)]
pub struct Model {
    case: Case,
    encoder: Encoder,
    /// What it leaves, or how it diverged.
    left: Result<(Parameters, Vec<Left>), String>,
}

impl Model {
    /// What it makes of the example's target, an element a row; nothing if it is about other features, or diverged.
    pub fn example(&self, exec: Exec) -> Vec<Element> {
        match &self.left {
            Ok((parameters, _)) if self.case == Case::Pair => {
                let drawn = example::by_model(parameters, exec);
                drawn.rows(self.case, self.encoder.of_example()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What it leaves, a row a pattern; nothing if it diverged.
    pub fn left(&self) -> impl Iterator<Item = &Left> {
        self.left.iter().flat_map(|(_, left)| left)
    }
}

/// Trains tied and untied models on all cases, each from the true features on, all patterns as likely.
pub fn train(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Vec<Model>> {
    let mut models = Vec::new();
    for (at, &case) in Case::ALL.iter().enumerate() {
        let patterns = case.patterns();
        let draw = |_, number: u64| {
            let mut rng = ctx.rng(seed, case.word(), number);
            let sample = |_| case.draw(&patterns[rng.below(patterns.len())], &mut rng);
            (0..s.training.batch).flat_map(sample).collect::<Vec<f32>>()
        };
        let candidates = Encoder::ALL.iter().enumerate().map(|(i, encoder)| {
            let shape = Shape {
                width: 2,
                dictionary: case.features().len(),
            };
            let mut start = Parameters::zeros(shape, encoder.variant(s.lambda as f32));
            case.set_dictionary(&mut start);
            Candidate {
                slug: format!("plane{at}-{i}-seed{seed}"),
                title: format!("{encoder} SAE, {case}, seed {seed}"),
                source: 0,
                start,
                recipe: Recipe::default(),
            }
        });
        let trained = training::train(
            candidates.collect(),
            &Plan {
                steps: s.plane_steps,
                ..s.training
            },
            s,
            &ctx.session,
            draw,
        )?;
        for (&encoder, trained) in Encoder::ALL.iter().zip(trained) {
            let left = match trained.divergence {
                Some(how) => Err(how),
                None => {
                    let left = patterns.iter().enumerate().map(|(i, pattern)| {
                        let mut rng = ctx.rng(seed, &format!("held-out {case}"), i as u64);
                        let x: Vec<f32> = (0..s.held_out)
                            .flat_map(|_| case.draw(pattern, &mut rng))
                            .collect();
                        let (error, square) = errors(ctx.session.serial(), &trained.parameters, &x);
                        Left {
                            features: case,
                            encoder,
                            pattern: name(pattern),
                            active: pattern.len(),
                            seed,
                            error,
                            square,
                        }
                    });
                    let left = left.collect();
                    Ok((trained.parameters, left))
                }
            };
            models.push(Model {
                case,
                encoder,
                left,
            });
        }
    }
    Ok(models)
}

/// The features of a pattern by their numbers, from 1.
fn name(pattern: &[usize]) -> String {
    let numbers: Vec<String> = pattern.iter().map(|i| (i + 1).to_string()).collect();
    match numbers.is_empty() {
        true => "none".into(),
        false => numbers.join("+"),
    }
}

/// ‖x̂ − x‖² and ‖x‖², means over samples.
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
