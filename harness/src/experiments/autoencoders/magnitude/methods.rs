//! Encoders and ways to mend their magnitudes, compared on synthetic data.

use kernels::sae::{Gated, JumpRelu, L1, Rows, Shape, TopK, Variant};
use kernels::sparse_coding::{gradient_step, nnls};
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::synthetic::Generator;
use crate::sae::training::{self, Candidate, Recipe};
use crate::table::record::Word as _;

mod coded;
pub mod refit;
mod scales;

use coded::{Coded, centred, encode, right_sets};
use refit::{Refit, Set};
use scales::scales;

crate::words! {
    /// An encoder, and what is done to its magnitudes.
    pub enum Method {
        /// The L1 SAE with its own magnitudes.
        #[strum(serialize = "L1")]
        L1,
        /// The L1 SAE with a factor for each element.
        #[strum(serialize = "L1, scaled")]
        Scaled,
        /// The L1 SAE with one step of gradient pursuit from its codes.
        #[strum(serialize = "L1, 1 step")]
        OneStep,
        /// The L1 SAE with non-negative least squares on its active sets.
        #[strum(serialize = "L1, refitted")]
        Refitted,
        /// The gated SAE.
        Gated,
        /// The JumpReLU SAE.
        #[strum(serialize = "JumpReLU")]
        JumpRelu,
        /// The TopK SAE.
        #[strum(serialize = "TopK")]
        TopK,
    }
}

crate::rows! {
    /// Methods compared on held-out samples.
    pub struct Scores in "methods" {
        /// encoder, and what is done to its magnitudes: scaled (a factor for each element), 1 step (of gradient
        /// pursuit), refitted (non-negative least squares on the active set)
        method: Method [""],
        /// strength of the encoder's penalty in multiples of its coefficient; TopK keeps more elements where it is
        /// weaker, as its inverse square root
        penalty: f64 ["1"],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// Σ‖x̂ − x‖² / Σ‖x‖²
        error: f64 ["1"],
        /// mean number of active elements
        l0: f64 ["elements"],
        /// share of the samples whose active elements are those matched to the active features
        right: f64 ["1"],
    }
}

/// The encoders that are trained, each with every penalty.
pub const TRAINED: [Method; 4] = [Method::L1, Method::Gated, Method::JumpRelu, Method::TopK];

/// The errors that methods leave at one seed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Compared {
    /// A row for each method and penalty; the scores of a model that diverged are not numbers.
    pub rows: Vec<Scores>,
    /// The row of each refit of an L1 model, with the share of the error that refitted magnitudes leave, or why it is
    /// not known.
    pub refits: Vec<(Refit, Result<f64, String>)>,
}

fn variant(method: Method, penalty: f64, s: &Settings) -> Variant {
    let scaled = |coefficient: f64| (penalty * coefficient) as f32;
    match method {
        Method::Gated => Variant::Gated(Gated {
            lambda: scaled(s.gated_lambda),
        }),
        Method::JumpRelu => Variant::JumpRelu(JumpRelu {
            lambda: scaled(s.l0_lambda),
            bandwidth: s.bandwidth as f32,
            threshold: s.bandwidth as f32,
        }),
        Method::TopK => Variant::TopK(TopK {
            k: ((s.k as f64 / penalty.sqrt()).round() as usize).clamp(1, s.elements()),
            aux: None,
        }),
        _ => Variant::L1(L1 {
            lambda: scaled(s.lambda),
            rows: Rows::Unit,
        }),
    }
}

/// Trains the models of one of the [encoders](TRAINED) with every penalty, and measures on held-out samples them and
/// the methods that change the magnitudes of L1 models.
pub fn compare(s: &Settings, method: Method, seed: u64, ctx: &Ctx) -> Result<Compared> {
    let generator = Generator::new(s.data, &mut ctx.rng(seed, "features", 0));
    let shape = Shape {
        width: s.data.width,
        dictionary: s.elements(),
    };
    let candidates = s.penalties.iter().map(|&penalty| {
        let mut rng = ctx.rng(seed, "initial", 0);
        Candidate {
            slug: format!("{method}-penalty{penalty}-seed{seed}"),
            title: format!("{method} SAE, {penalty} times its penalty, seed {seed}"),
            source: 0,
            start: training::initial(shape, variant(method, penalty, s), &mut rng),
            recipe: Recipe::default(),
        }
    });
    let draw = |_, number| {
        generator
            .batch(s.training.batch, &mut ctx.rng(seed, "batch", number))
            .x
    };
    let trained = training::train(candidates.collect(), &s.training, s, &ctx.session, draw)?;

    let exec = ctx.session.parallel();
    let held_out = generator.batch(s.held_out, &mut ctx.rng(seed, "held-out", 0));
    let tuning = generator.batch(s.held_out, &mut ctx.rng(seed, "scales", 0));
    let square: f64 = held_out.x.iter().map(|&v| f64::from(v).powi(2)).sum();
    let mut compared = Compared::default();
    for (&penalty, trained) in s.penalties.iter().zip(&trained) {
        crate::session::progress::check()?;
        let refit = |set: Set, right: f64, left: Result<f64, String>| {
            let row = Refit {
                penalty,
                set,
                seed,
                right,
                left: left.as_ref().map_or(f64::NAN, |&left| left),
            };
            (row, left)
        };
        if let Some(how) = &trained.divergence {
            compared.rows.push(Scores {
                method,
                penalty,
                seed,
                error: f64::NAN,
                l0: f64::NAN,
                right: f64::NAN,
            });
            if method == Method::L1 {
                let unknown = || Err(format!("the L1 SAE {how}"));
                let refits = Set::ALL.iter().map(|&set| refit(set, f64::NAN, unknown()));
                compared.refits.extend(refits);
            }
            continue;
        }
        let x = centred(&trained.parameters, &held_out.x);
        let coded = encode(exec, trained, &x);
        let right = right_sets(exec, &generator, &held_out, &coded);
        let share = coded.known(right.len()) / coded.samples() as f64;
        let mut row = |method, of: &Coded| {
            let samples = of.samples();
            let active: usize = (0..samples).map(|i| of.active(i).len()).sum();
            compared.rows.push(Scores {
                method,
                penalty,
                seed,
                error: (0..samples).map(|i| of.error(i)).sum::<f64>() / square,
                l0: of.known(active) / samples as f64,
                right: share,
            });
        };
        row(method, &coded);
        if method != Method::L1 {
            continue;
        }
        let tuning = centred(&trained.parameters, &tuning.x);
        let scales = scales(&encode(exec, trained, &tuning));
        let scaled = coded.with(|_, _, _, mut codes| {
            for i in 0..codes.rows() {
                let code = codes.row_mut(i).iter_mut();
                code.zip(&scales)
                    .for_each(|(f, s)| *f = (f64::from(*f) * s) as f32);
            }
        });
        row(Method::Scaled, &scaled);
        row(Method::OneStep, &coded.with(gradient_step));
        row(Method::Refitted, &coded.with(nnls));
        let mut rng = ctx.rng(seed, "sets", 0);
        let left = refit::left(&coded, &right, &mut rng);
        let refits = Set::ALL.iter().zip(left);
        compared
            .refits
            .extend(refits.map(|(&set, left)| refit(set, share, left)));
    }
    Ok(compared)
}
