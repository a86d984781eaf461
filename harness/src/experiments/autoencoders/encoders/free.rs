//! Dictionary learning with free codes: FISTA finds the codes of each batch on the dictionary as it stands, then the
//! dictionary takes a step of Adam and its rows are brought back to norm 1 (Olshausen & Field 1996, in batches).

use kernels::adam::{self, Adam};
use kernels::sparse_coding::{Certificate, Lasso, Stop};
use kernels::{Accumulate, Exec, MatMut, MatRef, dictionary, matmul};

use super::model::{Encoder, start};
use super::settings::Settings;
use super::source::Source;
use crate::error::Result;
use crate::experiment::Ctx;
use crate::sae::training::Plan;
use crate::session::training::tell_divergence;
use crate::store::checkpoint::Snapshot;

/// When codes are good enough to learn from.
const ROUGH: Stop = Stop {
    tolerance: 1e-3,
    iterations: 300,
};

/// What learning is about: rows of unit norm, Adam's moments, steps done.
struct State {
    elements: Vec<f32>,
    moments: [Vec<f32>; 2],
    step: u64,
}

/// The dictionary learned with one λ, or how it diverged.
pub fn learn(
    source: &Source,
    lambda: f64,
    s: &Settings,
    ctx: &Ctx,
) -> Result<Result<Vec<f32>, String>> {
    let shape = source.shape();
    let seed = source.seed;
    let name = Encoder::Free;
    let slug = format!("{}-{name}-lambda{lambda}-seed{seed}", source.name);
    let title = format!("dictionary of free codes, λ = {lambda}, seed {seed}");
    let mut store = ctx.session.checkpoints(&slug, &title, s);
    let len = shape.dictionary * shape.width;
    let read = |snapshot: &Snapshot| {
        let mut state = State {
            elements: vec![0.0; len],
            moments: [vec![0.0; len], vec![0.0; len]],
            step: snapshot.read_u64("step", s.free_steps)?,
        };
        snapshot.read_into("elements", &mut state.elements)?;
        snapshot.read_into("first_moment", &mut state.moments[0])?;
        snapshot.read_into("second_moment", &mut state.moments[1])?;
        Ok(state)
    };
    let mut state = store.latest(read)?.unwrap_or_else(|| {
        let variant = Encoder::Linear.variant(lambda, source, s);
        let initial = start(variant, source, ctx);
        let rows = initial.dictionary();
        State {
            elements: (0..rows.rows())
                .flat_map(|i| rows.row(i))
                .copied()
                .collect(),
            moments: [vec![0.0; len], vec![0.0; len]],
            step: 0,
        }
    });
    ctx.session.progress.advance(state.step)?;
    let plan = Plan {
        steps: s.free_steps,
        ..s.training
    };
    let mut learner = Learner::new(source, lambda, s.training.batch, ctx.session.serial());
    while state.step < s.free_steps {
        let x = source.batch(state.step, s.training.batch, ctx);
        let rate = plan.learning_rate_at(state.step) as f32;
        learner.step(&x, rate, &mut state);
        if !state.elements.iter().all(|v| v.is_finite()) {
            let why = format!("diverged at step {}: an element is not finite", state.step);
            tell_divergence(ctx.session.progress, &title, &why);
            ctx.session
                .progress
                .advance(s.free_steps - state.step + 1)?;
            return Ok(Err(why));
        }
        let interrupted = ctx.session.progress.advance(1);
        if state.step == s.free_steps || interrupted.is_err() || store.is_due() {
            let mut snapshot = Snapshot::default();
            snapshot.put_vector("elements", &state.elements);
            snapshot.put_vector("first_moment", &state.moments[0]);
            snapshot.put_vector("second_moment", &state.moments[1]);
            snapshot.put_metadata("step", state.step);
            store.write(state.step, snapshot)?;
        }
        interrupted?;
    }
    Ok(Ok(state.elements))
}

/// The buffers of a learning.
struct Learner {
    lambda: f32,
    width: usize,
    batch: usize,
    exec: Exec,
    codes: Vec<f32>,
    residual: Vec<f32>,
    gradient: Vec<f32>,
    certificates: Vec<Certificate>,
}

impl Learner {
    fn new(source: &Source, lambda: f64, batch: usize, exec: Exec) -> Self {
        let shape = source.shape();
        Learner {
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

    /// One step of Adam along −∂/∂D of ‖x − Dᵀc‖², mean over the batch, at the best codes.
    fn step(&mut self, x: &[f32], learning_rate: f32, state: &mut State) {
        let Learner {
            width, batch, exec, ..
        } = *self;
        let n = state.elements.len() / width;
        let elements = MatRef::from_rows(&state.elements, width);
        let x = MatRef::from_rows(x, width);
        // Not from the codes of the batch before, which a resumed training does not have.
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
        state.step += 1;
        let adam = Adam {
            learning_rate,
            ..Adam::default()
        };
        let [first, second] = &mut state.moments;
        adam::step(
            exec,
            adam,
            state.step,
            &self.gradient,
            &mut state.elements,
            first,
            second,
        );
        let rows = MatMut::from_rows(&mut state.elements, width);
        dictionary::normalise(exec, rows);
    }
}
