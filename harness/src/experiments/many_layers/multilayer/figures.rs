//! The figures of `multilayer` and what is said of them, from its tables.

use super::claims::LEARNED;
use super::train::Kind;
use crate::claim::Verdict;
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::{median, peak};
use crate::table::{Cell, Row, Tables, median_by};
use crate::text::number;

pub const NAMES: &[&str] = &[
    "loss-per-layer",
    "single-datapoints",
    "learned-per-layer",
    "gradient-per-layer",
];

/// The four figures, one panel a loss.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let losses: Vec<Sweep> = names(tables, "loss")
        .iter()
        .map(|l| Sweep::new(tables, l))
        .collect();
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
    for sweep in &losses {
        let [loss, single, learned, gradient] = figures;
        figures = [
            loss.panel(sweep.loss()),
            single.panel(sweep.single("value", "loss of x_l")),
            learned.panel(sweep.learned()),
            gradient
                .panel(sweep.single("gradient_norm", "gradient norm"))
                .panel(sweep.share()),
        ];
    }
    figures.into()
}

/// The models trained with one loss.
struct Sweep<'a> {
    tables: &'a Tables,
    loss: String,
}

impl<'a> Sweep<'a> {
    fn new(tables: &'a Tables, loss: &str) -> Self {
        Sweep {
            tables,
            loss: loss.into(),
        }
    }

    fn rows(&self, table: &str, kind: Kind) -> impl Iterator<Item = Row<'a>> {
        let rows = self.tables.get(table).rows();
        let loss = self.loss.clone();
        rows.filter(move |r| r.text("loss") == loss && r.text("model") == kind.name())
    }

    /// The numbers of datapoints at which there are models of a kind.
    fn sizes(&self, kind: Kind) -> Vec<i64> {
        let mut sizes: Vec<i64> = self.rows("models", kind).map(|r| r.int("n")).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// A column of `models` at one size, one value a seed.
    fn values(&self, kind: Kind, n: i64, column: &str) -> Vec<f64> {
        let rows = self.rows("models", kind).filter(|r| r.int("n") == n);
        rows.map(|r| r.real(column)).collect()
    }

    /// The largest size that every seed has learned, else the smallest of all.
    fn largest_learned(&self) -> Option<i64> {
        let sizes = self.sizes(Kind::Trained);
        let learned = |n: &&i64| {
            let values = self.values(Kind::Trained, **n, "learned");
            values.iter().all(|&v| v >= LEARNED)
        };
        sizes.iter().rfind(learned).or(sizes.first()).copied()
    }

    /// A column of `layers` against the layer at one size, median over seeds.
    fn curve(&self, kind: Kind, n: i64, column: &str) -> Vec<(f64, f64)> {
        let rows = self.rows("layers", kind).filter(|r| r.int("n") == n);
        median_by(rows.map(|r| (r.real("layer"), r.real(column))))
    }

    /// A curve for every size and, dotted, those of a control.
    fn panel(&self, column: &str, y: Axis, control: Kind) -> Panel {
        let sizes = self.sizes(Kind::Trained);
        let mut panel = Panel::new(self.title(), Axis::linear("layer l"), y);
        for (index, &n) in sizes.iter().enumerate() {
            let role = Role::Step {
                index,
                of: sizes.len(),
            };
            let points = self.curve(Kind::Trained, n, column);
            panel = panel.dotted(role, format!("N = {n}"), from_first_block(points));
        }
        for n in self.sizes(control) {
            let points = self.curve(control, n, column);
            panel = panel.dotted(Role::Control, control.name(), from_first_block(points));
        }
        panel
    }

    fn loss(&self) -> Panel {
        let sizes = self.sizes(Kind::Trained);
        let trained = sizes
            .iter()
            .flat_map(|&n| self.curve(Kind::Trained, n, "mean_loss"));
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
        self.panel("mean_loss", y, Kind::Untrained)
    }

    fn learned(&self) -> Panel {
        let y = Axis::linear("fraction learned").range(0.0, 1.0);
        self.panel("learned", y, Kind::Decisive)
    }

    fn share(&self) -> Panel {
        let y = Axis::linear("share of the gradient norm");
        let panel = self.panel("gradient_share", y, Kind::Decisive);
        let layers = self
            .rows("layers", Kind::Trained)
            .map(|r| r.int("layer"))
            .max();
        match layers {
            Some(layers) => panel.level(2.0 / layers as f64, "2/L"),
            None => panel,
        }
    }

    /// A column of `datapoints` against the layer for one model, a line each.
    fn single(&self, column: &str, label: &str) -> Panel {
        let n = self.largest_learned();
        let title = n.map_or(self.title(), |n| format!("{}, N = {n}", self.title()));
        let mut panel = Panel::new(title, Axis::linear("layer l"), Axis::linear(label));
        let seed = self
            .rows("datapoints", Kind::Trained)
            .map(|r| r.int("seed"))
            .min();
        let ours = |r: &Row| Some(r.int("n")) == n && Some(r.int("seed")) == seed;
        let rows: Vec<Row> = self
            .rows("datapoints", Kind::Trained)
            .filter(ours)
            .collect();
        let datapoints: Vec<&[Row]> = rows
            .chunk_by(|a, b| a.int("datapoint") == b.int("datapoint"))
            .collect();
        for (i, rows) in datapoints.iter().enumerate() {
            let points = rows.iter().map(|r| (r.real("layer"), r.real(column)));
            panel = panel.dotted(Role::Other(i as u8), "", from_first_block(points.collect()));
        }
        panel
    }

    fn title(&self) -> String {
        self.loss.replace('-', " ")
    }
}

