//! The tables of `multilayer`.

use super::capacity::{Attempt, Way};
use super::curve::{Batch, Budget, Cell, Run};
use super::curves::late_layers;
use super::decisive::Measure;
use super::model::Model;
use super::reading::{Judge, Reading};
use super::settings::{Loss, Settings};
use super::task::{Kind, Part, Task};
use crate::session::training::End;
use crate::table::Table;
use crate::table::record::Word;

crate::rows! {
    /// One model.
    pub struct Summary in "models" {
        /// point (the settings of the experiment), opposite (of each choice), other-targets (modular instead of random,
        /// or the other way round) or long (many more epochs)
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// trained, untrained, or built by hand: look-up (one layer decides), and-spread (all layers do),
        /// and-in-one-layer
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// number L of layers
        layers: usize ["layers"],
        /// steps of training
        steps: u64 ["steps"],
        /// untrained, built, learned (every datapoint, where that ends the training), budget (all steps used), or why
        /// there is no model
        end: String [""],
        /// fraction of the datapoints learned at the output: their loss is below the threshold
        learned: f64 ["1"],
        /// fraction learned one layer before the end
        learned_before_last: f64 ["1"],
        /// mean over layers 0 to L-1 of the fraction learned
        area: f64 ["1"],
        /// first layer after which half of the datapoints are learned, as a share of L
        depth: f64 ["1"],
        /// R² of a line through the mean loss after each layer of the last half
        late_r2: f64 ["1"],
        /// largest change of the mean loss over one of the layers of the last half
        late_change: f64 ["loss"],
        /// largest layer's share of the gradient norm, median over datapoints
        largest_share: f64 ["1"],
    }
}

crate::rows! {
    /// One layer of one model, over all datapoints. What is right is read from the residual stream after the layer.
    pub struct Layer in "layers" {
        /// as in models.csv
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// as in models.csv
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// the layer after which is read; 0 is the input
        layer: usize [""],
        /// mean loss of the logit lens
        mean_loss: f64 ["loss"],
        /// 10 % quantile over the datapoints of that loss
        loss_q10: f64 ["loss"],
        /// their median
        loss_median: f64 ["loss"],
        /// 90 % quantile
        loss_q90: f64 ["loss"],
        /// fraction of the datapoints whose loss is below the threshold
        learned: f64 ["1"],
        /// fraction of the datapoints whose correct logit is the largest
        right: f64 ["1"],
        /// the same through an affine lens fitted on the half of the datapoints that this one is not in
        right_affine: f64 ["1"],
        /// norm of the gradient of the correct output with respect to the layer's weight matrices, median over
        /// datapoints; the input has none
        gradient_norm: f64 ["1"],
        /// the layer's share of the sum of the gradient norms of all layers, median over datapoints
        gradient_share: f64 ["1"],
        /// its share of what layers add to the correct logit, median over datapoints
        contribution_share: f64 ["1"],
        /// its share of the drops of the loss, median over datapoints
        loss_share: f64 ["1"],
        /// its share of the rises of the correct logit over the largest other one, median over datapoints
        margin_share: f64 ["1"],
    }
}

crate::rows! {
    /// How much of what a model does for a datapoint is done by the layer that decides: quantiles over the datapoints.
    pub struct Decisive in "decisive" {
        /// as in models.csv
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// as in models.csv
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// gradient (norm of the gradient of the correct output), contribution (to the correct logit), loss (its drop)
        /// or margin (rise of the correct logit over the largest other one)
        measure: Measure [""],
        /// 10 % quantile of the largest layer's share; by the margin, of the share of the layer from which on the
        /// datapoint is right
        q10: f64 ["1"],
        /// 25 % quantile
        q25: f64 ["1"],
        /// median
        median: f64 ["1"],
        /// 75 % quantile
        q75: f64 ["1"],
        /// 90 % quantile
        q90: f64 ["1"],
        /// the median in units of 1/L
        in_layers: f64 ["1/L"],
    }
}

crate::rows! {
    /// One random datapoint at one layer of one model.
    pub struct Datapoint in "datapoints" {
        /// as in models.csv
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// as in models.csv
        model: Kind [""],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// number of the datapoint
        datapoint: usize [""],
        /// the layer after which is read; 0 is the input
        layer: usize [""],
        /// loss of the datapoint
        value: f64 ["loss"],
        /// its correct logit
        logit: f64 ["1"],
        /// norm of the gradient of the datapoint's correct output with respect to the layer's weight matrices
        gradient_norm: f64 ["1"],
    }
}

