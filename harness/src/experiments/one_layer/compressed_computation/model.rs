//! The layer y = W₂ ReLU(W₁x) and its training.

use kernels::adam::Adam;
use kernels::{Accumulate, Exec, MatMut, MatRef, matmul, relu};

use super::settings::Settings;
use super::target::{Noise, Target};
use crate::error::Result;
use crate::experiment::Ctx;
use crate::phase::Phase;
use crate::rng::Rng;
use crate::session::training::{self, Course, Learner, State};

/// The choices that tell one layer to train from the others: the noise in its target, its scale, and the seed.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    pub noise: Noise,
    pub scale: f64,
    pub seed: u64,
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "noise {}, scale {}, seed {}",
            self.noise, self.scale, self.seed
        )
    }
}

/// The layer y = W₂ ReLU(W₁x), without biases.
#[derive(Debug, Clone)]
pub struct Model {
    features: usize,
    neurons: usize,
    /// The weights: W₁, neurons × features, then W₂, features × neurons.
    pub weights: Vec<f32>,
}

impl Learner for Model {
    fn parameters(&self) -> &[f32] {
        &self.weights
    }

    fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }
}

impl Model {
    /// Returns a layer before its training: normal weights of variance 1 over the number of inputs of their matrix.
    pub fn start(features: usize, neurons: usize, rng: &mut Rng) -> Self {
        let mut normal = |inputs: usize| (rng.normal() / (inputs as f64).sqrt()) as f32;
        let size = features * neurons;
        let mut weights: Vec<f32> = (0..size).map(|_| normal(features)).collect();
        weights.extend((0..size).map(|_| normal(neurons)));
        Model {
            features,
            neurons,
            weights,
        }
    }

    fn matrices(&self) -> [MatRef<'_>; 2] {
        let (first, second) = self.weights.split_at(self.features * self.neurons);
        [
            MatRef::from_rows(first, self.features),
            MatRef::from_rows(second, self.neurons),
        ]
    }

    /// Returns W₁x, its ReLU and the output W₂ ReLU(W₁x), a row for each sample.
    fn forward(&self, exec: Exec, x: &[f32]) -> [Vec<f32>; 3] {
        let [first, second] = self.matrices();
        let x = MatRef::from_rows(x, self.features);
        let (mut before, mut y) = (
            vec![0.0; x.rows() * self.neurons],
            vec![0.0; x.rows() * self.features],
        );
        let mut active = before.clone();
        let hidden = MatMut::from_rows(&mut before, self.neurons);
        matmul(exec, x, first.t(), Accumulate::Replace, hidden);
        relu::forward(exec, &before, &mut active);
        let output = MatMut::from_rows(&mut y, self.features);
        let hidden = MatRef::from_rows(&active, self.neurons);
        matmul(exec, hidden, second.t(), Accumulate::Replace, output);
        [before, active, y]
    }

    /// Returns the squared error, summed over samples and features in f64.
    pub fn squared_error(&self, exec: Exec, x: &[f32], target: &[f32]) -> f64 {
        let [_, _, y] = self.forward(exec, x);
        let errors = y.iter().zip(target).map(|(y, t)| f64::from(y - t));
        errors.map(|e| e * e).sum()
    }

    /// Returns the gradient of the squared error, the mean over `samples` samples and their features, with respect to
    /// the weights. `x` and `target` may have fewer rows: samples whose input and target are 0 add nothing.
    pub fn gradient(&self, exec: Exec, samples: usize, x: &[f32], target: &[f32]) -> Vec<f32> {
        let [before, active, mut error] = self.forward(exec, x);
        let factor = 2.0 / (samples * self.features) as f32;
        error
            .iter_mut()
            .zip(target)
            .for_each(|(e, t)| *e = factor * (*e - t));
        let [_, second] = self.matrices();
        let (x, hidden) = (
            MatRef::from_rows(x, self.features),
            MatRef::from_rows(&active, self.neurons),
        );
        let error = MatRef::from_rows(&error, self.features);
        let mut gradient = vec![0.0; self.weights.len()];
        let (d_first, d_second) = gradient.split_at_mut(self.features * self.neurons);
        let d_second = MatMut::from_rows(d_second, self.neurons);
        matmul(exec, error.t(), hidden, Accumulate::Replace, d_second);
        let mut d_active = vec![0.0; active.len()];
        let room = MatMut::from_rows(&mut d_active, self.neurons);
        matmul(exec, error, second, Accumulate::Replace, room);
        let mut d_before = vec![0.0; active.len()];
        relu::backward(exec, &before, &d_active, &mut d_before);
        let d_before = MatRef::from_rows(&d_before, self.neurons);
        let d_first = MatMut::from_rows(d_first, self.features);
        matmul(exec, d_before.t(), x, Accumulate::Replace, d_first);
        gradient
    }
}

/// Does one step of AdamW (Loshchilov and Hutter, Decoupled weight decay regularization, 2019), with a learning rate
/// that falls along half a cosine.
fn update(state: &mut State<Model>, exec: Exec, gradient: &[f32], s: &Settings) {
    let done = state.step as f64 / s.steps as f64;
    let rate = s.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
    let kept = (1.0 - rate * s.decay) as f32;
    let weights = state.learner.weights.iter_mut();
    weights.for_each(|w| *w *= kept);
    let adam = Adam {
        learning_rate: rate as f32,
        ..Adam::default()
    };
    state.update(exec, adam, gradient, 0..gradient.len());
}

/// Trains a layer from its last checkpoint, or from the start; `samples` gives the random stream of each step.
pub fn train(
    task: &Task,
    s: &Settings,
    target: &Target,
    samples: impl Fn(u64) -> Rng,
    ctx: &Ctx,
) -> Result<Model> {
    let exec = ctx.session.serial();
    let Task { noise, scale, seed } = task;
    let start = Model::start(s.features, s.neurons, &mut ctx.rng(*seed, "weights", 0));
    let course = Course {
        slug: &format!("{noise}-{scale}-seed{seed}"),
        title: &task.to_string(),
        settings: s,
        steps: s.steps,
        cost: 1,
    };
    let state = training::train(&course, start, &ctx.session, |state| {
        let span = Phase::Data.begin();
        let (x, y) = target.samples(s.batch, &mut samples(state.step));
        drop(span);
        let gradient = state.learner.gradient(exec, s.batch, &x, &y);
        update(state, exec, &gradient, s);
    })?;
    Ok(state.learner)
}
