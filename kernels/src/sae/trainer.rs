//! The training of sparse autoencoders: steps, and the count of steps since each element last fired.

use std::ops::Range;

use super::batch::Losses;
use super::parameters::Parameters;
use super::passes::gradient_to;
use super::task::Task;
use super::tensors::W_DEC;
use super::variants::Variant;
use super::workspace::Workspace;
use crate::machine::exec::Exec;
use crate::matrix::dictionary;
use crate::matrix::view::MatRef;
use crate::train::adam::{self, Adam};
use crate::train::clip;

/// A sparse autoencoder in training.
///
/// Its state is its parameters, both moments of Adam, [`steps`](Self::steps) and [`idle`](Self::idle). A trainer that
/// [`restore`](Self::restore) makes from them, with the same tensors [held](Self::hold), the same
/// [clipping](Self::set_clip) and the same [`Workspace::set_dense_from`], goes on with the same bits.
#[derive(Clone, Debug)]
pub struct Trainer {
    pub(super) parameters: Parameters,
    adam: Adam,
    pub(super) moments: [Vec<f32>; 2],
    steps: u64,
    pub(super) idle: Vec<u32>,
    pub(super) workspace: Workspace,
    gradient: Parameters,
    /// The tensors that are held: their ranges among all parameters, and their values.
    pub(super) held: Vec<(Range<usize>, Vec<f32>)>,
    clip: Option<f32>,
}

impl Trainer {
    /// Returns a trainer that starts from these parameters, for batches of up to `capacity` samples.
    pub fn new(parameters: Parameters, adam: Adam, capacity: usize) -> Trainer {
        let n = parameters.values().len();
        let moments = [vec![0.0; n], vec![0.0; n]];
        let idle = vec![0; parameters.shape().dictionary];
        Self::restore(parameters, adam, capacity, moments, 0, idle)
    }

    /// Returns a trainer that goes on where another trainer was after `steps` steps, with its parameters, its two
    /// `moments` of Adam, and its numbers `idle` of steps since each element last fired.
    ///
    /// # Panics
    /// If the moments are not as many as the parameters, or `idle` has not as many counts as there are elements.
    #[track_caller]
    pub fn restore(
        parameters: Parameters,
        adam: Adam,
        capacity: usize,
        moments: [Vec<f32>; 2],
        steps: u64,
        idle: Vec<u32>,
    ) -> Trainer {
        let (task, variant) = (parameters.task(), parameters.variant());
        let (elements, n) = (task.shape().dictionary, parameters.values().len());
        let lens = [moments[0].len(), moments[1].len(), idle.len()];
        assert!(
            lens == [n, n, elements],
            "{lens:?} moments and idle counts for {n} parameters and {elements} elements"
        );
        Trainer {
            gradient: Parameters::zeros(task, variant),
            workspace: Workspace::new(task, variant, capacity),
            parameters,
            adam,
            moments,
            steps,
            idle,
            held: vec![],
            clip: None,
        }
    }

    /// Holds the tensors of these names at their current values. Their moments are updated all the same: by their
    /// gradients, or by zeros where gradients are [clipped](Self::set_clip), since the norm leaves them out.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[track_caller]
    pub fn hold(&mut self, names: &[&str]) {
        let tensors = &self.parameters.tensors;
        for name in names {
            let found = tensors.places().find(|(tensor, _)| tensor.name == *name);
            let (_, place) = found.unwrap_or_else(|| panic!("no tensor {name:?} to hold"));
            let values = tensors.values()[place.clone()].to_vec();
            self.held.push((place, values));
        }
    }

    /// Sets the largest norm that the gradient with respect to all parameters that are not held may have: a longer
    /// gradient is [scaled](clip::to_norm) to it, after its projection. None, the default, leaves gradients as they
    /// are.
    ///
    /// # Panics
    /// If the norm is not above 0.
    #[track_caller]
    pub fn set_clip(&mut self, most: Option<f32>) {
        assert!(
            most.is_none_or(|most| most > 0.0),
            "gradients clipped to a norm of {most:?}, which has to be above 0"
        );
        self.clip = most;
    }