crate::rows! {
    /// One look at all datapoints during a training.
    pub struct Evaluation in "training" {
        /// as in models.csv
        part: Part [""],
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// steps done by then
        step: u64 ["steps"],
        /// mean loss of the output
        mean_loss: f64 ["loss"],
        /// datapoints whose loss at the output is below the threshold
        learned: u64 ["datapoints"],
        /// R² of a line through the mean loss after each layer of the last half
        late_r2: f64 ["1"],
        /// mean over layers 0 to L-1 of the fraction learned
        area: f64 ["1"],
        /// first layer after which half of the datapoints are learned, as a share of L
        depth: f64 ["1"],
    }
}

crate::rows! {
    /// One model of the specification curve.
    pub struct OfCurve in "curve" {
        /// squared-error or cross-entropy: what is minimised and measured
        loss: Loss [""],
        /// number L of layers
        layers: usize ["layers"],
        /// minibatch, or all datapoints
        batch: Batch [""],
        /// equal-epochs or equal-steps for every N, or early-stop once every datapoint is below the threshold
        budget: Budget [""],
        /// learning rate
        rate: f64 ["1"],
        /// number N of datapoints
        n: usize ["datapoints"],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// fraction of the datapoints learned at the output
        learned: f64 ["1"],
        /// first layer after which half of the datapoints are learned, as a share of L
        depth: f64 ["1"],
        /// mean over layers 0 to L-1 of the fraction learned
        area: f64 ["1"],
        /// the same of the fraction whose correct logit is the largest
        right_area: f64 ["1"],
        /// R² of a line through the mean loss after each layer of the last half
        late_r2: f64 ["1"],
        /// largest change of the mean loss over one of the layers of the last half
        late_change: f64 ["loss"],
        /// largest layer's share of the gradient norm, median over datapoints, in units of 1/L
        gradient: f64 ["1/L"],
        /// largest layer's share of the contributions to the correct logit
        contribution: f64 ["1/L"],
        /// largest layer's share of the drops of the loss
        loss_drop: f64 ["1/L"],
        /// share of the rises of the margin in the layer from which on a datapoint is right
        margin: f64 ["1/L"],
    }
}

crate::rows! {
    /// One attempt to learn a number of pairs.
    pub struct OfCapacity in "capacity" {
        /// end-to-end, or block-by-block (each block trained on the loss after it, those before it as they are)
        way: Way [""],
        /// number of pairs
        n: usize ["datapoints"],
        /// pairs that look-up blocks of the same size hold
        looked_up: usize ["datapoints"],
        /// seed of data, initial parameters and order of the data
        seed: u64 [""],
        /// fraction learned at the end
        learned: f64 ["1"],
    }
}

/// All of them, in order.
pub fn tabulate(s: &Settings, models: &[Model], curve: &[Run], capacity: &[Attempt]) -> Vec<Table> {
    let read = || {
        let pairs = models.iter().map(|m| (m, m.reading.as_ref().ok()));
        pairs.filter_map(|(m, reading)| Some((m, reading?)))
    };
    let summaries: Vec<_> = models.iter().map(|m| summary(s, m)).collect();
    let layers: Vec<_> = read().flat_map(|(m, r)| layers(s, m, r)).collect();
    let decisive: Vec<_> = read().flat_map(|(m, r)| decisive(m, r)).collect();
    let datapoints: Vec<_> = read().flat_map(|(m, r)| datapoints(m, r)).collect();
    let evaluations: Vec<_> = models.iter().flat_map(evaluations).collect();
    let of_curve: Vec<_> = curve.iter().filter_map(|run| of_curve(s, run)).collect();
    let of_capacity = capacity.iter().map(|a| OfCapacity {
        way: a.way,
        n: a.n,
        looked_up: s.capacity.looked_up(),
        seed: a.seed,
        learned: a.learned,
    });
    vec![
        Table::of(&summaries),
        Table::of(&layers),
        Table::of(&decisive),
        Table::of(&datapoints),
        Table::of(&evaluations),
        Table::of(&of_curve),
        Table::of(&of_capacity.collect::<Vec<_>>()),
    ]
}

