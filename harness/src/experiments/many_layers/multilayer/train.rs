//! The training of one model.

use kernels::adam::{self, Adam};
use kernels::mlp::{self, Parameters, Supervision, Workspace};
use kernels::{Exec, MatMut, MatRef};

use super::data::{Data, epoch_order, initial};

use super::settings::{Loss, Settings};
use crate::error::Result;
use crate::experiment::Ctx;
use crate::store::checkpoint::Snapshot;

/// One model of the sweep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Task {
    /// The loss that is minimised.
    pub loss: Loss,
    /// Number of datapoints.
    pub n: usize,
    /// Seed of data, initial parameters and order.
    pub seed: u64,
    /// The layers that the loss is applied to.
    pub kind: Kind,
}

crate::words! {
    /// The layers that the loss is applied to.
    pub enum Kind {
        /// The output alone.
        Trained,
        /// None: the model keeps its initial parameters.
        Untrained,
        /// Every layer from the one on that [owns](Data::owner) the datapoint.
        #[strum(serialize = "decisive-layer")]
        Decisive,
    }
}

impl Kind {
    /// The first layer whose loss counts for a datapoint.
    fn first(self, datapoint: usize, layers: usize) -> usize {
        match self {
            Kind::Untrained | Kind::Trained => layers,
            Kind::Decisive => Data::owner(datapoint, layers),
        }
    }
}

impl Task {
    /// Name of its files.
    pub fn slug(&self) -> String {
        let Task {
            loss,
            n,
            seed,
            kind,
        } = self;
        format!("{kind}-{loss}-n{n}-seed{seed}")
    }

    /// Steps after which training ends at the latest.
    pub fn budget(&self, s: &Settings) -> u64 {
        match self.kind {
            Kind::Untrained => 0,
            Kind::Trained => s.steps,
            Kind::Decisive => s.control_steps,
        }
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Task {
            loss,
            n,
            seed,
            kind,
        } = self;
        write!(f, "{kind} model, {loss}, N = {n}, seed {seed}")
    }
}

/// Where a training stands.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Steps done.
    pub step: u64,
    /// The model.
    pub parameters: Parameters,
    /// Adam's first and second moments.
    pub moments: [Vec<f32>; 2],
    /// What was seen on the way.
    pub checks: Vec<Check>,
    /// How it ended, if it has.
    pub end: Option<End>,
}

/// The losses of all datapoints after some step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// Steps done by then.
    pub step: u64,
    /// Mean loss of the output.
    pub loss: f64,
    /// Datapoints below the threshold at every layer that their loss is applied to.
    pub learned: u64,
}

/// The end of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every datapoint is learned.
    Learned,
    /// The steps were used up.
    Budget,
    /// The loss of x_l at this layer, the first such one, was no finite number.
    Diverged {
        /// The layer l of that x_l.
        layer: usize,
    },
}

impl State {
    /// The state before the first step.
    pub fn start(parameters: Parameters) -> State {
        let zeros = vec![0.0; parameters.values().len()];
        State {
            step: 0,
            parameters,
            moments: [zeros.clone(), zeros],
            checks: Vec::new(),
            end: None,
        }
    }

