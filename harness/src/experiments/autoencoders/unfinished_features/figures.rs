//! The figures of `unfinished-features` and what is said of them, from its tables.

use super::elements::Category;
use crate::claim::ledger::Ledger;
use crate::experiments::many_layers::multilayer::train::Kind;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::{mean, median, peak};
use crate::table::{Row, Tables, median_by};
use crate::text::number;

pub const NAMES: &[&str] = &["unfinished-by-layer", "reconstruction", "persistence"];

/// The models, the control last.
const KINDS: [Kind; 2] = [Kind::Trained, Kind::Decisive];

/// The three figures; a panel a model in each.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let mut shares = Figure::new(
        NAMES[0],
        "Share of the living dictionary elements of each layer that line up with an input embedding, an output \
         direction, or neither; medians over seeds. Right: the decisive-layer control.",
    );
    let mut fits = Figure::new(
        NAMES[1],
        "Explained variance against the mean number of active elements, one line a layer (light to dark from the \
         input to the output), median over seeds.",
    );
    let mut lives = Figure::new(
        NAMES[2],
        "Top: mean number of following layers in a row in which an element's direction is still there, by what it \
         lines up with. Bottom: mean max cosine similarity of the dictionary of one layer with that of another, one \
         seed.",
    );
    for kind in KINDS {
        shares = shares.panel(of_categories(
            kind,
            Axis::linear("share of living elements").range(0.0, 1.0),
            |category| share_by_layer(tables, kind, category),
        ));
        fits = fits.panel(reconstruction(tables, kind));
        lives = lives.panel(of_categories(
            kind,
            Axis::linear("layers that it persists"),
            |category| persistence_by_layer(tables, kind, category),
        ));
    }
    for kind in KINDS {
        lives = lives.panel(similarity(tables, kind));
    }
    vec![shares, fits, lives]
}

fn rows<'a>(tables: &'a Tables, table: &str, kind: Kind) -> impl Iterator<Item = Row<'a>> {
    let rows = tables.get(table).rows();
    rows.filter(move |r| r.text("model") == kind.name())
}

fn distinct(tables: &Tables, table: &str, kind: Kind, column: &str) -> Vec<i64> {
    let mut values: Vec<i64> = rows(tables, table, kind).map(|r| r.int(column)).collect();
    values.sort_unstable();
    values.dedup();
    values
}

fn of_categories(kind: Kind, y: Axis, curve: impl Fn(Category) -> Vec<(f64, f64)>) -> Panel {
    let panel = Panel::new(kind.name(), Axis::linear("layer l"), y);
    let records = [Role::Other(0), Role::Other(1), Role::Other(2)];
    Category::ALL
        .into_iter()
        .zip(records)
        .fold(panel, |panel, (category, look)| {
            panel.dotted(look, category.name(), curve(category))
        })
}

/// For each layer the median over seeds of what `of` makes of the elements of a seed.
fn by_layer(tables: &Tables, kind: Kind, of: impl Fn(&[&Row]) -> Option<f64>) -> Vec<(f64, f64)> {
    let all: Vec<Row> = rows(tables, "elements", kind).collect();
    let mut points = Vec::new();
    for layer in distinct(tables, "elements", kind, "layer") {
        for seed in distinct(tables, "elements", kind, "seed") {
            let ours = all
                .iter()
                .filter(|r| r.int("layer") == layer && r.int("seed") == seed);
            let value = of(&ours.collect::<Vec<_>>());
            points.extend(value.map(|v| (layer as f64, v)));
        }
    }
    median_by(points.into_iter())
}

fn share_by_layer(tables: &Tables, kind: Kind, category: Category) -> Vec<(f64, f64)> {
    by_layer(tables, kind, |elements| {
        let ours = elements
            .iter()
            .filter(|r| r.text("category") == category.name());
        (!elements.is_empty()).then(|| ours.count() as f64 / elements.len() as f64)
    })
}

