//! The figures of `magnitude` and the text of its findings, from its tables.

use super::case::Case;
use super::claims::{TIED, UNTIED};
use super::example::{self, Element, TARGET};
use super::methods::refit::{Refit, Set};
use super::methods::{Method, Scores};
use super::overlap::Encoded;
use super::plane::{Encoder, Left};
use super::shrinkage::{Code, Shrunk};
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{max, median};
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::{number, percent};

pub const NAMES: &[&str] = &[
    "example",
    "patterns",
    "overlap",
    "shrinkage",
    "methods",
    "refits",
];

/// The lower end of the axis of the share that is left.
const LEAST: f64 = 2e-4;

pub fn draw(tables: &Tables) -> Vec<Figure> {
    vec![
        example(tables),
        patterns(tables),
        overlap(tables),
        shrinkage(tables),
        methods(tables),
        refits(tables),
    ]
}

/// Draws the target (2, 1) under four encoders.
fn example(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[0],
        "The target t = (2, 1) (black), the two elements of a dictionary (grey, dotted) and the reconstruction of t (blue): \
         weight times element, tip to tail, from the bias of the decoder on. A tied encoder reads each feature off along \
         itself and so counts what they share twice; training turns its dictionary away from the features. First seed.",
    ).of::<Element>();
    for &encoder in example::Encoder::ALL {
        let mut rows = tables.rows::<Element>();
        rows.retain(|r| (r.features, r.encoder) == (Case::Pair, encoder));
        let (x, y) = (
            Axis::linear("first coordinate"),
            Axis::linear("second coordinate"),
        );
        let (x, y) = (x.range(-0.2, 4.0), y.range(-0.2, 2.0));
        let mut panel = Panel::new(encoder.word(), x, y).to_scale();
        for row in &rows {
            let element = (row.element_x, row.element_y);
            panel = panel.arrow(Role::Control, "", (0.0, 0.0), element);
        }
        panel = panel.arrow(Role::Other(0), "t", (0.0, 0.0), (TARGET[0], TARGET[1]));
        // The bias of the decoder comes first.
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
            panel = panel.title(format!("{encoder}: t̂ = ({:.2}, {:.2})", end.0, end.1));
        }
        figure = figure.panel(panel);
    }
    figure
}

