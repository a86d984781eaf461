//! The figures of `multilayer`, from its tables.

mod layers;
mod seeds;

use layers::{Models, from_zero};
use seeds::{Column, add, over_seeds};

use super::capacity::Way;
use super::claims::LEARNED;
use super::curve::{Batch, Budget};
use super::decisive::Measure;
use super::settings::Loss;
use super::tables::{Datapoint, Decisive, Evaluation, Layer, OfCapacity, OfCurve, Summary};
use super::task::{Kind, Part};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::table::record::Word as _;
use crate::table::{Record, Tables};

pub const NAMES: &[&str] = &[
    "loss-per-layer",
    "single-datapoints",
    "learned-per-layer",
    "ways-to-be-right",
    "gradient-per-layer",
    "who-decides",
    "during-training",
    "capacity",
    "more-datapoints",
];

/// The parts that are set side by side: the settings of the experiment, and the opposite of each choice.
const SIDE_BY_SIDE: [Part; 2] = [Part::Point, Part::Opposite];

/// Draws all figures, in the order of [`NAMES`].
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let models = Models::of(tables);
    let mut figures = vec![
        side_by_side::<Layer>(
            NAMES[0],
            "Mean loss over all datapoints if the residual stream after a layer is read as the output; layer 0 is the \
             input. Lines: means over seeds, bands: smallest to largest. Dotted: a look-up model, in which one layer \
             decides on each datapoint; its loss falls along a straight line too. First the settings of the \
             experiment, then the opposite choices, at fewer seeds. A training that diverged, whose loss is larger at the \
             output than at the input, is left out of all means over seeds.",
            |part| models.loss(part),
        ),
        side_by_side::<Datapoint>(
            NAMES[1],
            "Loss of a few random datapoints after each layer, at the largest N that is learned; one line a datapoint, all \
             of them of the model of one seed.",
            |part| models.single(part, "loss", |r| r.value),
        ),
        side_by_side::<Layer>(
            NAMES[2],
            "Fraction of the datapoints whose loss is below the threshold after each layer. Lines: means over seeds, \
             bands: smallest to largest. Dotted: a look-up model, in which each layer makes as many datapoints right \
             as any other. The opposite choices, and below them models of the other kind of targets (modular instead of \
             random, or the other way round) at the largest N: fewer seeds.",
            |part| models.learned(part),
        )
        .panel(models.learned(Part::OtherTargets)),
        side_by_side::<Layer>(
            NAMES[3],
            "Fraction of the datapoints that are right after each layer at the largest N, told in three ways: the loss \
             is below the threshold; the correct logit is the largest; it is the largest through an affine lens that \
             was fitted on other datapoints. Means over seeds, bands: smallest to largest. The opposite \
             choices: fewer seeds.",
            |part| models.ways(part),
        ),
    ];
    figures.push(
        Figure::new(
            NAMES[4],
            "Norm of the gradient of the correct output with respect to the weight matrices of each layer. First \
             of random datapoints of one model one by one, then each layer's share of the sum over the layers, median \
             over datapoints; lines: means over seeds, bands: smallest to largest; dotted: an untrained model.",
        ).of::<Datapoint>().of::<Layer>()
        .panel(models.single(Part::Point, "gradient norm", |r| r.gradient_norm))
        .panel(models.gradient_share()),
    );
    figures.push(who_decides(&models, &tables.rows()));
    figures.push(during_training(&models.summaries, &tables.rows()));
    figures.push(capacity(&tables.rows::<OfCapacity>()));
    figures.push(more_datapoints(&models, &tables.rows()));
    figures
}

fn side_by_side<R: Record>(name: &str, caption: &str, panel: impl Fn(Part) -> Panel) -> Figure {
    let panels = SIDE_BY_SIDE.map(panel);
    panels
        .into_iter()
        .fold(Figure::new(name, caption).of::<R>(), Figure::panel)
}

