//! The figure of `compositional` and the text of its findings, from its table.

use super::claims::{COMPANY, FEATURES};
use super::readers::{Reader, Reading};
use crate::claim::ledger::Ledger;
use crate::claim::setting::option_of;
use crate::figure::{Axis, Figure, Panel, Role};
use crate::stats::median;
use crate::stats::observations::Observations;
use crate::table::Tables;
use crate::table::record::Word as _;
use crate::text::number;

pub const NAMES: &[&str] = &["company"];

/// Draws R² in known and in new combinations by reader: a panel for each number of features, and one for its control.
pub fn draw(tables: &Tables) -> Vec<Figure> {
    let rows = tables.rows::<Reading>();
    let mut figure = Figure::new(
        NAMES[0],
        "How well the first feature is read on samples that contain it (R²), where it stands beside others as in \
         training and beside others that it never stands beside in training: by a linear probe, by the encoder of a \
         sparse autoencoder (SAE), and by the best codes on its dictionary or on the true directions. Controls: as \
         many dimensions as features. A dot a seed.",
    );
    let sizes = rows
        .iter()
        .map(|r| (r.features, r.dimensions, r.orthogonal));
    for (features, dimensions, orthogonal) in sizes.distinct() {
        let title = match orthogonal {
            true => format!("control: {features} orthogonal features"),
            false => format!("{features} features in {dimensions} dimensions"),
        };
        let names = ["probe", "SAE", "best, SAE's", "best, true"];
        let place =
            |r: &Reading| Reader::ALL.iter().position(|x| *x == r.reader).unwrap_or(0) as f64;
        let ours = || {
            let same = |r: &&Reading| (r.features, r.orthogonal) == (features, orthogonal);
            rows.iter().filter(same)
        };
        let panel = Panel::new(title, Axis::named("", names), Axis::linear("R²"))
            .scatter(
                Role::Other(0),
                "trained combinations",
                ours().map(|r| (place(r) - 0.15, r.r2_known)),
            )
            .scatter(
                Role::Other(1),
                "new combinations",
                ours().map(|r| (place(r) + 0.15, r.r2_new)),
            );
        figure = figure.panel(panel);
    }
    vec![figure]
}

/// Returns some sentences on how well each reader reads the feature in combinations that were not trained.
pub fn findings(tables: &Tables, ledger: &Ledger) -> String {
    let rows = tables.rows::<Reading>();
    // The number of features that the verdict is for, unless no verdict was asked for.
    let point = ledger.cells_of(COMPANY.id).find(|cell| cell.point);
    let features = point.and_then(|cell| option_of(&cell.setting, FEATURES)?.parse().ok());
    let is_first = |r: &&Reading| !r.orthogonal && features.is_none_or(|n: usize| r.features == n);
    let Some(first) = rows.iter().find(is_first) else {
        return "No feature was read.".into();
    };
    let middle = |orthogonal, reader, column: fn(&Reading) -> f64| {
        let ours = rows.iter().filter(|r| {
            (r.features, r.orthogonal, r.reader) == (first.features, orthogonal, reader)
        });
        number(median(&ours.map(column).collect::<Vec<_>>()))
    };
    let known = |reader| middle(false, reader, |r| r.r2_known);
    let new = |reader| middle(false, reader, |r| r.r2_new);
    format!(
        "With {} features in {} dimensions, R² of the feature goes from trained to new combinations from {} to {} for a \
         linear probe, from {} to {} for the encoder of a sparse autoencoder, from {} to {} for the best codes on its \
         dictionary, and from {} to {} for the best codes on the true directions. The autoencoder's nearest element \
         has a cosine of {} with the feature. Where features are orthogonal the probe's R² is {} in trained and {} in new \
         combinations.",
        first.features,
        first.dimensions,
        known(Reader::Probe),
        new(Reader::Probe),
        known(Reader::Encoder),
        new(Reader::Encoder),
        known(Reader::Learned),
        new(Reader::Learned),
        known(Reader::Known),
        new(Reader::Known),
        middle(false, Reader::Encoder, |r| r.cosine),
        middle(true, Reader::Probe, |r| r.r2_known),
        middle(true, Reader::Probe, |r| r.r2_new),
    )
}
