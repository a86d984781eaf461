//! A residual MLP that learns by heart a continuous latent and a class for each of many pairs of tokens.

use kernels::adam::{self, Adam};
use kernels::loss::Loss;
use kernels::mlp::{self, Parameters, Shape, Supervision, Workspace};
use kernels::{Activation, MatRef};
use rand::RngExt as _;

use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::experiments::many_layers::multilayer::data;

/// The entries of the output that hold the latent: t and 1 − t, each halved. The others are classes.
pub const LATENT: [usize; 2] = [0, 1];

/// What the model learns.
#[derive(Debug)]
pub struct Facts {
    pub pairs: Vec<[u32; 2]>,
    /// Uniform between 0 and 1.
    pub latents: Vec<f64>,
    pub classes: Vec<u32>,
}

impl Facts {
    pub fn draw(s: &Settings, seed: u64, ctx: &Ctx) -> Facts {
        let mut rng = ctx.rng(seed, "facts", 0);
        let classes = s.width - LATENT.len();
        Facts {
            pairs: data::pairs(s.width, s.pairs, seed),
            latents: (0..s.pairs).map(|_| rng.random::<f64>()).collect(),
            classes: (0..s.pairs)
                .map(|_| (LATENT.len() + rng.below(classes)) as u32)
                .collect(),
        }
    }
}

/// Trains the model and returns x₀ … x_L at every pair, N×d each, or why there is none.
///
/// The loss is ½‖x_L − p‖² + a constant, p being ½(t e₀ + (1 − t) e₁ + e_class): the squared error to each of these axes,
/// weighted by its share. Each pair is in the batch three times, once for each axis.
pub fn streams(
    s: &Settings,
    facts: &Facts,
    seed: u64,
    ctx: &Ctx,
) -> Result<Result<Vec<Vec<f32>>, String>> {
    let exec = ctx.session.serial();
    let shape = Shape {
        vocabulary: s.width,
        width: s.width,
        hidden: s.hidden,
        layers: s.layers,
        activation: Activation::Gelu,
    };
    let mut parameters = data::initial(shape, seed, ctx);
    let batch = s.batch.min(s.pairs);
    let mut workspace = Workspace::new(shape, (3 * batch).max(s.pairs));
    let mut gradient = Parameters::zeros(shape);
    let mut moments = [(); 2].map(|()| vec![0f32; parameters.values().len()]);
    let mut rng = ctx.rng(seed, "order", 0);
    for step in 0..s.steps {
        let chosen = rng.choose(s.pairs, batch);
        let of = |k: usize| {
            let t = facts.latents[k];
            let axes = [
                (LATENT[0] as u32, t),
                (LATENT[1] as u32, 1.0 - t),
                (facts.classes[k], 1.0),
            ];
            axes.map(|(axis, weight)| (facts.pairs[k], axis, weight))
        };
        let rows: Vec<_> = chosen.into_iter().flat_map(of).collect();
        let pairs: Vec<[u32; 2]> = rows.iter().map(|r| r.0).collect();
        let targets: Vec<u32> = rows.iter().map(|r| r.1).collect();
        let mut weights = vec![0f32; s.layers * rows.len()];
        weights.extend(rows.iter().map(|r| (r.2 / batch as f64) as f32));
        mlp::forward(exec, &parameters, &pairs, &mut workspace);
        mlp::backward(
            exec,
            &parameters,
            &pairs,
            &targets,
            Loss::SquaredError,
            Supervision::Weights(MatRef::from_rows(&weights, rows.len())),
            &mut workspace,
            &mut gradient,
        );
        let [first, second] = &mut moments;
        // Over the last third the rate falls to 0.
        let left = 3.0 * (s.steps - step) as f64 / s.steps as f64;
        let adam = Adam {
            learning_rate: (s.learning_rate * left.min(1.0)) as f32,
            ..Adam::default()
        };
        let (values, number) = (parameters.values_mut(), step + 1);
        adam::step(exec, adam, number, gradient.values(), values, first, second);
        ctx.session.progress.tick()?;
    }
    mlp::forward(exec, &parameters, &facts.pairs, &mut workspace);
    let of_layer = |l: usize| {
        let x = workspace.residual(l);
        (0..x.rows()).flat_map(|i| x.row(i).to_vec()).collect()
    };
    let layers: Vec<Vec<f32>> = (0..=s.layers).map(of_layer).collect();
    let finite = layers.iter().flatten().all(|v| v.is_finite());
    Ok(finite
        .then_some(layers)
        .ok_or("the model's training diverged".into()))
}

/// ‖x − p‖², mean over the pairs.
pub fn error(output: MatRef, facts: &Facts) -> f64 {
    let of = |k: usize| -> f64 {
        let wanted = |j: usize| match j {
            j if j == LATENT[0] => facts.latents[k] / 2.0,
            j if j == LATENT[1] => (1.0 - facts.latents[k]) / 2.0,
            j => f64::from(j as u32 == facts.classes[k]) / 2.0,
        };
        let entries = output.row(k).iter().enumerate();
        entries
            .map(|(j, &v)| (f64::from(v) - wanted(j)).powi(2))
            .sum()
    };
    (0..output.rows()).map(of).sum::<f64>() / output.rows() as f64
}
