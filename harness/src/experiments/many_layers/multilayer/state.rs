//! Where a training stands, and the way to a checkpoint and back.

use kernels::mlp::Parameters;

use crate::store::checkpoint::Snapshot;

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
    /// Datapoints whose loss at the output is below the threshold.
    pub learned: u64,
    /// R² of a straight line through the mean loss after each layer of the last half.
    pub late_r2: f64,
    /// Mean over layers 0 … L−1 of the fraction below the threshold.
    pub area: f64,
    /// The first layer after which half of the datapoints are below the threshold, as a share of L.
    pub depth: f64,
}

/// The end of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every datapoint is learned.
    Learned,
    /// The steps were used up.
    Budget,
    /// The loss after this layer, the first such one, was no finite number.
    Diverged {
        /// The layer.
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
        let checks = || self.checks.iter();
        snapshot.put_vector("check_step", checks().map(|c| &c.step));
        snapshot.put_vector("check_loss", checks().map(|c| &c.loss));
        snapshot.put_vector("check_learned", checks().map(|c| &c.learned));
        snapshot.put_vector("check_late_r2", checks().map(|c| &c.late_r2));
        snapshot.put_vector("check_area", checks().map(|c| &c.area));
        snapshot.put_vector("check_depth", checks().map(|c| &c.depth));
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
        let steps: Vec<u64> = snapshot.read_vector("check_step")?;
        let mut checks = vec![[0.0; 4]; steps.len()];
        let columns = ["check_loss", "check_late_r2", "check_area", "check_depth"];
        for (i, column) in columns.into_iter().enumerate() {
            let mut values = vec![0f64; steps.len()];
            snapshot.read_into(column, &mut values)?;
            checks.iter_mut().zip(values).for_each(|(c, v)| c[i] = v);
        }
        let mut learned = vec![0u64; steps.len()];
        snapshot.read_into("check_learned", &mut learned)?;
        let rows = steps.into_iter().zip(learned).zip(checks);
        let rows = rows.map(|((step, learned), [loss, late_r2, area, depth])| Check {
            step,
            loss,
            learned,
            late_r2,
            area,
            depth,
        });
        state.checks = rows.collect();
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
