//! The figures of `magnitude` and what is said of them, from its tables.

use super::case::Case;
use super::claims::{SUPPORT, TIED};
use super::example::{self, Element, TARGET};
use super::methods::{Method, Scores};
use super::plane::{Encoder, Left};
use super::shrinkage::{Code, Shrunk};
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{max, median};
use crate::table::Tables;
use crate::table::record::Word;
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
    for &encoder in example::Encoder::ALL {
        let mut rows = tables.rows::<Element>();
        rows.retain(|r| (r.features, r.encoder) == (Case::Pair, encoder));
        let (x, y) = (Axis::linear("x"), Axis::linear("y"));
        let (x, y) = (x.range(-0.2, 4.0), y.range(-0.2, 2.0));
        let mut panel = Panel::new(encoder.word(), x, y).to_scale();
        for (j, row) in rows.iter().enumerate() {
            let element = (row.element_x, row.element_y);
            let name = if j == 0 { "d₁" } else { "d₂" };
            panel = panel.arrow(Role::Control, name, (0.0, 0.0), element);
        }
        panel = panel.arrow(Role::Other(0), "x", (0.0, 0.0), (TARGET[0], TARGET[1]));
        // What the decoder adds beside the elements comes first.
        let end = rows
            .first()
            .map(|r| (r.reconstruction_x, r.reconstruction_y));
        let along = |r: &Element| (r.weight * r.element_x, r.weight * r.element_y);
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
    let all = tables.rows::<Left>();
    for case in all.iter().map(|r| r.features).distinct() {
        let rows = || all.iter().filter(|r| r.features == case && r.active > 0);
        let names = rows().map(|r| r.pattern.as_str()).distinct();
        let x = Axis::named("features that are on", names.clone());
        let y = Axis::log("error left / ‖x‖²").range(LEAST, 1.0);
        let mut panel = Panel::new(case.word(), x, y);
        let encoders = [
            (Encoder::Tied, Role::Other(1), -0.3),
            (Encoder::Untied, Role::Distributed, 0.02),
        ];
        for (encoder, role, offset) in encoders {
            let left = rows().filter(|r| r.encoder == encoder).map(|r| {
                let place = names.iter().position(|name| *name == r.pattern);
                (place.unwrap_or(0), r.error / r.square)
            });
            let bins = left.medians().into_iter();
            let bins = bins.map(|(x, v)| (x + offset, x + offset + 0.28, max([v, LEAST])));
            panel = panel.bars(role, encoder.word(), bins);
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
    let all = tables.rows::<Shrunk>();
    let rows = |code: Code| all.iter().filter(move |r| r.code == code);
    let lambdas = rows(Code::Penalised).map(|r| r.lambda).levels();
    let mut panel = Panel::new("", Axis::linear("strength g"), Axis::linear("code"));
    let strongest = rows(Code::Penalised)
        .map(|r| r.strength)
        .fold(0.0, f64::max);
    for (role, lambda) in Role::steps(lambdas) {
        let closed = [
            (0.0, 0.0),
            (lambda / 2.0, 0.0),
            (strongest, (strongest - lambda / 2.0).max(0.0)),
        ];
        let trained = rows(Code::Penalised).filter(|r| r.lambda == lambda);
        let trained = trained.map(|r| (r.strength, r.trained)).medians();
        panel = panel.line(role, format!("max(0, g − λ/2), λ = {lambda}"), closed);
        panel = panel.scatter(role, "", trained);
    }
    let control = rows(Code::Control).map(|r| (r.strength, r.trained));
    let control = control.medians();
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
    let rows = tables.rows::<Scores>();
    let methods = rows.iter().map(|r| r.method).distinct();
    let names: Vec<&str> = methods.iter().map(|method| method.word()).collect();
    let bars = |column: fn(&Scores) -> f64| {
        let place = |method| methods.iter().position(|m| *m == method).unwrap_or(0);
        let values = rows.iter().map(|r| (place(r.method), column(r))).medians();
        values.into_iter().map(|(x, v)| (x - 0.35, x + 0.35, v))
    };
    let error = Panel::new(
        "",
        Axis::named("", names.clone()),
        Axis::linear("error left / ‖x‖²"),
    )
    .bars(Role::Distributed, "", bars(|r| r.error));
    let l0 = Panel::new(
        "",
        Axis::named("", names.clone()),
        Axis::linear("active elements (L0)"),
    )
    .bars(Role::Other(1), "", bars(|r| r.l0));
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
    let patterns = tables.rows::<Left>();
    let left = |case: Case, encoder: Encoder| {
        let rows = patterns
            .iter()
            .filter(|r| (r.features, r.encoder, r.active) == (case, encoder, 2));
        let left: Vec<f64> = rows.map(|r| r.error / r.square).collect();
        number(median(&left))
    };
    let elements = tables.rows::<Element>();
    let example = elements
        .iter()
        .find(|r| (r.features, r.encoder) == (Case::Pair, example::Encoder::WithoutBias));
    let at = |column: fn(&Element) -> f64| number(example.map_or(f64::NAN, column));
    let scores = tables.rows::<Scores>();
    let error = |method: Method| {
        let rows = scores.iter().filter(|r| r.method == method);
        number(median(&rows.map(|r| r.error).collect::<Vec<_>>()))
    };
    format!(
        "Reading (2, 1) by the two true features gives a tied encoder a code {} times as long as the target and a \
         reconstruction of ({}, {}); once trained, an untied SAE leaves a share of {} where both features are on and a tied \
         one {}, since two directions in the plane can be read off exactly or turned until they are orthogonal, but with \
         three features in the plane {} and {} are left. With many features, refitting magnitudes on the right active sets \
         leaves a share of {} of the L1 error, and on all that the SAE finds the error falls from {} to {} of ‖x‖².",
        number(value(TIED.id)),
        at(|r| r.reconstruction_x),
        at(|r| r.reconstruction_y),
        left(Case::Pair, Encoder::Untied),
        left(Case::Pair, Encoder::Tied),
        left(Case::Three, Encoder::Untied),
        left(Case::Three, Encoder::Tied),
        number(value(SUPPORT.id)),
        error(Method::L1),
        error(Method::Refitted),
    )
}
