//! The figures of `encoders` and the text of its findings, from its table.

use super::claims::{EQUAL, LAMBDA, LINEAR};
use super::model::{Budget, Encoder};
use super::settings::POINT;
use super::source::COMPRESSED;
use super::tables::Scores;
use crate::claim::ledger::Ledger;
use crate::claim::setting::option_of;
use crate::claim::{Cell, Curve};
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::median;
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::{number, percent};

pub const NAMES: &[&str] = &["excess", "supports", "dictionaries", "frontier"];

/// Draws all figures: how near encoders are to the best codes and to the truth by coherence, then dictionaries and
/// codes by source of data.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let mut rows = tables.rows::<Scores>();
    rows.retain(|r| r.budget == Budget::All);
    let mut dictionaries = Figure::new(
        NAMES[2],
        "How much of what the data are made of is found: mean max cosine similarity of the known directions (true \
         features; input embeddings before the first layer) to the dictionary, against the active elements of its codes. A dot a seed \
         and λ; lines through medians over seeds.",
    ).of::<Scores>();
    let mut frontier = Figure::new(
        NAMES[3],
        "Explained variance of each encoder's own codes against the active elements. A dot a seed and λ; lines through \
         medians over seeds.",
    ).of::<Scores>();
    for source in rows.iter().map(|r| r.source.as_str()).distinct() {
        let ours: Vec<&Scores> = rows.iter().filter(|r| r.source == source).collect();
        // Where no directions are known, nothing has an MMCS; in the control it is 1.
        if source != COMPRESSED && ours.iter().any(|r| r.mmcs.is_finite()) {
            let y = Axis::linear("MMCS to the known directions");
            dictionaries = dictionaries.panel(panel(source, l0(), y, &ours, |r| (r.l0, r.mmcs)));
        }
        let y = Axis::linear("explained variance");
        let point = |r: &Scores| (r.l0, r.explained_variance);
        frontier = frontier.panel(panel(source, l0(), y, &ours, point));
    }
    vec![excess(&rows), supports(&rows), dictionaries, frontier]
}

/// Returns the coherences of the synthetic data in the rows, each with the name of its source.
fn coherences(rows: &[Scores]) -> Vec<(f64, &str)> {
    let synthetic = rows.iter().filter(|r| r.source.starts_with("synthetic"));
    let named = synthetic.map(|r| {
        let words = r.source.rsplit(' ').next().unwrap_or_default();
        (words.parse().unwrap_or(0.0), r.source.as_str())
    });
    named.distinct()
}

/// Draws the excess of every encoder against the coherence and in the control, a panel each for each λ.
fn excess(rows: &[Scores]) -> Figure {
    let mut figure = Figure::new(
        NAMES[0],
        "Loss of the encoder's codes above that of the best codes for its dictionary (FISTA), in units of the latter, \
         against the coherence: the cosine of any two features of a group, beside chance. Every encoder at its best \
         learning rate and number of steps. In the controls there are more features than can be read linearly, and the \
         dictionary is held at them. A dot a seed; lines through medians.",
    ).of::<Scores>();
    let lambdas = rows.iter().map(|r| r.lambda).levels();
    for &lambda in &lambdas {
        let mut panel = Panel::new(
            format!("λ = {lambda}"),
            Axis::linear("coherence of the features"),
            Axis::linear("excess of the loss"),
        );
        for encoder in Encoder::TRAINED {
            let points = || {
                coherences(rows)
                    .into_iter()
                    .flat_map(move |(coherence, source)| {
                        let ours = of_encoder(rows, source, encoder);
                        let ours = ours.filter(move |r| r.lambda == lambda);
                        ours.map(move |r| (coherence, r.excess))
                    })
            };
            panel = panel
                .line(role(encoder), label(encoder), points().medians())
                .scatter(role(encoder), label(encoder), points());
        }
        figure = figure.panel(panel);
    }
    lambdas
        .into_iter()
        .map(|lambda| control(rows, lambda))
        .fold(figure, Figure::panel)
}