fn summary(s: &Settings, model: &Model) -> Summary {
    let Task {
        part,
        loss,
        n,
        seed,
        kind,
    } = model.task;
    let end = match (&model.reading, kind, &model.end) {
        (Err(why), ..) => why,
        (_, Kind::Untrained, _) => "untrained",
        (_, _, Some(End::Learned)) => "learned",
        (_, Kind::Trained, _) => "budget",
        _ => "built",
    };
    let reading = model.reading.as_ref().ok();
    let of = |value: &dyn Fn(&Reading) -> f64| reading.map_or(f64::NAN, value);
    let right = Judge::Loss(s.threshold);
    Summary {
        part,
        loss,
        n,
        model: kind,
        seed,
        layers: model.recipe.layers,
        steps: model.steps,
        end: end.into(),
        learned: of(&|r| r.right(right).last()),
        learned_before_last: of(&|r| r.right(right).before_last()),
        area: of(&|r| r.right(right).area()),
        depth: of(&|r| r.right(right).depth()),
        late_r2: of(&|r| late_layers(&r.loss).0),
        late_change: of(&|r| late_layers(&r.loss).1),
        largest_share: of(&|r| r.decisive_median(Measure::Gradient)),
    }
}

/// The value of a layer among those of blocks 1 … L; the input has none.
fn of_block(values: &[f64], layer: usize) -> f64 {
    layer.checked_sub(1).map_or(f64::NAN, |block| values[block])
}

fn layers(s: &Settings, model: &Model, reading: &Reading) -> Vec<Layer> {
    let Task {
        part,
        loss,
        n,
        seed,
        kind,
    } = model.task;
    let row = |layer: usize| {
        let right = |judge| reading.right(judge).0[layer];
        let share = |measure: Measure| of_block(&reading.shares[measure as usize], layer);
        let [loss_q10, _, loss_median, _, loss_q90] = reading.loss_quantiles[layer];
        Layer {
            part,
            loss,
            n,
            model: kind,
            seed,
            layer,
            mean_loss: reading.loss[layer],
            loss_q10,
            loss_median,
            loss_q90,
            learned: right(Judge::Loss(s.threshold)),
            right: right(Judge::Argmax),
            right_affine: right(Judge::AffineLens),
            gradient_norm: of_block(&reading.norm, layer),
            gradient_share: share(Measure::Gradient),
            contribution_share: share(Measure::Contribution),
            loss_share: share(Measure::Loss),
            margin_share: share(Measure::Margin),
        }
    };
    (0..reading.loss.len()).map(row).collect()
}

fn decisive(model: &Model, reading: &Reading) -> Vec<Decisive> {
    let Task {
        part,
        loss,
        n,
        seed,
        kind,
    } = model.task;
    let row = |&measure: &Measure| {
        let [q10, q25, median, q75, q90] = reading.decisive[measure as usize];
        Decisive {
            part,
            loss,
            n,
            model: kind,
            seed,
            measure,
            q10,
            q25,
            median,
            q75,
            q90,
            in_layers: median * model.recipe.layers as f64,
        }
    };
    Measure::ALL.iter().map(row).collect()
}

fn datapoints(model: &Model, reading: &Reading) -> Vec<Datapoint> {
    let Task {
        part,
        loss,
        n,
        seed,
        kind,
    } = model.task;
    let mut rows = Vec::new();
    for sample in &reading.samples {
        rows.extend((0..sample.loss.len()).map(|layer| Datapoint {
            part,
            loss,
            n,
            model: kind,
            seed,
            datapoint: sample.datapoint,
            layer,
            value: sample.loss[layer],
            logit: sample.logit[layer],
            gradient_norm: of_block(&sample.norm, layer),
        }));
    }
    rows
}

fn evaluations(model: &Model) -> impl Iterator<Item = Evaluation> {
    let task = &model.task;
    model.checks.iter().map(|check| Evaluation {
        part: task.part,
        loss: task.loss,
        n: task.n,
        seed: task.seed,
        step: check.step,
        mean_loss: check.loss,
        learned: check.learned,
        late_r2: check.late_r2,
        area: check.area,
        depth: check.depth,
    })
}

fn of_curve(s: &Settings, run: &Run) -> Option<OfCurve> {
    let scores = run.trained.as_ref().ok()?;
    let Cell {
        loss,
        layers,
        batch,
        budget,
        rate,
    } = run.cell;
    let learned = scores.right(Judge::Loss(s.threshold));
    let [gradient, contribution, loss_drop, margin] =
        scores.decisive.map(|share| share * layers as f64);
    Some(OfCurve {
        loss,
        layers,
        batch,
        budget,
        rate,
        n: run.n,
        seed: run.seed,
        learned: learned.last,
        depth: learned.depth,
        area: learned.area,
        right_area: scores.right(Judge::Argmax).area,
        late_r2: scores.late_r2,
        late_change: scores.late_change,
        gradient,
        contribution,
        loss_drop,
        margin,
    })
}
