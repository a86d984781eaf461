//! The training of one model.

use kernels::adam::Adam;
use kernels::mlp::{self, Parameters, Shape, Supervision, Workspace};
use kernels::{Exec, MatMut};

use super::curves::{Fractions, late_layers};
use super::data::{Data, epoch_order, initial};
use super::recipe::Recipe;
use super::state::{Check, State, Watched};
use crate::error::Result;
use crate::experiment::Ctx;
use crate::session::training::{self, Course, End};

/// Trains a model to its end. `slug` names the folder of its checkpoints, `title` the model in messages.
pub fn train(
    slug: &str,
    title: &str,
    recipe: &Recipe,
    data: &Data,
    seed: u64,
    exec: Exec,
    ctx: &Ctx,
) -> Result<State> {
    let course = Course {
        slug,
        title,
        settings: recipe,
        steps: recipe.steps,
        cost: recipe.step_cost(data.len()),
    };
    let start = Watched::new(initial(recipe.shape(), seed));
    let mut trainer = Trainer::new(recipe, data, seed, recipe.shape(), exec);
    training::train(&course, start, &ctx.session, |state| trainer.step(state))
}

/// Trains a small model to its end without checkpoints.
pub fn train_at_once(
    recipe: &Recipe,
    data: &Data,
    seed: u64,
    exec: Exec,
    ctx: &Ctx,
) -> Result<State> {
    let cost = recipe.step_cost(data.len());
    let mut state = State::start(Watched::new(initial(recipe.shape(), seed)));
    let mut trainer = Trainer::new(recipe, data, seed, recipe.shape(), exec);
    while state.end.is_none() {
        let before = state.step;
        trainer.step(&mut state);
        ctx.session.progress.advance((state.step - before) * cost)?;
    }
    let spared = recipe.steps - state.step;
    ctx.session.progress.advance(spared * cost)?;
    Ok(state)
}

/// A training: its recipe, its data and its buffers.
pub struct Trainer<'a> {
    recipe: &'a Recipe,
    data: &'a Data,
    seed: u64,
    /// The index of the first parameter that is trained; those before it stay as they are.
    trained_from: usize,
    exec: Exec,
    adam: Adam,
    workspace: Workspace,
    gradient: Parameters,
    /// The number and the order of the current epoch.
    epoch: Option<(u64, Vec<usize>)>,
    pairs: Vec<[u32; 2]>,
    targets: Vec<u32>,
    /// The losses of a minibatch after layers 0 … L, (L+1)×B.
    losses: Vec<f32>,
}

impl<'a> Trainer<'a> {
    /// Returns the trainer of a model of some shape.
    pub fn new(recipe: &'a Recipe, data: &'a Data, seed: u64, shape: Shape, exec: Exec) -> Self {
        let (batch, _) = recipe.batches(data.len());
        Trainer {
            recipe,
            data,
            seed,
            trained_from: 0,
            exec,
            adam: Adam {
                learning_rate: recipe.rate as f32,
                ..Adam::default()
            },
            workspace: Workspace::new(shape, batch),
            gradient: Parameters::zeros(shape),
            epoch: None,
            pairs: Vec::with_capacity(batch),
            targets: Vec::with_capacity(batch),
            losses: vec![0.0; (shape.layers + 1) * batch],
        }
    }

    /// Returns the trainer with the parameters before `trained_from` left as they are.
    pub fn only_after(self, trained_from: usize) -> Self {
        Trainer {
            trained_from,
            ..self
        }
    }

    /// Does one step of Adam, and evaluates the model on all datapoints where it is time for that.
    pub fn step(&mut self, state: &mut State) {
        self.gather(state.step);
        mlp::forward(
            self.exec,
            &state.learner.model,
            &self.pairs,
            &mut self.workspace,
        );
        if let Some(layer) = self.not_finite() {
            state.end = Some(diverged(layer));
            return;
        }
        mlp::backward(
            self.exec,
            &state.learner.model,
            &self.pairs,
            &self.targets,
            self.recipe.loss.kernel(),
            Supervision::Output,
            &mut self.workspace,
            &mut self.gradient,
        );
        let gradient = self.gradient.values();
        let trained = self.trained_from..gradient.len();
        state.update(self.exec, self.adam, gradient, trained);
        let last = state.step >= self.recipe.steps;
        if last || state.step.is_multiple_of(self.recipe.check_every) {
            state.end = self.check(state);
            if last {
                state.end.get_or_insert(End::Budget);
            }
        }
    }

    /// Gathers the minibatch of a step.
    fn gather(&mut self, step: u64) {
        let n = self.data.len();
        let (batch, per_epoch) = self.recipe.batches(n);
        let epoch = step / per_epoch;
        if self.epoch.as_ref().is_none_or(|(e, _)| *e != epoch) {
            self.epoch = Some((epoch, epoch_order(n, self.seed, epoch)));
        }
        let (_, order) = self.epoch.as_ref().expect("just drawn");
        let from = (step % per_epoch) as usize * batch;
        self.pairs.clear();
        self.targets.clear();
        for &k in &order[from..n.min(from + batch)] {
            self.pairs.push(self.data.pairs[k]);
            self.targets.push(self.data.targets[k]);
        }
    }

