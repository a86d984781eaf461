//! The figures of `multilayer` and what is said of them, from its tables.

use super::claims::LEARNED;
use super::settings::Loss;
use super::tables::{Datapoint, Layer, Summary};
use super::train::Kind;
use crate::claim::Verdict;
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{median, peak};
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::number;

pub const NAMES: &[&str] = &[
    "loss-per-layer",
    "single-datapoints",
    "learned-per-layer",
    "gradient-per-layer",
];

/// The four figures, one panel a loss.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let mut figures = [
        Figure::new(
            NAMES[0],
            "Mean loss of the logit lens after each layer over all datapoints, median over seeds; dotted: the \
             untrained model, cut off where it leaves the range of the trained ones.",
        ),
        Figure::new(
            NAMES[1],
            "Loss of the logit lens after each layer for a few random datapoints of one model, at the largest N \
             that is learned; one line a datapoint.",
        ),
        Figure::new(
            NAMES[2],
            "Fraction of the datapoints whose loss is below the threshold after each layer, median over seeds; \
             dotted: the decisive-layer models, in which each datapoint belongs to one layer.",
        ),
        Figure::new(
            NAMES[3],
            "Norm of the gradient of the correct output with respect to the weight matrices of each layer. \
             First the random datapoints of one model one by one, then each layer's share of the sum over \
             layers, median over datapoints and seeds; dotted: the decisive-layer models.",
        ),
    ];
    for sweep in sweeps(tables) {
        let [loss, single, learned, gradient] = figures;
        figures = [
            loss.panel(sweep.loss()),
            single.panel(sweep.single(|r| r.value, "loss of x_l")),
            learned.panel(sweep.learned()),
            gradient
                .panel(sweep.single(|r| r.gradient_norm, "gradient norm"))
                .panel(sweep.share()),
        ];
    }
    figures.into()
}

/// The models trained with one loss.
struct Sweep {
    loss: Loss,
    models: Vec<Summary>,
    layers: Vec<Layer>,
    datapoints: Vec<Datapoint>,
}

/// The models by their loss, in the order in which they were trained.
fn sweeps(tables: &Tables) -> Vec<Sweep> {
    let models = tables.rows::<Summary>();
    let losses = models.iter().map(|r| r.loss).distinct();
    losses.into_iter().map(|l| Sweep::new(tables, l)).collect()
}

impl Sweep {
    fn new(tables: &Tables, loss: Loss) -> Self {
        let mut models = tables.rows::<Summary>();
        models.retain(|r| r.loss == loss);
        let mut layers = tables.rows::<Layer>();
        layers.retain(|r| r.loss == loss);
        let mut datapoints = tables.rows::<Datapoint>();
        datapoints.retain(|r| r.loss == loss);
        Sweep {
            loss,
            models,
            layers,
            datapoints,
        }
    }

    /// The numbers of datapoints at which there are models of a kind.
    fn sizes(&self, kind: Kind) -> Vec<usize> {
        let models = self.models.iter().filter(|r| r.model == kind);
        models.map(|r| r.n).levels()
    }

    /// A column of the trained models of one size, one value a seed.
    fn values(&self, n: usize, column: fn(&Summary) -> f64) -> Vec<f64> {
        let ours = self
            .models
            .iter()
            .filter(|r| (r.model, r.n) == (Kind::Trained, n));
        ours.map(column).collect()
    }

    /// The largest size that every seed has learned, else the smallest of all.
    fn largest_learned(&self) -> Option<usize> {
        let sizes = self.sizes(Kind::Trained);
        let learned = |n: &&usize| {
            let values = self.values(**n, |r| r.learned);
            values.iter().all(|&v| v >= LEARNED)
        };
        sizes.iter().rfind(learned).or(sizes.first()).copied()
    }

    /// A column of `layers` against the layer at one size, median over seeds.
    fn curve(&self, kind: Kind, n: usize, column: fn(&Layer) -> f64) -> Vec<(f64, f64)> {
        let rows = self.layers.iter().filter(|r| (r.model, r.n) == (kind, n));
        rows.map(|r| (r.layer, column(r))).medians()
    }

    /// A curve for every size and, dotted, those of a control.
    fn panel(&self, column: fn(&Layer) -> f64, y: Axis, control: Kind) -> Panel {
        let mut panel = Panel::new(self.title(), Axis::linear("layer l"), y);
        for (role, n) in Role::steps(self.sizes(Kind::Trained)) {
            let points = from_first_block(self.curve(Kind::Trained, n, column));
            panel = panel.dotted(role, format!("N = {n}"), points);
        }
        for n in self.sizes(control) {
            let points = self.curve(control, n, column);
            panel = panel.dotted(Role::Control, control.word(), from_first_block(points));
        }
        panel
    }

