//! The figures of all layers, from their tables.

use super::names;
use super::tables::{Layer, LayerElement, LayerModel, Persistence, Place, Probe, Similarity};
use crate::figure::{Axis, Figure, Heat, Mark, Panel, Role};
use crate::stats::median;
use crate::stats::observations::Observations as _;
use crate::table::Tables;
use crate::table::record::Word as _;

/// The largest number of targets that have a panel of their own; of more, the first ones have.
const SHOWN: usize = 5;

/// Draws all figures of the layers; `same_from` is the cosine or correlation from which elements count as the same.
pub fn draw(tables: &Tables, same_from: f64) -> Vec<Figure> {
    let layers = Layers::of(tables);
    let models: Vec<LayerModel> = tables.rows();
    let mut all = vec![reconstruction(&models, &layers)];
    if models.iter().map(|m| &m.model.cell).distinct().len() > 1 {
        all.push(frontier(&models, &layers));
    }
    all.push(persistence(tables, &layers, same_from));
    // Without a layer in between, all elements are at the input or at the output.
    if layers.0.len() > 2 {
        all.push(places(tables, &layers, same_from));
    }
    all.push(similarity(tables, &layers));
    let probes: Vec<Probe> = tables.rows();
    if !probes.is_empty() {
        all.push(probing(&probes, &layers));
    }
    all
}

/// The names of the layers, in their order.
struct Layers(Vec<String>);

impl Layers {
    fn of(tables: &Tables) -> Layers {
        let layers = tables.rows::<Layer>().into_iter();
        Layers(layers.map(|layer| layer.layer).collect())
    }

    /// Returns the place of a layer on an axis.
    fn at(&self, name: &str) -> f64 {
        let place = self.0.iter().position(|layer| layer == name);
        place.expect("a layer of the table") as f64
    }

    fn axis(&self, label: &str) -> Axis {
        Axis::named(label, names::ticks(&self.0))
    }
}

/// Returns an axis of shares, with room for points at its ends.
fn share_axis(label: &str) -> Axis {
    Axis::linear(label).range(-0.02, 1.02)
}

fn reconstruction(models: &[LayerModel], layers: &Layers) -> Figure {
    let cells: Vec<&str> = models.iter().map(|m| m.model.cell.as_str()).distinct();
    let mut explained = Panel::new("", layers.axis("layer"), Axis::linear("explained variance"));
    let mut dead = Panel::new(
        "",
        layers.axis("layer"),
        share_axis("share of dead elements"),
    );
    for (role, label) in Role::steps(cells) {
        let ours = || models.iter().filter(move |m| m.model.cell == label);
        let of = |measure: fn(&LayerModel) -> f64| {
            ours().map(move |m| (layers.at(&m.layer), measure(m)))
        };
        let curve: fn(&LayerModel) -> f64 = |m| m.model.measures.explained_variance;
        explained = explained.line(role, label, of(curve).medians());
        explained = explained.scatter(role, label, of(curve));
        let curve: fn(&LayerModel) -> f64 = |m| m.model.measures.dead;
        dead = dead.line(role, label, of(curve).medians());
        dead = dead.scatter(role, label, of(curve));
    }
    let caption = "Reconstruction of held-out rows by layer, and the share of elements that none of them switches on. \
                   Lines are medians over seeds, points are models.";
    Figure::new("reconstruction", caption)
        .of::<LayerModel>()
        .panel(explained)
        .panel(dead)
}

