//! A residual MLP that learns by heart a continuous latent and a class for each of many pairs of tokens.

use kernels::adam::Adam;
use kernels::loss::Loss;
use kernels::mlp::{self, Parameters, Shape, Supervision, Workspace};
use kernels::{Activation, MatRef};
use rand::RngExt as _;

use super::settings::Settings;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::experiments::many_layers::multilayer::data;
use crate::session::training::{self, Course};

/// The entries of the output that hold the latent t: ½t and ½(1 − t). The other entries are classes.
pub const LATENT: [usize; 2] = [0, 1];

/// The facts that the model learns: pairs of tokens, each with a latent and a class.
#[derive(Debug)]
pub struct Facts {
    /// The pairs of tokens.
    pub pairs: Vec<[u32; 2]>,
    /// The latent of each pair, uniform between 0 and 1.
    pub latents: Vec<f64>,
    /// The class of each pair, as an entry of the output.
    pub classes: Vec<u32>,
}

impl Facts {
    /// Draws the facts of a seed.
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

/// The rows of a minibatch with their targets and the weights of their losses, (L+1)×B.
struct Rows {
    pairs: Vec<[u32; 2]>,
    targets: Vec<u32>,
    weights: Vec<f32>,
}

impl Facts {
    /// Returns the chosen pairs, each three times: once for each axis of its target, weighted by t, 1 − t or 1 over the
    /// number of pairs.
    fn rows(&self, chosen: &[usize], layers: usize) -> Rows {
        let axes = |&k: &usize| {
            let t = self.latents[k];
            let axes = [
                (LATENT[0] as u32, t),
                (LATENT[1] as u32, 1.0 - t),
                (self.classes[k], 1.0),
            ];
            axes.map(|(axis, weight)| (k, axis, weight / chosen.len() as f64))
        };
        let rows: Vec<(usize, u32, f64)> = chosen.iter().flat_map(axes).collect();
        // Only the output is supervised.
        let mut weights = vec![0f32; layers * rows.len()];
        weights.extend(rows.iter().map(|r| r.2 as f32));
        Rows {
            pairs: rows.iter().map(|r| self.pairs[r.0]).collect(),
            targets: rows.iter().map(|r| r.1).collect(),
            weights,
        }
    }

    /// Returns an entry of what the output should be for pair `k`: p = ½(t e₀ + (1 − t) e₁ + e_class).
    fn wanted(&self, k: usize, entry: usize) -> f64 {
        let sum = match entry {
            entry if entry == LATENT[0] => self.latents[k],
            entry if entry == LATENT[1] => 1.0 - self.latents[k],
            entry => f64::from(entry as u32 == self.classes[k]),
        };
        sum / 2.0
    }
}

/// Trains the model and returns x₀ … x_L at every pair, N×d each, or why there are none.
///
/// The loss is 2‖x_L − p‖² and a constant: the sum of the squared errors to the axes that p is made of, weighted by t,
/// 1 − t and 1, mean over the pairs.
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
    let batch = s.batch.min(s.pairs);
    let mut workspace = Workspace::new(shape, (3 * batch).max(s.pairs));
    let mut gradient = Parameters::zeros(shape);
    // One random stream gives the minibatches of all steps; those of steps that are done already are drawn and dropped.
    let mut rng = ctx.rng(seed, "order", 0);
    let mut drawn = 0;
    let course = Course {
        slug: &format!("model-seed{seed}"),
        title: &format!("model, seed {seed}"),
        settings: s,
        steps: s.steps,
        cost: 1,
    };
    let start = data::initial(shape, seed);
    let state = training::train(&course, start, &ctx.session, |state| {
        while drawn < state.step {
            rng.choose(s.pairs, batch);
            drawn += 1;
        }
        let chosen = rng.choose(s.pairs, batch);
        drawn += 1;
        let Rows {
            pairs,
            targets,
            weights,
        } = facts.rows(&chosen, s.layers);
        mlp::forward(exec, &state.learner, &pairs, &mut workspace);
        mlp::backward(
            exec,
            &state.learner,
            &pairs,
            &targets,
            Loss::SquaredError,
            Supervision::Weights(MatRef::from_rows(&weights, pairs.len())),
            &mut workspace,
            &mut gradient,
        );
        // Over the last third of the steps the learning rate falls to 0.
        let left = 3.0 * (s.steps - state.step) as f64 / s.steps as f64;
        let adam = Adam {
            learning_rate: (s.learning_rate * left.min(1.0)) as f32,
            ..Adam::default()
        };
        let gradient = gradient.values();
        state.update(exec, adam, gradient, 0..gradient.len());
    })?;
    mlp::forward(exec, &state.learner, &facts.pairs, &mut workspace);
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

/// Returns ‖x − p‖² of the output, mean over the pairs.
pub fn error(output: MatRef, facts: &Facts) -> f64 {
    let of = |k: usize| -> f64 {
        let entries = output.row(k).iter().enumerate();
        let off = entries.map(|(j, &v)| f64::from(v) - facts.wanted(k, j));
        off.map(|off| off * off).sum()
    };
    (0..output.rows()).map(of).sum::<f64>() / output.rows() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn the_gradient_is_that_of_the_distance_to_the_target() {
        let exec = kernels::Exec::serial(kernels::Isa::detect());
        let shape = Shape {
            vocabulary: 6,
            width: 6,
            hidden: 5,
            layers: 2,
            activation: Activation::Gelu,
        };
        let mut rng = Rng::stream(1, "test", "continuous-latent", 0);
        let mut parameters = Parameters::zeros(shape);
        let values = parameters.values_mut().iter_mut();
        values.for_each(|w| *w = (0.4 * rng.normal()) as f32);
        let facts = Facts {
            pairs: vec![[0, 1], [2, 0], [3, 5]],
            latents: vec![0.2, 0.7, 0.9],
            classes: vec![2, 5, 2],
        };
        let Rows {
            pairs,
            targets,
            weights,
        } = facts.rows(&[2, 0], shape.layers);
        let mut workspace = Workspace::new(shape, pairs.len());
        let mut gradient = Parameters::zeros(shape);
        mlp::forward(exec, &parameters, &pairs, &mut workspace);
        let output = workspace.residual(shape.layers);
        let output: Vec<Vec<f64>> = [0, 3]
            .map(|row| output.row(row).iter().map(|&v| v.into()).collect())
            .into();
        mlp::backward(
            exec,
            &parameters,
            &pairs,
            &targets,
            Loss::SquaredError,
            Supervision::Weights(MatRef::from_rows(&weights, pairs.len())),
            &mut workspace,
            &mut gradient,
        );
        // The gradient of 2‖x − p‖² with respect to the last bias is 4(x − p), mean over the two pairs.
        for (entry, &ours) in gradient.block(1).b2.iter().enumerate() {
            let of = |row: usize, k: usize| 4.0 * (output[row][entry] - facts.wanted(k, entry));
            let plain = (of(0, 2) + of(1, 0)) / 2.0;
            assert!(
                (f64::from(ours) - plain).abs() < 1e-5,
                "{entry}: {ours} {plain}"
            );
        }
    }
}
