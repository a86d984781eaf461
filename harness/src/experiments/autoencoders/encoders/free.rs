//! Dictionary learning with free codes: FISTA finds the codes of each batch on the dictionary as it stands, then the
//! dictionary takes a step of Adam and its rows are brought back to norm 1 (Olshausen & Field 1996, in batches).

use kernels::adam::Adam;
use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Accumulate, Exec, MatMut, MatRef, dictionary, matmul};

use super::model::{Encoder, start};
use super::settings::Settings;
use super::source::Source;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::training::Plan;
use crate::session::training::{self, Course, End, State};

/// The stopping rule of codes that are good enough to learn from.
const ROUGH: Stop = Stop {
    tolerance: 1e-3,
    iterations: 300,
};

/// Learns a dictionary with free codes at one λ, and returns its elements, or how it diverged.
pub fn learn(
    source: &Source,
    lambda: f64,
    s: &Settings,
    ctx: &Ctx,
) -> Result<Result<Vec<f32>, String>> {
    let seed = source.seed;
    let name = Encoder::Free;
    let slug = format!("{}-{name}-lambda{lambda}-seed{seed}", source.name);
    let title = format!("dictionary of free codes, λ = {lambda}, seed {seed}");
    let course = Course {
        slug: &slug,
        title: &title,
        settings: s,
        steps: s.free_steps,
        cost: 1,
    };
    let variant = Encoder::Linear.variant(lambda, source, s);
    let initial = start(variant, source, ctx);
    let rows = initial.dictionary();
    let elements = (0..rows.rows()).flat_map(|i| rows.row(i)).copied();
    let plan = Plan {
        steps: s.free_steps,
        ..s.training
    };
    let mut learning = Learning::new(source, lambda, s.training.batch, ctx.session.serial());
    let state = training::train(&course, elements.collect(), &ctx.session, |state| {
        let x = source.batch(state.step, s.training.batch, ctx);
        let rate = plan.learning_rate_at(state.step) as f32;
        learning.step(&x, rate, state);
        if !state.learner.iter().all(|v| v.is_finite()) {
            state.end = Some(End::Diverged("an element".into()));
        }
    })?;
    Ok(state.learned())
}

/// The constants and buffers of the learning of a dictionary.
struct Learning {
    lambda: f32,
    width: usize,
    batch: usize,
    exec: Exec,
    codes: Vec<f32>,
    residual: Vec<f32>,
    gradient: Vec<f32>,
    certificates: Vec<Certificate>,
}

impl Learning {
    fn new(source: &Source, lambda: f64, batch: usize, exec: Exec) -> Self {
        let shape = source.shape();
        Learning {
            lambda: lambda as f32,
            width: shape.width,
            batch,
            exec,
            codes: vec![0.0; batch * shape.dictionary],
            residual: vec![0.0; batch * shape.width],
            gradient: vec![0.0; shape.dictionary * shape.width],
            certificates: vec![Certificate::default(); batch],
        }
    }

    /// Takes one step of Adam along −∂/∂D of ‖x − Dᵀc‖², mean over the batch, at the best codes. The rows of D have
    /// norm 1.
    fn step(&mut self, x: &[f32], learning_rate: f32, state: &mut State<Vec<f32>>) {
        let Learning {
            width, batch, exec, ..
        } = *self;
        let n = state.learner.len() / width;
        let elements = MatRef::from_rows(&state.learner, width);
        let x = MatRef::from_rows(x, width);
        // FISTA starts from 0 and not from the codes of the batch before, which a resumed training does not have.
        self.codes.fill(0.0);
        let mut codes = MatMut::from_rows(&mut self.codes, n);
        let lasso = Lasso::new(exec, elements, self.lambda, None);
        lasso.fista(exec, x, ROUGH, codes.reborrow(), &mut self.certificates);
        // r ← Dᵀc − x
        for b in 0..batch {
            let row = &mut self.residual[b * width..][..width];
            row.iter_mut().zip(x.row(b)).for_each(|(r, x)| *r = -x);
        }
        let mut residual = MatMut::from_rows(&mut self.residual, width);
        matmul(
            exec,
            codes.as_ref(),
            elements,
            Accumulate::Add,
            residual.reborrow(),
        );
        let mut gradient = MatMut::from_rows(&mut self.gradient, width);
        let codes = codes.as_ref().t();
        matmul(
            exec,
            codes,
            residual.as_ref(),
            Accumulate::Replace,
            gradient.reborrow(),
        );
        dictionary::project_gradient(exec, elements, gradient);
        self.gradient
            .iter_mut()
            .for_each(|g| *g *= 2.0 / batch as f32);
        let adam = Adam {
            learning_rate,
            ..Adam::default()
        };
        let gradient = &self.gradient;
        state.update(exec, adam, gradient, 0..gradient.len());
        let rows = MatMut::from_rows(&mut state.learner, width);
        dictionary::normalise(exec, rows);
    }
}
