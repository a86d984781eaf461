//! The figures of `unfinished-features`, from its tables.

use super::dictionary::KINDS;
use super::elements::Category;
use super::stream::Basis;
use super::tables::{Element, LayerCost, Sae, Similarity, Stability};
use crate::experiments::many_layers::multilayer::task::Kind;
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::mean;
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::table::record::Word;

pub const NAMES: &[&str] = &[
    "cost-by-layer",
    "reconstruction",
    "elements-by-layer",
    "stability",
    "persistence",
];

/// The value of a cost that is drawn.
type Column = fn(&LayerCost) -> f64;

/// The way in which elements are sorted: by direction or by function.
pub type Sorting = fn(&Element) -> Category;

pub fn draw(tables: &Tables) -> Vec<Figure> {
    vec![
        costs(tables),
        reconstructions(tables),
        shares(tables),
        stability(tables),
        persistence(tables),
    ]
}

/// Returns the number of elements of the point setting, in multiples of the width: at no other size is there a dictionary
/// of all layers. Where there is none at all, the largest size.
pub fn point_ratio(rows: &[LayerCost]) -> Option<usize> {
    let of_all_layers = rows.iter().find(|r| r.basis == Basis::AllLayers);
    let largest = || rows.iter().map(|r| r.ratio).max();
    of_all_layers.map(|r| r.ratio).or_else(largest)
}

fn layer_axis() -> Axis {
    Axis::linear("layer l")
}

/// Draws the cost of every layer, and the fixes.
fn costs(tables: &Tables) -> Figure {
    let rows = tables.rows::<LayerCost>();
    let point = point_ratio(&rows);
    let caption = "What it takes to reconstruct the stream of a layer: the active elements a datapoint at an explained \
        variance of 0.95 (their logarithm interpolated between penalties), and the share of the variance that is left with 10 \
        of them. Lines are medians over the seeds at \
        which that much is explained, points are seeds. The fixes are for the trained model.";
    let mut figure = Figure::new(NAMES[0], caption).of::<LayerCost>();
    let panels: [(&str, Column); 2] = [
        ("active elements a datapoint", |r| r.l0),
        ("unexplained variance with 10 active elements", |r| {
            r.unexplained
        }),
    ];
    for (label, column) in panels {
        let mut panel = Panel::new("", layer_axis(), Axis::log(label));
        let control = KINDS[1].word();
        let lines = [
            (
                KINDS[1],
                Basis::Stream,
                Role::Control,
                format!("control: {control}"),
            ),
            (
                KINDS[0],
                Basis::AllLayers,
                Role::Other(2),
                "one dictionary for all layers".into(),
            ),
            (
                KINDS[0],
                Basis::TunedLens,
                Role::Other(1),
                "tuned lens".into(),
            ),
            (
                KINDS[0],
                Basis::Stream,
                Role::Distributed,
                "trained model".into(),
            ),
        ];
        for (kind, basis, role, name) in lines {
            let ours = rows
                .iter()
                .filter(|r| (r.model, r.basis, Some(r.ratio)) == (kind, basis, point));
            let points: Vec<(usize, f64)> = ours
                .map(|r| (r.layer, column(r)))
                .filter(|p| p.1.is_finite())
                .collect();
            if points.is_empty() {
                continue;
            }
            let seeds = points.iter().map(|&(l, v)| (l as f64, v));
            panel = panel.scatter(role, "", seeds);
            panel = panel.line(role, name, points.iter().copied().medians());
        }
        figure = figure.panel(panel);
    }
    figure
}

