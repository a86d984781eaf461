//! The figures of `multilayer`, from its tables.

use super::capacity::Way;
use super::claims::LEARNED;
use super::decisive::Measure;
use super::tables::{Datapoint, Decisive, Evaluation, Layer, OfCapacity, Summary};
use super::task::{Kind, Part};
use crate::figure::{Axis, Figure, Mark, Panel, Role};
use crate::stats::mean;
use crate::stats::observations::Observations as _;
use crate::table::Tables;
use crate::table::record::Word as _;

pub const NAMES: &[&str] = &[
    "loss-per-layer",
    "single-datapoints",
    "learned-per-layer",
    "ways-to-be-right",
    "gradient-per-layer",
    "who-decides",
    "during-training",
    "capacity",
];

/// The parts that are set side by side: the settings of the experiment, and the opposite of each choice.
const SIDE_BY_SIDE: [Part; 2] = [Part::Point, Part::Opposite];

/// All figures, in the order of their names.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let models = Models::of(tables);
    let mut figures = vec![
        side_by_side(
            NAMES[0],
            "Mean loss over all datapoints if the residual stream after a layer is read as the output; layer 0 is the \
             input. Lines: means over seeds, bands: smallest to largest. Dotted: a look-up model, in which one layer \
             decides on each datapoint; its loss falls along a straight line too. Left: the settings of the \
             experiment; right: the opposite choices.",
            |part| models.loss(part),
        ),
        side_by_side(
            NAMES[1],
            "Loss of a few random datapoints after each layer, at the largest N that is learned; one line a datapoint.",
            |part| models.single(part, "loss", |r| r.value),
        ),
        side_by_side(
            NAMES[2],
            "Fraction of the datapoints whose loss is below the threshold after each layer. Lines: means over seeds, \
             bands: smallest to largest. Dotted: a look-up model, in which each layer makes as many datapoints right \
             as any other.",
            |part| models.learned(part),
        ),
        side_by_side(
            NAMES[3],
            "Fraction of the datapoints that are right after each layer at the largest N, told in three ways: the loss \
             is below the threshold; the correct logit is the largest; it is the largest through an affine lens that \
             was fitted on other datapoints. Means over seeds, bands: smallest to largest.",
            |part| models.ways(part),
        ),
    ];
    figures.push(
        Figure::new(
            NAMES[4],
            "Norm of the gradient of the correct output with respect to the weight matrices of each layer. Left: \
             random datapoints of one model one by one. Right: each layer's share of the sum over the layers, median \
             over datapoints, mean over seeds; dotted: an untrained model.",
        )
        .panel(models.single(Part::Point, "gradient norm", |r| r.gradient_norm))
        .panel(models.gradient_share()),
    );
    figures.push(models.who_decides());
    figures.push(models.during_training());
    figures.push(capacity(&tables.rows::<OfCapacity>()));
    figures
}

fn side_by_side(name: &str, caption: &str, panel: impl Fn(Part) -> Panel) -> Figure {
    let panels = SIDE_BY_SIDE.map(panel);
    panels
        .into_iter()
        .fold(Figure::new(name, caption), Figure::panel)
}

/// A column of a table, by its rows.
type Column<Row> = fn(&Row) -> f64;

/// What the tables say of the models.
struct Models {
    summaries: Vec<Summary>,
    layers: Vec<Layer>,
    decisive: Vec<Decisive>,
    datapoints: Vec<Datapoint>,
    looks: Vec<Evaluation>,
}

/// For each x the mean, the smallest and the largest of the values there.
fn over_seeds(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64, f64, f64)> {
    let points: Vec<(f64, f64)> = points.filter(|p| p.1.is_finite()).collect();
    let at = |x: f64| {
        let values: Vec<f64> = points.iter().filter(|p| p.0 == x).map(|p| p.1).collect();
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        (
            x,
            mean(&values),
            values.iter().copied().fold(low, f64::min),
            values.iter().copied().fold(high, f64::max),
        )
    };
    let places = points.iter().map(|p| p.0).levels();
    places.into_iter().map(at).collect()
}

/// Adds the mean over seeds as a line with its points marked, and the range as a band.
fn add(panel: Panel, role: Role, label: &str, points: Vec<(f64, f64, f64, f64)>) -> Panel {
    let band = points.iter().map(|&(x, _, low, high)| (x, low, high));
    let points = points.iter().map(|&(x, mean, ..)| (x, mean));
    panel
        .mark(Mark::Band {
            role,
            points: band.collect(),
        })
        .dotted(role, label, points.collect::<Vec<_>>())
}