    /// All of it, for a checkpoint.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.put_vector("parameters", self.parameters.values());
        snapshot.put_vector("first_moment", &self.moments[0]);
        snapshot.put_vector("second_moment", &self.moments[1]);
        snapshot.put_vector("check_step", self.checks.iter().map(|c| &c.step));
        snapshot.put_vector("check_loss", self.checks.iter().map(|c| &c.loss));
        snapshot.put_vector("check_learned", self.checks.iter().map(|c| &c.learned));
        snapshot.put_metadata("step", self.step);
        match self.end {
            None => snapshot.put_metadata("end", "none"),
            Some(End::Learned) => snapshot.put_metadata("end", "learned"),
            Some(End::Budget) => snapshot.put_metadata("end", "budget"),
            Some(End::Diverged { layer }) => {
                snapshot.put_metadata("end", format!("diverged {layer}"))
            }
        }
        snapshot
    }

    /// From the snapshot of a checkpoint, in the shape of `like` and within the budget of steps.
    ///
    /// # Errors
    /// If a part is missing or does not fit; the message names it.
    pub fn restore(snapshot: &Snapshot, like: &State, budget: u64) -> Result<State, String> {
        let mut state = like.clone();
        snapshot.read_into("parameters", state.parameters.values_mut())?;
        snapshot.read_into("first_moment", &mut state.moments[0])?;
        snapshot.read_into("second_moment", &mut state.moments[1])?;
        let looks = snapshot
            .read_vector("check_step")?
            .into_iter()
            .zip(snapshot.read_vector("check_loss")?)
            .zip(snapshot.read_vector("check_learned")?);
        let looks = looks.map(|((step, loss), learned)| Check {
            step,
            loss,
            learned,
        });
        state.checks = looks.collect();
        state.step = snapshot.read_u64("step", budget)?;
        let end = snapshot.metadata("end")?;
        state.end = match end.split_once(' ').unwrap_or((end, "")) {
            ("none", _) => None,
            ("learned", _) => Some(End::Learned),
            ("budget", _) => Some(End::Budget),
            ("diverged", layer) => Some(End::Diverged {
                layer: layer.parse().map_err(|_| "its layer is no number")?,
            }),
            _ => return Err("its end is unknown".into()),
        };
        Ok(state)
    }

    /// Why there is nothing to measure, if the training diverged.
    pub fn divergence(&self) -> Option<String> {
        match self.end {
            Some(End::Diverged { layer }) => Some(format!(
                "diverged at step {}: the loss of layer {layer} is not finite",
                self.step
            )),
            _ => None,
        }
    }
}

/// Trains a model to its end.
pub fn train(task: Task, s: &Settings, data: &Data, exec: Exec, ctx: &Ctx) -> Result<State> {
    let mut store = ctx.session.checkpoints(&task.slug(), task, s);
    let start = State::start(initial(s.shape(), task.seed, ctx));
    let saved = store.latest(|snapshot| State::restore(snapshot, &start, task.budget(s)))?;
    let mut state = saved.unwrap_or(start);
    ctx.session.progress.advance(state.step)?;
    let mut trainer = Trainer::new(task, s, data, exec);
    while state.end.is_none() {
        trainer.step(&mut state, ctx);
        let interrupted = ctx.session.progress.advance(1);
        if state.end.is_some() || interrupted.is_err() || store.is_due() {
            store.write(state.step, state.snapshot())?;
        }
        interrupted?;
        if let Some(check) = state.checks.last() {
            ctx.session.progress.note(|| {
                let Check { loss, learned, .. } = check;
                format!(
                    "{task}: step {}, loss {loss:.3}, {learned} of {} learned",
                    state.step, task.n
                )
            });
        }
    }
    if let Some(divergence) = state.divergence() {
        ctx.session.progress.say(&format!(
            "{task} {divergence}; its claims will be undecided"
        ));
    }
    ctx.session.progress.advance(task.budget(s) - state.step)?;
    Ok(state)
}

/// The buffers of a training.
struct Trainer<'a> {
    task: Task,
    s: &'a Settings,
    data: &'a Data,
    exec: Exec,
    adam: Adam,
    workspace: Workspace,
    gradient: Parameters,
    /// Number and order of the current epoch.
    epoch: Option<(u64, Vec<usize>)>,
    pairs: Vec<[u32; 2]>,
    targets: Vec<u32>,
    /// Loss weights or losses, (L+1)×B.
    weights: Vec<f32>,
    losses: Vec<f32>,
}

impl<'a> Trainer<'a> {
    fn new(task: Task, s: &'a Settings, data: &'a Data, exec: Exec) -> Self {
        let (batch, _) = s.batches(task.n);
        let cells = (s.layers + 1) * batch;
        Trainer {
            task,
            s,
            data,
            exec,
            adam: Adam {
                learning_rate: s.learning_rate as f32,
                ..Adam::default()
            },
            workspace: Workspace::new(s.shape(), batch),
            gradient: Parameters::zeros(s.shape()),
            epoch: None,
            pairs: Vec::with_capacity(batch),
            targets: Vec::with_capacity(batch),
            weights: vec![0.0; cells],
            losses: vec![0.0; cells],
        }
    }