    /// Takes one step of training on a batch `x`, B×d: computes the gradient, projects it where rows are held at norm
    /// 1, clips it where [`set_clip`](Self::set_clip) says so, applies Adam, and normalises the rows again. Returns the
    /// losses before the step.
    ///
    /// A batch of no samples changes nothing: the losses are NaN, there are no [codes](Workspace::codes), and the state
    /// of the trainer stays as it was.
    ///
    /// # Panics
    /// If the batch is larger than the capacity, or rows are not d long or not contiguous.
    #[track_caller]
    pub fn step(&mut self, exec: Exec, x: MatRef) -> Losses {
        self.step_to(exec, x, x)
    }

    /// Takes one step as [`step`](Self::step) does, where the model reads the batch `x`, B×d_in for a transcoder, and
    /// is to reconstruct `target`, B×d.
    ///
    /// # Panics
    /// If the batch is larger than the capacity, or rows do not have the widths of the model or are not contiguous.
    #[track_caller]
    pub fn step_to(&mut self, exec: Exec, x: MatRef, target: MatRef) -> Losses {
        let Trainer {
            parameters,
            adam,
            moments: [first, second],
            steps,
            idle,
            workspace,
            gradient: g,
            held,
            clip,
        } = self;
        let variant = parameters.variant();
        let model = variant.model();
        if let Some(after) = model.dead_after() {
            workspace.set_dead(|j| idle[j] >= after);
        }
        let losses = gradient_to(exec, parameters, x, target, workspace, g);
        if x.rows() == 0 {
            return losses;
        }
        if model.unit_rows() {
            let (rows, d_rows) = (parameters.dictionary(), g.tensors.get_mut(W_DEC));
            match parameters.task() {
                Task::Autoencoder(_) => dictionary::project_gradient(exec, rows, d_rows),
                Task::Transcoder { .. } => dictionary::project_inward(exec, rows, d_rows),
            }
        }
        if let Some(most) = *clip {
            for (place, _) in &*held {
                g.values_mut()[place.clone()].fill(0.0);
            }
            clip::to_norm(exec, most, g.values_mut());
        }
        *steps += 1;
        let values = parameters.values_mut();
        adam::step(exec, *adam, *steps, g.values(), values, first, second);
        if model.unit_rows() {
            let task = parameters.task();
            let rows = parameters.tensors.get_mut(W_DEC);
            match task {
                Task::Autoencoder(_) => dictionary::normalise(exec, rows),
                Task::Transcoder { .. } => dictionary::shorten(exec, rows),
            }
        }
        let codes = workspace.codes();
        model.after_step(&mut parameters.tensors, codes, *steps);
        put_back(held, parameters);
        for idle in idle.iter_mut() {
            *idle = idle.saturating_add(1);
        }
        for b in 0..codes.rows() {
            let (columns, values) = codes.row(b);
            for (&j, &value) in columns.iter().zip(values) {
                if value != 0.0 {
                    idle[j as usize] = 0;
                }
            }
        }
        losses
    }

    /// Goes on with another variant, or with the same variant and other settings, from the current parameters and
    /// moments, so as to follow a schedule of penalties.
    ///
    /// # Panics
    /// If the variant has other tensors, or its settings make no sense for the shape.
    #[track_caller]
    pub fn set_variant(&mut self, variant: Variant) {
        self.parameters.set_variant(variant);
        self.gradient.set_variant(variant);
        self.workspace.set_variant(variant);
    }

    /// Returns the parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Returns the parameters, and drops the trainer.
    pub fn into_parameters(self) -> Parameters {
        self.parameters
    }

    /// Returns the settings of Adam.
    pub fn adam(&self) -> Adam {
        self.adam
    }

    /// Returns the settings of Adam, for writing, so as to follow a schedule of learning rates.
    pub fn adam_mut(&mut self) -> &mut Adam {
        &mut self.adam
    }

    /// Returns Adam's first and second moments, in the order of the parameters.
    pub fn moments(&self) -> [&[f32]; 2] {
        let [first, second] = &self.moments;
        [first, second]
    }

    /// Returns the number of steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Returns the number of steps since each dictionary element last fired on any sample.
    pub fn idle(&self) -> &[u32] {
        &self.idle
    }

    /// Returns the workspace, which holds the codes of the last step's batch.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Returns the workspace, for changing its settings or for encoding other batches with it.
    pub fn workspace_mut(&mut self) -> &mut Workspace {
        &mut self.workspace
    }
}

/// Restores the values of the tensors that are held.
pub(super) fn put_back(held: &[(Range<usize>, Vec<f32>)], parameters: &mut Parameters) {
    for (place, values) in held {
        parameters.values_mut()[place.clone()].copy_from_slice(values);
    }
}
