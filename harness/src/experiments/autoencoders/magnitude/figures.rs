//! The figures of `magnitude` and what is said of them, from its tables.

use super::case::Case;
use super::claims::{SUPPORT, TIED};
use super::example::TARGET;
use super::plane::Encoder;
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::max;
use crate::table::{Cell, Row, Tables, median_by};
use crate::text::number;

pub const NAMES: &[&str] = &["example", "patterns", "shrinkage", "methods"];

/// Where the axis of the share that is left begins.
const LEAST: f64 = 2e-4;

pub fn draw(tables: &Tables) -> Vec<Figure> {
    vec![
        example(tables),
        patterns(tables),
        shrinkage(tables),
        methods(tables),
    ]
}

/// The target (2, 1) under four encoders.
fn example(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[0],
        "The target (2, 1) (black), two features at 45° (grey, dotted) and its reconstruction (blue): weight times \
         element, tip to tail. A tied encoder reads each feature off along itself and so counts what they share twice.",
    );
    for encoder in [
        "tied, no bias",
        "refitted",
        Encoder::Tied.name(),
        Encoder::Untied.name(),
    ] {
        let rows: Vec<Row> = tables
            .get("example")
            .rows()
            .filter(|r| r.text("features") == Case::Pair.name() && r.text("encoder") == encoder)
            .collect();
        let axis = |label| Axis::linear(label).range(-0.2, 4.0);
        let mut panel =
            Panel::new(encoder, axis("x"), Axis::linear("y").range(-0.2, 2.0)).to_scale();
        for (j, row) in rows.iter().enumerate() {
            let element = (row.real("element_x"), row.real("element_y"));
            let name = if j == 0 { "d₁" } else { "d₂" };
            panel = panel.arrow(Role::Control, name, (0.0, 0.0), element);
        }
        panel = panel.arrow(Role::Other(0), "x", (0.0, 0.0), (TARGET[0], TARGET[1]));
        // What the decoder adds beside the elements comes first.
        let end = rows
            .first()
            .map(|r| (r.real("reconstruction_x"), r.real("reconstruction_y")));
        let along = |r: &Row| {
            (
                r.real("weight") * r.real("element_x"),
                r.real("weight") * r.real("element_y"),
            )
        };
        if let Some(end) = end {
            let sum = rows
                .iter()
                .map(along)
                .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            let mut tip = (end.0 - sum.0, end.1 - sum.1);
            for step in rows.iter().map(along) {
                let next = (tip.0 + step.0, tip.1 + step.1);
                panel = panel.arrow(Role::Distributed, "", tip, next);
                tip = next;
            }
            panel = panel.title(format!("{encoder}: x̂ = ({:.2}, {:.2})", end.0, end.1));
        }
        figure = figure.panel(panel);
    }
    figure
}

/// The share of ‖x‖² that is left, by pattern.
fn patterns(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[1],
        "Share of ‖x‖² that trained models in the plane leave, by the features that are on; median over seeds.",
    )
    .columns(3);
    let table = tables.get("patterns");
    for case in table.distinct("features") {
        let rows = || {
            table
                .rows()
                .filter(|r| r.cell("features") == &case && r.int("active") > 0)
        };
        let mut names: Vec<&str> = Vec::new();
        for row in rows() {
            if !names.contains(&row.text("pattern")) {
                names.push(row.text("pattern"));
            }
        }
        let title = match &case {
            Cell::Text(title) => title.clone(),
            _ => String::new(),
        };
        let y = Axis::log("error left / ‖x‖²").range(LEAST, 1.0);
        let mut panel = Panel::new(title, Axis::named("features that are on", names.clone()), y);
        let encoders = [
            (Encoder::Tied, Role::Other(1), -0.3),
            (Encoder::Untied, Role::Distributed, 0.02),
        ];
        for (encoder, role, offset) in encoders {
            let left = rows()
                .filter(|r| r.text("encoder") == encoder.name())
                .map(|r| {
                    let place = names
                        .iter()
                        .position(|n| *n == r.text("pattern"))
                        .unwrap_or(0);
                    (place as f64, r.real("error") / r.real("square"))
                });
            let bins = median_by(left).into_iter();
            let bins = bins.map(|(x, v)| (x + offset, x + offset + 0.28, max([v, LEAST])));
            panel = panel.bars(role, encoder.name(), bins);
        }
        figure = figure.panel(panel);
    }
    if figure.panels.is_empty() {
        figure = figure.panel(Panel::new(
            "",
            Axis::linear("features that are on"),
            Axis::log("error left"),
        ));
    }
    figure
}

