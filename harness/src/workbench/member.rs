//! One member of a sweep: its training and the parameters that it starts from, the trained model for raw activations,
//! and its rows in the tables.

use kernels::Exec;
use kernels::sae::{Lista, Parameters, Task, TwoLayer, Variant};

use crate::error::Result;
use crate::interchange;
use crate::rng::Rng;
use crate::sae::training::{self, Candidate, Plan, Recipe, Resampling, Trained};
use crate::workbench::data::Data;
use crate::workbench::measure::{Measured, measure};
use crate::workbench::settings::{Dead, Role, Settings};
use crate::workbench::tables::{Model, Step};

/// A model of a sweep: one combination of the lists of the settings.
pub struct Member {
    /// The name of the model, which is that of its folder.
    pub name: String,
    /// The name of the cell, which holds all models that differ from each other by their seed alone.
    pub cell: String,
    /// The role of the model: one that was asked for, or a baseline of one.
    pub role: Role,
    /// The number of the source of the rows: that of the layer, where there are several.
    pub source: usize,
    /// The number of elements of the dictionary.
    pub elements: usize,
    /// The variant of the model.
    pub variant: Variant,
    /// The number of active elements k, or the λ that training starts from.
    pub sparsity: f64,
    /// The number of active elements that λ is steered to, if it is steered.
    pub target_l0: Option<f64>,
    /// The seed of the first weights.
    pub seed: u64,
}

/// The seconds that a step takes for each row, column and element: a TopK step of 512 columns, 4,096 elements and 2,048
/// rows took some 0.3 s on a core of the Zen 3 family.
const SECONDS: f64 = 7e-11;

/// Returns the plan of a training.
pub fn plan(settings: &Settings) -> Plan {
    Plan {
        steps: settings.samples.div_ceil(settings.batch as u64),
        batch: settings.batch,
        learning_rate: settings.learning_rate,
        cooldown: settings.cooldown,
    }
}

/// Returns the number of steps without firing after which an element counts as dead.
pub fn dead_after(settings: &Settings) -> u32 {
    let steps = settings.dead_after.div_ceil(settings.batch as u64);
    steps.min(u32::MAX.into()) as u32
}

/// Returns the names of the tensors that keep their random first values in a model of this role.
fn held(role: Role) -> Vec<&'static str> {
    match role {
        Role::RandomDecoder => vec!["w_dec"],
        Role::RandomEncoder => vec!["w_enc", "w_hidden", "w_lateral"],
        Role::Model | Role::Pca => vec![],
    }
}

impl Member {
    /// Returns the candidate for training the member, whose first weights differ from source to source.
    pub fn candidate(&self, data: &Data, settings: &Settings) -> Candidate {
        let task = data.task(self.elements);
        let purpose = match self.source {
            0 => "weights".into(),
            source => format!("weights of source {source}"),
        };
        let mut rng = Rng::stream(self.seed, "sae train", &purpose, self.elements as u64);
        let mut start = training::initial(task, self.variant, &mut rng);
        centre(&mut start, data);
        if task.is_transcoder() && self.role == Role::RandomDecoder {
            // The decoder of a transcoder starts from zeros, so that of an autoencoder is taken.
            let autoencoder = training::initial(task.shape(), self.variant, &mut rng);
            let [mut rows] = start.tensors_mut(["w_dec"]);
            for j in 0..rows.rows() {
                rows.row_mut(j)
                    .copy_from_slice(autoencoder.dictionary().row(j));
            }
        }
        Candidate {
            slug: self.name.clone(),
            title: self.name.clone(),
            source: self.source,
            start,
            recipe: self.recipe(settings, &plan(settings)),
        }
    }

    /// Returns the rates, penalties and resampling of the member's training.
    fn recipe(&self, settings: &Settings, plan: &Plan) -> Recipe {
        let steps = |share: f64| (share * plan.steps as f64).round() as u64;
        let dead_after = dead_after(settings);
        let resampling = Resampling {
            every: dead_after.max(1).into(),
            until: plan.steps - steps(settings.cooldown),
            dead_after,
            seed: self.seed,
        };
        Recipe {
            rate: (16384.0 / self.elements as f64).sqrt(),
            warm_up: steps(settings.warmup),
            clip: (settings.clip > 0.0).then_some(settings.clip as f32),
            held: held(self.role),
            penalty_warm_up: steps(settings.lambda_warmup),
            target_l0: self.target_l0,
            dead_after: Some(dead_after),
            resampling: (settings.dead == Dead::Resample).then_some(resampling),
        }
    }