/// An axis from 0 to the largest of the values.
fn from_zero(label: &str, values: impl Iterator<Item = f64>) -> Axis {
    let highest = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
    match highest > 0.0 {
        true => Axis::linear(label).range(0.0, 1.05 * highest),
        false => Axis::linear(label),
    }
}

impl Models {
    fn of(tables: &Tables) -> Self {
        Models {
            summaries: tables.rows(),
            layers: tables.rows(),
            decisive: tables.rows(),
            datapoints: tables.rows(),
            looks: tables.rows(),
        }
    }

    /// The numbers of datapoints of the trained models of a part.
    fn sizes(&self, part: Part) -> Vec<usize> {
        let ours = self.summaries.iter();
        let ours = ours.filter(|r| (r.part, r.model) == (part, Kind::Trained));
        ours.map(|r| r.n).levels()
    }

    /// The largest of them that every seed has learned, else the smallest of all.
    fn largest_learned(&self, part: Part) -> Option<usize> {
        let sizes = self.sizes(part);
        let learned = |n: &&usize| {
            let ours = self.summaries.iter();
            let mut ours = ours.filter(|r| (r.part, r.model, r.n) == (part, Kind::Trained, **n));
            ours.all(|r| r.learned >= LEARNED)
        };
        sizes.iter().rfind(learned).or(sizes.first()).copied()
    }

    /// What a panel on a part says above itself.
    fn title(&self, part: Part) -> String {
        let first = self.summaries.iter().find(|r| r.part == part);
        let Some(row) = first else {
            return String::new();
        };
        let loss = row.loss.word().replace('-', " ");
        match part {
            Part::Opposite => format!("{loss}, full batches, {} layers", row.layers),
            _ => format!("{loss}, minibatches, {} layers", row.layers),
        }
    }

    /// A column against the layer over the seeds.
    fn curve(
        &self,
        part: Part,
        kind: Kind,
        n: usize,
        column: impl Fn(&Layer) -> f64,
    ) -> Vec<(f64, f64, f64, f64)> {
        let rows = self.layers.iter();
        let rows = rows.filter(|r| (r.part, r.model, r.n) == (part, kind, n));
        over_seeds(rows.map(|r| (r.layer as f64, column(r))))
    }

    /// A curve for each N and, dotted, that of the look-up model of the largest one.
    fn panel(&self, part: Part, y: Axis, column: impl Fn(&Layer) -> f64) -> Panel {
        let mut panel = Panel::new(self.title(part), Axis::linear("after layer l"), y);
        let sizes = self.sizes(part);
        for (role, n) in Role::steps(sizes.clone()) {
            let points = self.curve(part, Kind::Trained, n, &column);
            panel = add(panel, role, &format!("N = {n}"), points);
        }
        if let (Part::Point, Some(&n)) = (part, sizes.last()) {
            let points = self.curve(part, Kind::LookUp, n, &column).into_iter();
            let points: Vec<_> = points.map(|p| (p.0, p.1)).collect();
            panel = panel.dotted(Role::Control, "look-up model", points);
        }
        panel
    }

    fn loss(&self, part: Part) -> Panel {
        let trained = self.layers.iter();
        let trained = trained.filter(|r| (r.part, r.model) == (part, Kind::Trained));
        let y = from_zero("mean loss", trained.map(|r| r.mean_loss));
        self.panel(part, y, |r| r.mean_loss)
    }

    fn learned(&self, part: Part) -> Panel {
        let y = Axis::linear("fraction below the threshold").range(0.0, 1.0);
        self.panel(part, y, |r| r.learned)
    }

    /// A column of `datapoints` against the layer for one model, a line each.
    fn single(&self, part: Part, label: &str, column: impl Fn(&Datapoint) -> f64) -> Panel {
        let n = self.largest_learned(part);
        let title = n.map_or(String::new(), |n| format!("{}, N = {n}", self.title(part)));
        let trained = || {
            let rows = self.datapoints.iter();
            rows.filter(|r| (r.part, r.model) == (part, Kind::Trained))
        };
        let seed = trained().map(|r| r.seed).min();
        let ours = trained().filter(|r| (Some(r.n), Some(r.seed)) == (n, seed));
        let rows: Vec<&Datapoint> = ours.collect();
        let y = from_zero(label, rows.iter().map(|r| column(r)));
        let mut panel = Panel::new(title, Axis::linear("after layer l"), y);
        let datapoints = rows.chunk_by(|a, b| a.datapoint == b.datapoint);
        for (i, rows) in datapoints.enumerate() {
            // The input has no block whose gradient it would be.
            let points = rows.iter().map(|r| (r.layer as f64, column(r)));
            let points = points.filter(|p| p.0 > 0.0 || !p.1.is_nan());
            panel = panel.dotted(Role::Other(i as u8), "", points.collect::<Vec<_>>());
        }
        panel
    }