/// Draws explained variance against L0, a colour for each layer.
fn reconstructions(tables: &Tables) -> Figure {
    let caption = "Explained variance against the mean number of active elements, a colour a layer, light to dark from the \
        input to the output; the largest dictionaries. A dot a seed and λ; lines through medians over seeds.";
    let mut rows = tables.rows::<Sae>();
    let largest = rows.iter().map(|r| r.ratio).max();
    rows.retain(|r| (r.basis, r.copy, Some(r.ratio)) == (Basis::Stream, 0, largest));
    let mut figure = Figure::new(NAMES[1], caption).of::<Sae>();
    let values = |column: fn(&Sae) -> f64| {
        let finite = rows.iter().map(column).filter(|v| v.is_finite());
        let finite: Vec<f64> = finite.collect();
        let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
        let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (low <= high).then_some((low, high))
    };
    let (l0, variance) = (values(|r| r.l0), values(|r| r.explained_variance));
    for kind in KINDS {
        let mut x = Axis::log("active elements a datapoint (L0)");
        let mut y = Axis::linear("explained variance");
        // The same axes for both models.
        if let (Some((low, high)), Some((least, _))) = (l0, variance) {
            x = x.range(0.8 * low.max(1e-3), 1.25 * high);
            y = y.range(least - 0.02, 1.02);
        }
        let mut panel = Panel::new(kind.word(), x, y);
        let ours: Vec<&Sae> = rows.iter().filter(|r| r.model == kind).collect();
        for (role, layer) in Role::steps(ours.iter().map(|r| r.layer).levels()) {
            let of_layer = || ours.iter().filter(|r| r.layer == layer);
            let along = |column: fn(&Sae) -> f64| of_layer().map(|r| (r.l1, column(r))).medians();
            let (l0, variance) = (along(|r| r.l0), along(|r| r.explained_variance));
            let curve = l0.iter().zip(&variance).map(|(a, b)| (a.1, b.1));
            let label = format!("layer {layer}");
            panel = panel.line(role, label.clone(), curve).scatter(
                role,
                label,
                of_layer().map(|r| (r.l0, r.explained_variance)),
            );
        }
        figure = figure.panel(panel);
    }
    figure
}

/// Returns for each layer and seed the value that `of` gives to the elements, with the layer.
fn by_layer(elements: &[Element], of: impl Fn(&[&Element]) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for layer in elements.iter().map(|r| r.layer).levels() {
        for seed in elements.iter().map(|r| r.seed).levels() {
            let ours = elements
                .iter()
                .filter(|r| (r.layer, r.seed) == (layer, seed));
            let value = of(&ours.collect::<Vec<_>>());
            points.extend(value.map(|v| (layer as f64, v)));
        }
    }
    points
}

/// Returns the elements of the dictionaries of one kind of model in one basis.
pub fn elements(tables: &Tables, kind: Kind, basis: Basis) -> Vec<Element> {
    let mut elements = tables.rows::<Element>();
    elements.retain(|r| (r.model, r.basis) == (kind, basis));
    elements
}

/// Returns for each layer and seed the share of elements that fall in a category, by direction or by function.
pub fn share(elements: &[Element], category: Category, of: Sorting) -> Vec<(f64, f64)> {
    by_layer(elements, |elements| {
        let ours = elements.iter().filter(|r| of(r) == category);
        (!elements.is_empty()).then(|| ours.count() as f64 / elements.len() as f64)
    })
}

/// Adds to a panel some points, and a line through their medians over seeds.
fn over_seeds(panel: Panel, role: Role, label: &str, points: Vec<(f64, f64)>) -> Panel {
    let line = points.iter().copied().medians();
    panel.line(role, label, line).scatter(role, label, points)
}

/// Draws the shares of elements by what they line up with, and by what they are selective for.
fn shares(tables: &Tables) -> Figure {
    let caption = "Share of the living elements of each layer that belong to an input, to an output or to neither. Lines are \
        medians over seeds, points are seeds. By direction is by the cosine with an input embedding or an output direction, by \
        function is by the cosine over datapoints with the indicator of an input or a class.";
    let mut figure = Figure::new(NAMES[2], caption).of::<Element>();
    let looks = [Role::Other(0), Role::Other(1), Role::Other(2)];
    let ways: [(&str, Sorting); 2] = [
        ("by direction", |r| r.category),
        ("by function", |r| r.selective),
    ];
    for (way, of) in ways {
        for kind in KINDS {
            let elements = elements(tables, kind, Basis::Stream);
            let y = Axis::linear("share of living elements").range(-0.02, 1.02);
            let mut panel = Panel::new(format!("{kind}, {way}"), layer_axis(), y);
            for (&category, look) in Category::ALL.iter().zip(looks) {
                let points = share(&elements, category, of);
                panel = over_seeds(panel, look, category.word(), points);
            }
            figure = figure.panel(panel);
        }
    }
    figure
}