/// Returns the panel with the excess of every encoder in the control at a λ.
fn control(rows: &[Scores], lambda: f64) -> Panel {
    let panel = Panel::new(
        format!("control: known dictionary, λ = {lambda}"),
        Axis::named("encoder", Encoder::TRAINED.map(label)),
        Axis::linear("excess of the loss"),
    );
    let encoders = Encoder::TRAINED.into_iter().enumerate();
    encoders.fold(panel, |panel, (place, encoder)| {
        let ours = of_encoder(rows, COMPRESSED, encoder).filter(|r| r.lambda == lambda);
        let points = ours.map(|r| (place as f64, r.excess));
        panel.scatter(role(encoder), label(encoder), points)
    })
}

/// Draws the F1 of active sets against the coherence, a panel for each λ.
fn supports(rows: &[Scores]) -> Figure {
    let mut figure = Figure::new(
        NAMES[1],
        "Active elements against the active features (F1) on the dictionary of the linear encoder, all at as many \
         active elements as that has: its own, FISTA's, OMP's, and (control) the largest products with the elements. A \
         dot a seed; lines through medians.",
    ).of::<Scores>();
    let lambdas = rows.iter().map(|r| r.lambda).levels();
    for lambda in lambdas {
        let mut panel = Panel::new(
            format!("λ = {lambda}"),
            Axis::linear("coherence of the features"),
            Axis::linear("F1 of the active elements"),
        );
        let sets: [(&str, Role, Column); 4] = [
            ("linear encoder", role(Encoder::Linear), |r| r.f1),
            ("FISTA", role(Encoder::Free), |r| r.fista_f1),
            ("OMP", Role::Other(4), |r| r.omp_f1),
            ("control: transpose", Role::Control, |r| r.transposed_f1),
        ];
        for (name, role, column) in sets {
            let points = || {
                coherences(rows)
                    .into_iter()
                    .flat_map(move |(coherence, source)| {
                        let ours = of_encoder(rows, source, Encoder::Linear);
                        let ours = ours.filter(move |r| r.lambda == lambda);
                        ours.map(move |r| (coherence, column(r)))
                    })
            };
            panel = panel
                .line(role, name, points().medians())
                .scatter(role, name, points());
        }
        figure = figure.panel(panel);
    }
    figure
}

fn l0() -> Axis {
    Axis::log("active elements a sample (L0)")
}

type Column = fn(&Scores) -> f64;

fn of_encoder<'a>(
    rows: &'a [Scores],
    source: &'a str,
    encoder: Encoder,
) -> impl Iterator<Item = &'a Scores> {
    rows.iter()
        .filter(move |r| r.encoder == encoder && r.source == source)
}

fn role(encoder: Encoder) -> Role {
    match encoder {
        Encoder::Linear => Role::Other(0),
        Encoder::TwoLayer => Role::Other(1),
        Encoder::Lista => Role::Other(2),
        Encoder::Free => Role::Other(3),
        Encoder::Truth => Role::Control,
    }
}

fn label(encoder: Encoder) -> &'static str {
    match encoder {
        Encoder::Linear => "linear",
        Encoder::TwoLayer => "two layers",
        Encoder::Lista => "LISTA",
        Encoder::Free => "free codes",
        Encoder::Truth => "free codes on the true features",
    }
}

/// Returns a panel with a point for each encoder, seed and λ, and lines through medians over seeds.
fn panel(
    source: &str,
    x: Axis,
    y: Axis,
    rows: &[&Scores],
    point: impl Fn(&Scores) -> (f64, f64),
) -> Panel {
    let panel = Panel::new(source, x, y);
    Encoder::ALL.iter().fold(panel, |panel, &encoder| {
        let ours = || rows.iter().filter(|r| r.encoder == encoder);
        if ours().next().is_none() {
            return panel;
        }
        let x = ours().map(|r| (r.lambda, point(r).0)).medians();
        let y = ours().map(|r| (r.lambda, point(r).1)).medians();
        let line = x.into_iter().zip(y).map(|(x, y)| (x.1, y.1));
        panel.line(role(encoder), label(encoder), line).scatter(
            role(encoder),
            label(encoder),
            ours().map(|r| point(r)),
        )
    })
}