fn persistence_by_layer(tables: &Tables, kind: Kind, category: Category) -> Vec<(f64, f64)> {
    by_layer(tables, kind, |elements| {
        let ours = elements
            .iter()
            .filter(|r| r.text("category") == category.name());
        let lengths: Vec<f64> = ours.map(|r| r.real("persistence")).collect();
        (!lengths.is_empty()).then(|| mean(&lengths))
    })
}

fn reconstruction(tables: &Tables, kind: Kind) -> Panel {
    let layers = distinct(tables, "dictionaries", kind, "layer");
    let x = Axis::log("active elements a datapoint (L0)");
    let mut panel = Panel::new(kind.name(), x, Axis::linear("explained variance"));
    for (index, &layer) in layers.iter().enumerate() {
        let ours = rows(tables, "dictionaries", kind).filter(|r| r.int("layer") == layer);
        let points = ours.map(|r| (r.real("l1"), (r.real("l0"), r.real("explained_variance"))));
        let points: Vec<_> = points.collect();
        let l0 = median_by(points.iter().map(|&(k, (l0, _))| (k, l0)));
        let variance = median_by(points.iter().map(|&(k, (_, variance))| (k, variance)));
        let curve = l0.iter().zip(&variance).map(|(a, b)| (a.1, b.1));
        let role = Role::Step {
            index,
            of: layers.len(),
        };
        let ends = index == 0 || index + 1 == layers.len() || 2 * index + 1 == layers.len();
        let label = if ends {
            format!("x_{layer}")
        } else {
            String::new()
        };
        panel = panel.dotted(role, label, curve);
    }
    panel
}

fn similarity(tables: &Tables, kind: Kind) -> Panel {
    let layers = distinct(tables, "similarity", kind, "layer");
    let seed = distinct(tables, "similarity", kind, "seed")
        .first()
        .copied();
    let ours: Vec<Row> = rows(tables, "similarity", kind)
        .filter(|r| Some(r.int("seed")) == seed)
        .collect();
    let value = |row: i64, column: i64| {
        let cell = ours
            .iter()
            .find(|r| r.int("layer") == row && r.int("other_layer") == column);
        cell.map_or(f64::NAN, |r| r.real("mmcs"))
    };
    let axis: Vec<f64> = layers.iter().map(|&l| l as f64).collect();
    let panel = Panel::new(
        kind.name(),
        Axis::linear("other layer"),
        Axis::linear("layer l"),
    );
    if layers.is_empty() {
        return panel;
    }
    panel.mark(Mark::Heat(Heat {
        label: "MMCS".into(),
        x: axis.clone(),
        y: axis,
        values: layers
            .iter()
            .map(|&row| layers.iter().map(|&column| value(row, column)).collect())
            .collect(),
        range: Some((0.0, 1.0)),
        diverging: false,
        contour: None,
    }))
}

/// Two sentences on where the unfinished elements are and how long directions persist.
pub fn findings(tables: &Tables, _: &Ledger) -> String {
    let said: Vec<String> = KINDS
        .into_iter()
        .filter_map(|kind| {
            let shares = share_by_layer(tables, kind, Category::Neither);
            let (first, last) = (shares.first()?, shares.last()?);
            let peak = peak(&shares)?;
            let persistence: Vec<f64> =
                rows(tables, "elements", kind).map(|r| r.real("persistence")).collect();
            Some(format!(
                "In the {} model the share of elements that are neither input nor output is largest after layer {}, {}, \
                 against {} at the input and {} at the output; the median element persists for {} further layers.",
                kind.name(),
                peak.0,
                number(peak.1),
                number(first.1),
                number(last.1),
                number(median(&persistence)),
            ))
        })
        .collect();
    if said.is_empty() {
        return "No model of `multilayer` has learned its data, so there is no residual stream to look into.".into();
    }
    said.join(" ")
}