/// Draws the share of the layer that decides, by four measures and for every kind of model.
fn who_decides(models: &Models, rows: &[Decisive]) -> Figure {
    let mut figure = Figure::new(
        NAMES[5],
        "The share of the layer that decides, in units of 1/L, by four measures: the gradient of the correct \
         output, what a layer adds to the correct logit, the drop of the loss, and the rise of the correct logit \
         over all others in the layer from which on a datapoint is right. Dots: medians over the datapoints, one a \
         seed; bars: from their 10 % to their 90 % quantile. Where all layers do the same the share is 1, where \
         one does all it is L. A claim asks for at most 2.",
    ).of::<Decisive>();
    let kinds = [
        (Kind::Trained, Role::Other(0), "trained"),
        (Kind::Untrained, Role::Control, "untrained"),
        (
            Kind::AndSpread,
            Role::Distributed,
            "by hand, work in all layers",
        ),
        (
            Kind::AndInOneLayer,
            Role::Other(1),
            "by hand, work in one layer",
        ),
        (
            Kind::LookUp,
            Role::Aligned,
            "by hand, one layer a datapoint",
        ),
    ];
    // Both panels have the same axis, on which all layers doing the same and one doing all can be seen.
    let largest = rows.iter().map(|r| r.in_layers);
    let largest = largest.filter(|v| v.is_finite()).fold(8.0, f64::max);
    for part in SIDE_BY_SIDE {
        let measures = Measure::ALL.iter().map(|m| m.word());
        let mut panel = Panel::new(
            models.title(part),
            Axis::named("measure", measures),
            Axis::log("share of the layer that decides (1/L)").range(0.2, 1.25 * largest),
        );
        for (i, (kind, role, label)) in kinds.into_iter().enumerate() {
            let ours = rows.iter();
            let ours = ours.filter(|r| (r.part, r.model) == (part, kind));
            let x = |r: &Decisive| {
                r.measure as usize as f64 + 0.15 * (i as f64 - (kinds.len() - 1) as f64 / 2.0)
            };
            let scale = |r: &Decisive| r.in_layers / r.median;
            let bars = over_seeds(ours.clone().map(|r| (x(r), r.q10 * scale(r))));
            let tops = over_seeds(ours.clone().map(|r| (x(r), r.q90 * scale(r))));
            let bars = bars.iter().zip(&tops).map(|(a, b)| (a.0, a.1, b.1));
            let dots: Vec<_> = ours.map(|r| (x(r), r.in_layers)).collect();
            if !dots.is_empty() {
                panel = panel.intervals(role, bars).scatter(role, label, dots);
            }
        }
        figure = figure.panel(panel.level(2.0, "2/L"));
    }
    figure
}

/// Draws what the criteria look at during one long training.
fn during_training(summaries: &[Summary], looks: &[Evaluation]) -> Figure {
    type Columns = (Column<Evaluation>, Column<Summary>);
    let columns: [(&str, Columns); 3] = [
        (
            "R² of a line through the late layers",
            (|r| r.late_r2, |r| r.late_r2),
        ),
        (
            "share of L where half are learned",
            (|r| r.depth, |r| r.depth),
        ),
        ("area before the last layer", (|r| r.area, |r| r.area)),
    ];
    let long = || looks.iter().filter(|r| r.part == Part::Long);
    let n = long().map(|r| r.n).next();
    let settled = || {
        let ours = summaries.iter();
        ours.filter(|r| (r.part, r.model, Some(r.n)) == (Part::Point, Kind::Trained, n))
    };
    let end = settled().map(|r| r.steps).max().unwrap_or(0);
    let mut figure = Figure::new(
        NAMES[6],
        format!(
            "What the criteria look at, with N = {}. Line: one long training, read on the way. Dots: the models on which \
             the claims are settled, which stop at step {end}, a dot a seed.",
            n.unwrap_or(0)
        ),
    ).of::<Evaluation>().of::<Summary>()
    .columns(3);
    for (label, (on_the_way, at_the_end)) in columns {
        let long = long().map(|r| (r.step as f64, on_the_way(r)));
        let settled = settled().map(|r| (r.steps as f64, at_the_end(r)));
        // The axis has room for points at its ends.
        let y = Axis::linear(label).range(-0.02, 1.02);
        let panel = Panel::new("", Axis::log("training steps"), y)
            .line(Role::Other(0), "one long training", long)
            .scatter(Role::Distributed, "models that settle the claims", settled);
        figure = figure.panel(panel);
    }
    figure
}