    /// Returns the estimated memory of the member's training, in bytes, for the task `task`.
    pub fn memory(&self, task: Task, plan: &Plan) -> f64 {
        let (d, n, b) = (task.input() as f64, self.elements as f64, plan.batch as f64);
        // A deeper encoder takes beyond a linear one: parameters, gradient, moments and a checkpoint; and layers.
        let parameters = |count: f64| 8.0 * count;
        let deeper = match self.variant {
            Variant::TwoLayer(TwoLayer { hidden, .. }) => {
                let h = hidden as f64;
                parameters(h * (n + d)) + 2.0 * b * h
            }
            Variant::Lista(Lista { steps, .. }) => parameters(n * n) + (steps as f64 + 4.0) * b * n,
            _ => 0.0,
        };
        plan.of_model(task) + 4.0 * deeper
    }

    /// Returns the estimated seconds of the member's training on one core, for the task `task`: rough, since machines
    /// differ.
    pub fn seconds(&self, task: Task, plan: &Plan) -> f64 {
        let (input, output) = (task.input() as f64, task.shape().width as f64);
        let n = self.elements as f64;
        // Few elements are active in sparse codes. A penalty lets many be at first, and leaves dense products to do.
        let (dense, deeper) = match self.variant {
            Variant::TopK(_) | Variant::BatchTopK(_) => (1.0, 0.0),
            Variant::Matryoshka(_) | Variant::JumpRelu(_) => (1.5, 0.0),
            Variant::L1(_) | Variant::TiedL1(_) | Variant::Gated(_) => (2.5, 0.0),
            Variant::TwoLayer(TwoLayer { hidden, .. }) => (2.5, hidden as f64 * (n + input)),
            Variant::Lista(Lista { steps, .. }) => (2.5, steps as f64 * n * n),
        };
        let products = dense * ((input + output) / 2.0 * n + deeper);
        SECONDS * plan.steps as f64 * plan.batch as f64 * products
    }

    /// Returns the losses that were recorded in the member's training, as rows of a table.
    pub fn curve(&self, settings: &Settings, trained: &Trained) -> impl Iterator<Item = Step> {
        trained.records.iter().map(|r| Step {
            model: self.name.clone(),
            samples: r.step * settings.batch as u64,
            reconstruction: r.reconstruction,
            penalty: r.sparsity,
            l0: r.density * self.elements as f64,
            lambda: r.lambda,
        })
    }

    /// Returns the member's row in the table of all models.
    pub fn row(&self, settings: &Settings, trained: &Trained, measured: &Measured) -> Model {
        Model {
            model: self.name.clone(),
            cell: self.cell.clone(),
            role: self.role,
            variant: settings.variant,
            elements: self.elements,
            sparsity: match self.target_l0 {
                Some(_) => trained.lambda,
                None => self.sparsity,
            },
            target_l0: self.target_l0.unwrap_or(f64::NAN),
            seed: self.seed,
            end: trained
                .divergence
                .clone()
                .unwrap_or_else(|| "trained".into()),
            samples: plan(settings).rows(),
            measures: measured.measures(),
        }
    }
}

/// Starts the decoder's bias, if there is one, at the mean of the normalised rows that the model reconstructs.
fn centre(start: &mut Parameters, data: &Data) {
    if let Variant::TiedL1(_) = start.variant() {
        return;
    }
    let [mut bias] = start.tensors_mut(["b_dec"]);
    let (mean, subtracted, scale) = match &data.target {
        None => (&data.whole_mean, &data.mean, data.scale),
        Some(target) => (&target.whole_mean, &target.mean, target.scale),
    };
    let means = mean.iter().zip(subtracted);
    for (bias, (mean, subtracted)) in bias.row_mut(0).iter_mut().zip(means) {
        *bias = (*mean as f32 - subtracted) / scale;
    }
}

/// Converts a trained model to raw activations, and measures it on the rows with the numbers `rows`; its measures hold
/// the activity of its elements, with `top` top rows for each, if `top` is given.
pub fn finish(
    exec: Exec,
    mut trained: Trained,
    data: &Data,
    rows: &[u64],
    top: Option<usize>,
) -> Result<(Trained, Measured)> {
    let (mean, scale) = match &data.target {
        None => (&data.mean, data.scale),
        Some(target) => {
            let read_raw = interchange::read_raw(trained.parameters, &data.mean, data.scale);
            trained.parameters = read_raw;
            (&target.mean, target.scale)
        }
    };
    trained.parameters = interchange::fold(exec, trained.parameters, mean, scale);
    let measured = measure(exec, &trained.parameters, data.pairs(), rows, top)?;
    Ok((trained, measured))
}