/// Draws the similarity of two dictionaries of one layer.
fn stability(tables: &Tables) -> Figure {
    let caption = "Mean largest cosine between the living elements of two dictionaries of one layer that differ by their \
        initial parameters alone. Lines are medians over seeds, points are seeds.";
    let rows = tables.rows::<Stability>();
    let y = Axis::linear("similarity of two trainings (MMCS)").range(0.0, 1.02);
    let mut panel = Panel::new("", layer_axis(), y);
    let looks = [Role::Distributed, Role::Control];
    for (kind, role) in KINDS.into_iter().zip(looks) {
        let points: Vec<(usize, f64)> = rows
            .iter()
            .filter(|r| r.model == kind)
            .map(|r| (r.layer, r.mmcs))
            .collect();
        panel = panel.scatter(role, "", points.iter().map(|&(l, v)| (l as f64, v)));
        panel = panel.line(role, kind.word(), points.into_iter().medians());
    }
    Figure::new(NAMES[3], caption)
        .of::<Stability>()
        .columns(1)
        .panel(panel)
}

/// Draws the persistence of directions over layers, and the similarity of the dictionaries of two layers.
fn persistence(tables: &Tables) -> Figure {
    let caption = "Lines: mean number of following layers, of those that are read, in a row in which an element's direction is \
        still there, by what it lines up with; medians over seeds, points are seeds. Maps: mean max cosine similarity of the \
        dictionary of one layer with that of another, one seed.";
    let mut figure = Figure::new(NAMES[4], caption)
        .of::<Element>()
        .of::<Similarity>();
    let looks = [Role::Other(0), Role::Other(1), Role::Other(2)];
    let curve = |kind: Kind, category: Category| {
        by_layer(&elements(tables, kind, Basis::Stream), |elements| {
            let ours = elements.iter().filter(|r| r.category == category);
            let lengths: Vec<f64> = ours.map(|r| r.persistence as f64).collect();
            (!lengths.is_empty()).then(|| mean(&lengths))
        })
    };
    let read = tables
        .rows::<Element>()
        .iter()
        .map(|r| r.layer)
        .levels()
        .len();
    for kind in KINDS {
        // The same axis for both models.
        let y = Axis::linear("layers that it persists").range(-0.1, read.max(2) as f64 - 0.9);
        let mut panel = Panel::new(kind.word(), layer_axis(), y);
        for (&category, look) in Category::ALL.iter().zip(looks) {
            panel = over_seeds(panel, look, category.word(), curve(kind, category));
        }
        figure = figure.panel(panel);
    }
    for kind in KINDS {
        figure = figure.panel(similarity(tables, kind));
    }
    figure
}

fn similarity(tables: &Tables, kind: Kind) -> Panel {
    let mut rows = tables.rows::<Similarity>();
    rows.retain(|r| r.model == kind);
    let layers = rows.iter().map(|r| r.layer).levels();
    let seed = rows.iter().map(|r| r.seed).min();
    let value = |layer: usize, other: usize| {
        let cell = rows
            .iter()
            .find(|r| (Some(r.seed), r.layer, r.other_layer) == (seed, layer, other));
        cell.map_or(f64::NAN, |r| r.mmcs)
    };
    // A cell for every layer that is read, with its number.
    let names = || layers.iter().map(|l| l.to_string());
    let axis: Vec<f64> = (0..layers.len()).map(|i| i as f64).collect();
    let panel = Panel::new(
        kind.word(),
        Axis::named("other layer", names()),
        Axis::named("layer l", names()),
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
