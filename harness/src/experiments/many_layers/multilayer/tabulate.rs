//! The conversion of what was measured into the rows of the tables.

use super::capacity::Attempt;
use super::curve::{Cell, Run};
use super::curves::late_layers;
use super::decisive::Measure;
use super::model::Model;
use super::reading::{Judge, Reading};
use super::settings::Settings;
use super::tables::{Datapoint, Decisive, Evaluation, Layer, OfCapacity, OfCurve, Summary};
use super::task::Kind;
use crate::session::training::End;
use crate::table::Table;
use crate::table::record::Word;

/// Returns all tables, in order.
pub fn all(s: &Settings, models: &[Model], curve: &[Run], capacity: &[Attempt]) -> Vec<Table> {
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
        layers: a.blocks.layers,
        hidden: a.blocks.hidden,
        rate: a.blocks.rate,
        n: a.n,
        looked_up: a.blocks.looked_up(),
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
    let task = model.task;
    let end = match (&model.reading, task.kind, &model.end) {
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
        part: task.part,
        loss: task.loss,
        n: task.n,
        model: task.kind,
        seed: task.seed,
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

/// Returns the value of a layer among those of blocks 1 … L; NaN for the input, which has none.
fn of_block(values: &[f64], layer: usize) -> f64 {
    layer.checked_sub(1).map_or(f64::NAN, |block| values[block])
}

fn layers(s: &Settings, model: &Model, reading: &Reading) -> Vec<Layer> {
    let task = model.task;
    let row = |layer: usize| {
        let right = |judge| reading.right(judge).0[layer];
        let share = |measure: Measure| of_block(&reading.shares[measure as usize], layer);
        let [loss_q10, _, loss_median, _, loss_q90] = reading.loss_quantiles[layer];
        Layer {
            part: task.part,
            loss: task.loss,
            n: task.n,
            model: task.kind,
            seed: task.seed,
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
    let task = model.task;
    let row = |&measure: &Measure| {
        let [q10, q25, median, q75, q90] = reading.decisive[measure as usize];
        Decisive {
            part: task.part,
            loss: task.loss,
            n: task.n,
            model: task.kind,
            seed: task.seed,
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
    let task = model.task;
    let mut rows = Vec::new();
    for sample in &reading.samples {
        rows.extend((0..sample.loss.len()).map(|layer| Datapoint {
            part: task.part,
            loss: task.loss,
            n: task.n,
            model: task.kind,
            seed: task.seed,
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
    let task = model.task;
    model.checks.iter().map(move |check| Evaluation {
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
