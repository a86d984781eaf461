//! Features in the plane, each on or off: what tied and untied models leave of each pattern.

use kernels::sae::{self, L1, Parameters, Rows, Shape, TiedL1, Variant, Workspace};
use kernels::{Exec, MatMut, MatRef};

use super::case::Case;
use super::example::{self, Drawn};
use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::training::{self, Candidate};
use crate::table::Table;

/// Whether encoder and decoder have a matrix each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoder {
    /// One for both.
    Tied,
    /// A matrix each.
    Untied,
}

impl Encoder {
    /// As in the tables.
    pub const fn name(self) -> &'static str {
        match self {
            Encoder::Tied => "tied, trained",
            Encoder::Untied => "untied, trained",
        }
    }

    fn variant(self, lambda: f32) -> Variant {
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
    /// The true features.
    pub case: Case,
    /// Its encoder.
    pub encoder: Encoder,
    /// What it leaves, or how it diverged.
    left: Result<(Parameters, Vec<Left>), String>,
}

/// The error left of one pattern.
#[derive(Debug)]
struct Left {
    pattern: Vec<usize>,
    /// Mean of ‖x̂ − x‖².
    error: f64,
    /// Mean of ‖x‖².
    square: f64,
}

impl Model {
    /// What it makes of the example's target, if it is about the example's features.
    pub fn example(&self, exec: Exec) -> Option<Drawn> {
        let (parameters, _) = self.left.as_ref().ok()?;
        (self.case == Case::Pair).then(|| example::by_model(parameters, exec))
    }

    /// Adds a row a pattern.
    pub fn tabulate(&self, seed: u64, table: &mut Table) {
        for left in self.left.iter().flat_map(|(_, left)| left) {
            let names: Vec<String> = left.pattern.iter().map(|i| (i + 1).to_string()).collect();
            let pattern = match names.is_empty() {
                true => "none".into(),
                false => names.join("+"),
            };
            table.push([
                self.case.name().into(),
                self.encoder.name().into(),
                pattern.into(),
                left.pattern.len().into(),
                seed.into(),
                left.error.into(),
                left.square.into(),
            ]);
        }
    }
}

/// Trains tied and untied models on all cases, each from the true features on, all patterns as likely.
pub fn train(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Vec<Model>> {
    let mut models = Vec::new();
    for case in Case::ALL {
        let patterns = case.patterns();
        let draw = |_, number: u64| {
            let mut rng = ctx.rng(seed, case.name(), number);
            let sample = |_| case.draw(&patterns[rng.below(patterns.len())], &mut rng);
            (0..s.batch).flat_map(sample).collect::<Vec<f32>>()
        };
        let encoders = [Encoder::Tied, Encoder::Untied];
        let candidates = encoders.iter().enumerate().map(|(i, encoder)| {
            let shape = Shape {
                width: 2,
                dictionary: case.features().len(),
            };
            let mut start = Parameters::zeros(shape, encoder.variant(s.lambda as f32));
            case.set_dictionary(&mut start);
            let at = Case::ALL.iter().position(|c| *c == case).unwrap_or(0);
            Candidate {
                slug: format!("plane{at}-{i}-seed{seed}"),
                title: format!("{} SAE, {}, seed {seed}", encoder.name(), case.name()),
                source: 0,
                start,
                rate: 1.0,
            }
        });
        let trained = training::train(
            candidates.collect(),
            &s.plan(s.plane_steps),
            s,
            &ctx.session,
            draw,
        )?;
        for (&encoder, trained) in encoders.iter().zip(trained) {
            let left = match trained.divergence {
                Some(how) => Err(how),
                None => {
                    let left = patterns.iter().enumerate().map(|(i, pattern)| {
                        let mut rng = ctx.rng(seed, &format!("held-out {}", case.name()), i as u64);
                        let x: Vec<f32> = (0..s.held_out)
                            .flat_map(|_| case.draw(pattern, &mut rng))
                            .collect();
                        measure(ctx.session.serial(), &trained.parameters, pattern, &x)
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

fn measure(exec: Exec, parameters: &Parameters, pattern: &[usize], x: &[f32]) -> Left {
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
    Left {
        pattern: pattern.to_vec(),
        error: pairs().map(|(x, y)| (x - y).powi(2)).sum::<f64>() / samples as f64,
        square: pairs().map(|(x, _)| x * x).sum::<f64>() / samples as f64,
    }
}

/// The share of ‖x‖² that a model leaves where two features are on.
pub fn left_together(models: &[Model], case: Case, encoder: Encoder) -> Result<f64, String> {
    let model = models
        .iter()
        .find(|m| (m.case, m.encoder) == (case, encoder));
    let (_, left) = model
        .expect("all are trained")
        .left
        .as_ref()
        .map_err(|how| format!("the {} SAE on {} {how}", encoder.name(), case.name()))?;
    let together = || left.iter().filter(|l| l.pattern.len() == 2);
    Ok(together().map(|l| l.error).sum::<f64>() / together().map(|l| l.square).sum::<f64>())
}
