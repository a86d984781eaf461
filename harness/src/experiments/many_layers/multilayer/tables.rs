//! The tables of `multilayer`.

use super::model::Model;
use super::settings::{Loss, Settings};
use super::train::{End, Kind};
use crate::table::Table;

crate::rows! {
    /// One model and what the criteria look at.
    pub struct Summary in "models" {
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// trained, untrained or decisive-layer (the loss applied to every layer from the one on that owns the
        /// datapoint)
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// steps of training
        steps: u64 ["steps"],
        /// untrained, learned (every datapoint), budget (all steps used), or how it diverged
        end: String [""],
        /// fraction of the datapoints learned at the output
        learned: f64 ["1"],
        /// fraction learned one layer before the end
        learned_before_last: f64 ["1"],
        /// mean over x_0 to x_{L-1} of the fraction learned
        area: f64 ["1"],
        /// R² of a line through the mean loss after each layer of the last half
        late_r2: f64 ["1"],
        /// largest change of the mean loss over one of the layers of the last half
        late_change: f64 ["loss"],
        /// largest layer's share of the gradient norm, median over datapoints
        largest_share: f64 ["1"],
    }
}

crate::rows! {
    /// One layer of one model, over all datapoints.
    pub struct Layer in "layers" {
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// trained, untrained or decisive-layer (the loss applied to every layer from the one on that owns the
        /// datapoint)
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// layer l whose output x_l is read; 0 is the input layer
        layer: usize [""],
        /// mean loss of x_l
        mean_loss: f64 ["loss"],
        /// fraction of the datapoints whose loss at x_l is below the threshold
        learned: f64 ["1"],
        /// norm of the gradient of the correct output with respect to the layer's weight matrices, median over
        /// datapoints; the input layer has none
        gradient_norm: f64 ["1"],
        /// the layer's share of the sum of the gradient norms of all layers, median over datapoints
        gradient_share: f64 ["1"],
    }
}

crate::rows! {
    /// One random datapoint at one layer of one model.
    pub struct Datapoint in "datapoints" {
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// trained, untrained or decisive-layer (the loss applied to every layer from the one on that owns the
        /// datapoint)
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// number of the datapoint
        datapoint: usize [""],
        /// layer l whose output x_l is read; 0 is the input layer
        layer: usize [""],
        /// loss of the datapoint at x_l
        value: f64 ["loss"],
        /// norm of the gradient of the datapoint's correct output with respect to the layer's weight matrices
        gradient_norm: f64 ["1"],
    }
}

crate::rows! {
    /// One look at all datapoints during a training.
    pub struct Evaluation in "training" {
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// trained, untrained or decisive-layer (the loss applied to every layer from the one on that owns the
        /// datapoint)
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// steps done by then
        step: u64 ["steps"],
        /// mean loss of the output
        mean_loss: f64 ["loss"],
        /// datapoints below the threshold at every layer that their loss is applied to
        learned: u64 ["datapoints"],
    }
}

/// All of them, in order.
pub fn tabulate(s: &Settings, models: &[Model]) -> Vec<Table> {
    let summaries: Vec<_> = models.iter().map(summary).collect();
    let layers: Vec<_> = models.iter().flat_map(|m| layers(m, s.layers)).collect();
    let datapoints: Vec<_> = models
        .iter()
        .flat_map(|m| datapoints(m, s.layers))
        .collect();
    let evaluations: Vec<_> = models.iter().flat_map(evaluations).collect();
    vec![
        Table::of(&summaries),
        Table::of(&layers),
        Table::of(&datapoints),
        Table::of(&evaluations),
    ]
}

fn summary(model: &Model) -> Summary {
    let task = &model.task;
    let end = match (task.kind, &model.reading, model.end) {
        (Kind::Untrained, ..) => "untrained",
        (_, Err(why), _) => why,
        (_, _, Some(End::Learned)) => "learned",
        _ => "budget",
    };
    let reading = model.reading.as_ref();
    let (late_r2, late_change) = reading.map_or((f64::NAN, f64::NAN), |r| r.late_layers());
    Summary {
        loss: task.loss,
        n: task.n,
        model: task.kind,
        seed: task.seed,
        steps: model.steps,
        end: end.into(),
        learned: reading.map_or(f64::NAN, |r| r.final_learned()),
        learned_before_last: reading.map_or(f64::NAN, |r| r.learned_before_last()),
        area: reading.map_or(f64::NAN, |r| r.area()),
        late_r2,
        late_change,
        largest_share: reading.map_or(f64::NAN, |r| r.largest_share),
    }
}

/// The value of a layer among those of blocks 1 … L; the input layer has none.
fn of_block(values: &[f64], layer: usize) -> f64 {
    layer.checked_sub(1).map_or(f64::NAN, |block| values[block])
}

fn layers(model: &Model, layers: usize) -> Vec<Layer> {
    let task = &model.task;
    let Ok(reading) = &model.reading else {
        return Vec::new();
    };
    let row = |layer| Layer {
        loss: task.loss,
        n: task.n,
        model: task.kind,
        seed: task.seed,
        layer,
        mean_loss: reading.loss[layer],
        learned: reading.learned[layer],
        gradient_norm: of_block(&reading.norm, layer),
        gradient_share: of_block(&reading.share, layer),
    };
    (0..=layers).map(row).collect()
}

fn datapoints(model: &Model, layers: usize) -> Vec<Datapoint> {
    let task = &model.task;
    let mut rows = Vec::new();
    for sample in model.reading.iter().flat_map(|reading| &reading.samples) {
        rows.extend((0..=layers).map(|layer| Datapoint {
            loss: task.loss,
            n: task.n,
            model: task.kind,
            seed: task.seed,
            datapoint: sample.datapoint,
            layer,
            value: sample.loss[layer],
            gradient_norm: of_block(&sample.norm, layer),
        }));
    }
    rows
}

fn evaluations(model: &Model) -> impl Iterator<Item = Evaluation> {
    let task = &model.task;
    model.checks.iter().map(|check| Evaluation {
        loss: task.loss,
        n: task.n,
        model: task.kind,
        seed: task.seed,
        step: check.step,
        mean_loss: check.loss,
        learned: check.learned,
    })
}
