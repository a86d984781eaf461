//! The state of a training, with the evaluations on its way.

use kernels::mlp::Parameters;
use serde::{Deserialize, Serialize};

use crate::session::training::{self, Learner};
use crate::store::snapshot::Snapshot;

/// The state of a training.
pub type State = training::State<Watched>;

/// A model in training, with the evaluations on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The model.
    pub model: Parameters,
    /// The evaluations on all datapoints so far.
    pub checks: Vec<Check>,
}

/// An evaluation on all datapoints after some step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The number of steps done by then.
    pub step: u64,
    /// The mean loss of the output.
    pub loss: f64,
    /// The number of datapoints whose loss at the output is below the threshold.
    pub learned: u64,
    /// R² of a straight line through the mean loss after each layer of the last half.
    pub late_r2: f64,
    /// The mean over layers 0 … L−1 of the fraction below the threshold.
    pub area: f64,
    /// The first layer after which half of the datapoints are below the threshold, as a share of L.
    pub depth: f64,
}

impl Watched {
    /// Returns a model without evaluations.
    pub fn new(model: Parameters) -> Watched {
        Watched {
            model,
            checks: Vec::new(),
        }
    }
}

impl Learner for Watched {
    fn parameters(&self) -> &[f32] {
        self.model.values()
    }

    fn parameters_mut(&mut self) -> &mut [f32] {
        self.model.values_mut()
    }

    fn put<'a>(&'a self, snapshot: &mut Snapshot<'a>) {
        let checks = || self.checks.iter();
        snapshot.put_vector("check_step", checks().map(|c| &c.step));
        snapshot.put_vector("check_loss", checks().map(|c| &c.loss));
        snapshot.put_vector("check_learned", checks().map(|c| &c.learned));
        snapshot.put_vector("check_late_r2", checks().map(|c| &c.late_r2));
        snapshot.put_vector("check_area", checks().map(|c| &c.area));
        snapshot.put_vector("check_depth", checks().map(|c| &c.depth));
    }

    fn read(&mut self, snapshot: &Snapshot) -> Result<(), String> {
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
        self.checks = rows.collect();
        Ok(())
    }

    fn note(&self) -> String {
        self.checks.last().map_or(String::new(), |check| {
            let Check { loss, learned, .. } = check;
            format!(", loss {loss:.3}, {learned} datapoints learned")
        })
    }
}