    /// One step of Adam, and a look at all datapoints where it is time for one.
    fn step(&mut self, state: &mut State, ctx: &Ctx) {
        self.gather(state.step, ctx);
        mlp::forward(
            self.exec,
            &state.parameters,
            &self.pairs,
            &mut self.workspace,
        );
        if let Some(layer) = self.not_finite() {
            state.end = Some(End::Diverged { layer });
            return;
        }
        let weights = MatRef::first(&self.weights, self.s.layers + 1, self.pairs.len());
        mlp::backward(
            self.exec,
            &state.parameters,
            &self.pairs,
            &self.targets,
            self.task.loss.kernel(),
            match self.task.kind {
                Kind::Untrained | Kind::Trained => Supervision::Output,
                Kind::Decisive => Supervision::Weights(weights),
            },
            &mut self.workspace,
            &mut self.gradient,
        );
        state.step += 1;
        let [first, second] = &mut state.moments;
        adam::step(
            self.exec,
            self.adam,
            state.step,
            self.gradient.values(),
            state.parameters.values_mut(),
            first,
            second,
        );
        let last = state.step >= self.task.budget(self.s);
        if last || state.step.is_multiple_of(self.s.check_every) {
            state.end = self.check(state);
            if last {
                state.end = state.end.or(Some(End::Budget));
            }
        }
    }

    /// Gathers the minibatch of a step, and its loss weights.
    fn gather(&mut self, step: u64, ctx: &Ctx) {
        let n = self.task.n;
        let (batch, per_epoch) = self.s.batches(n);
        let epoch = step / per_epoch;
        if self.epoch.as_ref().is_none_or(|(e, _)| *e != epoch) {
            self.epoch = Some((epoch, epoch_order(n, self.task.seed, epoch, ctx)));
        }
        let (_, order) = self.epoch.as_ref().expect("just drawn");
        let from = (step % per_epoch) as usize * batch;
        let chosen = &order[from..n.min(from + batch)];
        self.pairs.clear();
        self.targets.clear();
        for &k in chosen {
            self.pairs.push(self.data.pairs[k]);
            self.targets.push(self.data.targets[k]);
        }
        if self.task.kind == Kind::Decisive {
            let (layers, b) = (self.s.layers, chosen.len());
            for (l, weights) in self.weights.chunks_mut(b).take(layers + 1).enumerate() {
                for (weight, &k) in weights.iter_mut().zip(chosen) {
                    let applies = l >= self.task.kind.first(k, layers);
                    *weight = if applies { 1.0 / b as f32 } else { 0.0 };
                }
            }
        }
    }

    /// The first layer at which a loss of the current minibatch is not finite, if it is not so at one that
    /// the model is trained on.
    fn not_finite(&mut self) -> Option<usize> {
        let layers = self.s.layers;
        let first = match self.task.kind {
            Kind::Untrained | Kind::Trained => layers,
            Kind::Decisive => 1,
        };
        let mut finite = |l: usize| {
            let losses = &mut self.losses[..self.pairs.len()];
            let x = self.workspace.residual(l);
            self.task
                .loss
                .kernel()
                .forward(self.exec, x, &self.targets, losses);
            losses.iter().all(|v| v.is_finite())
        };
        if (first..=layers).all(&mut finite) {
            return None;
        }
        (0..=layers).find(|&l| !finite(l))
    }

    /// Looks at all datapoints.
    fn check(&mut self, state: &mut State) -> Option<End> {
        let (n, layers) = (self.task.n, self.s.layers);
        let (batch, _) = self.s.batches(n);
        let (mut sum, mut learned) = (0.0, 0);
        for from in (0..n).step_by(batch) {
            let rows = from..n.min(from + batch);
            let b = rows.len();
            let targets = &self.data.targets[rows.clone()];
            mlp::forward(
                self.exec,
                &state.parameters,
                &self.data.pairs[rows.clone()],
                &mut self.workspace,
            );
            let losses = MatMut::first(&mut self.losses, layers + 1, b);
            mlp::losses(
                self.exec,
                &self.workspace,
                self.task.loss.kernel(),
                targets,
                losses,
            );
            for (column, k) in rows.enumerate() {
                let mut its =
                    (self.task.kind.first(k, layers)..=layers).map(|l| self.losses[l * b + column]);
                sum += f64::from(self.losses[layers * b + column]);
                learned += u64::from(its.all(|v| f64::from(v) < self.s.threshold));
            }
            if !sum.is_finite() {
                let finite = |l: usize| self.losses[l * b..][..b].iter().all(|v| v.is_finite());
                let layer = (0..=layers).find(|&l| !finite(l)).unwrap_or(layers);
                return Some(End::Diverged { layer });
            }
        }
        state.checks.push(Check {
            step: state.step,
            loss: sum / n as f64,
            learned,
        });
        (learned == n as u64).then_some(End::Learned)
    }
}