/// Draws explained variance against L0, a line for each layer.
fn frontier(models: &[LayerModel], layers: &Layers) -> Figure {
    let mut frontier = Panel::new(
        "",
        Axis::log("active elements (L0)"),
        Axis::linear("explained variance"),
    );
    let largest = models.iter().map(|m| m.model.elements).max();
    for (role, layer) in Role::steps(layers.0.iter().collect()) {
        let ours = models.iter().filter(|m| m.layer == *layer);
        let ours: Vec<&LayerModel> = ours.filter(|m| Some(m.model.elements) == largest).collect();
        let median_of = |cell: &str, measure: fn(&LayerModel) -> f64| {
            let of_cell = ours.iter().filter(|m| m.model.cell == cell);
            median(&of_cell.map(|m| measure(m)).collect::<Vec<_>>())
        };
        let ours_of = ours.iter().map(|m| m.model.cell.as_str()).distinct();
        let mut curve: Vec<(f64, f64)> = ours_of
            .into_iter()
            .map(|cell| {
                let l0 = median_of(cell, |m| m.model.measures.l0);
                (l0, median_of(cell, |m| m.model.measures.explained_variance))
            })
            .collect();
        curve.sort_by(|a, b| a.0.total_cmp(&b.0));
        let points = ours
            .iter()
            .map(|m| (m.model.measures.l0, m.model.measures.explained_variance));
        frontier = frontier
            .line(role, layer, curve)
            .scatter(role, layer, points);
    }
    let caption = "Explained variance of held-out rows against the mean number of active elements, a colour a layer, light to \
                   dark from the first to the last; the largest dictionaries. A dot a model; lines through medians over seeds.";
    Figure::new("frontier", caption)
        .of::<LayerModel>()
        .columns(1)
        .panel(frontier)
}

/// A function that returns the number that is drawn of a layer.
type Column = fn(&Persistence) -> f64;

fn persistence(tables: &Tables, layers: &Layers, same_from: f64) -> Figure {
    let rows: Vec<Persistence> = tables.rows();
    let caption = format!(
        "Share of the elements of a layer that the dictionary of the next layer has, and that a second training on the same \
         layer finds again. By direction: a cosine of decoder rows of at least {same_from}; by function: a correlation of \
         activations over the same rows of at least {same_from}. What a second training does not find, a \
         next layer need not have lost."
    );
    let mut figure = Figure::new("persistence", caption).of::<Persistence>();
    let panels: [(&str, Column, Column); 2] = [
        ("by direction", |r| r.next_direction, |r| r.again_direction),
        ("by function", |r| r.next_function, |r| r.again_function),
    ];
    for (title, next, again) in panels {
        // The last layer has no next one.
        let points = |of: Column| {
            let all = rows.iter().map(move |r| (layers.at(&r.layer), of(r)));
            all.filter(|point| point.1.is_finite())
        };
        let mut panel = Panel::new(
            title,
            layers.axis("layer"),
            share_axis("share of the elements"),
        );
        if points(again).next().is_some() {
            panel = panel.dotted(Role::Control, "a second training finds it", points(again));
        }
        panel = panel.dotted(Role::Distributed, "the next layer has it", points(next));
        figure = figure.panel(panel);
    }
    figure
}

/// A function that returns where an element is found.
type Sorting = fn(&LayerElement) -> Place;

fn places(tables: &Tables, layers: &Layers, same_from: f64) -> Figure {
    let elements: Vec<LayerElement> = tables.rows();
    let rows: Vec<Persistence> = tables.rows();
    let caption = format!(
        "Share of the elements of each layer that the dictionary of the first layer (input), that of the last one (output), \
         both or neither have, by direction and by function, from {same_from}. Those in neither are unfinished; beside \
         them stands the part that a second training on their layer finds again, if there was one. The first and the last \
         layer have their own \
         elements."
    );
    let mut figure = Figure::new("unfinished", caption)
        .of::<LayerElement>()
        .of::<Persistence>();
    let looks = [Role::Relu, Role::Gelu, Role::Control, Role::Distributed];
    let ways: [(&str, Sorting, Column); 2] = [
        (
            "by direction",
            |e| e.direction,
            |r| r.stable_unfinished_direction,
        ),
        (
            "by function",
            |e| e.function,
            |r| r.stable_unfinished_function,
        ),
    ];
    for (title, sorting, stable) in ways {
        let mut panel = Panel::new(
            title,
            layers.axis("layer"),
            share_axis("share of the elements"),
        );
        for (&place, role) in Place::ALL.iter().zip(looks) {
            let share = |layer: &String| {
                let ours = || elements.iter().filter(move |e| e.layer == *layer);
                let here = ours().filter(|e| sorting(e) == place).count();
                (layers.at(layer), here as f64 / ours().count() as f64)
            };
            panel = panel.dotted(role, place.word(), layers.0.iter().map(share));
        }
        let stable = || rows.iter().map(move |r| (layers.at(&r.layer), stable(r)));
        if stable().any(|point| point.1.is_finite()) {
            panel = panel.dotted(Role::Aligned, "neither, but found again", stable());
        }
        figure = figure.panel(panel);
    }
    figure
}