/// Returns some sentences on how near encoders are to the best codes, which of them find the features, and whose active
/// sets are the true ones.
pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let mut rows = tables.rows::<Scores>();
    rows.retain(|r| r.budget == Budget::All && r.lambda == POINT);
    let all = coherences(&rows);
    let middle = |source: &str, encoder: Encoder, column: Column| {
        let values = of_encoder(&rows, source, encoder).map(column);
        median(&values.collect::<Vec<_>>())
    };
    let (Some(&(_, plain)), Some(&(most, coherent))) = (all.first(), all.last()) else {
        return "No encoder was trained, so there is nothing to compare.".into();
    };
    let excess = |source, encoder| percent(middle(source, encoder, |r| r.excess));
    let lead = |source, encoder| {
        let of = |encoder| middle(source, encoder, |r| r.excess);
        of(Encoder::Linear) - of(encoder)
    };
    let held = match lead(plain, Encoder::TwoLayer) > EQUAL {
        true => "so even there the linear encoder falls behind",
        false => "so there a hidden layer gains nothing that counts",
    };
    let won = match [Encoder::TwoLayer, Encoder::Lista].map(|e| lead(COMPRESSED, e) > EQUAL) {
        [true, true] => {
            "both stronger encoders come nearer to the best codes, as the argument of the post says"
        }
        [false, true] => "LISTA comes nearer to the best codes, but a hidden layer does not help",
        [true, false] => "a hidden layer comes nearer to the best codes, but LISTA does not",
        [false, false] => "not even there a stronger encoder comes nearer to the best codes",
    };
    let mmcs = |encoder| number(middle(plain, encoder, |r| r.mmcs));
    let f1 = |column| number(middle(plain, Encoder::Linear, column));
    format!(
        "At λ = {POINT}, every encoder at its best learning rate and number of steps: on features at random the loss \
         of the linear encoder is {} above that of the best codes for its dictionary, that of the two-layer one {}, of \
         LISTA {}, {held}; in groups of coherence {most}, {}, {} and {}. In the control, {}, {} and {}: there are more \
         features than can be read linearly, their directions are given, and {won}. The dictionaries come to an MMCS \
         of {}, {} and {}, that of free codes to {}. The active elements of the linear encoder agree with the true \
         ones to an F1 of {}, those of FISTA on its dictionary to {} and those of OMP to {}, all of them as many.{}",
        excess(plain, Encoder::Linear),
        excess(plain, Encoder::TwoLayer),
        excess(plain, Encoder::Lista),
        excess(coherent, Encoder::Linear),
        excess(coherent, Encoder::TwoLayer),
        excess(coherent, Encoder::Lista),
        excess(COMPRESSED, Encoder::Linear),
        excess(COMPRESSED, Encoder::TwoLayer),
        excess(COMPRESSED, Encoder::Lista),
        mmcs(Encoder::Linear),
        mmcs(Encoder::TwoLayer),
        mmcs(Encoder::Lista),
        mmcs(Encoder::Free),
        f1(|r| r.f1),
        f1(|r| r.fista_f1),
        f1(|r| r.omp_f1),
        by_penalty(ledger)
    )
}

/// Returns a sentence on the penalties at which the linear encoder holds its own; nothing if there are fewer than two.
fn by_penalty(ledger: &Ledger) -> String {
    let penalty = |cell: &&Cell| option_of(&cell.setting, LAMBDA).map(str::to_string);
    let penalties: Vec<String> = ledger
        .cells_of(LINEAR.id)
        .filter_map(|cell| penalty(&cell))
        .collect();
    let penalties = penalties.into_iter().distinct();
    if penalties.len() < 2 {
        return String::new();
    }
    let of = |lambda: &String| {
        let cells = ledger.cells_of(LINEAR.id);
        let curve = Curve::of(cells.filter(|cell| penalty(cell).as_ref() == Some(lambda)));
        format!(
            "{} of {} settings at λ = {lambda}",
            curve.held, curve.settings
        )
    };
    format!(
        " Whether it falls behind hangs on the penalty: {} holds in {}.",
        LINEAR.id,
        penalties
            .iter()
            .map(of)
            .collect::<Vec<_>>()
            .join(" and in ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::reference;

    #[test]
    fn every_setting_is_counted_at_its_penalty() {
        let said = by_penalty(&reference::LEDGER);
        let cells = reference::LEDGER.cells_of(LINEAR.id).count();
        let half = format!("of {} settings at λ = ", cells / 2);
        assert!(cells > 0 && said.matches(&half).count() == 2, "{said}");
        assert_eq!(by_penalty(&Ledger::default()), "");
    }
}
