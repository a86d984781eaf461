//! The tables of `multilayer`.

use super::model::Model;
use super::settings::{Loss, Settings};
use super::train::{End, Kind};
use crate::table::{Column, Table, TableSpec};

const LOSS: Column = Column::word(
    "loss",
    &[Loss::SquaredError.name(), Loss::CrossEntropy.name()],
    "squared-error or cross-entropy: what is minimised and measured",
);
const N: Column = Column::int("n", "datapoints", "number N of datapoints");
const MODEL: Column = Column::word(
    "model",
    &[
        Kind::Trained.name(),
        Kind::Untrained.name(),
        Kind::Decisive.name(),
    ],
    "trained, untrained or decisive-layer (the loss applied to every layer from the one on that owns the \
     datapoint)",
);
const SEED: Column = Column::int(
    "seed",
    "",
    "seed of data, initial parameters and order of the data",
);
const LAYER: Column = Column::int(
    "layer",
    "",
    "layer l whose output x_l is read; 0 is the input layer",
);

pub static MODELS: TableSpec = TableSpec {
    name: "models",
    about: "One model and what the criteria look at.",
    columns: &[
        LOSS,
        N,
        MODEL,
        SEED,
        Column::int("steps", "steps", "steps of training"),
        Column::text(
            "end",
            "untrained, learned (every datapoint), budget (all steps used), or how it diverged",
        ),
        Column::real(
            "learned",
            "1",
            "fraction of the datapoints learned at the output",
        ),
        Column::real(
            "learned_before_last",
            "1",
            "fraction learned one layer before the end",
        ),
        Column::real(
            "area",
            "1",
            "mean over x_0 to x_{L-1} of the fraction learned",
        ),
        Column::real(
            "late_r2",
            "1",
            "R² of a line through the mean loss after each layer of the last half",
        ),
        Column::real(
            "late_change",
            "loss",
            "largest change of the mean loss over one of these layers",
        ),
        Column::real(
            "largest_share",
            "1",
            "largest layer's share of the gradient norm, median over datapoints",
        ),
    ],
};

pub static LAYERS: TableSpec = TableSpec {
    name: "layers",
    about: "One layer of one model, over all datapoints.",
    columns: &[
        LOSS,
        N,
        MODEL,
        SEED,
        LAYER,
        Column::real("mean_loss", "loss", "mean loss of x_l"),
        Column::real(
            "learned",
            "1",
            "fraction of the datapoints whose loss at x_l is below the threshold",
        ),
        Column::real(
            "gradient_norm",
            "1",
            "norm of the gradient of the correct output with respect to the layer's weight matrices, median \
             over datapoints; the input layer has none",
        ),
        Column::real(
            "gradient_share",
            "1",
            "its share of the sum over layers, median over datapoints",
        ),
    ],
};

pub static DATAPOINTS: TableSpec = TableSpec {
    name: "datapoints",
    about: "One random datapoint at one layer of one model.",
    columns: &[
        LOSS,
        N,
        MODEL,
        SEED,
        Column::int("datapoint", "", "number of the datapoint"),
        LAYER,
        Column::real("value", "loss", "its loss at x_l"),
        Column::real(
            "gradient_norm",
            "1",
            "norm of the gradient of its correct output with respect to the layer's weight matrices",
        ),
    ],
};

pub static TRAINING: TableSpec = TableSpec {
    name: "training",
    about: "One look at all datapoints during a training.",
    columns: &[
        LOSS,
        N,
        MODEL,
        SEED,
        Column::int("step", "steps", "steps done by then"),
        Column::real("mean_loss", "loss", "mean loss of the output"),
        Column::int(
            "learned",
            "datapoints",
            "datapoints below the threshold at every layer that their loss is applied to",
        ),
    ],
};

/// All of them, in order.
pub fn tabulate(s: &Settings, models: &[Model]) -> Vec<Table> {
    let mut of_models = Table::new(&MODELS);
    let mut layers = Table::new(&LAYERS);
    let mut datapoints = Table::new(&DATAPOINTS);
    let mut training = Table::new(&TRAINING);
    for model in models {
        let task = &model.task;
        let key = || -> [_; 4] {
            [
                task.loss.name().into(),
                task.n.into(),
                task.kind.name().into(),
                task.seed.into(),
            ]
        };
        for check in &model.checks {
            let [loss, n, kind, seed] = key();
            let row = [
                loss,
                n,
                kind,
                seed,
                check.step.into(),
                check.loss.into(),
                check.learned.into(),
            ];
            training.push(row);
        }
        let end = match (task.kind, &model.reading, model.end) {
            (Kind::Untrained, ..) => "untrained",
            (_, Err(why), _) => why,
            (_, _, Some(End::Learned)) => "learned",
            _ => "budget",
        };
        let reading = model.reading.as_ref();
        let (r2, change) = reading.map_or((f64::NAN, f64::NAN), |r| r.late_layers());
        let [loss, n, kind, seed] = key();
        of_models.push([
            loss,
            n,
            kind,
            seed,
            model.steps.into(),
            end.into(),
            reading.map_or(f64::NAN, |r| r.final_learned()).into(),
            reading.map_or(f64::NAN, |r| r.learned_before_last()).into(),
            reading.map_or(f64::NAN, |r| r.area()).into(),
            r2.into(),
            change.into(),
            reading.map_or(f64::NAN, |r| r.largest_share).into(),
        ]);
        let Ok(reading) = reading else {
            continue;
        };
        for l in 0..=s.layers {
            // Gradients belong to blocks 1 … L.
            let block = |values: &[f64]| if l == 0 { f64::NAN } else { values[l - 1] };
            let [loss, n, kind, seed] = key();
            layers.push([
                loss,
                n,
                kind,
                seed,
                l.into(),
                reading.loss[l].into(),
                reading.learned[l].into(),
                block(&reading.norm).into(),
                block(&reading.share).into(),
            ]);
        }
        for sample in &reading.samples {
            for l in 0..=s.layers {
                let norm = if l == 0 { f64::NAN } else { sample.norm[l - 1] };
                let [loss, n, kind, seed] = key();
                let place = sample.datapoint.into();
                datapoints.push([
                    loss,
                    n,
                    kind,
                    seed,
                    place,
                    l.into(),
                    sample.loss[l].into(),
                    norm.into(),
                ]);
            }
        }
    }
    vec![of_models, layers, datapoints, training]
}