/// A function that returns the number that is drawn of two layers.
type Cell = fn(&Similarity) -> f64;

fn similarity(tables: &Tables, layers: &Layers) -> Figure {
    let rows: Vec<Similarity> = tables.rows();
    let caption = "Mean over the elements of a layer of the largest cosine, and of the largest correlation of activations, with \
                   an element of another layer. On the diagonal: with one of a second training on the same layer. Each map has a \
                   scale of its own.";
    let mut figure = Figure::new("similarity", caption).of::<Similarity>();
    let panels: [(&str, Cell); 2] = [("cosine", |r| r.cosine), ("correlation", |r| r.correlation)];
    for (label, of) in panels {
        let axis: Vec<f64> = (0..layers.0.len()).map(|i| i as f64).collect();
        let value = |layer: &String, other: &String| {
            let mut cells = rows.iter();
            let cell = cells.find(|r| (&r.layer, &r.other_layer) == (layer, other));
            cell.map_or(f64::NAN, of)
        };
        let line = |layer| layers.0.iter().map(|other| value(layer, other)).collect();
        let panel = Panel::new("", layers.axis("other layer"), layers.axis("layer"));
        figure = figure.panel(panel.mark(Mark::Heat(Heat {
            label: label.into(),
            x: axis.clone(),
            y: axis,
            values: layers.0.iter().map(line).collect(),
            range: None,
            diverging: false,
            contour: None,
        })));
    }
    figure
}

fn probing(probes: &[Probe], layers: &Layers) -> Figure {
    let targets: Vec<&str> = probes.iter().map(|p| p.target.as_str()).distinct();
    let score = probes.first().map_or("", |p| p.score.word());
    let chance = probes.iter().map(|p| p.chance).fold(0.0, f64::max);
    let shown = &targets[..targets.len().min(SHOWN)];
    let more = match targets.len() > SHOWN {
        true => format!(" The first {SHOWN} of {} targets.", targets.len()),
        false => String::new(),
    };
    let caption = format!(
        "Linear probes. First panel: their {score} on held-out rows by layer. Then for each target the largest |cosine| of an \
         element's decoder row with the weights of the probe (the direction in which it reads) and with its pattern (the \
         direction in which rows differ that it tells apart); bars hold 95 % of dictionaries of as many random rows of the \
         layer, left of the point for the weights and right of it for the pattern, and the dotted line is what 97.5 % of \
         dictionaries of random directions stay below.{more}"
    );
    let held_out = format!("{score} on held-out rows");
    let mut quality = Panel::new("", layers.axis("layer"), share_axis(&held_out));
    if chance > 0.0 {
        quality = quality.level(chance, "most frequent class");
    }
    let mut panels = Vec::new();
    for (i, &target) in shown.iter().enumerate() {
        let ours = || probes.iter().filter(move |p| p.target == target);
        let points = |of: fn(&Probe) -> f64| ours().map(move |p| (layers.at(&p.layer), of(p)));
        quality = quality.dotted(
            Role::Other(i as u8),
            target,
            points(|p| p.held_out.max(0.0)),
        );
        let bars = |off: f64, low: fn(&Probe) -> f64, high: fn(&Probe) -> f64| {
            ours().map(move |p| (layers.at(&p.layer) + off, low(p), high(p)))
        };
        let mut panel = Panel::new(
            target,
            layers.axis("layer"),
            share_axis("largest |cosine| of an element"),
        );
        if let Some(first) = ours().next() {
            panel = panel.level(first.random_high, "random directions");
        }
        let (weights, pattern) = (Role::Distributed, Role::Aligned);
        panel = panel
            .intervals(
                weights,
                bars(-0.15, |p| p.direction_rows_low, |p| p.direction_rows_high),
            )
            .intervals(
                pattern,
                bars(0.15, |p| p.pattern_rows_low, |p| p.pattern_rows_high),
            )
            .dotted(weights, "weights of the probe", points(|p| p.direction))
            .dotted(pattern, "pattern of the probe", points(|p| p.pattern));
        panels.push(panel);
    }
    let mut figure = Figure::new("probes", caption).of::<Probe>().panel(quality);
    for panel in panels {
        figure = figure.panel(panel);
    }
    figure
}