    /// Returns the first layer after which a loss of the current minibatch is not finite, if one of the output is not.
    fn not_finite(&mut self) -> Option<usize> {
        let layers = self.gradient.shape().layers;
        let mut finite = |l: usize| {
            let losses = &mut self.losses[..self.pairs.len()];
            let x = self.workspace.residual(l);
            let loss = self.recipe.loss.kernel();
            loss.forward(self.exec, x, &self.targets, losses);
            losses.iter().all(|v| v.is_finite())
        };
        if finite(layers) {
            return None;
        }
        (0..=layers).find(|&l| !finite(l))
    }

    /// Evaluates the model on all datapoints, and returns how the training ends if it does.
    fn check(&mut self, state: &mut State) -> Option<End> {
        let (n, layers) = (self.data.len(), self.gradient.shape().layers);
        let (batch, _) = self.recipe.batches(n);
        let mut sums = vec![0.0; layers + 1];
        let mut learned = vec![0u64; layers + 1];
        for from in (0..n).step_by(batch) {
            let rows = from..n.min(from + batch);
            let b = rows.len();
            let pairs = &self.data.pairs[rows.clone()];
            mlp::forward(self.exec, &state.learner.model, pairs, &mut self.workspace);
            let losses = MatMut::first(&mut self.losses, layers + 1, b);
            mlp::losses(
                self.exec,
                &self.workspace,
                self.recipe.loss.kernel(),
                &self.data.targets[rows],
                losses,
            );
            for (l, losses) in self.losses.chunks(b).take(layers + 1).enumerate() {
                for &loss in losses {
                    sums[l] += f64::from(loss);
                    learned[l] += u64::from(f64::from(loss) < self.recipe.threshold);
                }
            }
        }
        if !sums[layers].is_finite() {
            let layer = sums.iter().position(|sum| !sum.is_finite());
            return Some(diverged(layer.unwrap_or(layers)));
        }
        let means: Vec<f64> = sums.iter().map(|sum| sum / n as f64).collect();
        let fractions = Fractions(learned.iter().map(|&k| k as f64 / n as f64).collect());
        state.learner.checks.push(Check {
            step: state.step,
            loss: means[layers],
            learned: learned[layers],
            late_r2: late_layers(&means).0,
            area: fractions.area(),
            depth: fractions.depth(),
        });
        (self.recipe.stop && learned[layers] == n as u64).then_some(End::Learned)
    }
}

/// Returns the end of a training that diverged: the loss is not finite first after layer `layer`.
fn diverged(layer: usize) -> End {
    End::Diverged(format!("the loss of layer {layer}"))
}

#[cfg(test)]
mod tests {
    use kernels::{Isa, MatRef};

    use super::*;
    use crate::experiments::many_layers::multilayer::Settings;
    use crate::experiments::many_layers::multilayer::data::block_on;
    use crate::experiments::many_layers::multilayer::settings::Targets;
    use crate::settings::{Preset, Settings as _};

    /// A block on a table of streams is trained as part of a model whose other parameters stay: the table does not
    /// change, and the output of its rows gets better.
    #[test]
    fn a_block_learns_on_streams_that_stay_as_they_are() {
        let s = Settings {
            width: 6,
            hidden: 9,
            ..Settings::preset(Preset::Quick)
        };
        let recipe = Recipe {
            steps: 200,
            layers: 1,
            ..s.recipe(10)
        };
        let pairs = Data::draw(6, Targets::Random, 10, 3);
        let streams: Vec<f32> = (0..60).map(|i| (i as f32).sin()).collect();
        let rows = Data {
            pairs: (0..10).map(|k| [k, 0]).collect(),
            targets: pairs.targets,
        };
        let shape = recipe.block_shape(10);
        let start = block_on(&streams, shape, 1, 3);
        let exec = Exec::serial(Isa::detect());
        let mut workspace = Workspace::new(shape, 10);
        mlp::forward(exec, &start, &rows.pairs, &mut workspace);
        for (k, row) in streams.chunks(6).enumerate() {
            assert_eq!(workspace.residual(0).row(k), row);
        }
        let mean_loss = |parameters: &Parameters, workspace: &mut Workspace| {
            let mut losses = vec![0f32; 20];
            mlp::forward(exec, parameters, &rows.pairs, workspace);
            let loss = recipe.loss.kernel();
            let to = MatMut::first(&mut losses, 2, 10);
            mlp::losses(exec, workspace, loss, &rows.targets, to);
            let output = MatRef::first(&losses[10..], 1, 10);
            output.row(0).iter().sum::<f32>() / 10.0
        };
        let before = mean_loss(&start, &mut workspace);
        let table = 2 * 10 * 6;
        let mut state = State::start(Watched::new(start.clone()));
        let mut trainer = Trainer::new(&recipe, &rows, 3, shape, exec).only_after(table);
        while state.end.is_none() {
            trainer.step(&mut state);
        }
        assert_eq!(state.step, 200);
        let (kept, trained) = state.learner.model.values().split_at(table);
        assert_eq!(kept, &start.values()[..table]);
        assert_ne!(trained, &start.values()[table..]);
        let after = mean_loss(&state.learner.model, &mut workspace);
        assert!(after < 0.5 * before, "{before} to {after}");
    }
}