/// Draws the fraction learned against the number of pairs, in both ways.
fn capacity(rows: &[OfCapacity]) -> Figure {
    let rows: Vec<_> = rows.iter().filter(|r| r.is_like(&rows[0])).collect();
    let mut panel = Panel::new(
        "",
        Axis::log("number of pairs"),
        Axis::linear("fraction learned").range(0.0, 1.0),
    );
    let ways = [
        (
            Way::EndToEnd,
            Role::Distributed,
            "all blocks trained together",
        ),
        (
            Way::BlockByBlock,
            Role::Aligned,
            "blocks trained one by one",
        ),
    ];
    for (way, role, label) in ways {
        let ours = rows.iter().filter(|r| r.way == way);
        panel = add(
            panel,
            role,
            label,
            over_seeds(ours.map(|r| (r.n as f64, r.learned))),
        );
    }
    if let Some(row) = rows.first() {
        let held = row.looked_up as f64;
        panel = panel.line(
            Role::Control,
            "pairs that look-up blocks hold",
            [(held, 0.0), (held, 1.0)],
        );
    }
    Figure::new(
        NAMES[7],
        "The fraction of the pairs that is learned, for ever more of them up to the first number that is not learned. \
         Means over seeds, bands: smallest to largest. The vertical line: one pair a hidden unit, which is what blocks \
         hold that look each pair up.",
    ).of::<OfCapacity>()
    .panel(panel.level(LEARNED, "learned"))
}

/// Draws the area under the fraction learned before the last layer against the number of datapoints.
fn more_datapoints(models: &Models, curve: &[OfCurve]) -> Figure {
    // All panels have the same axis.
    let areas = models.of_kind(Part::Point, Kind::Trained).map(|r| r.area);
    let areas: Vec<f64> = areas.chain(curve.iter().map(|r| r.area)).collect();
    let panel = |title: String| {
        let y = from_zero("area before the last layer", areas.iter().copied());
        Panel::new(title, Axis::log("number N of datapoints"), y)
    };
    let mut figure = Figure::new(
        NAMES[8],
        "Whether more datapoints are learned earlier: the mean over the layers before the last of the fraction of the \
         datapoints whose loss is below the threshold, against their number. First the models of the experiment, then those of \
         the specification curve trained with minibatches, by loss and by the length of the training. Lines: means over \
         seeds, depths and learning rates; bands: smallest to largest.",
    )
    .of::<Summary>()
    .of::<OfCurve>()
    .columns(3)
    .panel(add(
        panel(models.title(Part::Point)),
        Role::Distributed,
        "equal epochs",
        over_seeds(
            models
                .of_kind(Part::Point, Kind::Trained)
                .map(|r| (r.n as f64, r.area)),
        ),
    ));
    for &loss in Loss::ALL {
        let mut panel = panel(format!("{}, minibatches", loss.word().replace('-', " ")));
        for (i, &budget) in Budget::ALL.iter().enumerate() {
            let ours = curve
                .iter()
                .filter(|r| (r.loss, r.batch, r.budget) == (loss, Batch::Minibatch, budget));
            let points = over_seeds(ours.map(|r| (r.n as f64, r.area)));
            let label = budget.word().replace('-', " ");
            panel = add(panel, Role::Other(i as u8), &label, points);
        }
        figure = figure.panel(panel);
    }
    figure
}
