//! The contents of the checkpoints of a model in training.

use kernels::adam::Adam;
use kernels::sae::{Parameters, Trainer};
use serde::{Deserialize, Serialize};

use super::controller::Controller;
use super::recipe::Plan;
use crate::store::snapshot::Snapshot;

/// The losses of a batch before one of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The step, from 0.
    pub step: u64,
    /// The squared error ‖x̂ − x‖², mean over the batch.
    pub reconstruction: f64,
    /// The penalty on the codes, its coefficient included.
    pub sparsity: f64,
    /// The share of the codes' entries that are active.
    pub density: f64,
    /// The coefficient λ of the penalty in that step; 0 where there is none.
    pub lambda: f64,
}

/// The state of a training that a checkpoint holds.
pub struct Saved {
    /// The model, and the state of its optimiser.
    pub trainer: Trainer,
    /// The controller of the coefficient of the penalty, if it is steered.
    pub controller: Option<Controller>,
    /// The losses recorded so far.
    pub records: Vec<Record>,
    /// A description of the divergence, if the training diverged.
    pub divergence: Option<String>,
}

impl Saved {
    /// Returns the state before the first step.
    pub fn start(start: &Parameters, controller: Option<Controller>, plan: &Plan) -> Saved {
        Saved {
            trainer: Trainer::new(start.clone(), Adam::default(), plan.batch),
            controller,
            records: Vec::new(),
            divergence: None,
        }
    }

    /// Reads the state of a training that began from the parameters `start` from a checkpoint.
    ///
    /// # Errors
    /// If a part of the state is missing or does not fit; the message names the part.
    pub fn read(
        snapshot: &Snapshot,
        start: &Parameters,
        controller: Option<Controller>,
        plan: &Plan,
    ) -> Result<Saved, String> {
        let mut parameters = start.clone();
        let len = parameters.values().len();
        snapshot.read_into("parameters", parameters.values_mut())?;
        let mut moments = [vec![0.0; len], vec![0.0; len]];
        snapshot.read_into("first_moment", &mut moments[0])?;
        snapshot.read_into("second_moment", &mut moments[1])?;
        let mut idle = vec![0; parameters.shape().dictionary];
        snapshot.read_into("idle", &mut idle)?;
        let steps = snapshot.read_u64("step", plan.steps)?;
        let controller = match controller {
            Some(controller) => Some(controller.restored(snapshot)?),
            None => None,
        };
        let adam = Adam::default();
        Ok(Saved {
            trainer: Trainer::restore(parameters, adam, plan.batch, moments, steps, idle),
            controller,
            records: records(snapshot)?,
            divergence: match snapshot.metadata("divergence")? {
                "" => None,
                how => Some(how.to_string()),
            },
        })
    }
}

/// Reads the records in a checkpoint.
fn records(snapshot: &Snapshot) -> Result<Vec<Record>, String> {
    let records = snapshot
        .read_vector("record_step")?
        .into_iter()
        .zip(snapshot.read_vector("record_reconstruction")?)
        .zip(snapshot.read_vector("record_sparsity")?)
        .zip(snapshot.read_vector("record_density")?)
        .zip(snapshot.read_vector("record_lambda")?);
    let record = |((((step, reconstruction), sparsity), density), lambda)| Record {
        step,
        reconstruction,
        sparsity,
        density,
        lambda,
    };
    Ok(records.map(record).collect())
}