/// Codes against strength.
fn shrinkage(tables: &Tables) -> Figure {
    let table = tables.get("shrinkage");
    let rows = |code: &'static str| table.rows().filter(move |r| r.text("code") == code);
    let mut lambdas: Vec<f64> = rows("penalised").map(|r| r.real("lambda")).collect();
    lambdas.sort_by(f64::total_cmp);
    lambdas.dedup();
    let mut panel = Panel::new("", Axis::linear("strength g"), Axis::linear("code"));
    let strongest = rows("penalised")
        .map(|r| r.real("strength"))
        .fold(0.0, f64::max);
    for (index, &lambda) in lambdas.iter().enumerate() {
        let role = Role::Step {
            index,
            of: lambdas.len(),
        };
        let closed = [
            (0.0, 0.0),
            (lambda / 2.0, 0.0),
            (strongest, (strongest - lambda / 2.0).max(0.0)),
        ];
        let trained = rows("penalised").filter(|r| r.real("lambda") == lambda);
        let trained = median_by(trained.map(|r| (r.real("strength"), r.real("trained"))));
        panel = panel.line(role, format!("max(0, g − λ/2), λ = {lambda}"), closed);
        panel = panel.scatter(role, "", trained);
    }
    let control = median_by(rows("control").map(|r| (r.real("strength"), r.real("trained"))));
    panel = panel.scatter(Role::Control, "control: no penalty", control);
    Figure::new(
        NAMES[2],
        "Code of one unit feature against its strength: trained SAEs (points, median over seeds) on the closed form (lines).",
    )
    .columns(1)
    .panel(panel)
}

/// Error by method.
fn methods(tables: &Tables) -> Figure {
    let table = tables.get("methods");
    let names: Vec<String> = table
        .distinct("method")
        .into_iter()
        .filter_map(|c| match c {
            Cell::Text(name) => Some(name),
            _ => None,
        })
        .collect();
    let values = |column: &'static str| {
        let rows = table.rows().map(|r| {
            let place = names
                .iter()
                .position(|n| n == r.text("method"))
                .unwrap_or(0);
            (place as f64, r.real(column))
        });
        median_by(rows)
    };
    let bars = |column| {
        values(column)
            .into_iter()
            .map(|(x, v)| (x - 0.35, x + 0.35, v))
    };
    let error = Panel::new(
        "",
        Axis::named("", names.clone()),
        Axis::linear("error left / ‖x‖²"),
    )
    .bars(Role::Distributed, "", bars("error"));
    let l0 = Panel::new(
        "",
        Axis::named("", names.clone()),
        Axis::linear("active elements (L0)"),
    )
    .bars(Role::Other(1), "", bars("l0"));
    Figure::new(
        NAMES[3],
        "Error left on held-out samples and mean number of active elements, by encoder and by what is done to its magnitudes \
         on the active set it found; median over seeds.",
    )
    .columns(1)
    .panel(error)
    .panel(l0)
}

pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let value = |id| ledger.get(id).map_or(f64::NAN, |e| e.value);
    let left = |case: Case, encoder: Encoder| {
        let rows = tables.get("patterns").rows().filter(|r| {
            r.text("features") == case.name()
                && r.text("encoder") == encoder.name()
                && r.int("active") == 2
        });
        let left = median_by(rows.map(|r| (0.0, r.real("error") / r.real("square"))));
        number(left.first().map_or(f64::NAN, |p| p.1))
    };
    let example = tables
        .get("example")
        .rows()
        .find(|r| r.text("features") == Case::Pair.name() && r.text("encoder") == "tied, no bias");
    let at = |column| number(example.map_or(f64::NAN, |r| r.real(column)));
    let error = |method: &str| {
        let rows = tables
            .get("methods")
            .rows()
            .filter(|r| r.text("method") == method);
        let all = median_by(rows.map(|r| (0.0, r.real("error"))));
        all.first().map_or(f64::NAN, |p| p.1)
    };
    format!(
        "Reading (2, 1) by the two true features gives a tied encoder a code {} times as long as the target and a \
         reconstruction of ({}, {}); once trained, an untied SAE leaves a share of {} where both features are on and a tied \
         one {}, since two directions in the plane can be read off exactly or turned until they are orthogonal, but with \
         three features in the plane {} and {} are left. With many features, refitting magnitudes on the right active sets \
         leaves a share of {} of the L1 error, and on all that the SAE finds the error falls from {} to {} of ‖x‖².",
        number(value(TIED.id)),
        at("reconstruction_x"),
        at("reconstruction_y"),
        left(Case::Pair, Encoder::Untied),
        left(Case::Pair, Encoder::Tied),
        left(Case::Three, Encoder::Untied),
        left(Case::Three, Encoder::Tied),
        number(value(SUPPORT.id)),
        number(error("L1")),
        number(error("L1, refitted")),
    )
}