/// Draws the share of ‖x‖² that is left, by the features that are on.
fn patterns(tables: &Tables) -> Figure {
    let mut figure = Figure::new(
        NAMES[1],
        "Share of ‖x‖² that trained models in the plane leave, by the features that are on; a dot a seed. Shares below 0.0002 \
         are drawn there.",
    ).of::<Left>()
    .columns(3);
    let all = tables.rows::<Left>();
    for case in all.iter().map(|r| r.features).distinct() {
        let rows = || all.iter().filter(|r| r.features == case && r.active > 0);
        let names = rows().map(|r| r.pattern.as_str()).distinct();
        let x = Axis::named("features that are on", names.clone());
        let y = Axis::log("error left / ‖x‖²").range(LEAST, 1.0);
        let mut panel = Panel::new(case.word(), x, y);
        let encoders = [
            (Encoder::Tied, Role::Other(1), -0.15),
            (Encoder::Untied, Role::Distributed, 0.15),
        ];
        for (encoder, role, offset) in encoders {
            let left = rows().filter(|r| r.encoder == encoder).map(|r| {
                let place = names.iter().position(|name| *name == r.pattern);
                let place = place.unwrap_or(0) as f64 + offset;
                (place, max([r.error / r.square, LEAST]))
            });
            panel = panel.scatter(role, encoder.word(), left);
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

/// Draws the excess of the loss of encoders of given features over that of the best codes.
fn overlap(tables: &Tables) -> Figure {
    let all = tables.rows::<Encoded>();
    let excesses = all.iter().map(|r| r.excess).filter(|v| v.is_finite());
    let largest = excesses.fold(8.0, f64::max);
    let ratios = all.iter().map(|r| r.ratio).levels();
    let place = |ratio: f64| {
        let place = ratios.iter().position(|&other| other == ratio);
        place.unwrap_or(0) as f64
    };
    let mut figure = Figure::new(
        NAMES[2],
        "Encoders of a dictionary that is held at the true features: their loss above that of the best codes (FISTA), in units \
         of the latter, by the number of features for each dimension and by the coherence (the cosine of any two of the four \
         features of a group, beside chance). Control: as many orthogonal features as dimensions. Below 0.00001 stands at \
         0.00001. All λ together; a dot a seed \
         and λ, lines through medians.",
    ).of::<Encoded>();
    for &encoder in Encoder::ALL {
        let x = Axis::values("features for each dimension", &ratios);
        let y = Axis::log("excess of the loss").range(1e-5, 1.25 * largest);
        let mut panel = Panel::new(encoder.word(), x, y);
        let ours = |orthogonal| {
            let rows = all.iter().filter(move |r| r.encoder == encoder);
            rows.filter(move |r| r.orthogonal == orthogonal)
        };
        let coherences = ours(false).map(|r| r.coherence).levels();
        for (role, coherence) in Role::steps(coherences) {
            let points = || {
                let rows = ours(false).filter(|r| r.coherence == coherence);
                rows.map(|r| (place(r.ratio), max([r.excess, 1e-5])))
            };
            let label = format!("coherence {coherence}");
            panel =
                panel
                    .line(role, label.clone(), points().medians())
                    .scatter(role, label, points());
        }
        let control = ours(true).map(|r| (place(r.ratio), max([r.excess, 1e-5])));
        figure = figure.panel(panel.scatter(Role::Control, "control: orthogonal", control));
    }
    figure
}

/// Draws the code of one feature against its strength.
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
        let trained = trained.map(|r| (r.strength, r.trained));
        panel = panel.line(role, format!("max(0, g − λ/2), λ = {lambda}"), closed);
        panel = panel.scatter(role, "", trained);
    }
    let control = rows(Code::Control).map(|r| (r.strength, r.trained));
    panel = panel.scatter(Role::Control, "control: no penalty", control);
    Figure::new(
        NAMES[3],
        "Code of one unit feature against its strength: trained SAEs (a dot a seed; they lie on one another) on the closed \
         form (lines).",
    ).of::<Shrunk>()
    .columns(1)
    .panel(panel)
}

/// Draws the error against the number of active elements, a curve for each method along its penalty.
fn methods(tables: &Tables) -> Figure {
    let rows = tables.rows::<Scores>();
    let mut panel = Panel::new(
        "",
        Axis::log("active elements (L0)"),
        Axis::log("error left / ‖x‖²"),
    );
    for (place, method) in rows
        .iter()
        .map(|r| r.method)
        .distinct()
        .into_iter()
        .enumerate()
    {
        let role = match place as u8 {
            number @ 0..6 => Role::Other(number),
            _ => Role::Distributed,
        };
        let ours = || rows.iter().filter(|r| r.method == method);
        let curve = |column: fn(&Scores) -> f64| ours().map(|r| (r.penalty, column(r))).medians();
        let points = curve(|r| r.l0).into_iter().zip(curve(|r| r.error));
        panel = panel
            .line(
                role,
                method.word(),
                points.map(|(l0, error)| (l0.1, error.1)),
            )
            .scatter(role, method.word(), ours().map(|r| (r.l0, r.error)));
    }
    Figure::new(
        NAMES[4],
        "Error left on held-out samples against the mean number of active elements, by encoder and by what is done to the L1 \
         model's magnitudes on the active set that it found. A dot a seed and penalty; lines through medians over seeds.",
    ).of::<Scores>()
    .columns(1)
    .panel(panel)
}

/// Draws the error that refitted magnitudes leave on right sets, and on sets that are wrong by one element.
fn refits(tables: &Tables) -> Figure {
    let rows = tables.rows::<Refit>();
    let mut panel = Panel::new(
        "",
        Axis::log("L1 penalty in multiples of λ"),
        Axis::log("error after the refit over error before"),
    );
    for (set, role, label) in [
        (Set::Right, Role::Distributed, "right set"),
        (Set::OneTooMany, Role::Other(1), "one too many"),
        (Set::OneMissing, Role::Control, "control: one missing"),
    ] {
        let ours = || rows.iter().filter(|r| r.set == set);
        panel = panel
            .line(role, label, ours().map(|r| (r.penalty, r.left)).medians())
            .scatter(role, label, ours().map(|r| (r.penalty, r.left)));
    }
    Figure::new(
        NAMES[5],
        "Non-negative least squares in place of the magnitudes of the L1 model, on the samples whose active set is right: on \
         that set, with one element too many, and (control) with one missing. A dot a seed; lines through medians.",
    ).of::<Refit>()
    .columns(1)
    .panel(panel)
}

pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let value = |id| ledger.get(id).map_or(f64::NAN, |e| e.value);
    let patterns = tables.rows::<Left>();
    let left = |case: Case, encoder: Encoder| {
        let rows = patterns
            .iter()
            .filter(|r| (r.features, r.encoder, r.active) == (case, encoder, 2));
        let left: Vec<f64> = rows.map(|r| r.error / r.square).collect();
        percent(median(&left))
    };
    let elements = tables.rows::<Element>();
    let example = elements
        .iter()
        .find(|r| (r.features, r.encoder) == (Case::Pair, example::Encoder::WithoutBias));
    let at = |column: fn(&Element) -> f64| number(example.map_or(f64::NAN, column));
    let scores = tables.rows::<Scores>();
    let of_l1 = |method: Method, column: fn(&Scores) -> f64| {
        let rows = scores
            .iter()
            .filter(|r| (r.method, r.penalty) == (method, 1.0));
        median(&rows.map(column).collect::<Vec<_>>())
    };
    let error = |method: Method| of_l1(method, |r| r.error);
    let refits = tables.rows::<Refit>();
    let refit = |set: Set| {
        let rows = refits.iter().filter(|r| (r.set, r.penalty) == (set, 1.0));
        let left = median(&rows.map(|r| r.left).collect::<Vec<_>>());
        match left > 2.0 {
            true => format!("{} times", number(left)),
            false => percent(left),
        }
    };
    let orthogonal = ledger.get(UNTIED.id).map_or(f64::NAN, |e| e.control_value);
    let orthogonal = match orthogonal.abs() < 0.001 {
        true => "it is the same to within 0.1 %".into(),
        false => percent(orthogonal),
    };
    let mended = |method: Method| percent(1.0 - error(method) / error(Method::L1));
    format!(
        "Reading (2, 1) by the two true features, a tied encoder without bias makes a code {} times as long as the target \
         and the reconstruction ({}, {}). With two features in the plane, trained untied models leave {} of ‖x‖² where both \
         are on and tied ones {}, since two directions can be read off exactly or turned until they are orthogonal; with \
         three features they leave {} and {}. With twice as many features as dimensions, as the dictionary of an encoder that alone \
         is trained, an untied encoder's loss is {} above that of the best codes; with orthogonal features {}. Of many features, the L1 model has the right active set on {} of the \
         samples. There refitted magnitudes leave {} of its error, with one element too many {}, and with one missing {}. Over all samples, a factor for each element, which can undo shrinkage but not overlap, mends {} of the \
         error, and refitting every active set {}.",
        number(value(TIED.id)),
        at(|r| r.reconstruction_x),
        at(|r| r.reconstruction_y),
        left(Case::Pair, Encoder::Untied),
        left(Case::Pair, Encoder::Tied),
        left(Case::Three, Encoder::Untied),
        left(Case::Three, Encoder::Tied),
        percent(value(UNTIED.id)),
        orthogonal,
        percent(of_l1(Method::L1, |r| r.right)),
        refit(Set::Right),
        refit(Set::OneTooMany),
        refit(Set::OneMissing),
        mended(Method::Scaled),
        mended(Method::Refitted),
    )
}