    fn loss(&self) -> Panel {
        let sizes = self.sizes(Kind::Trained);
        let trained = sizes
            .iter()
            .flat_map(|&n| self.curve(Kind::Trained, n, |r| r.mean_loss));
        let highest = trained
            .map(|p| p.1)
            .filter(|v| v.is_finite())
            .fold(0.0, f64::max);
        let y = Axis::linear("mean loss of x_l");
        let y = if highest > 0.0 {
            y.range(0.0, 1.05 * highest)
        } else {
            y
        };
        self.panel(|r| r.mean_loss, y, Kind::Untrained)
    }

    fn learned(&self) -> Panel {
        let y = Axis::linear("fraction learned").range(0.0, 1.0);
        self.panel(|r| r.learned, y, Kind::Decisive)
    }

    fn share(&self) -> Panel {
        let y = Axis::linear("share of the gradient norm");
        let panel = self.panel(|r| r.gradient_share, y, Kind::Decisive);
        let trained = self.layers.iter().filter(|r| r.model == Kind::Trained);
        match trained.map(|r| r.layer).max() {
            Some(layers) => panel.level(2.0 / layers as f64, "2/L"),
            None => panel,
        }
    }

    /// A column of `datapoints` against the layer for one model, a line each.
    fn single(&self, column: fn(&Datapoint) -> f64, label: &str) -> Panel {
        let n = self.largest_learned();
        let title = n.map_or(self.title(), |n| format!("{}, N = {n}", self.title()));
        let mut panel = Panel::new(title, Axis::linear("layer l"), Axis::linear(label));
        let trained = || self.datapoints.iter().filter(|r| r.model == Kind::Trained);
        let seed = trained().map(|r| r.seed).min();
        let ours = trained().filter(|r| (Some(r.n), Some(r.seed)) == (n, seed));
        let rows: Vec<&Datapoint> = ours.collect();
        let datapoints = rows.chunk_by(|a, b| a.datapoint == b.datapoint);
        for (i, rows) in datapoints.enumerate() {
            let points = rows.iter().map(|r| (r.layer as f64, column(r)));
            panel = panel.dotted(Role::Other(i as u8), "", from_first_block(points.collect()));
        }
        panel
    }

    fn title(&self) -> String {
        self.loss.word().replace('-', " ")
    }
}

/// A curve without its point at x₀ if there is no block whose value it would be.
fn from_first_block(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let has_value = |p: &(f64, f64)| p.0 > 0.0 || !p.1.is_nan();
    points.into_iter().filter(has_value).collect()
}

/// What the tables show: two sentences a loss, and which claims came out otherwise.
pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let mut said: Vec<String> = sweeps(tables).iter().filter_map(say).collect();
    if said.is_empty() {
        return "No model was trained to its end, so there is nothing to read layer by layer."
            .into();
    }
    let otherwise: Vec<String> = super::claims::CLAIMS
        .iter()
        .filter_map(|claim| ledger.get(claim.id))
        .filter(|entry| entry.verdict != Verdict::Reproduced)
        .map(|entry| format!("{} ({})", entry.id, entry.verdict))
        .collect();
    if !otherwise.is_empty() {
        said.push(format!(
            "These claims did not come out as in the post: {}.",
            otherwise.join(", ")
        ));
    }
    said.join(" ")
}

/// Two sentences on the models of one loss; nothing if all of them diverged.
fn say(sweep: &Sweep) -> Option<String> {
    let n = sweep.largest_learned()?;
    let at = |n: usize, column: fn(&Summary) -> f64| median(&sweep.values(n, column));
    let loss = sweep.curve(Kind::Trained, n, |r| r.mean_loss);
    let (_, last) = *loss.last()?;
    let peak = peak(&loss)?;
    let sizes = sweep.sizes(Kind::Trained);
    let (learned, missed): (Vec<usize>, Vec<usize>) = sizes
        .iter()
        .partition(|&&n| at(n, |r| r.learned) >= LEARNED);
    let missed = match missed[..] {
        [] => String::new(),
        [n, ..] => format!(
            " (at N = {n} only {} are learned in the steps given)",
            percent(at(n, |r| r.learned))
        ),
    };
    let areas = match learned[..] {
        [small, .., large] => format!(
            ", and over x_0 to x_{{L−1}} the mean fraction learned goes from {} at N = {small} to {} at N = {large}",
            percent(at(small, |r| r.area)),
            percent(at(large, |r| r.area)),
        ),
        _ => String::new(),
    };
    Some(format!(
        "With {} and N = {n}{missed}, the mean loss of the logit lens is largest after layer {}, {}, and {} \
         at the end; a straight line through the last half of the layers has R² = {}, and the layer with the \
         largest gradient holds {} of the sum. One layer before the end {} of the datapoints are \
         learned, at the end {}{areas}.",
        sweep.title(),
        peak.0,
        number(peak.1),
        number(last),
        number(at(n, |r| r.late_r2)),
        percent(at(n, |r| r.largest_share)),
        percent(at(n, |r| r.learned_before_last)),
        percent(at(n, |r| r.learned)),
    ))
}

fn percent(share: f64) -> String {
    format!("{} %", number((1000.0 * share).round() / 10.0))
}