    fn ways(&self, part: Part) -> Panel {
        let mut panel = Panel::new(
            self.title(part),
            Axis::linear("after layer l"),
            Axis::linear("fraction that is right").range(0.0, 1.0),
        );
        let Some(n) = self.sizes(part).last().copied() else {
            return panel;
        };
        let ways: [(&str, Column<Layer>); 3] = [
            ("loss below the threshold", |r| r.learned),
            ("correct logit the largest", |r| r.right),
            ("the same through an affine lens", |r| r.right_affine),
        ];
        for (i, (label, column)) in ways.into_iter().enumerate() {
            let points = self.curve(part, Kind::Trained, n, column);
            panel = add(panel, Role::Other(i as u8), label, points);
        }
        panel
    }

    fn gradient_share(&self) -> Panel {
        let column = |r: &Layer| r.gradient_share;
        let shown = self.layers.iter().filter(|r| {
            r.part == Part::Point && matches!(r.model, Kind::Trained | Kind::Untrained)
        });
        let mut panel = Panel::new(
            self.title(Part::Point),
            Axis::linear("layer l"),
            from_zero("share of the gradient norm", shown.map(column)),
        );
        let sizes = self.sizes(Part::Point);
        for (role, n) in Role::steps(sizes.clone()) {
            let points = self.curve(Part::Point, Kind::Trained, n, column);
            panel = add(panel, role, &format!("N = {n}"), points);
        }
        if let Some(&n) = sizes.last() {
            let points = self
                .curve(Part::Point, Kind::Untrained, n, column)
                .into_iter();
            let points: Vec<_> = points.map(|p| (p.0, p.1)).collect();
            panel = panel.dotted(Role::Control, "untrained model", points);
        }
        panel
    }

    fn who_decides(&self) -> Figure {
        let mut figure = Figure::new(
            NAMES[5],
            "The share of the layer that decides, in units of 1/L, by four measures: the gradient of the correct \
             output, what a layer adds to the correct logit, the drop of the loss, and the rise of the correct logit \
             over all others in the layer from which on a datapoint is right. Dots: medians over the datapoints, one a \
             seed; bars: from their 10 % to their 90 % quantile. Where all layers do the same the share is 1, where \
             one does all it is L. A claim asks for at most 2.",
        );
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
        let largest = self.decisive.iter().map(|r| r.in_layers);
        let largest = largest.filter(|v| v.is_finite()).fold(8.0, f64::max);
        for part in SIDE_BY_SIDE {
            let measures = Measure::ALL.iter().map(|m| m.word());
            let mut panel = Panel::new(
                self.title(part),
                Axis::named("measure", measures),
                Axis::log("share of the layer that decides (1/L)").range(0.2, 1.25 * largest),
            );
            for (i, (kind, role, label)) in kinds.into_iter().enumerate() {
                let ours = self.decisive.iter();
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

    fn during_training(&self) -> Figure {
        let columns: [(&str, Column<Evaluation>); 3] = [
            ("R² of a line through the late layers", |r| r.late_r2),
            ("share of L where half are learned", |r| r.depth),
            ("area before the last layer", |r| r.area),
        ];
        let long = || self.looks.iter().filter(|r| r.part == Part::Long);
        let n = long().map(|r| r.n).next();
        let steps = self.summaries.iter();
        let steps = steps.filter(|r| (r.part, Some(r.n)) == (Part::Point, n));
        let end = steps.map(|r| r.steps).max().unwrap_or(0);
        let mut figure = Figure::new(
            NAMES[6],
            format!(
                "One long training with N = {}: what the criteria look at, read on the way. The models on which the \
                 claims are settled stop at step {end}.",
                n.unwrap_or(0)
            ),
        )
        .columns(3);
        for (label, column) in columns {
            let points: Vec<_> = long().map(|r| (r.step as f64, column(r))).collect();
            let y = Axis::linear(label).range(0.0, 1.0);
            let panel = Panel::new("", Axis::log("training steps"), y);
            figure = figure.panel(panel.line(Role::Other(0), "", points));
        }
        figure
    }
}

/// The fraction learned against the number of pairs, in both ways.
fn capacity(rows: &[OfCapacity]) -> Figure {
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
    )
    .panel(panel.level(LEARNED, "learned"))
}
