//! The figures of `encoders` and what is said of them, from its table.

use super::model::Encoder;
use super::tables::Scores;
use crate::claim::ledger::Ledger;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::observations::Observations;
use crate::stats::{median, peak};
use crate::table::Tables;
use crate::table::record::Word;
use crate::text::number;

pub const NAMES: &[&str] = &["dictionaries", "frontier", "encoder-apart"];

/// The three figures; a panel for each source of data.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let mut dictionaries = Figure::new(
        NAMES[0],
        "How much of what the data are made of is found: mean max cosine similarity of the known directions (true \
         features; input embeddings at x_0) to the dictionary, against the active elements of its codes. One point a λ, \
         medians over seeds.",
    );
    let mut frontier = Figure::new(
        NAMES[1],
        "Explained variance of each encoder's own codes against the active elements; one point a λ, medians over seeds.",
    );
    let mut apart = Figure::new(
        NAMES[2],
        "Encoder and dictionary apart: the loss of the encoder's own codes over that of the best codes on the same \
         dictionary (FISTA), against λ; 1 is an encoder that leaves nothing to gain. Medians over seeds.",
    );
    let rows = tables.rows::<Scores>();
    for source in rows.iter().map(|r| r.source.as_str()).distinct() {
        let curves = |x, y| curves(&rows, source, x, y);
        let curves_of_mmcs = curves(|r| r.l0, |r| r.mmcs);
        // Where no directions are known, nothing has an MMCS.
        let known = |(_, points): &Curve| points.iter().any(|p| p.1.is_finite());
        if curves_of_mmcs.iter().any(known) {
            let y = Axis::linear("MMCS to the known directions").range(0.0, 1.0);
            dictionaries = dictionaries.panel(panel(source, l0(), y, curves_of_mmcs));
        }
        let y = Axis::linear("explained variance");
        let fits = curves(|r| r.l0, |r| r.explained_variance);
        frontier = frontier.panel(panel(source, l0(), y, fits));
        let own = curves(|r| r.lambda, |r| r.loss);
        let best = curves(|r| r.lambda, |r| r.fista_loss);
        let ratios = own
            .into_iter()
            .zip(best)
            .map(|((encoder, own), (_, best))| {
                let ratio = own.iter().zip(&best).map(|(a, b)| (a.0, a.1 / b.1));
                (encoder, ratio.collect::<Vec<_>>())
            });
        let ratios = ratios.filter(|(encoder, _)| Encoder::TRAINED.contains(encoder));
        let y = Axis::linear("loss over the best on the same dictionary");
        apart = apart.panel(panel(
            source,
            Axis::log("L1 coefficient λ"),
            y,
            ratios.collect(),
        ));
    }
    vec![dictionaries, frontier, apart]
}

fn l0() -> Axis {
    Axis::log("active elements a sample (L0)")
}

type Column = fn(&Scores) -> f64;
type Curve = (Encoder, Vec<(f64, f64)>);

/// Two columns against each other for each encoder, a point a λ, medians over seeds.
fn curves(rows: &[Scores], source: &str, x: Column, y: Column) -> Vec<Curve> {
    let of = |&encoder: &Encoder| {
        let column = |column: Column| {
            let rows = of_encoder(rows, source, encoder);
            rows.map(|r| (r.lambda, column(r))).medians()
        };
        let points = column(x).into_iter().zip(column(y));
        (encoder, points.map(|(x, y)| (x.1, y.1)).collect())
    };
    Encoder::ALL.iter().map(of).collect()
}

fn of_encoder<'a>(
    rows: &'a [Scores],
    source: &'a str,
    encoder: Encoder,
) -> impl Iterator<Item = &'a Scores> {
    rows.iter()
        .filter(move |r| r.encoder == encoder && r.source == source)
}

fn panel(source: &str, x: Axis, y: Axis, curves: Vec<Curve>) -> Panel {
    let panel = Panel::new(source, x, y);
    curves.into_iter().fold(panel, |panel, (encoder, points)| {
        let role = match encoder {
            Encoder::Linear => Role::Other(0),
            Encoder::TwoLayer => Role::Other(1),
            Encoder::Lista => Role::Other(2),
            Encoder::Free => Role::Other(3),
            Encoder::Truth => Role::Control,
        };
        match points.is_empty() {
            true => panel,
            false => panel.dotted(role, encoder.word(), points),
        }
    })
}

/// Two sentences on who finds the features and what the encoders leave to gain.
pub fn findings(tables: &Tables, _: &Ledger) -> String {
    let rows = tables.rows::<Scores>();
    let synthetic = |encoder: Encoder| of_encoder(&rows, "synthetic", encoder);
    let best = |encoder: Encoder| {
        let mut points = synthetic(encoder).map(|r| (r.lambda, r.mmcs)).medians();
        // The best of those λ at which every seed was trained to its end.
        points.retain(|p| p.1.is_finite());
        peak(&points)
    };
    let (Some(linear), Some(two_layer), Some(lista), Some(free)) = (
        best(Encoder::Linear),
        best(Encoder::TwoLayer),
        best(Encoder::Lista),
        best(Encoder::Free),
    ) else {
        return "Some encoder was not trained to its end, so there is nothing to compare.".into();
    };
    let excess = |encoder: Encoder, lambda: f64| {
        let ours = synthetic(encoder).filter(|r| r.lambda == lambda);
        let ratios: Vec<f64> = ours.map(|r| r.loss / r.fista_loss - 1.0).collect();
        number((1000.0 * median(&ratios)).round() / 10.0)
    };
    format!(
        "At the best λ each, dictionaries of synthetic data come to an MMCS of {} with the linear encoder, {} with the \
         two-layer one, {} with LISTA and {} with free codes. On the dictionary that it has learned (λ = {}), the linear \
         encoder's loss is {} % above that of the best codes, the two-layer one's (λ = {}) {} %.",
        number(linear.1),
        number(two_layer.1),
        number(lista.1),
        number(free.1),
        number(linear.0),
        excess(Encoder::Linear, linear.0),
        number(two_layer.0),
        excess(Encoder::TwoLayer, two_layer.0),
    )
}
