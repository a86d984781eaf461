//! The shrinkage of one unit feature of strength g by an L1 penalty, measured and in closed form.

use kernels::adam::Adam;
use kernels::sae::{self, Parameters, Shape, TiedL1, Trainer, Variant, Workspace};
use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Exec, MatMut, MatRef};
use rayon::prelude::*;

use super::settings::Settings;
use crate::error::Result;
use crate::experiment::{Cost, Ctx};
use crate::rng::random_direction;

/// The number of dimensions of the samples.
const WIDTH: usize = 8;

crate::words! {
    /// The kind of code: with the penalty or without.
    pub enum Code {
        /// A code with the penalty.
        Penalised,
        /// A code without a penalty: the control.
        Control,
    }
}

crate::rows! {
    /// The code of one unit feature of strength g.
    pub struct Shrunk in "shrinkage" {
        /// penalised, or control: no penalty, judged by λ all the same
        code: Code [""],
        /// coefficient λ of the L1 norm
        lambda: f64 ["1"],
        /// strength g of the feature
        strength: f64 ["1"],
        /// seed of features, data and initial parameters
        seed: u64 [""],
        /// max(0, g − λ/2)
        expected: f64 ["1"],
        /// code of a trained SAE
        trained: f64 ["1"],
        /// code by FISTA on the feature itself
        fista: f64 ["1"],
    }
}

/// The seconds of a step of a model of one element on one sample, fitted to runs on Zen 3 with AVX2.
const SECONDS_OF_STEP: f64 = 1.2e-6;

/// Returns the cost of all λ and g at a seed.
pub fn cost(s: &Settings) -> Cost {
    let ticks = ((s.lambdas.len() + 1) * s.strengths.len()) as u64;
    Cost {
        ticks,
        seconds: SECONDS_OF_STEP * (ticks * s.shrinkage_steps) as f64,
    }
}

/// Measures the codes at all λ and g and, as the control, at every g without a penalty, judged by the largest λ.
pub fn measure(s: &Settings, seed: u64, ctx: &Ctx) -> Result<Vec<Shrunk>> {
    let direction = random_direction(WIDTH, &mut ctx.rng(seed, "direction", 0));
    let largest = s.lambdas.last().copied().unwrap_or(0.0);
    let penalised = s.lambdas.iter().map(|&lambda| (lambda, lambda));
    let cells: Vec<(f64, f64, f64)> = penalised
        .chain([(largest, 0.0)])
        .flat_map(|(judged, used)| s.strengths.iter().map(move |&g| (judged, used, g)))
        .collect();
    let measured = cells.par_iter().map(|&(judged, used, strength)| {
        let x: Vec<f32> = direction.iter().map(|f| (strength * f) as f32).collect();
        let feature: Vec<f32> = direction.iter().map(|&f| f as f32).collect();
        let shrunk = Shrunk {
            code: match used > 0.0 {
                true => Code::Penalised,
                false => Code::Control,
            },
            lambda: judged,
            strength,
            seed,
            expected: (strength - judged / 2.0).max(0.0),
            trained: trained(ctx.session.serial(), s, used as f32, &feature, &x),
            fista: fista(ctx.session.serial(), used as f32, &feature, &x),
        };
        ctx.session.progress.tick()?;
        Ok(shrunk)
    });
    measured.collect()
}

/// Returns the code of a tied model of one element, which has no bias but that of its encoder, trained on sample `x`
/// alone.
fn trained(exec: Exec, s: &Settings, lambda: f32, feature: &[f32], x: &[f32]) -> f64 {
    let shape = Shape {
        width: WIDTH,
        dictionary: 1,
    };
    let mut start = Parameters::zeros(shape, Variant::TiedL1(TiedL1 { lambda }));
    let [mut rows] = start.tensors_mut(["w_dec"]);
    rows.row_mut(0).copy_from_slice(feature);
    let mut trainer = Trainer::new(start, Adam::default(), 1);
    let x = MatRef::from_rows(x, WIDTH);
    for step in 0..s.shrinkage_steps {
        // The learning rate falls to 0 linearly, so that Adam comes to rest.
        let left = (s.shrinkage_steps - step) as f64 / s.shrinkage_steps as f64;
        trainer.adam_mut().learning_rate = (s.training.learning_rate * left) as f32;
        trainer.step(exec, x);
    }
    let parameters = trainer.into_parameters();
    let mut workspace = Workspace::new(shape, parameters.variant(), 1);
    let codes = sae::encode(exec, &parameters, x, &mut workspace);
    codes.row(0).1.first().map_or(0.0, |&f| f64::from(f))
}

fn fista(exec: Exec, lambda: f32, feature: &[f32], x: &[f32]) -> f64 {
    let dictionary = MatRef::from_rows(feature, WIDTH);
    let lasso = Lasso::new(exec, dictionary, lambda, None);
    let (mut code, mut certificate) = ([0.0], [Certificate::default()]);
    let stop = Stop {
        tolerance: 1e-6,
        iterations: 1000,
    };
    lasso.fista(
        exec,
        MatRef::from_rows(x, WIDTH),
        stop,
        MatMut::from_rows(&mut code, 1),
        &mut certificate,
    );
    // A code that is not a number comes out as 0, and only the certificate says so.
    match certificate[0].gap.is_finite() {
        true => f64::from(code[0]),
        false => f64::NAN,
    }
}