/// The values of a text column of `models`.
fn names(tables: &Tables, column: &str) -> Vec<String> {
    let cells = tables.get("models").distinct(column).into_iter();
    cells
        .map(|cell| match cell {
            Cell::Text(name) => name,
            other => unreachable!("{other:?} in a column of text"),
        })
        .collect()
}

/// A curve without its point at x₀ if there is no block whose value it would be.
fn from_first_block(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let has_value = |p: &(f64, f64)| p.0 > 0.0 || !p.1.is_nan();
    points.into_iter().filter(has_value).collect()
}

/// What the tables show: two sentences a loss, and which claims came out otherwise.
pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let losses = names(tables, "loss");
    let said = losses
        .iter()
        .filter_map(|loss| say(&Sweep::new(tables, loss)));
    let mut said: Vec<String> = said.collect();
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
        said.push(format!("Not as the post has it: {}.", otherwise.join(", ")));
    }
    said.join(" ")
}

/// Two sentences on the models of one loss; nothing if all of them diverged.
fn say(sweep: &Sweep) -> Option<String> {
    let n = sweep.largest_learned()?;
    let at = |n: i64, column: &str| median(&sweep.values(Kind::Trained, n, column));
    let loss = sweep.curve(Kind::Trained, n, "mean_loss");
    let (_, last) = *loss.last()?;
    let peak = peak(&loss)?;
    let sizes = sweep.sizes(Kind::Trained);
    let (learned, missed): (Vec<i64>, Vec<i64>) =
        sizes.iter().partition(|&&n| at(n, "learned") >= LEARNED);
    let missed = match missed[..] {
        [] => String::new(),
        [n, ..] => format!(
            " (of {n} the steps suffice for {})",
            percent(at(n, "learned"))
        ),
    };
    let areas = match learned[..] {
        [small, .., large] => format!(
            ", and over x_0 to x_{{L−1}} the mean fraction learned goes from {} at N = {small} to {} at N = {large}",
            percent(at(small, "area")),
            percent(at(large, "area")),
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
        number(at(n, "late_r2")),
        percent(at(n, "largest_share")),
        percent(at(n, "learned_before_last")),
        percent(at(n, "learned")),
    ))
}

fn percent(share: f64) -> String {
    format!("{} %", number((1000.0 * share).round() / 10.0))
}
